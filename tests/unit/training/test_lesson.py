"""The training of notebook 06: it follows its clock, repeats with its seed, and learns."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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


def ticking(step: float = 1.0) -> itertools.count[float]:
    return itertools.count(0.0, step)


def test_it_learns_within_its_time_and_repeats_with_its_seed(songs: Path) -> None:
    runs = []
    for _ in range(2):
        clock = ticking()
        trainer = Trainer(replace(lesson.settings(songs, seed=3), half=False))
        runs.append(list(lesson.steps(trainer, 12 / 60, clock=lambda clock=clock: next(clock))))
    done, losses = zip(*runs[0], strict=True)
    assert len(done) == trainer.step == 11  # a tick before the first step, and one for each
    assert list(done) == sorted(done)
    assert 0 < done[0] < done[-1] < 1
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.05
    np.testing.assert_allclose(losses, [loss for _, loss in runs[1]], rtol=1e-4)
