"""HTDemucs on OpenVINO: the same answers as torch, and torch where it fails."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.htdemucs import HTDemucs

from musiclab.audio import Audio
from musiclab.separation import runtime, separate
from musiclab.separation.demucs import DemucsEngine

SOURCES = ["drums", "bass", "other", "vocals"]
SR = 44100


@pytest.fixture(scope="module")
def network() -> HTDemucs:
    torch.manual_seed(0)
    return HTDemucs(SOURCES, channels=8, t_layers=1, t_heads=2, bottom_channels=16, segment=Fraction(17, 10)).eval()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small a network gains nothing: take OpenVINO all the same."""
    pytest.importorskip("openvino")
    monkeypatch.setattr(runtime, "GAIN", float("inf"))


def separated(network: HTDemucs, song: Audio, precision: str, **settings: object) -> np.ndarray:
    engine = DemucsEngine([network], **settings)  # type: ignore[arg-type]
    stems = separate(song, engine=engine, precision=precision, cache=False)  # type: ignore[arg-type]
    return np.stack([stem.samples for stem in stems.values()])


def decibels(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.square(got - wanted).mean() / np.square(wanted).mean() + 1e-20))


@pytest.mark.usefixtures("always")
def test_openvino_answers_as_torch_does(network: HTDemucs, rng: np.random.Generator, own_cache: Path) -> None:
    song = Audio(0.1 * rng.standard_normal((2, 4 * SR)), SR)
    wanted = separated(network, song, "float32", runtime="torch")
    single = separated(network, song, "float32")
    half = separated(network, song, "bfloat16")
    reports = list(own_cache.glob("runtimes/*/*/report.json"))
    assert len(reports) == 1  # converted once
    assert set(json.loads(reports[0].read_text())) == {
        "torch float32", "torch bfloat16", "openvino float32", "openvino bfloat16"
    }  # fmt: skip
    assert not np.array_equal(single, wanted)  # it was OpenVINO that answered
    assert decibels(single, wanted) < -60
    assert decibels(half, wanted) < -40


@pytest.mark.usefixtures("always")
def test_a_runtime_that_answers_otherwise_is_not_used(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LIMITS", {"float32": -500.0, "bfloat16": -500.0})
    assert runtime.accelerated(network, half=False) is None


def test_a_runtime_that_fails_does_not_cost_the_result(
    network: HTDemucs, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino")

    def broken(*_: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(runtime, "_convert", broken)
    song = Audio(0.1 * rng.standard_normal((2, SR)), SR)
    wanted = separated(network, song, "float32", runtime="torch")
    np.testing.assert_array_equal(separated(network, song, "float32"), wanted)
    assert "no such operator" in caplog.text


def test_it_can_be_switched_off_or_be_missing(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_fill", lambda *_: pytest.fail("converted all the same"))
    monkeypatch.setattr(runtime, "find_spec", lambda _: None)
    assert runtime.accelerated(network, half=False) is None
    monkeypatch.undo()
    monkeypatch.setenv("MUSICLAB_RUNTIME", "torch")
    assert runtime.accelerated(network, half=False) is None
