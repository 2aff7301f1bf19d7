"""Quantisation: a random score, played by a human hand, comes back as it was written."""

from fractions import Fraction as F

import numpy as np
import pytest

from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation.quantise import quantise, swing_ratio

# Rhythmic cells in beats, with how often they come: what songs are made of, triplets and syncopations included.
SIMPLE = [
    ([F(1)], 4), ([F(1, 2)] * 2, 4), ([F(1, 2), F(1, 4), F(1, 4)], 1.5), ([F(1, 4)] * 4, 1), ([F(3, 4), F(1, 4)], 1.5),
    ([F(1, 3)] * 3, 1), ([F(3, 2), F(1, 2)], 1.5), ([F(2)], 2), ([F(1, 4), F(1, 2), F(1, 4)], 0.5),
]  # fmt: skip
COMPOUND = [
    ([F(1)], 3), ([F(1, 3)] * 3, 3), ([F(2, 3), F(1, 3)], 3), ([F(1, 3), F(2, 3)], 1), ([F(2)], 1),
]  # fmt: skip


def random_score(rng: np.random.Generator, cells: list, beats: int) -> list[tuple[F, F]]:
    weights = np.array([weight for _, weight in cells], dtype=float)
    score, now = [], F(0)
    while now < beats:
        for duration in cells[rng.choice(len(cells), p=weights / weights.sum())][0]:
            if rng.random() > 0.08:
                score.append((now, duration))
            now += duration
    return score


def played(
    score: list[tuple[F, F]], grid: BeatGrid, rng: np.random.Generator, jitter: float
) -> tuple[np.ndarray, np.ndarray]:
    onsets = grid.seconds_at([float(start) for start, _ in score]) + rng.normal(0, jitter, len(score))
    ends = grid.seconds_at([float(start + length * F(19, 20)) for start, length in score])
    return onsets, np.maximum(ends + rng.normal(0, 0.015, len(score)), onsets + 0.03)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (6, 8)])
@pytest.mark.parametrize("tempo", [70, 100, 130])
def test_human_timing_gives_the_score_back(rng, metre, tempo):
    """At 12 ms of human timing at least 95 % of the onsets and 90 % of the notes are written as they were meant."""
    right_onset = right = total = 0
    for _ in range(4):
        grid = BeatGrid.steady(tempo, 60, start=0.5, metre=metre)
        score = random_score(rng, COMPOUND if grid.is_compound else SIMPLE, 48)
        onsets, ends = played(score, grid, rng, 0.012)
        written = quantise(onsets, ends, grid, monophonic=True)
        unit = grid.beat_quarters
        for note, (start, length) in zip(written, score, strict=True):
            total += 1
            right_onset += note.onset == start * unit
            right += note.onset == start * unit and note.duration == length * unit
    assert right_onset / total >= 0.95
    assert right / total >= 0.90


def test_tempo_may_drift(rng):
    beats = np.cumsum(60 / np.linspace(90, 125, 60))
    grid = BeatGrid(tuple(beats))
    score = random_score(rng, SIMPLE, 50)
    written = quantise(*played(score, grid, rng, 0.008), grid, monophonic=True)
    assert np.mean([note.onset == start for note, (start, _) in zip(written, score, strict=True)]) > 0.95


def test_swing_is_written_straight():
    grid = BeatGrid.steady(120, 20)
    score = [F(k, 2) for k in range(32)]
    swung = [float(b // 1) + (0.66 if b.denominator == 2 else 0.0) for b in score]
    onsets = grid.seconds_at(swung)
    ends = np.append(onsets[1:], onsets[-1] + 0.2) - 0.02
    assert swing_ratio(onsets, grid) == pytest.approx(0.66, abs=0.01)
    assert [note.onset for note in quantise(onsets, ends, grid, monophonic=True, swing=None)] == score
    straight = grid.seconds_at([float(b) for b in score])
    assert swing_ratio(straight, grid) is None


def test_triplets_are_not_swing():
    grid = BeatGrid.steady(100, 20)
    onsets = grid.seconds_at([k / 3 for k in range(60)])
    assert swing_ratio(onsets, grid) is None
    written = quantise(onsets, onsets + 0.15, grid, monophonic=True, swing=None)
    assert [note.onset for note in written] == [F(k, 3) for k in range(60)]


def test_pick_up_counts_from_its_bar_line():
    grid = BeatGrid.steady(120, 10, start=1.0, first=4)
    written = quantise([1.0, 1.5], [1.4, 3.0], grid, monophonic=True)
    assert [note.onset for note in written] == [3, 4]


def test_notes_before_the_first_beat_stay_in_order():
    grid = BeatGrid.steady(120, 10, start=1.0)
    written = quantise([0.5, 0.75, 1.0], [0.7, 0.95, 1.4], grid, monophonic=True)
    assert [note.onset for note in written] == [3, F(7, 2), 4]


def test_chords_stay_together(rng):
    grid = BeatGrid.steady(100, 20)
    onsets = np.repeat(grid.seconds_at([0, 1, 2.5, 4]), 3) + rng.normal(0, 0.006, 12)
    written = quantise(onsets, onsets + 0.4, grid)
    assert [written[3 * k].onset for k in range(4)] == [0, 1, F(5, 2), 4]
    assert all(written[3 * k + i].onset == written[3 * k].onset for k in range(4) for i in range(3))


def test_no_notes_no_symbols():
    assert quantise([], [], BeatGrid.steady(100, 4)) == []


def test_a_grid_says_what_is_wrong_with_it():
    with pytest.raises(TranscriptionError, match="two beats"):
        BeatGrid((1.0,))
    with pytest.raises(TranscriptionError, match="metre"):
        BeatGrid((1.0, 2.0), metre=(4, 3))
    with pytest.raises(TranscriptionError, match="position"):
        BeatGrid((1.0, 2.0), first=5)


def test_seconds_and_beats_are_inverse(rng):
    grid = BeatGrid(tuple(np.cumsum(rng.uniform(0.4, 0.6, 30))))
    times = rng.uniform(-2, 20, 100)
    np.testing.assert_allclose(grid.seconds_at(grid.beats_at(times)), times, atol=1e-9)


def test_doubled_and_halved_grids():
    grid = BeatGrid.steady(100, 10)
    assert grid.doubled().tempo == pytest.approx(200)
    assert grid.doubled().halved().times == pytest.approx(grid.times)


@pytest.mark.parametrize(
    ("metre", "onsets", "end", "expected"),  # in beats
    [
        ((4, 4), [0, 4], 1.33, {F(1), F(3, 2), F(5, 4), F(4)}),
        ((4, 4), [0, 1 / 3, 2 / 3, 4], 1.33, None),
        ((6, 8), [0, 4], 1.5, {F(1), F(4, 3), F(5, 3), F(4)}),
    ],
)
def test_no_triplet_is_written_for_the_end_of_a_note_alone(metre, onsets, end, expected):
    grid = BeatGrid.steady(70, 12, metre=metre)
    ends = grid.seconds_at([*onsets[1:-1], end, onsets[-1] + 1])
    written = quantise(grid.seconds_at(onsets), ends, grid)
    last = (written[-2].onset + written[-2].duration) / grid.beat_quarters
    if expected is None:  # where triplets are played, the beat after them is as free of them
        assert last.denominator % 3
    else:
        assert last in expected
