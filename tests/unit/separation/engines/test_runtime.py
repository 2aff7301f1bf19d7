"""The forms of HTDemucs: the same answers from each, and the plain one where another fails."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs

from musiclab.audio import Audio
from musiclab.separation import device, separate
from musiclab.separation.engine import Engine, Licence
from musiclab.separation.engines.demucs import lean_layers as htdemucs_layers
from musiclab.separation.engines.demucs import runtime
from musiclab.separation.engines.demucs.adapter import DemucsEngine
from musiclab.separation.engines.demucs.lean import Inference
from musiclab.store import default_store
from tests.sounds import noise

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
    song = Audio(noise(2, 4 * SR, rng=rng), SR)
    wanted = separated(network, song, "float32", runtime="plain")
    single = separated(network, song, "float32")
    half = separated(network, song, "bfloat16")
    converted = list(own_cache.glob("runtimes/*/*/network.xml"))
    assert len(converted) == 1  # once
    assert set(json.loads(converted[0].with_name("report.json").read_text())) == {
        "torch float32", "torch bfloat16", "openvino float32", "openvino bfloat16"
    }  # fmt: skip
    assert not np.array_equal(single, wanted)  # it was OpenVINO that answered
    assert decibels(single, wanted) < -60
    assert decibels(half, wanted) < -40


@pytest.mark.usefixtures("always")
def test_a_form_that_answers_otherwise_is_not_used(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LIMITS", {"float32": -500.0, "bfloat16": -500.0})
    assert runtime.fastest(network, half=False) is network
    assert not runtime.half_pays(network)


def test_a_form_that_fails_does_not_cost_the_result(
    network: HTDemucs, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino")

    def broken(*_: object) -> None:
        raise RuntimeError("no such operator")

    song = Audio(noise(2, SR, rng=rng), SR)
    wanted = separated(network, song, "float32", runtime="plain")
    monkeypatch.setattr(runtime, "convert", broken)
    monkeypatch.setattr(htdemucs_layers, "product", broken)  # as in a build of torch without oneDNN
    np.testing.assert_array_equal(separated(network, song, "float32"), wanted)
    assert "no such operator" in caplog.text


def test_forms_can_be_switched_off_or_be_missing(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_fill", lambda *_: pytest.fail("converted all the same"))
    monkeypatch.delenv("MUSICLAB_RUNTIME", raising=False)
    monkeypatch.setattr(runtime, "find_spec", lambda _: None)
    runtime.fastest(network, half=False)
    monkeypatch.setattr(runtime, "find_spec", lambda _: object())
    monkeypatch.setenv("MUSICLAB_RUNTIME", "torch")
    runtime.fastest(network, half=False)
    monkeypatch.setenv("MUSICLAB_RUNTIME", "plain")
    monkeypatch.setattr(runtime, "_report", lambda *_: pytest.fail("tried all the same"))
    assert runtime.fastest(network, half=False) is network


def trained(network: torch.nn.Module) -> torch.nn.Module:
    """Weights as after training: scales, norms and biases that are not what they begin as."""
    torch.manual_seed(9)
    for name, value in network.named_parameters():
        if value.dim() == 1:
            value.data.add_(0.3 * torch.randn(len(value)) * (0.2 if "scale" in name else 1.0))
    return network.eval().requires_grad_(False)


SIZES = {
    "small": {"channels": 8, "t_layers": 1, "t_heads": 2, "bottom_channels": 16},
    "no samplers": {"channels": 16, "t_layers": 3, "t_heads": 4},
    "six stems": {"channels": 8, "t_layers": 2, "t_heads": 2, "bottom_channels": 32, "depth": 3},
    "cross first": {"channels": 8, "t_layers": 2, "t_heads": 2, "t_cross_first": True, "t_weight_pos_embed": 0.5},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("onednn", [True, False])
def test_the_lean_form_answers_as_the_plain_one(
    size: str, dtype: torch.dtype, onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the way that it takes on a GPU, as far as a processor can go it."""
    if not onednn:
        monkeypatch.setattr(htdemucs_layers, "by_onednn", lambda _: False)
    torch.manual_seed(1)
    sources = SOURCES + (["guitar", "piano"] if size == "six stems" else [])
    network = trained(HTDemucs(sources, segment=Fraction(17, 10), **SIZES[size]))
    pieces = torch.randn(2, 2, int(1.7 * SR)).cumsum(-1).mul_(0.01)
    with torch.no_grad():
        wanted, got = network(pieces), Inference(network, dtype)(pieces)
        short = network(pieces[..., :30000]), Inference(network, dtype)(pieces[..., :30000])
    limit = -110 if dtype == torch.float32 else -35  # few channels round worse than the published 48
    assert decibels(got.numpy(), wanted.numpy()) < limit
    assert decibels(short[1].numpy(), short[0].numpy()) < limit


