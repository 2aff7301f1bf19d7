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
from musiclab.separation import device, separate, trial
from musiclab.separation.engine import Engine, Licence
from musiclab.separation.engines.demucs import lean_layers as htdemucs_layers
from musiclab.separation.engines.demucs import runtime
from musiclab.separation.engines.demucs.adapter import DemucsEngine
from musiclab.separation.engines.demucs.lean import Inference
from musiclab.separation.inverse import real_ends_
from musiclab.store import default_store
from tests.sounds import noise

SOURCES = ["drums", "bass", "other", "vocals"]
SR = 44100


@pytest.fixture(scope="module")
def network() -> HTDemucs:
    torch.manual_seed(0)
    return HTDemucs(SOURCES, channels=8, t_layers=1, t_heads=2, bottom_channels=16, segment=Fraction(17, 10)).eval()


@pytest.fixture(params=[True, False], ids=["computes in bfloat16", "emulates it"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both kinds of processor, whichever this one is."""
    for module in (device, runtime):
        monkeypatch.setattr(module, "has_bfloat16", lambda _: request.param)
    return bool(request.param)


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
    tried = set(json.loads(converted[0].with_name("report.json").read_text()))
    wanted_forms = {"torch float32", "openvino float32"}
    if device.has_bfloat16(torch.device("cpu")):
        wanted_forms |= {"torch bfloat16", "openvino bfloat16"}
    assert tried == wanted_forms
    assert not np.array_equal(single, wanted)  # it was OpenVINO that answered
    assert decibels(single, wanted) < -60
    assert decibels(half, wanted) < -40


@pytest.mark.usefixtures("always")
def test_a_form_that_answers_otherwise_is_not_used(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LIMITS", {"float32": -500.0, "bfloat16": -500.0})
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


def test_which_form_is_fastest_is_found_out_once(
    network: HTDemucs, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "GAIN", float("inf"))
    assert isinstance(runtime.fastest(network, half=False, runtime="torch"), Inference)
    assert default_store().info().kinds["runtimes"].entries == 1
    monkeypatch.setattr(runtime, "_compare_in_torch", lambda *_: pytest.fail("tried again"))
    half = runtime.fastest(network, half=True, runtime="torch")
    if native:
        assert isinstance(half, Inference)
        assert half.dtype == torch.bfloat16
    else:  # nothing is tried in what is only emulated
        assert half is network
        assert not runtime.half_pays(network)


def test_what_is_only_emulated_is_never_tried(network: HTDemucs, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = trial.compare

    def compare(forms: dict[str, trial.Form], sound: torch.Tensor, **settings: int) -> trial.Report:
        seen.extend(forms)
        return real(forms, sound, **settings)

    monkeypatch.setattr(trial, "compare", compare)
    runtime.fastest(network, half=False, runtime="torch")
    device.half_pays(Halved(), torch.device("cpu"))
    assert any("bfloat16" in name for name in seen) == native
    assert "lean float32" in seen


def test_what_is_asked_for_is_done_where_it_is_emulated_too(
    network: HTDemucs, native: bool, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    song = Audio(0.1 * rng.standard_normal((2, SR)), SR)
    wanted = separated(network, song, "float32", runtime="plain")
    assert -90 < decibels(separated(network, song, "bfloat16", runtime="torch"), wanted) < -35
    assert ("emulated" in caplog.text) != native


class Device:
    """A GPU, as far as the choice of forms looks at it."""

    type = "cuda"


def test_a_gpu_tries_the_forms_at_the_batch_that_it_will_get(
    network: HTDemucs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain form gains by batches, the lean one takes piece after piece: the batch decides."""
    asked: list[tuple[tuple[str, ...], int]] = []

    def report(_: object, precisions: tuple[str, ...], batch: int) -> trial.Report:
        asked.append((precisions, batch))
        return {"plain float32": trial.Trial(0.1 + 0.04 * batch, -200), "lean float32": trial.Trial(0.1 * batch, -90)}

    monkeypatch.setattr(runtime, "_place", lambda _: Device())
    monkeypatch.setattr(runtime, "_report", report)
    monkeypatch.setattr(runtime, "_lean", lambda *_: "lean")
    assert runtime.fastest(network, half=False, batch=1) == "lean"
    assert runtime.fastest(network, half=False, batch=16) is network
    assert asked == [(("float32",), 1), (("float32",), 16)]


def test_a_larger_batch_is_a_new_choice_and_a_smaller_one_is_not(
    network: HTDemucs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def fastest(network: HTDemucs, *, batch: int, **_: object) -> HTDemucs:
        asked.append(batch)
        return network

    monkeypatch.setattr(runtime, "fastest", fastest)
    engine = DemucsEngine([network])
    with torch.inference_mode():
        for batch in (2, 1, 2, 3, 1):
            engine.separate(torch.zeros(batch, 2, int(1.7 * SR)))
    assert asked == [2, 3]


def test_a_hopeless_form_is_given_up_after_one_run() -> None:
    calls = {"first": 0, "slow": 0, "broken": 0}

    def form(name: str, work: int) -> trial.Form:
        def run(sound: torch.Tensor) -> torch.Tensor:
            calls[name] += 1
            for _ in range(work):
                sound.sin()
            if name == "broken":
                raise RuntimeError("no such operator")
            return sound

        return run

    sound = torch.zeros(1, 2, 20_000)
    found = trial.compare(
        {"first": form("first", 1), "slow": form("slow", 300), "broken": form("broken", 1)}, sound + 1
    )
    assert calls == {"first": 3, "slow": 1, "broken": 1}
    assert set(found) == {"first", "slow"}
    with pytest.raises(RuntimeError, match="no such operator"):
        trial.compare({"broken": form("broken", 1)}, sound)


def test_an_answer_that_is_no_number_is_not_good() -> None:
    sound = torch.ones(1, 2, 100)
    found = trial.compare({"plain": lambda x: x, "nan": lambda x: x * float("nan")}, sound)
    assert not found["nan"].good("bfloat16")
    assert found["plain"].good("float32")


def leaky(spectrum: torch.Tensor) -> float:
    """What of a spectrum a GPU's inverse FFT would let in and a processor's ignores."""
    imaginary = torch.view_as_real(spectrum.detach().clone().resolve_conj())[..., 1]
    ends = imaginary[..., 0, :], imaginary[..., -1, :]
    return float(sum(end.abs().sum() for end in ends))


@pytest.mark.parametrize("runtime_name", ["plain", "lean"])
def test_a_spectrum_is_real_at_its_ends_before_it_becomes_sound(
    network: HTDemucs, runtime_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTDemucs gives its DC bins an imaginary part: with cuFFT it would be heard."""
    leaks: list[float] = []
    istft, irfft = torch.istft, torch.fft.irfft

    def spied_istft(spectrum: torch.Tensor, *args: object, **named: object) -> torch.Tensor:
        leaks.append(leaky(spectrum))
        return istft(spectrum, *args, **named)  # type: ignore[arg-type]

    def spied_irfft(spectrum: torch.Tensor, *args: object, **named: object) -> torch.Tensor:
        leaks.append(leaky(spectrum.mT))
        return irfft(spectrum, *args, **named)  # type: ignore[arg-type]

    noise = trial.pink(int(1.7 * SR))
    monkeypatch.setattr(torch, "istft", spied_istft)
    with torch.no_grad():
        wanted = network(noise)
        assert max(leaks) > 1  # so it is without us
        leaks.clear()
        if runtime_name == "plain":
            got = DemucsEngine([network], runtime="plain").separate(noise)[:, [1, 2, 3, 0]]
        else:
            monkeypatch.setattr(torch.fft, "irfft", spied_irfft)
            got = Inference(network)(noise)
    assert leaks
    assert max(leaks) == 0
    assert decibels(got.numpy(), wanted.numpy()) < -110


@pytest.mark.parametrize("bins", [5, 4])
def test_real_ends(bins: int) -> None:
    D = torch.randn(3, bins, 7, dtype=torch.complex64)
    wanted = D.clone()
    wanted[:, 0] = wanted[:, 0].real.to(torch.complex64)
    if bins == 5:
        wanted[:, 4] = wanted[:, 4].real.to(torch.complex64)
    assert torch.equal(real_ends_(D, n_fft=8), wanted)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("form", ["plain", "lean"])
def test_a_gpu_answers_as_a_processor_does(form: str) -> None:
    torch.manual_seed(4)
    network = trained(HTDemucs(SOURCES, segment=Fraction(17, 10), **SIZES["small"]))
    noise = trial.pink(int(1.7 * SR), batch=2)
    with torch.inference_mode():
        wanted = DemucsEngine([network], runtime="plain").separate(noise)
        on_gpu = DemucsEngine([network.to("cuda")], runtime="plain")
        got = on_gpu.separate(noise.cuda()) if form == "plain" else Inference(on_gpu.networks[0])(noise.cuda())
    got = got if form == "plain" else got[:, [3, 0, 1, 2]]
    assert decibels(got.cpu().numpy(), wanted.numpy()) < -70


def test_networks_without_a_lean_form_are_taken_as_they_are() -> None:
    network = HDemucs(SOURCES, channels=8, segment=1).eval()
    assert runtime.fastest(network, half=False) is network
    assert DemucsEngine([network]).half_pays(torch.device("cpu")) is None


def test_half_precision_is_decided_by_the_forms(network: HTDemucs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "has_bfloat16", lambda _: True)

    def says(half: float, difference: float = -50.0) -> bool:
        report = {
            "plain float32": trial.Trial(2.0, -200.0),
            "lean float32": trial.Trial(1.0, -130.0),
            "plain bfloat16": trial.Trial(1.5, -50.0),
            "lean bfloat16": trial.Trial(half, difference),
        }
        monkeypatch.setattr(runtime, "_report", lambda *_: report)
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


def test_an_engine_is_tried_itself_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda _: True)
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
    monkeypatch.setattr(device, "has_bfloat16", lambda _: False)
    assert device.precision("auto", cpu, engine) == torch.float32


@pytest.mark.parametrize(
    ("machine", "onednn", "avx512", "amx", "wanted"),
    [
        ("x86_64", False, False, False, False),  # AVX2
        ("x86_64", True, False, False, False),  # AVX-512 without BF16: oneDNN takes it, by way of float32
        ("x86_64", True, True, False, True),
        ("AMD64", True, False, True, True),
        ("aarch64", True, False, False, True),  # NEON with BF16
        ("arm64", False, False, False, False),  # a build without oneDNN
    ],
)
def test_what_a_processor_can_do_is_asked(
    machine: str, onednn: bool, avx512: bool, amx: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.platform, "machine", lambda: machine)
    monkeypatch.setattr(device, "onednn_takes", lambda dtype: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert device.has_bfloat16(torch.device("cpu")) == wanted
