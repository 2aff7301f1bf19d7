"""MusicXML 4.0 [1]_ of staves, with an id on every note head.

Written as text: a part of four minutes takes some hundredths of a second, so that it can be written anew while a slider
moves. Tests read it back with music21.

References
----------
.. [1] https://www.w3.org/2021/06/musicxml40/
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from xml.sax.saxutils import quoteattr

from musiclab import theory
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS
from musiclab.notation.attributes import KINDS, SHORT_NAMES, attributes, strung, tempo_mark, written_key
from musiclab.notation.bars import Symbol, split
from musiclab.notation.percussion import sign
from musiclab.notation.spelling import spelled
from musiclab.notation.staves import NoteId, Staff
from musiclab.notation.symbols import Page, Voice, escaped, voice_xml
from musiclab.notes import Chord, Part

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
BRACKET = "<group-symbol>bracket</group-symbol><group-barline>yes</group-barline></part-group>"
OURS = "musiclab"  # the name of what only we read
Mark = tuple[float, str]  # a time in seconds, and what stands at the bar there
Harmonies = dict[int, list[tuple[Fraction, str]]]  # by bar: place in it (quarter lengths), and the XML


def document(
    parts: Sequence[Sequence[Staff]],
    *,
    title: str,
    grid: BeatGrid,
    chords: Sequence[Chord],
    remark: str = "",
    marks: Sequence[Mark] = (),
) -> tuple[str, dict[str, NoteId]]:
    """The text of a score, and the note that each id in it stands for.

    Parameters
    ----------
    parts : sequence of sequence of Staff
        The staves of each part: two that are braced are one instrument; others stand in a bracket.
    title : str
        May be empty.
    grid : BeatGrid
        For metre and tempo, and the beats that chord symbols stand on.
    chords : sequence of Chord
        Above the first staff, at sounding pitch.
    remark : str
        Beside the tempo, such as ``Swing``.
    marks : sequence of Mark
        Above the first staff, at the bars nearest to them.
    """
    page = Page(grid, _divisions(parts))
    page.skip = _pickup([staff for part in parts for staff in part], grid)
    page.rests_together = sum(len(part) for part in parts) == 1
    listed: list[str] = []
    bodies: list[str] = []
    for part in parts:
        names = []
        for staves in [part] if part[0].braced else [[staff] for staff in part]:
            first = not bodies
            name = f"P{len(bodies) + 1}"
            names.append(_listed(name, staves[0], among_others=len(parts) > 1))
            opening = tempo_mark(grid, remark) if first else ""
            above = _marks(marks, grid) if first else {}
            measures = _measures(name, staves, page, chords if first else (), opening, above)
            bodies.append(f'<part id="{name}">{measures}</part>')
        if len(names) > 1:
            names = [f'<part-group type="start" number="1">{BRACKET}', *names, '<part-group type="stop" number="1"/>']
        listed += names
    text = (
        f'{HEAD}<score-partwise version="4.0"><work><work-title>{escaped(title or "Untitled")}</work-title></work>'
        "<identification><encoding><software>musiclab</software></encoding>"
        f"{_remembered([part[0].part for part in parts])}</identification>"
        f"<part-list>{''.join(listed)}</part-list>{''.join(bodies)}</score-partwise>\n"
    )
    return text, page.ids


def _divisions(parts: Sequence[Sequence[Staff]]) -> int:
    """Ticks of a quarter note of which every symbol has a whole number."""
    symbols = (s for part in parts for staff in part for voice in staff.voices for bar in voice for s in bar)
    return math.lcm(2, *{time.denominator for symbol in symbols for time in (symbol.start, symbol.duration)})


def _listed(name: str, staff: Staff, *, among_others: bool) -> str:
    """A part's entry in the list: its name, and its sound for programs that play it."""
    if staff.instrument is DRUMS:
        keys = {f"D{k}": (sign(k).name, k) for k in sorted({note.semitone for note in staff.part.notes})}
        sounds = {
            key: f"<midi-channel>10</midi-channel><midi-unpitched>{k + 1}</midi-unpitched>"
            for key, (_, k) in keys.items()
        }
        names = {key: label for key, (label, _) in keys.items()}
    else:
        names = {"I1": staff.instrument.name}
        sounds = {"I1": f"<midi-program>{staff.instrument.program + 1}</midi-program>"}
    instruments = "".join(
        f'<score-instrument id="{name}-{key}"><instrument-name>{escaped(label)}</instrument-name></score-instrument>'
        for key, label in names.items()
    )
    midi = "".join(f'<midi-instrument id="{name}-{key}">{sound}</midi-instrument>' for key, sound in sounds.items())
    abbreviation = SHORT_NAMES.get(staff.instrument.name, staff.name[:4])
    short = f"<part-abbreviation>{abbreviation}</part-abbreviation>" if among_others and staff.name else ""
    label = f"<part-name>{escaped(staff.name)}</part-name>{short}"
    return f'<score-part id="{name}">{label}{instruments}{midi}</score-part>'


