"""Beats to a few milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab import datasets, synth
from musiclab.audio import Audio
from musiclab.transcription.beat_times import sharpened
from musiclab.transcription.beats import track_beats

SR = 44100


@pytest.mark.parametrize("key", [36, 38, 42])
def test_rough_beats_move_to_the_strokes(key: int, rng: np.random.Generator) -> None:
    true = 0.4 + 0.5 * np.arange(24) + 0.02 * np.sin(np.arange(24) / 4)  # a tempo that drifts
    samples = np.zeros(13 * SR)
    for number, time in enumerate(true):
        start = round(time * SR)
        wave = synth.drum_hit(key, SR, seed=number)
        samples[start : start + len(wave)] += wave
    rough = true + rng.uniform(-0.012, 0.012, len(true))
    before = rough.copy()
    found = sharpened(Audio(samples * 0.3, SR), rough)
    assert np.abs(found - true).max() < 0.003
    np.testing.assert_array_equal(rough, before)


def test_a_missing_stroke_is_where_its_neighbours_expect_it() -> None:
    true = 0.5 + 0.5 * np.arange(16)
    samples = np.zeros(9 * SR)
    for number, time in enumerate(true):
        if number not in (5, 9):
            wave = synth.drum_hit(38, SR, seed=number)
            samples[round(time * SR) : round(time * SR) + len(wave)] += wave
    found = sharpened(Audio(samples * 0.3, SR), true + 0.006 * (-1) ** np.arange(16))
    assert np.abs(found - true).max() < 0.012


def test_few_beats_and_silence_are_left_as_they_are() -> None:
    times = np.array([0.1, 0.6, 1.1])
    np.testing.assert_array_equal(sharpened(Audio(np.zeros(2 * SR), SR), times), times)
    many = np.arange(8) * 0.5 + 0.2
    assert np.abs(sharpened(Audio(np.zeros(5 * SR), SR), many) - many).max() < 0.045


@pytest.mark.parametrize("name", ["lantern-waltz", "paper-boats", "twelve-bars-home"])
def test_beats_of_bundled_songs_are_within_milliseconds(name: str) -> None:
    song = datasets.demo(name)
    true = np.array([time for time, _ in song.beats])
    found = np.array(track_beats(song.mixture).times)
    errors = np.array([time - true[np.abs(true - time).argmin()] for time in found])
    errors = errors[np.abs(errors) < 0.1]  # the tracker goes on where the truth ends
    assert len(errors) > 0.8 * len(true)
    assert abs(np.median(errors)) < 0.002
    assert np.median(np.abs(errors)) < 0.003
    assert 60 / np.median(np.diff(found)) == pytest.approx(song.tempo, rel=0.004)
