"""Scores by hand, against museval, and as properties: what must and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab import metrics
from musiclab.audio import Audio
from musiclab.stems import Stems
from tests.references import museval_metrics
from tests.sounds import tone


def test_sdr_by_hand(rng):
    r = rng.standard_normal((2, 5000))
    assert metrics.sdr(r, np.zeros_like(r)) == pytest.approx(0, abs=1e-9)
    assert metrics.sdr(r, 0.9 * r) == pytest.approx(20, abs=1e-6)
    assert metrics.sdr(r, -r) == pytest.approx(-20 * math.log10(2), abs=1e-6)
    assert metrics.sdr(0 * r, 0 * r) == 0
    assert metrics.sdr(Audio(r, 8000), Audio(0.9 * r, 8000)) == pytest.approx(20, abs=1e-3)
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.sdr(r, r[:, 1:])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_si_sdr_forgives_the_level_and_nothing_is_changed(rng, scale):
    r = rng.standard_normal((2, 4000))
    e = r + 0.1 * rng.standard_normal((2, 4000))
    before = r.copy(), (scale * e).copy()
    expected = metrics.si_sdr(r, e)
    assert expected == pytest.approx(20, abs=0.5)
    louder = scale * e
    assert metrics.si_sdr(r, louder) == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(r, before[0])
    np.testing.assert_array_equal(louder, before[1])
    assert metrics.si_sdr(r, scale * r) == math.inf
    assert metrics.si_sdr(r, 0 * r) == -math.inf
    assert metrics.si_sdr(0 * r, r) == -math.inf


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(-3, 3), seed=st.integers(0, 50), channels=st.integers(1, 3))
def test_si_sdr_bounds_the_sdr_of_any_gain(gain, seed, channels):
    random = np.random.default_rng(seed)
    r = 10 * random.standard_normal((channels, 500))
    e = r + random.standard_normal(r.shape)
    # |r - g e|² is least where r - g e is orthogonal to e. With c their cosine the SDR is then 1 / (1 - c²); SI-SDR,
    # which scales the reference instead, c² / (1 - c²): one less.
    best = 10 * math.log10(1 + 10 ** (metrics.si_sdr(r, e) / 10))
    assert metrics.sdr(r, gain * e) <= best + 1e-6
    assert metrics.sdr(r, e * np.sum(r * e) / np.sum(e * e)) == pytest.approx(best, abs=1e-6)


def museval_scores(references, estimates, window):
    sdr, isr, sir, sar, _ = museval_metrics().bss_eval(
        references.transpose(0, 2, 1), estimates.transpose(0, 2, 1), window=window, hop=window
    )
    return {"sdr": sdr, "isr": isr, "sir": sir, "sar": sar}


def compare(references, estimates, window):
    ours = metrics.bss_eval(references, estimates, window=window)
    for name, theirs in museval_scores(references, estimates, window).items():
        np.testing.assert_allclose(getattr(ours, name), theirs, atol=0.01, err_msg=name)
    return ours


@pytest.mark.filterwarnings("ignore")  # museval's own
def test_bss_eval_equals_museval_on_made_sounds(rng):
    R = rng.standard_normal((3, 2, 12_000))
    R[1, :, 4000:8000] = 0  # silent in the second window
    E = R + 0.1 * R[[1, 2, 0]] + 0.05 * np.roll(R, 7, axis=-1) + 0.02 * rng.standard_normal(R.shape)
    scores = compare(R, E, 4000)
    assert np.isnan(scores.sdr[:, 1]).all()
    assert np.isfinite(scores.medians()["sar"]).all()


@pytest.mark.filterwarnings("ignore")
def test_bss_eval_equals_museval_where_channels_are_equal(rng):
    R = rng.standard_normal((2, 1, 6000)).repeat(2, axis=1)  # the equations have no single solution
    compare(R, R + 0.2 * R[::-1] + 0.01 * rng.standard_normal(R.shape), 3000)


def test_bss_eval_tells_what_is_wrong(rng):
    R = rng.standard_normal((2, 2, 40_000))
    bleeding = metrics.bss_eval(R, R + 0.1 * R[::-1], window=None)
    assert bleeding.sir[:, 0] == pytest.approx([20, 20], abs=0.5)
    assert (bleeding.sar > 60).all()
    noisy = metrics.bss_eval(R, R + 0.1 * rng.standard_normal(R.shape), window=None)
    assert noisy.sar[:, 0] == pytest.approx([20, 20], abs=1.5)
    assert (noisy.sir > 25).all()
    panned = metrics.bss_eval(R, R * np.array([1.0, 0.5])[None, :, None], window=None)
    assert (panned.isr[:, 0] < 12).all()
    assert (panned.sir > 60).all()


def test_bss_eval_refuses_what_it_cannot_measure(rng):
    R = rng.standard_normal((2, 1, 600))
    with pytest.raises(ValueError, match="one shape"):
        metrics.bss_eval(R, R[:1])
    with pytest.raises(ValueError, match="silent"):
        metrics.bss_eval(R, R * np.array([1, 0])[:, None, None])


def test_interval_holds_the_value_and_shrinks_with_evenness(rng):
    r = rng.standard_normal((2, 80_000))
    even = metrics.sdr_interval(r, 0.9 * r, chunk=1000)
    assert even.value == pytest.approx(20, abs=1e-6)
    assert even.high - even.low < 0.01
    gains = np.repeat(rng.uniform(0.2, 1.0, 80), 1000)
    uneven = metrics.sdr_interval(r, gains * r, chunk=1000)
    assert uneven.low < uneven.value < uneven.high
    assert uneven.high - uneven.low > 0.5
    assert metrics.sdr_interval(r, gains * r, chunk=1000) == uneven  # the same draws each time
    narrow = metrics.sdr_interval(r, gains * r, chunk=1000, probability=0.5)
    assert narrow.high - narrow.low < uneven.high - uneven.low


def test_null_test_is_the_level_of_the_difference(rng):
    x = rng.standard_normal((2, 1000)).astype(np.float32)
    assert metrics.null_test(x, x) == -200
    assert metrics.null_test(x, x + np.float32(0.1)) == pytest.approx(-20, abs=0.01)


def test_error_spectrogram_shows_where_the_error_is():
    low, high = tone(500), tone(5000, level=0.1)
    dB = metrics.error_spectrogram(np.stack([low, low]), np.stack([low + high, low + high]))
    assert dB[:, 10:30].mean(axis=1).argmax() == round(5000 / 44100 * 4096)
    assert dB.max() == pytest.approx(-20, abs=1)
    assert (metrics.error_spectrogram(0 * low, 0 * low) == -80).all()


def test_bleed_is_a_matrix_of_levels(rng):
    R = rng.standard_normal((3, 2, 60_000)).astype(np.float32)
    E = R.copy()
    E[0] += 0.1 * R[1]
    E[2] *= 0.5
    matrix = metrics.bleed(R, E, sr=44100)
    np.testing.assert_allclose(matrix.diagonal(), [0, 0, 20 * np.log10(0.5)], atol=0.1)
    assert matrix[0, 1] == pytest.approx(-20, abs=0.3)
    off = matrix[~np.eye(3, dtype=bool)]
    assert np.sort(off)[:-1].max() < -50
    R[1] = 0
    assert np.isnan(metrics.bleed(R, E, sr=44100)[:, 1]).all()
    with pytest.raises(ValueError, match="differ"):
        metrics.bleed(R, E[:, :1], sr=44100)


@pytest.mark.parametrize(("sr", "between"), [(16000, 1689), (44100, 2805), (96000, 4150)])
def test_bleed_has_its_bands_where_the_rate_puts_them(sr, between):
    """Two bands of equal width in mel: a tone turned round on one side only is no loss, both in one band cancel."""
    t = np.arange(2 * sr) / sr
    below, beside, above = (np.sin(2 * np.pi * hz * t) for hz in (0.6 * between, 0.8 * between, 1.5 * between))
    for other, level in ((above, 0.0), (beside, -30.0)):
        (share,) = metrics.bleed((below + other)[None, None], (below - other)[None, None], sr=sr, bands=2)[0]
        assert share == pytest.approx(0.0, abs=0.1) if level == 0 else share < level


def test_table_has_the_stems_that_both_have(rng):
    x = {name: Audio(rng.standard_normal((2, 100)), 8000) for name in ("vocals", "drums")}
    mixture = Audio(sum(a.samples for a in x.values()), 8000)
    table = metrics.sdr_table(Stems(x, mixture), Stems({"vocals": x["vocals"].gained(-6.0)}, mixture))
    assert list(table) == ["vocals"]
    assert table["vocals"] == pytest.approx(6.04, abs=0.1)
