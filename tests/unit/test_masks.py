"""Masks sum to one, take the mixture apart without loss, survive silence, and change nothing they are given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musiclab import masks

SCALES = [1e-3, 1.0, 1e3]
KINDS = {
    "binary": masks.ideal_binary,
    "ratio": masks.ideal_ratio,
    "ratio of powers": lambda D: masks.ideal_ratio(D, exponent=2.0),
    "soft": lambda D: masks.ideal_ratio(D, exponent=0.3),
    "phase-sensitive": lambda D: masks.renormalise(masks.phase_sensitive(D)),
    "hard": lambda D: masks.harden(masks.ideal_ratio(D), 8.0),
    "hardest": lambda D: masks.harden(masks.ideal_ratio(D), np.inf),
    "equal": lambda D: masks.harden(masks.ideal_ratio(D), 0.0),
    "threshold": lambda D: masks.threshold(masks.ideal_ratio(D), 0.4),
    "smooth": lambda D: masks.smooth(masks.ideal_ratio(D), bins=3, columns=5),
}


@st.composite
def sources(draw):
    """Complex STFTs (sources, channels, bins, columns) at any level, some of them silent."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    D = random.standard_normal(shape) + 1j * random.standard_normal(shape)
    D *= draw(st.sampled_from([0.0, 1e-20, 1e-3, 1.0, 1e3]))
    D[random.random(shape) < draw(st.sampled_from([0.0, 0.5]))] = 0.0
    return D.astype(np.complex64)


@settings(max_examples=60, deadline=None)
@given(D=sources(), kind=st.sampled_from(sorted(KINDS)))
def test_masks_sum_to_one_and_reconstruct_the_mixture(D, kind):
    M = KINDS[kind](D)
    assert M.shape == D.shape
    assert M.dtype == np.float32
    assert np.isfinite(M).all()
    assert (M >= 0).all()
    np.testing.assert_allclose(M.sum(axis=0), 1.0, atol=1e-5)
    X = D.sum(axis=0)
    np.testing.assert_allclose(masks.apply(M, X).sum(axis=0), X, rtol=1e-4, atol=1e-5 * np.abs(X).max())


