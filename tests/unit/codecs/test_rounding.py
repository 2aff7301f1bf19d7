"""Dither is noise around zero, and what is told of a file is true."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab.codecs import pcm
from tests.sounds import noise, tone


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("seed", [0, 1])
def test_dither_has_two_sides(bits: int, seed: int) -> None:
    """One-sided, it would be half a step of DC in every file; its triangle is two steps wide."""
    full = 2.0 ** (bits - 1)
    samples = (tone(441, 4, level=20 / full)[None] + 0.3 / full).astype(np.float32)
    steps = np.concatenate(list(pcm.quantised(samples, bits, seed=seed)), axis=1)
    error = steps - samples.astype(np.float64) * full
    assert error.mean() == pytest.approx(0, abs=0.01)
    assert error.var() == pytest.approx(1 / 4, abs=0.01)  # a triangle of two steps (1/6) and the rounding (1/12)
    assert np.abs(error).max() <= 1.5


def test_whole_steps_are_left_alone_at_any_level(rng: np.random.Generator) -> None:
    samples = (np.rint(noise(2, 5000, level=0.1, rng=rng) * 32768) / 32768).astype(np.float32)
    steps = np.concatenate(list(pcm.quantised(samples, 16)), axis=1)
    assert (steps == samples * 32768).all()
