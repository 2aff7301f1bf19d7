"""What is written of a song: events in seconds, by player, and the form and harmony that they follow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from musiclab.training.studio.songs.styles import Style
from musiclab.training.studio.songs.theory import NAMES, Harmony


@dataclass(frozen=True)
class Event:
    """A note to be played: seconds, MIDI pitch, velocity 0 to 1."""

    onset: float
    seconds: float
    pitch: float
    velocity: float
    touch: str = ""  # muted, strum-down, strum-up


@dataclass(frozen=True)
class Hit:
    """A stroke on a drum."""

    onset: float
    piece: str
    velocity: float


@dataclass(frozen=True)
class Layer:
    """What one player of `other` plays."""

    role: str
    sound: str
    events: list[Event]


@dataclass(frozen=True)
class StepGrid:
    """Bars and steps to seconds: the metre, a tempo that breathes, swing."""

    beats: int
    steps: int
    times: np.ndarray  # of each beat, seconds
    swing: float

    @property
    def bar_steps(self) -> int:
        """Steps in a bar."""
        return self.beats * self.steps

    def time(self, bar: int, step: float) -> float:
        """Seconds of a step of a bar."""
        beat, within = divmod(step, self.steps)
        fraction = within / self.steps
        if self.steps == 4 and self.swing != 0.5:
            early = fraction < 0.5
            fraction = fraction * 2 * self.swing if early else self.swing + (fraction - 0.5) * 2 * (1 - self.swing)
        return float(np.interp(bar * self.beats + beat + fraction, np.arange(len(self.times)), self.times))


@dataclass
class Song:
    """All that is written down."""

    style: Style
    metre: str
    tempo: float
    tonic: int
    scale: str
    grid: StepGrid
    chords: list[list[Harmony]]  # by bar, at equal spacing
    sections: list[tuple[str, int, int]]  # name, first bar, bars
    drums: list[Hit] = field(default_factory=list)
    bass: list[Event] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    vocals: list[list[Event]] = field(default_factory=list)  # phrases
    vocal_style: str = "sung"
    tune_is_sung: bool = False  # so it is once someone has performed it; clips as recorded don't follow it

    @property
    def key(self) -> str:
        """Such as `A minor`."""
        tonics = [c for bar in self.chords for c in bar if c.root == self.tonic]
        major = any(4 in c.intervals for c in tonics) or self.scale in ("major", "pentatonic")
        return f"{NAMES[self.tonic]} {'major' if major else 'minor'}"

    def beats(self, duration: float) -> list[tuple[float, int]]:
        """Seconds, and position in the bar from 1, of each beat before `duration`."""
        return [(float(t), 1 + i % self.grid.beats) for i, t in enumerate(self.grid.times) if t < duration]

    def chord(self, bar: int, step: float) -> Harmony:
        """The chord that sounds there."""
        bar_chords = self.chords[bar % len(self.chords)]
        return bar_chords[min(len(bar_chords) - 1, int(step * len(bar_chords) / self.grid.bar_steps))]
