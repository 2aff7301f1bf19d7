"""Styles as data: tempo, grooves, bass lines, chord progressions, and who plays."""

from __future__ import annotations

from dataclasses import dataclass

# Chords of a progression: semitones over the tonic and a quality of `theory.QUALITIES`; a bar each, "/" halves it.
PROGRESSIONS: dict[str, str] = {
    "axis": "0 7 9m 5",
    "doo-wop": "0 9m 5 7",
    "three": "0 5 7 5",
    "three2": "0 0 5 7",
    "garage": "0 10 5 0",
    "louie": "0/5 7/5 0/5 7/5",
    "vi-start": "9m 5 0 7",
    "pachelbel": "0 7 9m 4m 5 0 5 7",
    "rise": "0 2m 4m 5",
    "ragtime": "0 9:7 2:7 7:7",
    "ii-V": "2m7 7:7 0maj7 9m7",
    "ii-V2": "2m7 7:7 0maj7 0maj7",
    "bridge": "5 0 5 7",
    "blues": "0:7 0:7 0:7 0:7 5:7 5:7 0:7 0:7 7:7 5:7 0:7 7:7",
    "quick-blues": "0:7 5:7 0:7 0:7 5:7 5:7 0:7 0:7 7:7 5:7 0:7 7:7",
    "vamp7": "0:7 0:7 5:7 5:7",
    "one": "0:7 0:7 0:7 0:7",
    "m-axis": "0m 8 3 10",
    "andalusian": "0m 10 8 7",
    "m-three": "0m 5m 7 0m",
    "m-rock": "0m 10 5 0m",
    "m-fall": "0m 3 10 5",
    "m-blues": "0m7 0m7 0m7 0m7 5m7 5m7 0m7 0m7 8maj7 7:7 0m7 7:7",
    "dorian": "0m7 5:7 0m7 5:7",
    "m-ii-V": "2m7b5 7:7 0m7 0m7",
    "metal": "0p 0p 3p 1p",
    "metal2": "0p 8p 10p 0p",
    "punk": "0p 5p 7p 5p",
    "punk2": "0p 8p 3p 10p",
    "drone": "0sus 0sus 10 0sus",
}


@dataclass(frozen=True)
class Style:
    """How a kind of music goes. Lists are words with spaces between; what stands twice is drawn twice as often."""

    name: str
    tempo: tuple[float, float]  # beats per minute
    grooves: str
    bass: str
    progressions: str
    layers: str  # `role/sound ...`: what `other` may play
    metre: str = "4/4"
    swing: tuple[float, float] = (0.5, 0.5)  # where the second half of a beat falls
    kits: str = "acoustic"
    basses: str = "electric-bass"
    vocal_styles: str = "sung"
    weight: float = 1.0
    course: float = 1.0  # how long the song's last beats are beside its first: more than 1 slows down all the way
    ending: float = 1.0  # how long the very last beats are, after a ritardando over the last fifth


