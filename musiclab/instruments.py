"""What we know of each instrument before we hear it: its range, how many notes it plays at once, its names.

Ranges are sounding MIDI pitches of ordinary playing, a little wider than what method books give, since a note outside
is dropped. `program` is the General MIDI program, counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from musiclab.errors import TranscriptionError


@dataclass(frozen=True)
class Instrument:
    """An instrument as a transcriber sees it.

    Parameters
    ----------
    name : str
        The name to give it by.
    family : str
        voice, bass, guitar, keys, strings, winds, brass or drums.
    low, high : int
        Lowest and highest sounding pitch (MIDI).
    polyphony : int
        Most notes at once; 1 is a line of single notes.
    program : int
        General MIDI program (0–127).
    aliases : tuple[str, ...]
        Other names.
    """

    name: str
    family: str
    low: int
    high: int
    polyphony: int
    program: int
    aliases: tuple[str, ...] = ()

    @property
    def monophonic(self) -> bool:
        return self.polyphony == 1


DRUMS = Instrument("drums", "drums", 27, 87, 6, 0, ("drum", "drum kit", "kit", "percussion"))

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("voice", "voice", 36, 86, 1, 52, ("vocals", "vocal", "singer", "singing", "lead vocals")),
    Instrument("bass", "bass", 23, 67, 1, 33, ("bass guitar", "electric bass", "double bass", "upright bass")),
    Instrument("guitar", "guitar", 38, 88, 6, 25, ("acoustic guitar", "electric guitar")),
    Instrument("piano", "keys", 21, 108, 10, 0, ("keys", "keyboard", "grand piano", "other", "any")),
    Instrument("electric piano", "keys", 21, 108, 10, 4, ("rhodes", "wurlitzer")),
    Instrument("organ", "keys", 24, 108, 10, 16, ("hammond",)),
    Instrument("synth", "keys", 24, 108, 8, 81, ("synthesizer", "synthesiser")),
    Instrument("strings", "strings", 28, 103, 8, 48, ("string section", "orchestra", "ensemble")),
    Instrument("violin", "strings", 55, 103, 2, 40, ("fiddle",)),
    Instrument("viola", "strings", 48, 93, 2, 41),
    Instrument("cello", "strings", 36, 84, 2, 42, ("violoncello",)),
    Instrument("winds", "winds", 34, 98, 1, 73, ("wind", "woodwind", "woodwinds")),
    Instrument("flute", "winds", 59, 98, 1, 73),
    Instrument("oboe", "winds", 58, 93, 1, 68),
    Instrument("clarinet", "winds", 50, 94, 1, 71, ("clarinet in bb",)),
    Instrument("bassoon", "winds", 34, 76, 1, 70),
    Instrument("saxophone", "winds", 36, 92, 1, 65, ("sax",)),
    Instrument("soprano saxophone", "winds", 56, 92, 1, 64, ("soprano sax",)),
    Instrument("alto saxophone", "winds", 49, 86, 1, 65, ("alto sax",)),
    Instrument("tenor saxophone", "winds", 44, 82, 1, 66, ("tenor sax",)),
    Instrument("baritone saxophone", "winds", 36, 74, 1, 67, ("baritone sax", "bari sax")),
    Instrument("brass", "brass", 28, 89, 1, 56, ("horns", "brass section")),
    Instrument("trumpet", "brass", 52, 89, 1, 56),
    Instrument("horn", "brass", 34, 79, 1, 60, ("french horn",)),
    Instrument("trombone", "brass", 34, 77, 1, 57),
    Instrument("tuba", "brass", 23, 65, 1, 58),
    DRUMS,
)

_BY_NAME = {name: known for known in INSTRUMENTS for name in (known.name, *known.aliases)}


def of_stem(stem: str) -> str:
    """The instrument that plays a stem: as the stem is called, or piano (two staves), which takes any notes."""
    try:
        return find(stem).name
    except TranscriptionError:
        return "piano"


def find(name: str) -> Instrument:
    """The instrument of this name or alias; case, ``_`` and ``-`` don't matter.

    Raises
    ------
    TranscriptionError
        If we don't know it; the message lists those that we know.
    """
    known = _BY_NAME.get(" ".join(name.lower().replace("_", " ").replace("-", " ").split()))
    if known is None:
        names = ", ".join(instrument.name for instrument in INSTRUMENTS)
        raise TranscriptionError(f"There is no instrument called {name!r:.60}: choose one of {names}.")
    return known
