"""The demo songs as they are written down, by hand: tune, chords, bass line, groove.

Notes are `NAME:BEATS` (C4 is middle C, `r` rests), a bar a line where it helps. Drums are rows of steps as in
`musiclab.training.studio.songs.styles`. Strumming: `D` down-stroke, `d` softer, `u` up-stroke, `m` damped.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Track:
    """One player: a stem, an instrument of the library, a sound, notes, and a place on the desk."""

    stem: str
    instrument: str  # start of `library/kind/articulation`
    notes: str = ""
    strum: tuple[str, ...] = ()  # a figure for each bar, played on the song's chords
    sound: str = "plain"  # plain, or an amplifier's sound
    low: int = 43  # lowest tone of strummed chords, MIDI
    tones: int = 4
    level_db: float = -9.0  # RMS against the drums' peak
    place: float = 0.0
    wet_db: float = -20.0
    velocity: float = 0.8


@dataclass(frozen=True)
class Tune:
    """A song, written out."""

    name: str
    title: str
    tempo: float
    metre: str
    key: str
    chords: str  # a bar each, separated by |
    sections: tuple[tuple[str, int], ...]  # name, bars
    drums: tuple[dict[str, str], ...]  # a groove for each bar
    kit: tuple[str, ...]
    tracks: tuple[Track, ...]
    swing: float = 0.5
    seed: int = 1
    voice: str = ""
    melody: str = ""  # what the voice sings
    tail: float = 0.8  # seconds after the last bar


ROCK = {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."}
ROCK_PUSH = {"kick": "X.....x.X.x.....", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."}
CHORUS = {
    "kick": "X..x..x.X.x.....",
    "snare": "....X.......X...",
    "open": "x...x...x...x...",
    "hat": "..x...x...x...x.",
}
HATS = {"hat": "x.o.x.o.x.o.x.o.", "kick": "X.......X......."}
FILL = {"kick": "X.......X.......", "snare": "....X.....x.XxXx", "hat": "x.o.x.o.x.......",
        "tom-high": "..........xx....", "tom-low": "..............xx"}  # fmt: skip
CRASH = "X..............."
END = {"kick": CRASH, "crash": CRASH, "snare": "................"}

PAPER_BOATS = Tune(
    name="paper-boats",
    title="Paper Boats",
    tempo=116,
    metre="4/4",
    key="G major",
    chords="G | C | G | D | Em | C | C | D | G | Em | C | D | G | C | G",
    sections=(("intro", 2), ("verse", 4), ("chorus", 8), ("ending", 1)),
    drums=(
        HATS, FILL, {**ROCK, "crash": CRASH}, ROCK_PUSH, ROCK, FILL,
        {**CHORUS, "crash": CRASH}, CHORUS, CHORUS, CHORUS, {**CHORUS, "crash": CRASH}, CHORUS, CHORUS, FILL, END,
    ),
    kit=("gogodze2", "sonic-pi-acoustic"),
    voice="ljspeech-linda-johnson",
    seed=7,
    melody="""
        r:4 r:3 r:.5 D4:.5
        G4:.5 A4:.5 B4:1 B4:.5 A4:.5 G4:1       A4:1.5 F#4:.5 D4:1 r:1
        G4:.5 A4:.5 B4:1 B4:.5 C5:.5 B4:1       G4:1.5 E4:.5 G4:1 r:.5 D4:.5
        E4:.5 G4:.5 C5:1.5 B4:.5 A4:1           A4:.5 B4:.5 A4:1 F#4:1 r:.5 D4:.5
        G4:.5 B4:.5 D5:1.5 C5:.5 B4:1           B4:.5 A4:.5 G4:1 E4:1 r:1
        E4:.5 G4:.5 C5:1.5 B4:.5 A4:1           A4:.5 B4:.5 C5:1 B4:.5 A4:.5 F#4:1
        G4:3 r:1                                E4:.5 G4:.5 E4:.5 D4:.5 C4:.5 E4:.5 D4:1
        G4:3 r:1""",
    tracks=(
        Track("bass", "freepats.electric-bass-YR/electric-bass/finger", level_db=-5, notes="""
            G1:4                                  C2:2 C2:.5 B1:.5 A1:.5 F#1:.5
            G1:1.5 G1:.5 G1:1 B1:.5 G1:.5         D2:1.5 D2:.5 D2:1 C2:.5 D2:.5
            E2:1.5 E2:.5 E2:1 D2:.5 B1:.5         C2:1.5 C2:.5 C2:.5 B1:.5 A1:.5 B1:.5
            C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 B1:.5 C2:.5   D2:.5 D2:.5 D2:.5 D2:.5 D2:.5 C2:.5 A1:.5 F#1:.5
            G1:.5 G1:.5 G1:.5 G1:.5 G1:.5 A1:.5 B1:.5 D2:.5   E2:.5 E2:.5 E2:.5 E2:.5 E2:.5 D2:.5 B1:.5 D2:.5
            C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 C2:.5 B1:.5 C2:.5   D2:.5 D2:.5 D2:.5 D2:.5 D2:.5 C2:.5 A1:.5 F#1:.5
            G1:.5 G1:.5 B1:.5 D2:.5 E2:.5 D2:.5 B1:.5 G1:.5   C2:.5 C2:.5 G1:.5 C2:.5 E2:.5 C2:.5 D2:1
            G1:4"""),
        Track("other", "karoryfer.shinyguitar/acoustic", strum=("D...d.u.D.u.d.u.",) * 14 + ("D...............",),
              level_db=-8, place=-0.85, wet_db=-22, tones=5),
        Track("other", "karoryfer.emilyguitar/electric-clean", sound="crunch", low=47, tones=3, level_db=-7, place=0.85,
              strum=("",) * 6 + ("D.......D.....u.",) * 7 + ("D.......D.......", "D..............."), wet_db=-18),
        Track("other", "splendid-grand-piano/grand-piano", level_db=-7.5, place=0.45, wet_db=-16, notes="""
            B4:.5 D5:.5 G5:1 F#5:.5 D5:1.5        E5:.5 G5:.5 C6:1 B5:.5 A5:.5 G5:.5 F#5:.5
            r:4 r:4 r:4 r:2 B4:.5 C5:.5 D5:.5 E5:.5
            G5:1 E5:1 C5:1 E5:1                   F#5:1 D5:1 A4:1 D5:1
            B4:1 D5:1 G5:1 D5:1                   G5:1 E5:1 B4:1 E5:1
            G5:1 E5:1 C5:1 E5:1                   F#5:1 D5:1 A4:1 D5:1
            B4:1 D5:1 G5:1 D5:1                   E5:1 G5:1 C5:1 F#5:1
            G5:4"""),
    ),
)  # fmt: skip

SHUFFLE = {"kick": "X.......X.......", "snare": "....X.......X...", "hat": "x..xx..xx..xx..x"}
SHUFFLE_PUSH = {"kick": "X.....x.X.......", "snare": "....X..g....X..g", "hat": "x..xx..xx..xx..x"}
SHUFFLE_FILL = {"kick": "X.......X.......", "snare": "....X.......X.xx", "hat": "x..xx..x........",
                "tom-high": "........x.x.....", "tom-low": "..........x.x..."}  # fmt: skip

TWELVE_BARS = Tune(
    name="twelve-bars-home",
    title="Twelve Bars Home",
    tempo=102,
    metre="4/4",
    key="A major",
    chords="A7 | D7 | A7 | A7 | D7 | D7 | A7 | A7 | E7 | D7 | A7 | E7 | A7",
    sections=(("head", 12), ("ending", 1)),
    drums=(
        {**SHUFFLE, "crash": CRASH}, SHUFFLE_PUSH, SHUFFLE, SHUFFLE_FILL, SHUFFLE, SHUFFLE_PUSH, SHUFFLE, SHUFFLE_FILL,
        {**SHUFFLE, "crash": CRASH}, SHUFFLE_PUSH, SHUFFLE, SHUFFLE_FILL, END,
    ),
    kit=("gogodze2", "sonic-pi-acoustic"),
    swing=0.64,
    seed=3,
    tracks=(
        Track("bass", "freepats.electric-bass-YR/electric-bass/pick", level_db=-3, velocity=0.9, notes="""
            A1:1 C#2:1 E2:1 F#2:1    D2:1 F#2:1 A2:1 F#2:1    A1:1 C#2:1 E2:1 F#2:1   G2:1 F#2:1 E2:1 C#2:1
            D2:1 F#2:1 A2:1 B2:1     C3:1 B2:1 A2:1 F#2:1     A1:1 C#2:1 E2:1 F#2:1   A2:.5 G2:.5 F#2:1 E2:1 D#2:1
            E2:1 G#2:1 B2:1 G#2:1    D2:1 F#2:1 A2:1 F#2:1    A1:1 C#2:1 D2:1 D#2:1   E2:1 B1:1 G#1:1 E1:1
            A1:4"""),
        Track("other", "karoryfer.shinyguitar/electric", sound="crunch", level_db=-10, place=-0.55, wet_db=-20,
              strum=("boogie",) * 12 + ("D...............",), low=40, tones=4),
        Track("other", "karoryfer.caveman-cosmonaut/transistor-organ/all_all_all", level_db=-15, place=0.5, wet_db=-15,
              strum=("....u.......u...",) * 12 + ("D...............",), low=56, tones=4),
        Track("other", "karoryfer.weresax/alto-sax", level_db=-7, place=0.1, wet_db=-13, notes="""
            r:.5 E4:.5 G4:.5 A4:1 C5:.5 A4:1           G4:.5 A4:.5 F#4:1 r:2
            r:.5 E4:.5 G4:.5 A4:1 C5:.5 C#5:1          A4:.5 G4:.5 E4:1 r:2
            r:.5 F#4:.5 A4:.5 C5:1 D5:.5 C5:1          A4:.5 C5:.5 A4:.5 F#4:1 r:1.5
            r:.5 E4:.5 G4:.5 A4:1 C5:.5 A4:1           G4:.5 A4:.5 E4:1 r:2
            r:.5 B4:.5 D5:.5 E5:1.5 D5:.5 B4:.5        A4:.5 C5:.5 D5:.5 C5:1 A4:.5 F#4:1
            A4:1 G4:.5 E4:.5 C#4:.5 D4:.5 E4:.5 G4:.5  E4:2 r:2
            A4:4"""),
    ),
)  # fmt: skip

WALTZ_BRUSH = {"kick": "x...........", "rim": "....o...o...", "hat": "....x...x..."}
WALTZ_END = {"kick": "x...........", "crash": "o..........."}

LANTERN_WALTZ = Tune(
    name="lantern-waltz",
    title="Lantern Waltz",
    tempo=126,
    metre="3/4",
    key="D minor",
    chords=(
        "Dm | A7 | Dm | D7 | Gm | Dm | A7 | A7 | Dm | A7 | Dm | D7 | Gm | A7 | Dm | Dm | F | C7 | Gm | A7 | Dm"
    ),
    sections=(("theme", 8), ("theme again", 8), ("close", 5)),
    drums=(WALTZ_BRUSH,) * 20 + (WALTZ_END,),
    kit=("gogodze2", "sonic-pi-acoustic"),
    seed=5,
    tracks=(
        Track("bass", "karoryfer.meatbass/double-bass-pizz", level_db=-5, notes="""
            D2:2 A1:1  A1:2 E2:1  D2:2 F2:1  D2:1 C2:1 A1:1  G1:2 Bb1:1  D2:2 A1:1  A1:2 C#2:1  E2:1 C#2:1 A1:1
            D2:2 A1:1  A1:2 E2:1  D2:2 F2:1  D2:1 C2:1 A1:1  G1:2 D2:1   A1:2 C#2:1 D2:2 A1:1   D2:1 E2:1 D2:1
            F1:2 C2:1  C2:2 G1:1  G1:2 Bb1:1 A1:1 B1:1 C#2:1 D2:3"""),
        Track("other", "splendid-grand-piano/grand-piano", level_db=-11, place=-0.3, wet_db=-14, low=57, tones=3,
              strum=("....u...u...",) * 20 + ("D...........",)),
        Track("other", "ethanwiner-cello/cello", level_db=-9, place=0.3, wet_db=-11, notes="""
            A4:1.5 F4:.5 A4:1    G4:1.5 E4:.5 C#4:1   D4:1 E4:1 F4:1   A4:2 r:1
            Bb4:1.5 A4:.5 G4:1   A4:1.5 G4:.5 F4:1    E4:1 F4:1 G4:1   E4:2 r:1
            A4:1.5 F4:.5 A4:1    G4:1.5 E4:.5 C#4:1   D4:1 E4:1 F4:1   A4:2 C5:1
            Bb4:1.5 A4:.5 G4:1   E4:1 F4:1 C#4:1      D4:3             r:3
            C5:1.5 A4:.5 F4:1    E4:1.5 G4:.5 Bb4:1   A4:1 G4:1 F4:1   E4:1 D4:1 C#4:1   D4:3"""),
    ),
)  # fmt: skip

TUNES = (PAPER_BOATS, TWELVE_BARS, LANTERN_WALTZ)
