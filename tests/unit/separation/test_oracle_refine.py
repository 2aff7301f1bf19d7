"""Ideal masks do better the more they know; refinement helps where it says it does; long songs have no seams."""

import numpy as np
import pytest

from musiclab import metrics, separate
from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.separation import refine as refine_module
from musiclab.separation.engines.oracle import KINDS, Oracle, ideal
from musiclab.separation.refine import in_pieces, refine
from musiclab.stems import Stems
from tests.sounds import noise, song

SR = 44100


@pytest.fixture
def truth(rng):
    """Two sounds that overlap in frequency, one to the left, one to the right."""
    t = np.arange(SR) / SR
    chirp = np.sin(2 * np.pi * (300 * t + 900 * t**2)) * 0.3
    hiss = noise(SR, rng=rng)
    return song({"chirp": np.stack([chirp, 0.3 * chirp]), "noise": np.stack([0.3 * hiss, hiss])}, sr=SR)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_ideal_masks_part_the_sounds(truth, kind):
    estimates = ideal(truth, kind=kind)
    table = metrics.sdr_table(truth, estimates)
    assert table["chirp"] > 10
    assert table["noise"] > 8
    if kind != "phase-sensitive":  # these are cut to [0, 1] and leave a residual
        assert estimates.residual.rms_db < -90


def test_kinds_rank_as_theory_says(truth):
    score = {kind: np.mean(list(metrics.sdr_table(truth, ideal(truth, kind=kind)).values())) for kind in KINDS}
    assert score["wiener"] > score["phase-sensitive"] > score["binary"]
    with pytest.raises(EngineError, match="no ideal masks"):
        ideal(truth, kind="perfect")


def test_what_the_stems_leave_over_is_a_source(truth):
    part = Stems({"chirp": truth["chirp"]}, truth.mixture)
    assert metrics.sdr(truth["chirp"], ideal(part)["chirp"]) > 10


def test_the_oracle_is_an_engine(truth):
    stems = separate(truth.mixture, engine=Oracle(truth), cache=False, progress=False)
    assert list(stems) == ["chirp", "noise"]
    assert metrics.sdr(truth["chirp"], stems["chirp"]) > 10
    with pytest.raises(EngineError, match="one song"):
        separate(truth.mixture[:0.5], engine=Oracle(truth), cache=False, progress=False)


def test_refinement_uses_the_stereo_picture(truth):
    bled = {
        "chirp": truth["chirp"].samples + 0.2 * truth["noise"].samples,
        "noise": 0.8 * truth["noise"].samples,
    }
    estimates = Stems({name: Audio(x, SR) for name, x in bled.items()}, truth.mixture, engine="rough")
    before = {name: stem.samples.copy() for name, stem in estimates.items()}
    better = refine(estimates)
    assert better.engine == "rough + Wiener"
    assert better.residual.rms_db < -90
    for name in truth:
        assert metrics.sdr(truth[name], better[name]) > metrics.sdr(truth[name], estimates[name]) + 3
        np.testing.assert_array_equal(estimates[name].samples, before[name])
    with pytest.raises(ValueError, match="at least 0"):
        refine(estimates, iterations=-1)


def test_refinement_survives_silence_and_a_single_stem(truth):
    silent = Stems({"a": Audio(np.zeros((2, 5000)), SR)}, Audio(np.zeros((2, 5000)), SR))
    assert refine(silent)["a"].peak_db == -200
    half = Stems({"chirp": truth["chirp"]}, truth.mixture)
    assert list(refine(half)) == ["chirp"]


def test_pieces_have_no_seams(rng, monkeypatch):
    monkeypatch.setattr(refine_module, "PIECE", 20 * 1024)
    monkeypatch.setattr(refine_module, "FADE", 4 * 1024)
    for frames in (1000, 20 * 1024, 20 * 1024 + 1, 36 * 1024, 36 * 1024 + 1, 70_000):
        x = rng.standard_normal((3, 2, frames)).astype(np.float32)
        np.testing.assert_allclose(in_pieces(lambda piece: piece[1:], x), x[1:], atol=1e-6)
    D_gain = lambda piece: np.stack([piece[0] * 0.25, piece[0] * 0.75])  # noqa: E731
    np.testing.assert_allclose(in_pieces(D_gain, x).sum(axis=0), x[0], atol=1e-5)


def test_masked_pieces_equal_the_whole_song(rng, monkeypatch):
    x = noise(2, 2, 90_000, rng=rng).astype(np.float32)
    truth = Stems({"a": Audio(x[0], SR), "b": Audio(x[1], SR)}, Audio(x.sum(axis=0), SR))
    whole = ideal(truth)["a"].samples
    monkeypatch.setattr(refine_module, "PIECE", 40 * 1024)
    monkeypatch.setattr(refine_module, "FADE", 4 * 1024)
    np.testing.assert_allclose(ideal(truth)["a"].samples, whole, atol=1e-5)