@pytest.mark.parametrize(
    "changes", [{"norm_starts": 2}, {"dconv_mode": 3}, {"t_norm_first": False}, {"t_gelu": False}, {"dconv_depth": -2}]
)
def test_a_network_of_other_parts_is_answered_right_all_the_same(changes: dict[str, object]) -> None:
    """Either its lean form is equal, or it is not used."""
    torch.manual_seed(2)
    network = trained(HTDemucs(SOURCES, segment=Fraction(1), **{**SIZES["small"], **changes}))
    x = torch.randn(1, 2, SR)
    with torch.no_grad():
        wanted, got = network(x), runtime.fastest(network, half=False, runtime="torch")(x)
    assert decibels(got.numpy(), wanted.numpy()) < -60


def test_which_form_is_fastest_is_found_out_once(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "GAIN", float("inf"))
    assert isinstance(runtime.fastest(network, half=False, runtime="torch"), Inference)
    assert default_store().info().kinds["runtimes"].entries == 1
    monkeypatch.setattr(runtime, "_compare_in_torch", lambda _: pytest.fail("tried again"))
    half = runtime.fastest(network, half=True, runtime="torch")
    assert isinstance(half, Inference)
    assert half.dtype == torch.bfloat16


def test_networks_without_a_lean_form_are_taken_as_they_are() -> None:
    network = HDemucs(SOURCES, channels=8, segment=1).eval()
    assert runtime.fastest(network, half=False) is network
    assert DemucsEngine([network]).half_pays(torch.device("cpu")) is None


def test_half_precision_is_decided_by_the_forms(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    def says(half: float, difference: float = -50.0) -> bool:
        report = {
            "plain float32": {"seconds": 2.0, "difference": -200.0},
            "lean float32": {"seconds": 1.0, "difference": -130.0},
            "plain bfloat16": {"seconds": 1.5, "difference": -50.0},
            "lean bfloat16": {"seconds": half, "difference": difference},
        }
        monkeypatch.setattr(runtime, "_report", lambda _: report)
        return runtime.half_pays(network)

    assert says(0.6)
    assert not says(0.95)  # too little to round for
    assert not says(0.6, difference=-30.0)
    assert not says(1.4)


class Halved(Engine):
    """An engine whose bfloat16 is as exact and as fast as a test wants it to be."""

    name, stems, sr, segment, half = "halved", ("one",), 8000, 4.0, True
    licence = Licence("MIT", "none needed")

    def __init__(self, slower: bool = False, wrong: bool = False) -> None:
        self.calls, self.slower, self.wrong, self.version = 0, slower, wrong, f"{slower}{wrong}"

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        half = torch.is_autocast_enabled("cpu")
        for _ in range(400 if half == self.slower else 20):
            mixture.sin()
        return (mixture * (1.1 if half and self.wrong else 1.0))[:, None]


def test_an_engine_is_tried_itself_and_once() -> None:
    cpu = torch.device("cpu")
    engine = Halved()
    assert device.half_pays(engine, cpu)
    calls = engine.calls
    assert calls
    assert device.half_pays(engine, cpu)
    assert engine.calls == calls
    assert not device.half_pays(Halved(slower=True), cpu)
    assert not device.half_pays(Halved(wrong=True), cpu)
    assert device.precision("auto", cpu, engine) == torch.bfloat16
    assert device.precision("auto", cpu, engine, best=True) == torch.float32