@settings(max_examples=30, deadline=None)
@given(
    M=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=6),
        elements=st.floats(0, np.float32(3e38), width=32),
    )
)
def test_any_shares_are_renormalised_without_overflow(M):
    np.testing.assert_allclose(masks.renormalise(M).sum(axis=0), 1.0, atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_sources_are_not_changed_and_their_level_does_not_matter(rng, kind, scale):
    D = (rng.standard_normal((3, 2, 8, 8)) + 1j * rng.standard_normal((3, 2, 8, 8))).astype(np.complex64)
    scaled = (scale * D).astype(np.complex64)
    before = scaled.copy()
    np.testing.assert_allclose(KINDS[kind](scaled), KINDS[kind](D), atol=1e-4)
    np.testing.assert_array_equal(scaled, before)


def test_kinds_by_hand():
    D = np.array([3.0, 1.0]).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(masks.ideal_binary(D).ravel(), [1, 0])
    np.testing.assert_allclose(masks.ideal_ratio(D).ravel(), [0.75, 0.25])
    np.testing.assert_allclose(masks.ideal_ratio(D, exponent=2).ravel(), [0.9, 0.1])
    np.testing.assert_allclose(masks.harden(masks.ideal_ratio(D), 2).ravel(), [0.9, 0.1])
    np.testing.assert_allclose(masks.threshold(masks.ideal_ratio(D), 0.3).ravel(), [1, 0])
    np.testing.assert_allclose(masks.threshold(masks.ideal_ratio(D), 2.0).ravel(), [1, 0])
    opposed = np.array([3.0, -1.0]).reshape(2, 1, 1, 1)  # the second source is out of phase with the mixture
    np.testing.assert_allclose(masks.phase_sensitive(opposed).ravel(), [1, 0])
    np.testing.assert_allclose(masks.phase_sensitive(opposed, limits=None).ravel(), [1.5, -0.5])
    np.testing.assert_allclose(masks.ideal_ratio(np.zeros((4, 1, 1, 1))).ravel(), 0.25)


def test_phase_sensitive_gains_are_the_best_real_ones(rng):
    D = rng.standard_normal((2, 1, 6, 6)) + 1j * rng.standard_normal((2, 1, 6, 6))
    X = D.sum(axis=0)
    best = masks.phase_sensitive(D, limits=None)
    error = np.abs(D - best * X)
    for nudge in (-0.01, 0.01):
        assert (np.abs(D - (best + nudge) * X) > error - 1e-6).all()


def test_smoothing_does_not_drift_along_a_long_song(rng):
    M = masks.ideal_ratio(rng.random((2, 1, 4, 60_000)))
    out = masks.smooth(M, columns=9)
    np.testing.assert_allclose(out.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(out[..., 30_000], M[..., 29_996:30_005].mean(axis=-1), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(D=sources(), iterations=st.integers(0, 3), noise=st.sampled_from([0.0, 0.3]))
def test_wiener_estimates_add_up_to_the_mixture(D, iterations, noise):
    X = D.sum(axis=0)
    random = np.random.default_rng(1)
    estimates = D * (1 + noise * random.standard_normal(D.shape)).astype(np.float32)
    before = estimates.copy(), X.copy()
    Y = masks.wiener(estimates, X, iterations=iterations)
    assert Y.shape == D.shape
    assert np.isfinite(Y).all()
    np.testing.assert_allclose(Y.sum(axis=0), X, rtol=1e-4, atol=1e-5 * max(np.abs(X).max(), 1e-30))
    np.testing.assert_array_equal(estimates, before[0])
    np.testing.assert_array_equal(X, before[1])


@pytest.mark.parametrize("scale", SCALES)
def test_wiener_does_not_care_for_level_or_blocks(rng, scale):
    D = (rng.standard_normal((2, 2, 10, 20)) + 1j * rng.standard_normal((2, 2, 10, 20))).astype(np.complex64)
    X = D.sum(axis=0)
    expected = masks.wiener(D, X, block=3)
    np.testing.assert_allclose(masks.wiener(scale * D, scale * X) / scale, expected, atol=1e-4)


def test_wiener_tells_sources_apart_by_their_place(rng):
    """Two sources with the same spectrum, left and right: no mask can part them, the stereo filter does."""
    sound = rng.standard_normal((2, 12, 400)) + 1j * rng.standard_normal((2, 12, 400))
    place = np.array([[1.0, 0.2], [0.2, 1.0]])
    D = place[:, :, None, None] * sound[:, None]
    X = D.sum(axis=0)
    start = D + 0.5 * (D[::-1] - D)  # half of each has bled into the other ... and the level of each is the same
    start[0] *= 1.2
    error = [np.square(np.abs(est - D)).sum() for est in (start, masks.wiener(D, X, iterations=1))]
    assert error[1] < 1e-3 * error[0]


def test_wiener_works_with_any_number_of_channels(rng):
    D = rng.standard_normal((2, 5, 3, 30)) + 1j * rng.standard_normal((2, 5, 3, 30))
    Y = masks.wiener(D[:, :2], D[:, :2].sum(axis=0))
    general = masks._solve(np.eye(5)[:, :, None, None] * 2.0 + np.zeros((5, 5, 3, 30)), D[0])
    np.testing.assert_allclose(general, D[0] / 2)
    assert Y.shape == (2, 2, 3, 30)


def test_bad_settings_are_refused():
    M = np.ones((2, 1, 3, 3), np.float32)
    for wrong in (
        lambda: masks.ideal_ratio(M, exponent=0),
        lambda: masks.harden(M, -1),
        lambda: masks.smooth(M, bins=0),
    ):
        with pytest.raises(ValueError, match=r"at least|greater"):
            wrong()
