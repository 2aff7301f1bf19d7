"""The training of notebook 06: it counts its steps, repeats with its seed, and learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from musiclab import metrics
from musiclab.datasets import demo
from musiclab.separation.engines.embedded.network import STEMS, spectrogram, waveform
from musiclab.training.separator import lesson
from musiclab.training.separator.train import Trainer


@pytest.fixture
def songs(tmp_path: Path, rng: np.random.Generator) -> Path:
    """One song whose stems lie in bands of their own."""
    frames = 6 * 44_100
    spectrum = np.fft.rfft(rng.standard_normal((4, 2, frames)))
    hz = np.fft.rfftfreq(frames, 1 / 44_100)
    for stem, (low, high) in enumerate(((500, 2000), (5000, 12_000), (40, 150), (2000, 5000))):
        spectrum[stem][:, (hz < low) | (hz > high)] = 0
    x = np.fft.irfft(spectrum)
    folder = tmp_path / "songs"
    folder.mkdir()
    np.save(folder / "bands.npy", np.round(8000 * x / np.abs(x).max(axis=(1, 2), keepdims=True)).astype(np.int16))
    return folder


def test_it_learns_in_its_steps_and_repeats_with_its_seed(songs: Path) -> None:
    runs = []
    for _ in range(2):
        trainer = Trainer(replace(lesson.settings(songs, seed=3), half=False))
        runs.append(list(lesson.steps(trainer, 11)))
    done, losses = zip(*runs[0], strict=True)
    assert list(done) == list(range(1, 12))
    assert trainer.step == 11
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.05
    np.testing.assert_allclose(losses, [loss for _, loss in runs[1]], rtol=1e-4)


def test_the_learning_rate_falls_to_zero_at_the_end() -> None:
    shares: list[float] = []
    trainer = SimpleNamespace(train_step=lambda share: shares.append(share) or 0.5)
    assert list(lesson.steps(trainer, 10)) == [(k, 0.5) for k in range(1, 11)]
    assert shares[:7] == [1.0] * 7
    np.testing.assert_allclose(shares[7:], [0.75, 0.5, 0.25])


@pytest.mark.slow
def test_what_was_learnt_before_gets_better_step_by_step() -> None:
    """On the song that it never saw: the bass, by decibels."""
    song = demo("lantern-waltz")
    piece = slice(6, 12)
    D = spectrogram(torch.from_numpy(song.mixture[piece].samples.copy())[None])
    scores = []
    for step in lesson.LEARNT:
        with torch.inference_mode():
            sound = waveform(lesson.learnt(step)(D)[0] * D, song.mixture[piece].frames)[STEMS.index("bass")]
        scores.append(metrics.sdr(song.stems["bass"][piece], sound.numpy()))
    assert np.all(np.diff(scores) > 0.3), scores
    assert scores[-1] > 6


def test_a_step_that_was_not_kept_is_told() -> None:
    with pytest.raises(ValueError, match="25, 100, 400"):
        lesson.learnt(7)
