"""What a person decides about how a part is read; it goes before whatever was estimated, and travels with the part.

Notebook: 09
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.theory import parse_key

READERS = ("C", "Bb", "Eb", "F")  # the keys that players read in
LAST_CAPO = 12
Tempo = float | Literal["half", "double"]


@dataclass(frozen=True)
class Decisions:
    """What was decided; None and empty: left to be found.

    Parameters
    ----------
    tempo : float, "half" or "double"
        Beats a minute; or relative to what is found.
    metre : (int, int)
        Time signature: ``(6, 8)``.
    bar_one : float
        A time in seconds: the beat nearest to it is the first of a bar.
    key : str
        ``"Bb major"``, ``"F# minor"``.
    chords : bool
        Whether chord symbols stand above the staff.
    pitch : str
        Who reads it: ``"C"`` (concert pitch), ``"Bb"``, ``"Eb"`` or ``"F"``; empty as the instrument is usually
        written.
    tuning : str
        Of a guitar or bass: a name from `musiclab.tunings`, or open strings from the lowest on, ``"D2 A2 D3 G3"``.
    capo : int
        Fret of a capo, 0–12.

    Raises
    ------
    TranscriptionError
        If one of them can't be; the message says what would do.

    Notebook: 09
    """

    tempo: Tempo | None = None
    metre: tuple[int, int] | None = None
    bar_one: float | None = None
    key: str = ""
    chords: bool | None = None
    pitch: str = ""
    tuning: str = ""
    capo: int = 0

    def __post_init__(self) -> None:
        if self.tempo is not None and self.tempo not in ("half", "double"):
            object.__setattr__(self, "tempo", _number("tempo", self.tempo, 10.0, 1000.0))
        if self.bar_one is not None:
            object.__setattr__(self, "bar_one", _number("time of bar one", self.bar_one, 0.0, 1e7))
        if self.metre is not None:
            numerator, denominator = (int(n) for n in self.metre)
            object.__setattr__(self, "metre", (numerator, denominator))
            BeatGrid((0.0, 1.0), 1, (numerator, denominator))  # says what is wrong with it
        if self.key:
            parse_key(self.key)
        if self.pitch not in ("", *READERS):
            raise TranscriptionError(f"Parts can be written in {', '.join(READERS)}, not in {self.pitch!r}.")
        if not 0 <= self.capo <= LAST_CAPO:
            raise TranscriptionError(f"A capo sits on fret 1 to {LAST_CAPO}, not {self.capo!r}.")

    def __bool__(self) -> bool:
        """Whether anything was decided."""
        return self != Decisions()

    def changed(self, **changes: Any) -> Decisions:
        """With some of them changed; None leaves one as it is."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def grid(self, found: BeatGrid) -> BeatGrid:
        """The beats and bars as decided, from those that were found."""
        grid = found
        if self.tempo == "half":
            grid = grid.halved()
        elif self.tempo == "double":
            grid = grid.doubled()
        elif isinstance(self.tempo, float):
            grid = grid.at_tempo(self.tempo)
        if self.metre is not None and self.metre != grid.metre:
            grid = grid.with_metre(self.metre)
        return grid if self.bar_one is None else grid.with_downbeat(self.bar_one)

    def settled(self, grid: BeatGrid) -> Decisions:
        """The same once `grid` has come of them: half of something that was found is a tempo now."""
        return replace(self, tempo=round(grid.tempo, 3)) if isinstance(self.tempo, str) else self

    def as_dict(self) -> dict[str, Any]:
        """Only what was decided, as plain values for a file."""
        usual = Decisions()
        return {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(self)
            if (value := getattr(self, field.name)) != getattr(usual, field.name)
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Decisions:
        """From `as_dict`; unknown names (of a later version) are passed over."""
        names = {field.name for field in fields(Decisions)}
        kept: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if name in names
        }
        return Decisions(**kept)


def _number(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float in [low, high]."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise TranscriptionError(f"The {name} must be a number from {low:g} to {high:g}, not {value!r:.60}.")
    return number
