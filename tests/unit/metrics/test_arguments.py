"""Each argument of a metric has its effect, and figures are what they are called; none of it needs others' programs."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab import metrics
from musiclab.metrics.notes import _score
from tests.sounds import noise


def test_hop_is_the_way_from_one_window_to_the_next(rng: np.random.Generator) -> None:
    R = noise(2, 1, 6000, rng=rng)
    E = R + noise(2, 1, 6000, level=0.01, rng=rng)
    E[..., 3000:] += noise(2, 1, 3000, level=0.05, rng=rng)
    every = metrics.bss_eval(R, E, window=1000, hop=500, filter_length=8)
    apart = metrics.bss_eval(R, E, window=1000, filter_length=8)
    assert every.sdr.shape == (2, 11)
    assert apart.sdr.shape == (2, 6)
    np.testing.assert_allclose(every.sdr[:, ::2], apart.sdr)


def test_a_songs_figure_is_the_median_of_its_windows_and_not_the_mean() -> None:
    row = np.array([[1.0, 2.0, 3.0, 4.0, 100.0, np.nan]])
    assert metrics.BssScores(row, row, row, row).medians() == {name: [3.0] for name in ("sdr", "isr", "sir", "sar")}


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95])
def test_an_interval_holds_what_it_says(rng: np.random.Generator, probability: float) -> None:
    """Of the songs that are drawn, this share lies inside: checked with a draw of our own."""
    r = noise(1, 40 * 100, rng=rng)
    loudness = np.repeat(rng.uniform(0.01, 0.3, 40), 100)
    e = r + loudness * noise(1, 4000, level=1, rng=rng)
    found = metrics.sdr_interval(r, e, chunk=100, probability=probability, resamples=4000)
    wanted, error = ((x[0] ** 2).reshape(40, 100).sum(axis=1) for x in (r, r - e))
    drawn = rng.integers(40, size=(4000, 40))
    songs = 10 * np.log10(wanted[drawn].sum(axis=1) / error[drawn].sum(axis=1))
    assert np.mean((songs >= found.low) & (songs <= found.high)) == pytest.approx(probability, abs=0.02)
    assert np.mean(songs < found.low) == pytest.approx((1 - probability) / 2, abs=0.02)


def test_precision_is_of_what_was_found_and_recall_of_what_is_true() -> None:
    found = _score(2, 3, 5)
    assert (found.precision, found.recall, found.f) == pytest.approx((2 / 5, 2 / 3, 1 / 2))
    assert (_score(0, 3, 0).precision, _score(0, 0, 3).recall, _score(0, 0, 0).f) == (0, 0, 1)
