"""How a passage is practised: what is counted before it, what rests between rounds, which speed each round has.

The arithmetic is that of the page (``widgets/shared/click.js`` and ``practice.js``), so that a file is what was heard.
Nothing here makes sound: it says what follows what.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from musiclab.grid import BeatGrid
from musiclab.recipes.click import BEAT, STRONG, WEAK

NEAR = 0.02  # s: who starts so little after a beat starts on it
TINY = 1e-4  # s: a loop's ends stand on whole frames, a beat need not

Tick = tuple[float, int]  # seconds, and the kind of click


@dataclass(frozen=True)
class Course:
    """One way through a passage, at one speed.

    Attributes
    ----------
    start, end : float
        Of the passage, in seconds of the song.
    speed : float
        As a factor.
    lead : float
        Seconds before it, without the song.
    counts : tuple of Tick
        What is counted there, by its distance to the passage (negative), in seconds as heard.
    follows, is_followed : bool
        Whether the one before, or the next, joins without a gap.
    """

    start: float
    end: float
    speed: float
    lead: float
    counts: tuple[Tick, ...]
    follows: bool
    is_followed: bool

    @property
    def duration(self) -> float:
        """As heard, with its lead, in seconds."""
        return self.lead + (self.end - self.start) / self.speed


@dataclass(frozen=True, kw_only=True)
class Practice:
    """Settings as of the mixer (see `musiclab.widgets.mixer.practice.Practising`), and the beats, if they are known."""

    grid: BeatGrid | None = None
    click: bool = False
    division: int = 1
    accents: bool = True
    count_in: int = 0
    every_round: bool = False
    rest: int = 0
    trainer: Mapping[str, float] | None = None

    def ticks(self) -> list[Tick]:
        """All clicks in the song, each beat in `division` parts; none where the click is off."""
        if not self.click or self.grid is None:
            return []
        times = self.grid.seconds_at(np.arange(len(self.grid.times) * self.division) / self.division)
        kinds = [
            kind
            for position in self.grid.positions
            for kind in (STRONG if self.accents and position == 1 else BEAT, *[WEAK] * (self.division - 1))
        ]
        return list(zip(times.tolist(), kinds, strict=True))

    def courses(self, start: float, end: float, *, speed: float = 1.0) -> list[Course]:
        """A passage (s) once, at `speed`; with a trainer, all of its rounds."""
        speeds = ladder(self.trainer) if self.trainer is not None else [speed]
        leads = [self._before(start, pace, first=number == 0) for number, pace in enumerate(speeds)]
        joins = [lead == 0 and number > 0 for number, (lead, _) in enumerate(leads)]
        return [
            Course(start, end, pace, lead, counts, follows, is_followed)
            for pace, (lead, counts), follows, is_followed in zip(
                speeds, leads, joins, [*joins[1:], False], strict=True
            )
        ]

    def _before(self, place: float, speed: float, *, first: bool) -> tuple[float, tuple[Tick, ...]]:
        if self.grid is None:
            return 0.0, ()
        bars = self.count_in if first or self.every_round else 0
        lead, counts = counted(self.grid, place, bars, accents=self.accents)
        rest = 0.0 if first else self.rest * self.grid.beats_per_bar * beat_from(self.grid, place)[2]
        return (lead + rest) / speed, tuple((time / speed, kind) for time, kind in counts)


def ladder(trainer: Mapping[str, float]) -> list[float]:
    """The speed of each round of a trainer: so many rounds at each rung from start to end, which is the last one."""
    start, end, step = trainer["start"], trainer["end"], trainer["step"]
    rungs = math.ceil(abs(end - start) / step - 1e-6)
    speeds = [round(start + math.copysign(i * step, end - start), 6) for i in range(rungs)] + [end]
    return [speed for speed in speeds for _ in range(int(trainer["rounds"]))]


def beat_from(grid: BeatGrid, place: float) -> tuple[float, int, float]:
    """The first beat at or after a place: its time, its position in the bar (from 0), and its bar's mean beat in s."""
    times, last = grid.times, len(grid.times) - 1
    after = np.flatnonzero(np.asarray(times) >= place - NEAR)
    spacing = times[last] - times[last - 1]
    beyond = 0 if len(after) else math.ceil((place - NEAR - times[last]) / spacing)
    i = int(after[0]) if len(after) else last
    begin = min(i, max(0, last - grid.beats_per_bar))
    stop = min(begin + grid.beats_per_bar, last)
    beat = (times[stop] - times[begin]) / (stop - begin)
    return times[i] + beyond * spacing, (grid.positions[i] - 1 + beyond) % grid.beats_per_bar, beat


def counted(grid: BeatGrid, place: float, bars: int, *, accents: bool = True) -> tuple[float, list[Tick]]:
    """Bars counted before the first beat at or after a place, at the tempo of the bar that begins there.

    The count begins on a "one": before a pick-up it has the pick-up bar's missing beats, too.

    Returns
    -------
    lead : float
        Seconds of the song's time that pass before the place sounds.
    ticks : list of Tick
        By their distance to the place, negative before it.
    """
    if not bars:
        return 0.0, []
    time, position, beat = beat_from(grid, place)
    count = bars * grid.beats_per_bar + position
    ticks = [
        (time - place - (count - i) * beat, STRONG if accents and i % grid.beats_per_bar == 0 else BEAT)
        for i in range(count)
    ]
    return max(0.0, count * beat - (time - place)), ticks


def heard_ticks(courses: list[Course], ticks: list[Tick]) -> list[Tick]:
    """What clicks along courses that follow each other, from 0 on as it is heard."""
    found: list[Tick] = []
    begin = 0.0
    for course in courses:
        at = begin + course.lead
        found += [(at + time, kind) for time, kind in course.counts]
        inside = [(time, kind) for time, kind in ticks if course.start - TINY <= time < course.end - TINY]
        found += [(at + max(0.0, time - course.start) / course.speed, kind) for time, kind in inside]
        begin += course.duration
    return found