def _measures(
    name: str, staves: Sequence[Staff], page: Page, chords: Sequence[Chord], tempo: str, marks: dict[int, str]
) -> str:
    """All bars of a part."""
    key = written_key(staves[0])
    for staff in staves:
        staff.names = {} if staff.instrument is DRUMS else spelled(staff, key)
    harmonies = _harmonies(chords, page.grid, staves[0], key)
    count = len(staves[0].voices[0])
    skip = page.skip
    rests = _long_rests(staves, {*harmonies, *marks}, count) if page.rests_together else {}
    out = []
    for bar in range(count):
        opening = attributes(staves, page, key) + tempo + strung(staves[0]) if bar == 0 else ""
        opening += marks.get(bar, "")
        if bar in rests:
            style = f"<measure-style><multiple-rest>{rests[bar]}</multiple-rest></measure-style>"
            opening += f"<attributes>{style}</attributes>"
        number = f'number="{bar + (not page.grid.has_pickup)}"' + (' implicit="yes"' if skip and bar == 0 else "")
        music = _bar(name, staves, bar, page, key, harmonies.get(bar, []), skip if bar == 0 else Fraction(0))
        end = '<barline location="right"><bar-style>light-heavy</bar-style></barline>' if bar == count - 1 else ""
        out.append(f"<measure {number}>{opening}{music}{end}</measure>")
    return "".join(out)


def _bar(
    name: str, staves: Sequence[Staff], bar: int, page: Page, key: str,
    harmonies: Sequence[tuple[Fraction, str]], skip: Fraction,
) -> str:  # fmt: skip
    """All voices of a bar, one after the other; chord symbols go with the first."""
    out: list[str] = []
    back = f"<backup><duration>{page.ticks(page.grid.bar_quarters - skip)}</duration></backup>"
    for place, staff in enumerate(staves):
        held: dict[tuple[str, int], int] = {}
        for number, symbols in enumerate((voice[bar] for voice in staff.voices), 1):
            voice = Voice(staff, key, 4 * place + number, place + 1 if len(staves) > 1 else 0, held, name)
            kept = _from(symbols, skip, page.grid)
            out.append(voice_xml(kept, voice, () if out else harmonies, page))
    return back.join(out)


def _pickup(staves: Sequence[Staff], grid: BeatGrid) -> Fraction:
    """How much of the first bar to leave out (quarter lengths): what lies before a pick-up, if all are silent there."""
    skip = (grid.first - 1) * grid.beat_quarters if grid.has_pickup else Fraction(0)
    bars = [voice[0] for staff in staves for voice in staff.voices]
    fits = all(symbol.is_rest or symbol.start >= skip for bar in bars for symbol in bar)
    sounds = any(not symbol.is_rest for bar in bars for symbol in bar)
    at_beat = all(any(symbol.start == skip for symbol in bar) for bar in bars if not _is_empty(bar))
    return skip if fits and sounds and at_beat else Fraction(0)


def _is_empty(bar: Sequence[Symbol]) -> bool:
    """Whether a bar is one rest."""
    return len(bar) == 1 and bar[0].is_rest


def _from(bar: Sequence[Symbol], skip: Fraction, grid: BeatGrid) -> list[Symbol]:
    """The symbols of a bar from a place on; an empty bar is rests up to its end."""
    if skip and _is_empty(bar):
        return [Symbol(a, b - a) for a, b in split(skip, grid.bar_quarters, grid, rest=True)]
    return [symbol for symbol in bar if symbol.start >= skip]


def _marks(marks: Sequence[Mark], grid: BeatGrid) -> dict[int, str]:
    """What stands above bars, by the bar."""
    found: dict[int, str] = {}
    for seconds, text in marks:
        bar = max(0, round((float(grid.beats_at([seconds])[0]) + grid.first - 1) / grid.beats_per_bar))
        mark = f"<rehearsal>{escaped(text)}</rehearsal>"
        found[bar] = f'<direction placement="above"><direction-type>{mark}</direction-type></direction>'
    return found


def _remembered(parts: Sequence[Part]) -> str:
    """What a person has decided, for whoever reads the file with us again: one object for each part."""
    kept = [{"instrument": part.instrument, "decisions": part.decisions.as_dict()} for part in parts]
    if not any(entry["decisions"] for entry in kept):
        return ""
    text = escaped(json.dumps(kept, ensure_ascii=False))
    return f'<miscellaneous><miscellaneous-field name="{OURS}">{text}</miscellaneous-field></miscellaneous>'


def _long_rests(staves: Sequence[Staff], kept: set[int], count: int) -> dict[int, int]:
    """Two and more empty bars in a row, by the first of them: a player counts them as one rest. `kept` bars stay."""
    runs: dict[int, int] = {}

    def is_empty(bar: int) -> bool:
        return bar not in kept and all(len(v[bar]) == 1 and v[bar][0].is_rest for v in staves[0].voices)

    for empty, run in itertools.groupby(range(count), key=is_empty):
        bars = list(run)
        if empty and len(bars) > 1:
            runs[bars[0]] = len(bars)
    return runs


def _harmonies(chords: Sequence[Chord], grid: BeatGrid, staff: Staff, key: str) -> Harmonies:
    """Chord symbols on the beat nearest to where they begin, as the player reads them; none are repeated."""
    semitones = staff.written[0] % 12
    found: dict[int, dict[Fraction, str]] = {}
    last = None
    for chord in chords:
        if chord.symbol in ("N", last):
            continue
        bar, inside = divmod(round(float(grid.beats_at([chord.onset])[0])) + grid.first - 1, grid.beats_per_bar)
        symbol = theory.transpose_symbol(chord.symbol, semitones, key) if semitones else chord.symbol
        root, quality = theory.split_symbol(symbol)
        alter = f"<root-alter>{root.count('#') - root.count('b')}</root-alter>" if root[1:] else ""
        kind = f"<kind text={quoteattr(quality)}>{KINDS[quality]}</kind>"
        # of two on one beat the later one stands: it lasts
        places = found.setdefault(max(bar, 0), {})
        places[inside * grid.beat_quarters] = f"<root><root-step>{root[0]}</root-step>{alter}</root>{kind}"
        last = chord.symbol
    return {bar: sorted(places.items()) for bar, places in found.items()}
