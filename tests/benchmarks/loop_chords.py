"""Closed loops over chords: two hands of a piano, a strummed and a picked guitar, in several metres and tempi."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction as F

import numpy as np
from loop import Result, Score, Written, drifting, through_sound
from loop_lines import COMPOUND, MAJOR, METRES, SIMPLE, TEMPI

from musiclab.grid import BeatGrid

BARS = 8
OPEN_CHORDS = {  # of a guitar, sounding
    "C": (48, 52, 55, 60, 64), "G": (43, 47, 50, 55, 59, 67), "Am": (45, 52, 57, 60, 64), "F": (41, 48, 53, 57, 60, 65),
    "Dm": (50, 57, 62, 65), "Em": (40, 47, 52, 55, 59, 64),
}  # fmt: skip


def rhythm(rng: np.random.Generator, grid: BeatGrid) -> list[tuple[F, F]]:
    """(onset, length) in beats that fill a bar."""
    cells = COMPOUND if grid.is_compound else SIMPLE
    weights = np.array([weight for _, weight in cells]) / sum(weight for _, weight in cells)
    now, out = F(0), []
    while now < grid.beats_per_bar:
        cell = cells[rng.choice(len(cells), p=weights)][0]
        if now + sum(cell) <= grid.beats_per_bar:
            for length in cell:
                out.append((now, length))
                now += length
    return out


def piano(rng: np.random.Generator, grid: BeatGrid) -> list[Written]:
    """Left: bass notes, octaves or broken chords. Right: triads, or a melody over them."""
    scale = [p for p in range(36, 85) if p % 12 in MAJOR]
    out: list[Written] = []
    for bar in range(BARS):
        at, whole = F(bar * grid.beats_per_bar), F(grid.beats_per_bar)
        root = int(rng.integers(7))
        left = str(rng.choice(["bass", "octave", "broken"]))
        if left == "broken":
            step = F(1, 3) if grid.is_compound else F(1, 2)
            places = [root + 7 + d for d in (0, 4, 2, 4)]
            out += [(at + i * step, step, scale[places[i % 4]]) for i in range(int(whole / step))]
        else:
            out += [(at, whole, scale[root + d]) for d in ((0, 7) if left == "octave" else (0,))]
        triads, degree = rng.random() < 0.5, 18 + int(rng.integers(-2, 3))
        for onset, length in rhythm(rng, grid):
            degree = int(np.clip(degree + rng.choice([-2, -1, -1, 1, 1, 2]), 16, 26))
            out += [(at + onset, length, scale[degree - d]) for d in ((0, 2, 4) if triads else (0,))]
    return sorted(out)


def guitar(rng: np.random.Generator, grid: BeatGrid) -> list[Written]:
    """Open chords, strummed or picked string by string, a bar each."""
    out: list[Written] = []
    for bar in range(BARS):
        at = F(bar * grid.beats_per_bar)
        chord = OPEN_CHORDS[str(rng.choice(list(OPEN_CHORDS)))]
        if rng.random() < 0.5:
            out += [(at + onset, length, pitch) for onset, length in rhythm(rng, grid) for pitch in chord]
        else:
            step = F(1, 3) if grid.is_compound else F(1, 2)
            order = [0, 2, 3, 1, 3, 2]
            count = int(grid.beats_per_bar / step)
            out += [(at + i * step, step, chord[order[i % 6] % len(chord)]) for i in range(count)]
    return sorted(out)


PLAYERS = {"piano": piano, "guitar": guitar}


def chords(name: str, instrument: str, grid: BeatGrid, seed: list[int]) -> Result:
    rng = np.random.default_rng(seed)
    return through_sound(rng, Score(name, instrument, grid, PLAYERS[instrument](rng, grid)), monophonic=False)


def rows(quick: bool) -> Iterator[Result]:
    """Each instrument in each metre and tempo, and with a pick-up bar."""
    for number, instrument in enumerate(PLAYERS):
        for metre in METRES:
            for tempo in TEMPI[1:2] if quick else TEMPI:
                grid = drifting(tempo, 60, metre=metre)
                name = f"{instrument}, {metre[0]}/{metre[1]}, {tempo} beats a minute"
                yield chords(name, instrument, grid, [5, number, *metre, tempo])
        pick_up = BeatGrid.steady(88, 40, start=0.3, first=4)
        yield chords(f"{instrument}, pick-up bar", instrument, pick_up, [5, number, 1])
