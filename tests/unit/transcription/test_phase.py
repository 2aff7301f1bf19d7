"""One instrument out of phase in a stereo song: heard all the same, and ordinary songs to the bit as they were."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.transcription import phase
from musiclab.transcription.harmony import estimate_chords
from musiclab.transcription.phase import in_phase
from tests.sounds import SR, harmonics, noise, tone


def error_db(made: Audio, true: np.ndarray) -> float:
    return float(20 * np.log10(np.linalg.norm(made.samples[0] - true) / np.linalg.norm(true)))


@pytest.mark.parametrize("sr", [44_100, 48_000, 22_051])
@pytest.mark.parametrize("seconds", [0.3, 7.77])
def test_an_inverse_bass_is_heard_with_the_rest(sr: int, seconds: float) -> None:
    bass, rest = tone(82.4, seconds, level=0.3, sr=sr), noise(round(seconds * sr), level=0.3)
    given = np.stack([rest + bass, rest - bass]).astype(np.float32)
    before = given.copy()
    song = Audio(given, sr)
    assert error_db(song.mono(), bass + rest) > -6  # the plain mean has lost it
    assert error_db(in_phase(song), bass + rest) < -15
    np.testing.assert_array_equal(given, before)
    assert (in_phase(song).frames, in_phase(song).sr) == (song.frames, sr)


def test_chords_of_a_song_with_an_inverse_guitar() -> None:
    """A major and E minor lie in what is inverse; what is in phase is a cymbal."""
    roots = [(57, 61, 64), (52, 55, 59)] * 2
    guitar = np.concatenate([sum(harmonics(pitch, 2.0, 4) for pitch in chord) for chord in roots]) * 0.05
    cymbal = np.diff(noise(len(guitar) + 1, level=0.1))
    grid = BeatGrid(tuple(np.arange(0, 8.01, 0.5)), 1, (4, 4))
    song = Audio(np.stack([cymbal + guitar, cymbal - guitar]), SR)
    assert np.corrcoef(song.mono().samples[0], guitar)[0, 1] < 0.1  # its plain mean is the cymbal
    plain = [chord.symbol for chord in estimate_chords(Audio(cymbal + guitar, SR), grid)]
    assert [chord.symbol for chord in estimate_chords(song, grid)] == plain


@pytest.mark.parametrize("name", datasets.demo_songs())
def test_ordinary_songs_stay_as_they_are(name: str) -> None:
    song = datasets.demo(name).mixture
    np.testing.assert_array_equal(in_phase(song).samples, song.mono().samples)


@pytest.mark.parametrize(
    "samples",
    [
        noise(1, 50_000),
        noise(1, 50_000) * [[1], [-1]],  # a channel that is inverse as a whole
        noise(2, 50_000),  # as wide as can be
        noise(6, 50_000),
        np.zeros((2, 50_000)),
        noise(2, 1),
    ],
    ids=["mono", "inverse", "wide", "surround", "silent", "short"],
)
def test_where_the_mean_does_it_is_taken(samples: np.ndarray) -> None:
    song = Audio(samples, SR)
    np.testing.assert_array_equal(in_phase(song).samples, song.mono().samples)


def test_what_is_in_phase_comes_through_unharmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into two seconds each and put together again, a sound is what it was."""
    monkeypatch.setattr(phase, "OPPOSED", -2)
    monkeypatch.setattr(phase, "LEAST", 0)
    song = Audio(noise(2, 200_001) + noise(200_001, rng=1), SR)
    assert np.abs(phase._turned(song).samples - song.mono().samples).max() < 1e-6
