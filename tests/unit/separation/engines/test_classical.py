"""The classical engines do on made sounds what they are for, lose nothing, and repeat themselves exactly."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab import metrics
from musiclab.separation.engine import Engine
from musiclab.separation.engines import classical, decompose
from tests import sounds

SR = classical.SR
ENGINES = [classical.HPSS, classical.REPETSim, classical.NMF, classical.Centre]


def separate(engine, samples):
    with torch.inference_mode():
        out = engine.separate(torch.from_numpy(np.asarray(samples, np.float32))[None])[0].numpy()
    return dict(zip(engine.stems, out, strict=True))


tone = partial(sounds.tone, seconds=3.0, level=0.2, sr=SR)


def clicks(rng, seconds=3.0):
    x = np.zeros(int(seconds * SR))
    for start in range(4000, len(x) - 4000, SR // 4):
        x[start : start + 400] += rng.standard_normal(400) * np.exp(-np.arange(400) / 80)
    return x


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("kind", ["noise", "silence", "mono", "one sample", "loud"])
def test_stems_add_up_to_the_mixture_and_nothing_breaks(make, kind, rng):
    engine = make()
    assert isinstance(engine, Engine)
    x = sounds.noise(2, 30_000, rng=rng)
    x = {"noise": x, "silence": 0 * x, "mono": x[[0, 0]], "one sample": x[:, :1], "loud": 1e4 * x}[kind]
    x = x.astype(np.float32)
    before = x.copy()
    out = separate(engine, x)
    np.testing.assert_array_equal(x, before)
    assert all(np.isfinite(y).all() and y.shape == x.shape for y in out.values())
    np.testing.assert_allclose(sum(out.values()), x, atol=1e-4 * max(np.abs(x).max(), 1e-3))
    again = separate(make(), x)
    assert all(np.array_equal(out[name], again[name]) for name in out)


def test_hpss_parts_what_is_struck_low_and_steady(rng):
    stems = {"drums": clicks(rng), "bass": tone(60)}
    high = tone(700), tone(1300)  # left and right: not in the middle
    mixture = np.stack([sum(stems.values()) + side for side in high])
    out = separate(classical.HPSS(), mixture)
    for name, truth in stems.items():
        assert metrics.sdr(np.stack([truth, truth]), out[name]) > 8, name
    assert metrics.sdr(np.stack(high), out["other"]) > 8


def test_hpss_takes_the_middle_as_the_voice():
    voice, sides = tone(900), (tone(500), tone(2000))
    out = separate(classical.HPSS(), np.stack([voice + side for side in sides]))
    assert metrics.sdr(np.stack([voice, voice]), out["vocals"]) > 8
    assert metrics.sdr(np.stack(sides), out["other"]) > 8


def test_repet_finds_what_does_not_repeat(rng):
    bar = 0.2 * rng.standard_normal((2, SR // 2))
    bar *= np.linspace(1, 0, bar.shape[1]) ** 2
    accompaniment = np.tile(bar, 16)
    voice = np.zeros_like(accompaniment)
    glide = np.sin(2 * np.pi * np.cumsum(np.linspace(300, 1500, 3 * SR)) / SR)
    voice[:, 2 * SR : 5 * SR] = 0.3 * glide
    out = separate(classical.REPETSim(), accompaniment + voice)
    assert metrics.sdr(voice, out["vocals"]) > 8
    assert metrics.sdr(accompaniment, out["accompaniment"]) > 8


def test_centre_parts_the_middle_from_the_sides():
    middle, sides = tone(440), (tone(1000), tone(3000))
    out = separate(classical.Centre(), np.stack([middle + side for side in sides]))
    assert metrics.sdr(np.stack([middle, middle]), out["centre"]) > 10
    assert metrics.sdr(np.stack(sides), out["sides"]) > 10


@pytest.mark.parametrize(("below_db", "mono"), [(-54, False), (-66, True)])
def test_sides_sixty_decibels_under_the_middle_tell_nothing(rng, below_db, mono):
    middle, sides = (rng.normal(size=(50, 40)) + 1j * rng.normal(size=(50, 40)) for _ in range(2))
    sides *= 10 ** (below_db / 20)
    assert decompose.is_mono(np.stack([middle + sides, middle - sides])) == mono


@pytest.mark.parametrize("make", [classical.HPSS, classical.Centre])
def test_what_an_engine_says_of_its_reach_is_true(make, rng):
    """A change further away than `context` changes nothing: this is what lets a long song be cut without seams."""
    engine = make()
    x = sounds.noise(2, 3 * SR, rng=rng).astype(np.float32)
    changed = x.copy()
    edge = SR + int(engine.context * SR)
    changed[:, edge:] = rng.standard_normal((2, changed.shape[1] - edge)).astype(np.float32)
    for a, b in zip(separate(engine, x).values(), separate(engine, changed).values(), strict=True):
        np.testing.assert_allclose(a[:, :SR], b[:, :SR], atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    bins=st.integers(1, 70), columns=st.integers(1, 70), lead=st.sampled_from([(), (1,), (3,)]), seed=st.integers(0, 9)
)
def test_hpss_masks_of_any_shape_sum_to_one_and_are_medians(bins, columns, lead, seed):
    S = np.random.default_rng(seed).random((*lead, bins, columns))
    M = decompose.hpss_masks(S, columns=5, bins=3)
    assert M.shape == (2, *S.shape)
    np.testing.assert_allclose(M.sum(axis=0), 1, atol=1e-5)
    if columns > 4:
        middle = decompose._median(S, 5, -1)[..., 2]
        np.testing.assert_allclose(middle, np.median(S[..., :5], axis=-1))


def test_nmf_never_gets_worse_and_finds_parts(rng):
    W = np.zeros((30, 3))
    for k in range(3):
        W[10 * k : 10 * k + 8, k] = 1 / 8
    V = W @ rng.random((3, 60))

    def divergence(iterations):
        A, B = decompose.nmf(V, 3, iterations=iterations)
        np.testing.assert_allclose(A.sum(axis=0), 1, atol=1e-4)
        P = A @ B + 1e-12
        return float((V * np.log((V + 1e-12) / P) - V + P).sum())

    course = [divergence(n) for n in (1, 5, 20, 80, 300)]
    assert all(later <= earlier + 1e-4 for earlier, later in itertools.pairwise(course))
    assert course[-1] < 1e-2 * course[0]
    assert all(np.isfinite(part).all() for part in decompose.nmf(np.zeros((5, 6)), 2))


def test_repeating_never_exceeds_its_input(rng):
    S = rng.random((20, 50)).astype(np.float32)
    assert (decompose.repeating(S, similar=5, apart=3) <= S).all()
    np.testing.assert_array_equal(decompose.repeating(np.zeros((4, 3))), 0)
