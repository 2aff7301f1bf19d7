"""`BeatGrid`: where the beats and bars of a recording are, and the way between seconds and beats.

Conventions: a *beat* is what one taps: the quarter note in 2/4, 3/4 and 4/4, the dotted quarter in 6/8, 9/8 and 12/8
(and the dotted note in all such metres over 8, 16 and 32).
Beats are counted from 0 at the first one of the grid; a bar's first beat has the position 1 (as in the annotation files
of the beat-tracking literature). A *quarter length* is a duration in quarter notes, as in music21.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musiclab.errors import TranscriptionError

DENOMINATORS = (1, 2, 4, 8, 16, 32)
SAME_TEMPO = 0.04  # a wished tempo so near to a simple ratio of the beats' own means that ratio (a share)
RATIOS = tuple(Fraction(*pair) for pair in ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (3, 2), (2, 3), (4, 3), (3, 4)))


def tempo_of(times: Sequence[float] | np.ndarray) -> float:
    """Beats a minute of beat times in seconds [shape=(n,)], two or more: the line through them all.

    The median of their differences would be no finer than the columns that beats are found in.
    """
    at = np.arange(len(times)) - (len(times) - 1) / 2
    seconds = np.asarray(times, dtype=float)
    return float(60.0 * np.sum(at * at) / np.sum(at * (seconds - seconds.mean())))


@dataclass(frozen=True)
class BeatGrid:
    """Beats of a recording, in seconds, grouped into bars.

    Parameters
    ----------
    times : sequence of float
        At least two, increasing, in seconds. The tempo may drift.
    first : int
        Position in its bar of the first beat, 1-based: 1 if the grid starts on a downbeat; more for a pick-up bar.
    metre : (int, int)
        Time signature, such as (4, 4), (3, 4) or (6, 8).

    Raises
    ------
    TranscriptionError
        If the beats don't increase, or `first` is not a beat of the bar.

    Notebook: 10
    """

    times: tuple[float, ...]
    first: int = 1
    metre: tuple[int, int] = (4, 4)

    def __post_init__(self) -> None:
        times = tuple(float(t) for t in self.times)
        if len(times) < 2 or any(b <= a for a, b in itertools.pairwise(times)):
            raise TranscriptionError("A beat grid needs at least two beats, each later than the one before it.")
        numerator, denominator = self.metre
        if numerator < 1 or denominator not in DENOMINATORS:
            raise TranscriptionError(f"{numerator}/{denominator} is not a metre: write it as (3, 4) or (6, 8).")
        object.__setattr__(self, "times", times)
        if not 1 <= self.first <= self.beats_per_bar:
            raise TranscriptionError(f"The first beat's position lies between 1 and {self.beats_per_bar}.")

    @classmethod
    def steady(
        cls, tempo: float, duration: float, *, start: float = 0.0, metre: tuple[int, int] = (4, 4), first: int = 1
    ) -> BeatGrid:
        """Beats at an even `tempo` (beats a minute) from `start` (s) on, for at least `duration` seconds."""
        count = int(np.ceil(duration * tempo / 60)) + 2
        return cls(tuple(start + 60.0 / tempo * np.arange(count)), first, metre)

    @property
    def is_compound(self) -> bool:
        """Whether a beat divides into three (6/8, 9/8, 12/8 and their like over 16)."""
        return self.metre[1] >= 8 and self.metre[0] > 3 and self.metre[0] % 3 == 0

    @property
    def beats_per_bar(self) -> int:
        return self.metre[0] // 3 if self.is_compound else self.metre[0]

    @property
    def beat_quarters(self) -> Fraction:
        """Length of one beat, in quarter notes."""
        return Fraction(12 if self.is_compound else 4, self.metre[1])

    @property
    def bar_quarters(self) -> Fraction:
        """Length of one bar, in quarter notes."""
        return self.beat_quarters * self.beats_per_bar

    @property
    def tempo(self) -> float:
        """Beats a minute, over the whole recording."""
        return tempo_of(self.times)

    @property
    def downbeats(self) -> tuple[float, ...]:
        """Times of the first beats of bars, in seconds."""
        skip = (1 - self.first) % self.beats_per_bar
        return self.times[skip :: self.beats_per_bar]

    @property
    def positions(self) -> tuple[int, ...]:
        """Position in its bar of each beat, 1-based."""
        return tuple((self.first - 1 + i) % self.beats_per_bar + 1 for i in range(len(self.times)))

    @property
    def has_pickup(self) -> bool:
        """Whether the beats begin with a pick-up, half a bar at most: that bar has the number 0."""
        return 2 * (self.first - 1) >= self.beats_per_bar > 1

    @property
    def bar_numbers(self) -> tuple[int, ...]:
        """The number of each beat's bar, as it stands in a score: from 1, or from 0 where a pick-up goes before."""
        first = 0 if self.has_pickup else 1
        return tuple(first + (self.first - 1 + i) // self.beats_per_bar for i in range(len(self.times)))

    def beats_at(self, seconds: Sequence[float] | np.ndarray) -> np.ndarray:
        """Fractional beat index of each time [shape=(n,)]; before and after the grid the tempo at its ends goes on."""
        return _through(np.asarray(seconds, dtype=float), np.asarray(self.times), np.arange(len(self.times)))

    def seconds_at(self, beats: Sequence[float] | np.ndarray) -> np.ndarray:
        """Time in seconds of each fractional beat index [shape=(n,)]; the inverse of `beats_at`."""
        return _through(np.asarray(beats, dtype=float), np.arange(len(self.times), dtype=float), np.asarray(self.times))

    # Corrections: each gives a new grid.

    def with_first(self, first: int) -> BeatGrid:
        """The same beats with other bar lines: correct a downbeat by the first beat's position in its bar."""
        return BeatGrid(self.times, first, self.metre)

    def with_downbeat(self, seconds: float) -> BeatGrid:
        """The same beats with a bar line at the beat nearest to a time in seconds."""
        nearest = int(np.argmin(np.abs(np.asarray(self.times) - seconds)))
        return self.with_first((-nearest) % self.beats_per_bar + 1)

    def with_metre(self, metre: tuple[int, int]) -> BeatGrid:
        """The same beats in bars of another metre; the first downbeat stays one."""
        return BeatGrid(self.times, 1, metre).with_downbeat(self.times[self._first_downbeat])

    def with_bars_before(self, bars: int) -> BeatGrid:
        """With so many bars more at the beginning, at the tempo there: for what sounds before the first beat found."""
        more = self.seconds_at(np.arange(-bars * self.beats_per_bar, 0))
        return BeatGrid((*more, *self.times), self.first, self.metre)

    def at_tempo(self, tempo: float) -> BeatGrid:
        """The beats counted at about another tempo (beats a minute).

        Where `tempo` is a simple ratio of the present one (half, double, two thirds, ...) the beats stay on what was
        found, so that they follow the players still; else they are even. The first downbeat stays one.
        """
        for ratio in RATIOS:
            if abs(tempo / self.tempo / float(ratio) - 1) <= SAME_TEMPO:
                return self if ratio == 1 else self._counted(ratio)
        anchor, beat = self.times[self._first_downbeat], 60.0 / tempo
        before = int((anchor - min(self.times[0], anchor)) // beat)
        count = before + 1 + int(np.ceil((self.times[-1] - anchor) / beat))
        even = BeatGrid(tuple(anchor + beat * (np.arange(max(count, 2)) - before)), 1, self.metre)
        return even.with_downbeat(anchor)

    def doubled(self) -> BeatGrid:
        """Twice as many beats: for a tracker that took the half tempo."""
        return self._counted(Fraction(2))

    def halved(self) -> BeatGrid:
        """Every other beat: for a tracker that took the double tempo."""
        return self._counted(Fraction(1, 2))

    @property
    def _first_downbeat(self) -> int:
        """Index of the first downbeat; of the first beat if the grid has none."""
        skip = (1 - self.first) % self.beats_per_bar
        return skip if skip < len(self.times) else 0

    def _counted(self, ratio: Fraction) -> BeatGrid:
        """`ratio` beats for each of these; the first downbeat stays one."""
        anchor = self._first_downbeat
        steps = range(-int(anchor * ratio), int((len(self.times) - 1 - anchor) * ratio) + 1)
        steps = steps if len(steps) > 1 else range(2)
        times = self.seconds_at([float(anchor + step / ratio) for step in steps])
        return BeatGrid(tuple(times), 1, self.metre).with_downbeat(self.times[anchor])


def _through(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise linear through (xs, ys), going on at both ends with the slope of the outer pieces."""
    y = np.interp(x, xs, ys)
    before, after = x < xs[0], x > xs[-1]
    y[before] = ys[0] + (x[before] - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0])
    y[after] = ys[-1] + (x[after] - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return np.asarray(y)
