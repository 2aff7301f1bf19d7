"""Drum grooves as rows of steps.

`X` is an accent, `x` a plain stroke, `o` a soft one, `g` a ghost note, `.` nothing. A bar of 4/4 has 16 steps; of
3/4, 6/8 and 12/8 it has 12, of 2/4 8, of 5/4 20 and of 7/8 7. A line of the table is a name, then a drum and its row,
and so on.
"""

from __future__ import annotations

Groove = dict[str, str]

LOUDNESS = {"X": 1.0, "x": 0.75, "o": 0.5, "g": 0.25}

_TABLE = """
    rock          kick X.......X.x.....  snare ....X.......X...  hat x.o.x.o.x.o.x.o.
    rock2         kick X..x....X.x....x  snare ....X.......X..g  hat x.x.x.x.x.x.x.x.
    rock-ride     kick X.....x.X.......  snare ....X.......X...  ride x.x.x.x.x.x.x.x.
    four          kick X...X...X...X...  snare ....X.......X...  hat ..x...x...x...x.
    disco         kick X...X...X...X...  snare ....X.......X...  open ..x...x...x...x.  hat x...x...x...x...
    punk          kick X..x..x.X..x..x.  snare ..X...X...X...X.  hat x.x.x.x.x.x.x.x.
    punk2         kick X.....x.X.x.....  snare ....X.......X...  crash x...x...x...x...
    motown        kick X.......X.x.....  snare X...X...X...X...  hat x.o.x.o.x.o.x.o.
    beat          kick X.....x.X.x.....  snare ....X..X....X...  open x.x.x.x.x.x.x.x.
    surf          kick X...x...X...x...  snare ....X.X.....X...  ride x.x.x.x.x.x.x.x.
    tomtom        kick X...X...X...X...  tom-low x.x.o.x.x.x.o.x.  snare ....X.......X...
    funk          kick X..x....x.X.....  snare ....X..g.g..X..g  hat xoxoxoxoxoxoxoxo
    funk2         kick X.x....x..x.....  snare ....X..g.g.gX...  hat x.x.x.xxx.x.x.x.  open ..............x.
    one-drop      kick ........X.......  snare ........X.......  hat x.o.x.o.x.o.x.oo
    steppers      kick X...X...X...X...  rim ......x...x...x.  hat o.x.o.x.o.x.o.x.
    train         kick X...x...X...x...  snare ggXgggXgggXgggXg
    country       kick X.......X.......  rim ....X.......X...  hat x.x.x.x.x.x.x.x.
    shuffle       kick X.......X.......  snare ....X.......X...  ride x..xx..xx..xx..x
    boogie        kick X...x...X...x...  snare ....X.......X...  hat x..xx..xx..xx..x
    swing         kick o...o...o...o...  ride x...x..xx...x..x  pedal ....x.......x...  snare .......g........
    brushes       kick o.......o.......  snare o...x...o...x...  ride x...x..xx...x..x
    ballad        kick X.......x.......  rim ....x.......x...  hat x...o...x...o...
    hip-hop       kick X.....x..xx.....  snare ....X.......X...  hat x.x.x.x.x.x.xxx.
    boom-bap      kick X..x......X..x..  snare ....X.......X...  hat x.x.x.x.x.x.x.x.
    trap          kick X......x..X.....  snare ........X.......  hat x.x.xxx.x.x.x.xx
    breaks        kick X.x.......xx....  snare ....X..g.g..X..g  hat x.x.x.x.x.x.x.x.
    house         kick X...X...X...X...  clap ....X.......X...  open ..X...X...X...X.  perc ...x..x...x..x..
    synth-pop     kick X...X...X...X...  snare ....X.......X...  hat xoxoxoxoxoxoxoxo
    bossa         kick X..xX..xX..xX..x  rim x..x..x...x..x..  hat x.x.x.x.x.x.x.x.
    son           kick X.....x.X.....x.  perc x.xxx.xxx.xxx.xx  rim x..x..x...x.x...  hat x...x...x...x...
    metal         kick XxXxXxXxXxXxXxXx  snare ....X.......X...  crash x...x...x...x...
    metal2        kick X.xxX.xxX.xxX.xx  snare ....X.......X...  hat x...x...x...x...
    half-time     kick X.....x.....x...  snare ........X.......  crash x...x...x...x...
    waltz         kick X...........  snare ....x...x...  hat x.x.x.x.x.x.
    waltz-jazz    kick o...........  ride x...x..xx...  pedal ....x.......
    six-eight     kick X.........x.  snare ......X.....  hat x.o.o.x.o.o.
    twelve-eight  kick X.....x.....  snare ...X.....X..  ride xxxxxxxxxxxx
    polka         kick X.......  snare ....X...  hat x.x.x.x.
    march         kick X...x...  snare ..x.X.xx
    five          kick X.....x.....X.......  snare ....X.......X...X...  hat x.x.x.x.x.x.x.x.x.x.
    five-jazz     kick X...........x.......  ride x...x..xx...x...x...  pedal ....x.......x...x...
    five-rock     kick X.......x.x.........  snare ....X.......X.......  hat x.x.x.x.x.x.x.x.x.x.
    seven         kick X...X..  snare ..X...X  hat xxxxxxx
    seven-rock    kick X..xX..  snare ..X...X  ride x.x.x.x
    seven-three   kick X..X.X.  snare ....X.X  hat xxxxxxx
"""


def _read(table: str) -> dict[str, Groove]:
    rows = [line.split() for line in table.strip().splitlines()]
    return {row[0]: dict(zip(row[1::2], row[2::2], strict=True)) for row in rows}


GROOVES = _read(_TABLE)
