"""What listeners are taught with: labels beside a beginning, and how much a song counts at another speed."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab.instruments import find
from musiclab.notes import Note, Part
from musiclab.training.listeners.bars import AS_IT_IS, SPEEDS, USUAL, Example, at_speeds
from musiclab.training.listeners.fitting import fit_logistic
from musiclab.training.listeners.lines import onset_labels
from musiclab.training.studio.clips.computed import _side_stick
from musiclab.training.studio.clips.lines import random_melody
from musiclab.training.studio.clips.music import single_strokes
from musiclab.training.studio.clips.samples import attack_start
from musiclab.transcription import downbeats
from musiclab.transcription.calibration import logistic
from musiclab.transcription.pitch_track import COLUMN_S


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


def test_a_melody_is_off_its_beat_by_no_more_than_a_player() -> None:
    """It begins 0.2 to 0.8 s from the start, give or take some hundredths; a first note in ten is left out."""
    begins = [
        random_melody(np.random.default_rng(seed), find("flute"), (60, 84), 6.0).part.notes[0].onset
        for seed in range(60)
    ]
    assert np.mean([0.16 < onset < 0.84 for onset in begins]) > 0.75
    assert min(begins) > 0.16


def test_a_key_struck_again_has_been_let_go_and_twice_at_once_is_once() -> None:
    played = [Note(0, 2, 60), Note(1, 3, 60), Note(1.05, 3, 60), Note(1, 1.03, 64), Note(1, 1.05, 65), Note(4, 9, 67)]
    kept = {(note.onset, note.offset, note.pitch) for note in single_strokes(played, 5.0)}
    assert kept == {(0, 1, 60), (1, 3, 60), (1, 1.05, 65), (4, 5, 67)}


def test_a_logistic_fit_is_where_its_slope_is_none(rng: np.random.Generator) -> None:
    """Also where hardly anything is wrong."""
    x = rng.normal(0, 1, (4000, 2))
    y = (rng.random(4000) < logistic(x @ [1.0, -0.5] + 4.0)).astype(float)
    found = fit_logistic(x, y, np.ones(4000), ridge=0.0)
    missed = y - logistic(x @ found["weights"] + found["bias"])
    assert np.abs(np.column_stack([x, np.ones(4000)]).T @ missed).max() < 0.02
    assert found["bias"] == pytest.approx(4.0, abs=0.5)


def test_a_sound_begins_just_before_its_attack_and_never_before_its_first_sample() -> None:
    sound = np.zeros(6400, np.float32)
    sound[3200:] = 1
    assert 3200 - 2 * 64 <= attack_start(sound) < 3200
    assert attack_start(sound[3200:]) == 0
    assert attack_start(np.zeros(640, np.float32)) == 0


def test_a_side_stick_dies_away() -> None:
    sound = _side_stick(np.random.default_rng(3))()
    start, end = sound[: len(sound) // 4], sound[-len(sound) // 4 :]
    assert np.square(end).mean() < 0.01 * np.square(start).mean()
