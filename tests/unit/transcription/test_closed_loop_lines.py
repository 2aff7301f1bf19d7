"""The closed loop of lines: random melodies and music21's, played with human timing, are heard and written down again.

Repeated notes, triplets, ties and pick-ups among them. `tests/benchmarks/closed_loop.py` does the same with many more.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import loop
import loop_corpus
import loop_lines

from musiclab.grid import BeatGrid

pytestmark = pytest.mark.slow


def assert_came_back(results: list[loop.Result]) -> None:
    weights = [result.notes for result in results]
    assert np.average([result.onset_f for result in results], weights=weights) >= 0.95
    assert np.average([result.written for result in results], weights=weights) >= 0.90


@pytest.mark.parametrize("metre", loop_lines.METRES)
@pytest.mark.parametrize("instrument", ["voice", "flute", "bass"])
def test_a_line_comes_back_as_it_was_written(instrument: str, metre: tuple[int, int]) -> None:
    """One note in five repeats the one before it, without a rest; the tempo drifts as a player's does."""
    results = []
    for tempo in (76, 126):
        grid = loop.drifting(tempo, 40, metre=metre)
        results.append(loop_lines.line("", instrument, grid, [ord(instrument[0]), *metre, tempo]))
    assert_came_back(results)
    repeats = [result.repeats for result in results]
    assert np.nanmean(repeats) >= 0.90


@pytest.mark.parametrize(("cells", "first"), [("TRIPLETS", 1), ("SYNCOPATED", 1), ("SIMPLE", 4)])
def test_triplets_ties_and_pick_ups_come_back(cells: str, first: int) -> None:
    grid = BeatGrid.steady(88, 30, start=0.3, first=first)
    assert_came_back([loop_lines.line("", "clarinet", grid, [31, first], cells=getattr(loop_lines, cells))])


def test_melodies_of_the_corpus_come_back() -> None:
    """Two chorale sopranos and a fiddle tune, pick-up bars included."""
    results = list(loop_corpus.rows(quick=True))
    assert len(results) == len(loop_corpus.QUICK)
    assert_came_back(results)
