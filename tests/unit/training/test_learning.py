"""What listeners are taught with: labels beside a beginning, and how much a song counts at another speed."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab.notes import Note, Part
from musiclab.training.listeners.bars import AS_IT_IS, SPEEDS, USUAL, Example, at_speeds
from musiclab.training.listeners.lines import onset_labels
from musiclab.training.studio.clips.computed import _side_stick
from musiclab.transcription import downbeats
from musiclab.transcription.monophonic import COLUMN_S


def test_a_beginning_is_its_column_and_the_one_on_either_side() -> None:
    begins, weight = onset_labels(100, Part([Note(50 * COLUMN_S, 60 * COLUMN_S, 60)]))
    assert np.flatnonzero(begins).tolist() == [49, 50, 51]
    assert weight[49:52].tolist() == [0.5, 1.0, 0.5]
    assert weight[[0, 99]].tolist() == [1.0, 1.0]
    at_the_edge, _ = onset_labels(100, Part([Note(0, 1, 60)]))
    assert np.flatnonzero(at_the_edge).tolist() == [0, 1]


def test_a_song_counts_twice_at_its_own_tempo_and_less_far_from_the_usual() -> None:
    song = Example(np.zeros((1, downbeats.SIZE)), np.ones(1), np.array([USUAL["simple"]]), ("simple",), "4/4")
    weights = [weight for _, weight in at_speeds(song)]
    assert 5 <= len(weights) <= len(SPEEDS)
    own = weights.index(max(weights))
    assert weights[own] == pytest.approx(AS_IT_IS)
    assert weights[:own] == sorted(weights[:own])
    assert max(weights[:own] + weights[own + 1 :]) < 1


def test_a_side_stick_dies_away() -> None:
    sound = _side_stick(np.random.default_rng(3))()
    start, end = sound[: len(sound) // 4], sound[-len(sound) // 4 :]
    assert np.square(end).mean() < 0.01 * np.square(start).mean()
