"""Closed loops over random drumming: grooves and fills in several metres, tempi and feels, on the synthesiser's kit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
from loop import Result, Score, Written, drifting, through_sound

from musiclab.grid import BeatGrid

KICK, STICK, SNARE, CLOSED, OPEN, TOM, CRASH, RIDE = 36, 37, 38, 42, 46, 45, 49, 51
METRES = ((4, 4), (3, 4), (6, 8))
TEMPI = (66, 96, 126)
BARS = 8
LENGTH = F(1, 4)  # beats: a stroke has no end, so that durations aren't compared


def groove(rng: np.random.Generator, grid: BeatGrid, steps: int) -> list[Written]:
    """Bars of one pattern with small changes, a crash to begin with and a fill in every fourth bar."""
    per_bar = grid.beats_per_bar * steps
    keeper = int(rng.choice([CLOSED, CLOSED, RIDE]))
    every = 1 if steps <= 3 or rng.random() < 0.25 else steps // 2
    backbeat = int(rng.choice([SNARE, SNARE, STICK]))
    kicks = {0, *(int(k) for k in np.flatnonzero(rng.random(per_bar) < 0.2))}
    notes: set[tuple[F, int]] = set()
    for bar in range(BARS):
        fill = per_bar - steps if bar % 4 == 3 else per_bar
        for step in range(per_bar):
            at = F(bar * per_bar + step, steps)
            if step >= fill:
                notes.add((at, SNARE if rng.random() < 0.4 else TOM))
                continue
            if step % every == 0:
                opened = keeper == CLOSED and step % steps and rng.random() < 0.08
                notes.add((at, CRASH if step == 0 and bar % 4 == 0 else OPEN if opened else keeper))
            if step in kicks and rng.random() < 0.95:
                notes.add((at, KICK))
            if step % steps == 0 and (step // steps) % 2 == 1:
                notes.add((at, backbeat))
    return [(at, LENGTH, key) for at, key in sorted(notes)]


def loop(name: str, grid: BeatGrid, steps: int, seed: list[int]) -> Result:
    rng = np.random.default_rng(seed)
    result = through_sound(rng, Score(name, "drums", grid, groove(rng, grid, steps)), monophonic=False)
    return replace(result, written=float("nan"))


def rows(quick: bool) -> Iterator[Result]:
    """Each metre in each tempo, then triplets and an even machine."""
    for metre in METRES:
        for tempo in TEMPI[1:2] if quick else TEMPI:
            grid = drifting(tempo, 60, metre=metre)
            steps = 3 if grid.is_compound else 4 if tempo < 110 else 2
            for take in range(1 if quick else 3):
                name = f"drums, {metre[0]}/{metre[1]}, {tempo} beats a minute, take {take + 1}"
                yield loop(name, grid, steps, [7, *metre, tempo, take])
    yield loop("drums, triplets", BeatGrid.steady(88, 40, start=0.3), 3, [7, 1])
    yield loop("drums, pick-up bar", BeatGrid.steady(100, 40, start=0.3, first=4), 4, [7, 2])
