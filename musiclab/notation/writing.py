"""How a part is to be written, and what comes of it.

Notebook: 09
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from musiclab.decisions import READERS
from musiclab.errors import TranscriptionError

ALONE = "alone"  # tablature without the notes above it


@dataclass(frozen=True)
class Writing:
    """How a part is to be written.

    Parameters
    ----------
    transposition : str
        For whom: ``""`` as was decided for the part, else as the instrument is usually written; ``"C"`` at concert
        pitch; ``"Bb"``, ``"Eb"``, ``"F"`` for a player of a transposing instrument. The octave that the instrument's
        players read in stays.
    semitones : int
        Transposed to another key by so many semitones, sounding.
    subdivisions : tuple of int
        Ticks a beat that the rhythm may use, such as (1, 2, 4); empty for all.
    swing : bool or None
        Straight eighths with the remark "Swing" for long-short pairs; None finds out.
    tab : bool or str
        A tablature staff under a guitar's or bass's notes; ``"alone"`` writes the tablature without them, with the
        rhythm on it.
    chords : bool
        Chord symbols above the staff.
    min_confidence : float
        Notes that are less sure are left out (0–1).
    colours : bool
        Notes that are not sure in colour: orange under 0.7, red under 0.4.

    Notebook: 09
    """

    transposition: str = ""
    semitones: int = 0
    subdivisions: tuple[int, ...] = ()
    swing: bool | None = None
    tab: bool | Literal["alone"] = False
    chords: bool = True
    min_confidence: float = 0.0
    colours: bool = False

    def __post_init__(self) -> None:
        if self.transposition not in ("", *READERS):
            raise TranscriptionError(f"Parts can be written in {', '.join(READERS)}, not in {self.transposition!r}.")
        if self.tab not in (True, False, ALONE):
            raise TranscriptionError(f"Tablature is True, False or {ALONE!r}, not {self.tab!r}.")


@dataclass(frozen=True)
class Score:
    """A written score: MusicXML text, and which printed note is which note of which part.

    `notes` maps the ids in the MusicXML (and in the engraved SVG) to (part index, note index in that part); a note that
    is split by a tie has an id for each of its symbols. `bars` are the times in seconds at which the printed bars
    begin, and at which the last one ends; bars that are counted together as one rest are one.
    """

    musicxml: str
    title: str
    notes: dict[str, tuple[int, int]] = field(repr=False)
    bars: tuple[float, ...] = field(default=(), repr=False)
