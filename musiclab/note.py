"""`Note` and `Chord`: what a `Part` is made of.

Conventions: as in `musiclab.notes`.

Notebook: 09
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from musiclab.errors import TranscriptionError
from musiclab.theory import midi_to_hz


def _number(name: str, value: float, low: float, high: float) -> float:
    """`value` as a float in [low, high], or a `TranscriptionError` that names it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise TranscriptionError(f"A note's {name} must be a number from {low:g} to {high:g}, not {value!r:.60}.")
    return number


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Parameters
    ----------
    onset, offset : float
        Where it begins and ends, in seconds from the start of the recording; 0 <= onset < offset.
    pitch : float
        MIDI number, 0–127; a fraction is what the tuning leaves over (`semitone` is the nearest key).
    velocity : int
        1–127.
    confidence : float
        0–1, calibrated: of the notes that say 0.8, about eight in ten are right.

    Raises
    ------
    TranscriptionError
        If a value is out of its range; the message names it.

    Notebook: 10
    """

    onset: float
    offset: float
    pitch: float
    velocity: int = 80
    confidence: float = 1.0

    def __post_init__(self) -> None:
        onset = _number("onset", self.onset, 0.0, 1e7)
        offset = _number("offset", self.offset, 0.0, 1e7)
        if not onset < offset:
            raise TranscriptionError(f"A note must end after it begins, not from {onset:g} s to {offset:g} s.")
        velocity = round(_number("velocity", self.velocity, 1, 127))
        cleaned = {"onset": onset, "offset": offset, "pitch": _number("pitch", self.pitch, 0, 127)}
        cleaned["confidence"] = _number("confidence", self.confidence, 0, 1)
        for name, value in cleaned.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "velocity", velocity)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.offset - self.onset

    @property
    def semitone(self) -> int:
        """The nearest MIDI key."""
        return min(127, math.floor(self.pitch + 0.5))

    @property
    def frequency(self) -> float:
        """Fundamental in Hz."""
        return float(midi_to_hz(self.pitch))


def order(note: Note) -> tuple[float, ...]:
    """By which notes are sorted: by onset, then pitch; of such twins in an order that is always the same."""
    return (note.onset, note.pitch, note.offset, note.velocity, note.confidence)


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord symbol over a stretch of time (s): ``Chord(0.0, 2.0, "Bb7")``; ``"N"`` is no chord."""

    onset: float
    offset: float
    symbol: str