STYLES: tuple[Style, ...] = (
    Style(
        "rock",
        (95, 150),
        "rock rock2 rock-ride beat",
        "eighths roots riff",
        "axis garage three m-rock louie m-axis vi-start",
        "power/distorted strum/crunch strum/distorted riff/crunch solo/lead pad/organ comp/piano strum/acoustic"
        " arpeggio/clean",
        weight=3,
    ),
    Style(
        "sixties",
        (100, 170),
        "beat motown rock tomtom",
        "roots walk eighths melodic",
        "doo-wop three louie axis rise garage ragtime",
        "strum/crunch strum/clean arpeggio/clean pad/organ comp/piano line/sax line/strings riff/clean comp/acoustic",
        weight=2.5,
    ),
    Style(
        "punk",
        (150, 200),
        "punk punk2 rock2 beat",
        "eighths",
        "punk punk2 three louie",
        "power/distorted power/crunch strum/distorted strum/crunch riff/distorted solo/lead",
        vocal_styles="sung shout",
        weight=2,
    ),
    Style(
        "pop",
        (85, 130),
        "rock four disco ballad",
        "roots eighths melodic octaves",
        "axis doo-wop vi-start pachelbel rise m-axis",
        "comp/piano strum/acoustic pad/strings arpeggio/clean pad/synth comp/epiano line/winds strum/clean"
        " line/synth-lead",
        weight=2,
    ),
    Style(
        "funk",
        (88, 118),
        "funk funk2 breaks",
        "funk octaves riff",
        "vamp7 one dorian",
        "skank/clean comp/epiano stabs/brass riff/clean stabs/sax comp/organ line/synth-lead",
        weight=1.5,
    ),
    Style(
        "reggae",
        (66, 88),
        "one-drop steppers one-drop",
        "reggae melodic",
        "three m-three m-fall three2 dorian",
        "offbeat/clean offbeat/organ offbeat/piano riff/clean stabs/brass pad/organ",
        swing=(0.5, 0.6),
        weight=1.5,
    ),
    Style(
        "country",
        (90, 135),
        "train country rock",
        "country walk roots",
        "three2 three ragtime doo-wop",
        "strum/acoustic arpeggio/clean pick/banjo solo/clean comp/piano line/strings riff/clean comp/crunch",
        basses="electric-bass double-bass",
        swing=(0.5, 0.58),
        weight=2,
    ),
    Style(
        "rockabilly",
        (140, 195),
        "shuffle boogie train swing",
        "walk boogie country",
        "blues quick-blues three2",
        "strum/acoustic riff/crunch solo/clean comp/piano boogie/crunch line/sax solo/surf",
        swing=(0.58, 0.67),
        basses="double-bass electric-upright electric-bass",
        weight=2,
    ),
    Style(
        "surf",
        (110, 165),
        "surf tomtom beat rock",
        "eighths roots country",
        "andalusian m-rock three doo-wop m-axis",
        "solo/surf strum/clean arpeggio/clean strum/surf pad/organ line/sax",
        weight=2,
    ),
    Style(
        "ballad",
        (60, 84),
        "ballad rock rock-ride",
        "roots melodic long",
        "axis pachelbel doo-wop m-axis rise",
        "comp/piano pad/strings arpeggio/clean strum/acoustic pad/organ solo/lead comp/epiano line/winds"
        " arpeggio/nylon",
        weight=1.5,
    ),
    Style(
        "slow-rock",
        (52, 72),
        "twelve-eight",
        "roots triplets walk",
        "doo-wop blues m-blues ragtime",
        "triplets/piano arpeggio/clean pad/organ solo/lead line/sax strum/crunch",
        metre="12/8",
    ),
    Style(
        "six-eight",
        (50, 76),
        "six-eight",
        "roots melodic",
        "axis m-axis doo-wop m-fall",
        "arpeggio/clean strum/acoustic comp/piano pad/strings power/distorted",
        metre="6/8",
        weight=0.8,
    ),
    Style(
        "waltz",
        (85, 160),
        "waltz waltz-jazz",
        "waltz roots",
        "three rise ragtime m-three axis",
        "waltz/piano waltz/acoustic line/strings line/winds pad/organ solo/clean",
        metre="3/4",
        basses="electric-bass double-bass",
        weight=0.8,
    ),
    Style(
        "jazz",
        (110, 210),
        "swing brushes",
        "walk",
        "ii-V ii-V2 blues m-ii-V ragtime",
        "comp/piano line/sax comp/jazz solo/jazz line/brass line/winds comp/epiano",
        swing=(0.6, 0.68),
        basses="double-bass electric-upright",
        weight=1.2,
    ),
    Style(
        "blues",
        (70, 130),
        "shuffle boogie rock",
        "walk boogie riff",
        "blues quick-blues m-blues",
        "boogie/crunch solo/lead comp/piano comp/organ riff/crunch line/sax solo/clean",
        swing=(0.58, 0.67),
        weight=1.5,
    ),
    Style(
        "hip-hop",
        (80, 100),
        "hip-hop boom-bap breaks trap",
        "long riff funk",
        "one dorian m-axis m-fall",
        "comp/epiano pad/strings riff/piano pad/synth stabs/brass line/synth-lead riff/clean",
        kits="machine",
        basses="synth electric-bass",
        vocal_styles="rap rap sung",
        swing=(0.5, 0.56),
        weight=1.3,
    ),
    Style(
        "electronic",
        (112, 138),
        "house four synth-pop disco",
        "octaves eighths offbeat long",
        "m-axis m-fall dorian vi-start",
        "pad/synth arpeggio/synth-lead stabs/synth comp/piano line/synth-lead pad/strings",
        kits="machine",
        basses="synth electric-bass",
        weight=1.2,
    ),
    Style(
        "latin",
        (92, 130),
        "bossa son",
        "latin roots",
        "ii-V m-ii-V m-three andalusian dorian",
        "comp/nylon comp/piano line/winds stabs/brass line/sax arpeggio/nylon",
        basses="double-bass electric-bass",
    ),
    Style(
        "metal",
        (100, 190),
        "metal metal2 half-time punk2",
        "eighths riff",
        "metal metal2 punk2 m-axis",
        "power/metal chug/metal chug/metal solo/lead riff/metal pad/strings",
        vocal_styles="sung shout",
        weight=1.3,
    ),
    Style(
        "glam",
        (110, 145),
        "four rock motown half-time",
        "eighths octaves roots",
        "garage three axis m-rock vi-start",
        "power/distorted strum/crunch strum/distorted pad/synth comp/piano solo/lead line/sax stabs/brass pad/strings",
        vocal_styles="sung shout",
        weight=1.5,
    ),
)
