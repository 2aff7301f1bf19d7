"""The way between seconds and the ticks of a MIDI file whose bars are a part's bars.

A MIDI file counts in ticks and its bars begin at tick 0. So each beat of a part has the same number of ticks and a
tempo of its own; what sounds before the first bar line is a bar of fewer beats, as a pick-up is.

Notebook: 09
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.grid import BeatGrid

RESOLUTION = 960  # ticks in a quarter note
DEFAULT_TEMPO = 120.0  # beats a minute, when the beats are unknown
NO_LEAD = 1e-3  # s: a first beat so near to 0 stands on it
SLOWEST = 2**24 - 1  # microseconds in a quarter note: what three bytes hold
Metre = tuple[int, int]


@dataclass(frozen=True)
class TempoMap:
    """Tempo and time signature events, and where times fall between them.

    Attributes
    ----------
    ticks, seconds : np.ndarray [shape=(n,)]
        Of each tempo event, from 0 on.
    tempi : tuple of int
        Microseconds in a quarter note from there on, as the file holds them.
    metres : tuple of (int, (int, int))
        Tick and time signature, from 0 on.
    """

    ticks: np.ndarray
    seconds: np.ndarray
    tempi: tuple[int, ...]
    metres: tuple[tuple[int, Metre], ...]

    def tick_of(self, seconds: float) -> int:
        """The tick nearest to a time in seconds."""
        at = max(0, int(np.searchsorted(self.seconds, seconds, side="right")) - 1)
        inside = (seconds - float(self.seconds[at])) * 1e6 * RESOLUTION / self.tempi[at]
        return max(0, int(self.ticks[at]) + round(inside))


def tempo_map(grid: BeatGrid | None, metre: Metre) -> TempoMap:
    """The map of a part: a tempo for each beat, and its bar lines; an even 120 a minute where no beats are known."""
    if grid is None:
        return _mapped([0.0], [60.0 / DEFAULT_TEMPO * 4 / metre[1]], RESOLUTION * 4 // metre[1], ((0, metre),))
    step = int(RESOLUTION * grid.beat_quarters)
    times, before = _led_in(grid)
    lengths = np.diff(times)
    bar = step * grid.beats_per_bar
    whole, rest = divmod(before, grid.beats_per_bar)
    metres = [(0, grid.metre)]
    if rest:
        each = 3 if grid.is_compound else 1
        metres = [(0, (rest * each, grid.metre[1])), (rest * step, grid.metre)]
    assert (rest * step + whole * bar) == before * step
    return _mapped(times[:-1], [*lengths], step, tuple(metres))


def _led_in(grid: BeatGrid) -> tuple[list[float], int]:
    """Beat times from 0 on, and how many beats come before the first bar line."""
    times = list(grid.times)
    before = (1 - grid.first) % grid.beats_per_bar
    gap = times[0]
    if gap <= NO_LEAD:
        return [0.0, *times[1:]], before
    count = max(1, round(gap / (times[1] - times[0])))
    return [*np.linspace(0.0, gap, count, endpoint=False), *times], before + count


def _mapped(
    times: Sequence[float], lengths: Sequence[float], step: int, metres: tuple[tuple[int, Metre], ...]
) -> TempoMap:
    """Tempo events in whole microseconds: what one rounds off the next one makes good."""
    tempi: list[int] = []
    seconds = [0.0]
    for start, length in zip(times, lengths, strict=True):
        wanted = (start + length - seconds[-1]) * 1e6 * RESOLUTION / step
        tempi.append(int(np.clip(round(wanted), 1, SLOWEST)))
        seconds.append(seconds[-1] + tempi[-1] * 1e-6 * step / RESOLUTION)
    return TempoMap(np.arange(len(tempi)) * step, np.array(seconds[:-1]), tuple(tempi), metres)
