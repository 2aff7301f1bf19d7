"""Sung voices by moving periods and between frames, and bass lines in their bars: what needs no vocoder."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from musiclab.training.studio.songs import parts, written
from musiclab.training.studio.songs.clips import HOP, Clip
from musiclab.training.studio.songs.library import SR
from musiclab.training.studio.songs.psola import psola
from musiclab.training.studio.songs.vocoder import SingingPlan, _at
from musiclab.training.studio.songs.voice import trim


def test_periods_are_moved_to_another_pitch_and_keep_their_length() -> None:
    frames = 200
    wave = np.zeros(int(frames * HOP), np.float32)
    for at in range(0, len(wave) - 60, SR // 105):  # a click with a short ring, 105 times a second
        wave[at : at + 60] += np.hanning(60).astype(np.float32)
    unused = np.zeros((frames, 1), np.float32)
    clip = Clip(SimpleNamespace(), wave, np.full(frames, 105.0), unused, unused, [])  # type: ignore[arg-type]
    where = np.arange(frames, dtype=float)
    sung = psola(SingingPlan([clip], np.zeros(frames, int), where, np.full(frames, 150.0), np.full(frames, 0.5)))
    middle = sung[SR // 4 : SR * 3 // 4]
    rises = np.flatnonzero((middle[:-1] < 0.25) & (middle[1:] >= 0.25))
    assert np.diff(rises) / SR == pytest.approx(1 / 150, rel=0.02)
    assert middle.max() == pytest.approx(0.5, abs=0.1)  # with the plan's gain
    assert np.flatnonzero(sung)[-1] == pytest.approx(frames * HOP, abs=0.02 * SR)


def test_between_two_frames_lies_their_weighted_mean() -> None:
    rows = np.array([[0.0, 1.0], [10.0, 3.0], [20.0, 5.0]], np.float32)
    found = _at(rows, np.array([0.0, 0.25, 1.5, 9.0]))
    assert found == pytest.approx(np.array([[0, 1], [2.5, 1.5], [15, 4], [20, 5]]), abs=0.02)


def test_only_the_silence_at_the_end_is_cut_off() -> None:
    x = np.array([0.0, 0.5, 0.0, 0.01, -0.02, 0.001, 0.0], np.float32)  # −42 dB is 0.008
    assert trim(x).tolist() == x[:5].tolist()
    assert len(trim(x[-2:])) == 0


@pytest.mark.parametrize(("beats", "figure"), [(4, (0, 4, 7, 9, 10, 9, 7, 4)), (3, (0, 7, 10, 7, 0, 7))])
def test_a_boogie_climbs_to_the_seventh_in_each_bar(beats: int, figure: tuple[int, ...]) -> None:
    """In eighths; where the bar is too short for all of the figure, every other note of it."""
    grid = written.StepGrid(beats, 4, np.arange(9.0), 0.5)
    chord = SimpleNamespace(root_near=lambda low: low + 2)
    song = SimpleNamespace(grid=grid, chord=lambda bar, step: chord)
    dice = np.random.default_rng(0)
    notes = list(parts._bass_boogie(parts.Bar(song, 0, dice, dice), 40))  # type: ignore[arg-type]
    assert [step for step, *_ in notes] == list(range(0, 4 * beats, 2))
    assert tuple(pitch - 42 for _, _, pitch, _ in notes) == figure
