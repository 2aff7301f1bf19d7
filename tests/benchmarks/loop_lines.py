"""Closed loops over random lines: by instrument, metre and tempo; repeated notes, triplets, ties and pick-ups."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction as F

import numpy as np
from loop import Result, Score, Written, drifting, through_sound

from musiclab.grid import BeatGrid

# Rhythmic cells in beats, with how often they come.
SIMPLE = [
    ([F(1)], 4), ([F(1, 2)] * 2, 4), ([F(1, 2), F(1, 4), F(1, 4)], 1), ([F(3, 4), F(1, 4)], 1),
    ([F(3, 2), F(1, 2)], 1.5), ([F(2)], 2),
]  # fmt: skip
COMPOUND = [([F(1)], 3), ([F(1, 3)] * 3, 3), ([F(2, 3), F(1, 3)], 3), ([F(2)], 1)]
TRIPLETS = [*SIMPLE, ([F(1, 3)] * 3, 4)]
SYNCOPATED = [*SIMPLE, ([F(1, 2), F(1), F(1, 2)], 2), ([F(1, 2), F(3, 2)], 1), ([F(5, 2), F(1, 2)], 1)]
STEPS = [-3, -2, -1, -1, 0, 0, 1, 1, 2, 4]  # of the scale: one in five repeats the note
RANGES = {"bass": (28, 50), "flute": (62, 84), "voice": (55, 74), "clarinet": (52, 80), "trumpet": (55, 80)}
MAJOR = (0, 2, 4, 5, 7, 9, 11)
METRES = ((4, 4), (3, 4), (6, 8))
TEMPI = (66, 96, 126)


def melody(
    rng: np.random.Generator, instrument: str, grid: BeatGrid, beats: int, *, cells: list | None = None
) -> list[Written]:
    """Steps, repeats and small leaps in C major, with rests."""
    cells = cells or (COMPOUND if grid.is_compound else SIMPLE)
    weights = np.array([weight for _, weight in cells]) / sum(weight for _, weight in cells)
    low, high = RANGES[instrument]
    scale = [p for p in range(low, high + 1) if p % 12 in MAJOR]
    degree, now, out = len(scale) // 2, F(0), []
    while now < beats:
        for length in cells[rng.choice(len(cells), p=weights)][0]:
            degree += int(rng.choice([step for step in STEPS if 0 <= degree + step < len(scale)]))
            if rng.random() > 0.08:
                out.append((now, length, scale[degree]))
            now += length
    return out


def line(name: str, instrument: str, grid: BeatGrid, seed: list[int], *, cells: list | None = None) -> Result:
    rng = np.random.default_rng(seed)
    return through_sound(rng, Score(name, instrument, grid, melody(rng, instrument, grid, 32, cells=cells)))


def rows(quick: bool) -> Iterator[Result]:
    """Each instrument in each metre and tempo; then what is harder than plain rhythm."""
    for instrument in ("voice", "flute", "bass") if quick else RANGES:
        seed = list(RANGES).index(instrument)
        for metre in METRES:
            for tempo in TEMPI[1:2] if quick else TEMPI:
                grid = drifting(tempo, 40, metre=metre)
                name = f"{instrument}, {metre[0]}/{metre[1]}, {tempo} beats a minute"
                yield line(name, instrument, grid, [seed, *metre, tempo])
        steady = BeatGrid.steady(88, 30, start=0.3)
        yield line(f"{instrument}, triplets", instrument, steady, [seed, 1], cells=TRIPLETS)
        yield line(f"{instrument}, syncopations and ties", instrument, steady, [seed, 2], cells=SYNCOPATED)
        pick_up = BeatGrid.steady(88, 30, start=0.3, first=4)
        yield line(f"{instrument}, pick-up bar", instrument, pick_up, [seed, 3])
