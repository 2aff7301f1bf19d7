"""HTDemucs in the form that is fastest on this processor: the same weights, the same answers, less time.

There are up to three forms of a network:

- *plain*: as Demucs wrote it;
- *lean*: `musiclab.separation.htdemucs`, the same arithmetic in another order;
- *openvino*, where the package ``openvino`` is installed (``pip install musiclab[fast]``): the network between the
  STFT and its inverse, converted once per weights.

Each is compared with the plain one, with these weights, and timed on this machine; the report is kept in the store. A
form is used only if it answers within the limits below and was faster here. Whatever goes wrong on the way, the next
form does the work.

Notebook: 06
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from musiclab.separation.device import WORTH
from musiclab.store import default_store, key_of

log = logging.getLogger("musiclab")

VARIABLE = "MUSICLAB_RUNTIME"  # "torch" switches OpenVINO off, "plain" the lean form too
KIND = "runtimes"
VERSION = 3  # part of every entry's key: raise it when networks are converted or compared otherwise
MODEL, REPORT = "network.xml", "report.json"
LIMITS = {"float32": -60.0, "bfloat16": -40.0}  # dB: the difference from the plain form in float32 stays below
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
GAIN = 0.95  # of the time of the form before: it has to take less to be worth it
PIECE = Fraction(13, 10)  # seconds that plain and lean form are compared on
ROUNDS = 3  # of them; the first, in which buffers are prepared, doesn't count

Apply = Callable[[torch.Tensor], torch.Tensor]
Report = dict[str, dict[str, float]]


def fastest(network: Any, *, half: bool, openvino: bool = True) -> Apply:
    """`network` in the form that is fastest here; itself if there is no better one.

    Parameters
    ----------
    network : HTDemucs or HDemucs
        In float32, on the CPU.
    half : bool
        In bfloat16: where the plain form is the fastest, autocast has to be switched on around it.
    openvino : bool
        Whether OpenVINO may be taken.
    """
    precision = "bfloat16" if half else "float32"
    if os.environ.get(VARIABLE) == "plain" or not suits(network):
        return network  # type: ignore[no-any-return]
    converted = _openvino(network, precision) if openvino and os.environ.get(VARIABLE) != "torch" else None
    return converted or _in_torch(network, precision)


def half_pays(network: Any) -> bool:
    """Whether bfloat16 is worth its rounding for `network` on this processor, by the report on its forms in torch."""
    report = _report(network) if suits(network) else {}
    single, half = (min(_good(report, precision).values(), default=math.inf) for precision in ("float32", "bfloat16"))
    return half * WORTH < single


def _in_torch(network: Any, precision: str) -> Apply:
    """The faster of the plain and the lean form."""
    found = _good(_report(network), precision)
    plain, lean = (found.get(f"{form} {precision}", math.inf) for form in ("plain", "lean"))
    return _lean(network, precision) if lean < GAIN * plain else network


def _good(report: Report, precision: str) -> dict[str, float]:
    """The seconds of the forms in one precision that answer as they should."""
    return {
        name: found["seconds"]
        for name, found in report.items()
        if name.endswith(precision) and found["difference"] < LIMITS[precision]
    }


def _lean(network: Any, precision: str) -> Apply:
    from musiclab.separation.htdemucs import Inference

    with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
        return Inference(network, TYPES[precision])


def _report(network: Any) -> Report:
    """How the forms in torch compare, on a short piece; remembered for these weights, this torch and this machine."""
    machine = platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()
    return default_store().recall(
        key_of("torch", VERSION, torch.__version__, torch.get_num_threads(), *machine, _digest(network)),
        partial(_compare_in_torch, network),
        write=_write,
        read=lambda folder: json.loads((folder / REPORT).read_text(encoding="utf-8")),
        kind=KIND,
    )


def _compare_in_torch(network: Any) -> Report:
    log.info("Trying which form of the network is fastest here: once for these weights, a few seconds.")
    short = copy.copy(network)
    short.segment = min(PIECE, network.segment)
    forms: dict[str, Apply] = {"plain float32": short, "plain bfloat16": partial(_in_half, short)}
    for precision in LIMITS:
        try:
            forms[f"lean {precision}"] = _lean(short, precision)
        except Exception as error:  # an unknown part, or a build of torch without oneDNN: the plain form it is
            log.info("No lean form of the network: %s", _reason(error))
    return _compare(forms, _pink(int(short.segment * network.samplerate)), rounds=ROUNDS)


def _compare(forms: Mapping[str, Apply], noise: torch.Tensor, rounds: int = 2) -> Report:
    """Seconds of each form, the best of all rounds but the first, and the difference from the first form in dB."""
    from musiclab.separation.demucs import flash_attention

    times: dict[str, list[float]] = {name: [] for name in forms}
    answers: dict[str, torch.Tensor] = {}
    with torch.inference_mode(), torch.autocast("cpu", enabled=False), flash_attention():
        for _ in range(rounds):
            for name, form in forms.items():
                start = time.process_time()  # what it costs, whatever else this machine is doing
                try:
                    answers[name] = form(noise)
                except Exception as error:
                    log.info("The form %r of the network fails: %s", name, _reason(error))
                times[name].append(time.process_time() - start)
    wanted = answers[next(iter(forms))]
    return {
        name: {"seconds": min(times[name][1:]), "difference": _decibels(answer - wanted, wanted)}
        for name, answer in answers.items()
    }


def _write(report: Report, folder: Path) -> None:
    (folder / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _openvino(network: Any, precision: str) -> Apply | None:
    """`network` on OpenVINO, or None if it can't be had, or doesn't pay."""
    if find_spec("openvino") is None:
        return None
    try:
        key = key_of("openvino", VERSION, version("openvino"), torch.__version__, _digest(network))
        with torch.inference_mode(False):  # the tracer takes no inference tensors
            folder = default_store().entry(key, partial(_fill, network), kind=KIND)
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        found, before = report[f"openvino {precision}"], report[f"torch {precision}"]
        if found["difference"] > LIMITS[precision] or found["seconds"] > GAIN * before["seconds"]:
            log.info("torch is used, not OpenVINO: in %s it differs by %.0f dB and takes %.2f times as long.",
                     precision, found["difference"], found["seconds"] / before["seconds"])  # fmt: skip
            return None
        return _Compiled(network, folder / MODEL, precision)
    except Exception as error:  # an accelerator may fail in any way, and must never cost the result
        log.warning("OpenVINO can't be used, torch does the work: %s", _reason(error))
        return None


def suits(network: Any) -> bool:
    """Only an HTDemucs with segments of one length, and complex numbers as channels, has a fixed graph."""
    return bool(getattr(network, "use_train_segment", False) and network.cac and hasattr(network, "crosstransformer"))


def _digest(network: Any) -> str:
    sha = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        sha.update(f"{name}:{tuple(value.shape)}:{value.dtype}".encode())
        sha.update(memoryview(value.detach().cpu().contiguous().numpy()).cast("B"))
    return f"{sha.hexdigest()}:{network.segment}"


class _Core(torch.nn.Module):
    """HTDemucs between its STFT and the inverse, by its own `forward` with these two replaced."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = copy.copy(network)  # the weights are shared; the methods replaced below are the copy's own

    def forward(self, mixture: torch.Tensor, spectrum: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixture and its STFT as channels; the estimates of the waveform branch, and of the spectral one."""
        found: list[torch.Tensor] = []

        def keep(estimate: torch.Tensor, _: int) -> torch.Tensor:
            found.append(estimate)
            return torch.zeros((), dtype=estimate.dtype)

        network = self.network
        network._spec = lambda _: spectrum
        network._magnitude = lambda given: given
        network._mask = lambda _, estimate: estimate
        network._ispec = keep
        waves = network(mixture)
        return waves, found[0]


class _Compiled:
    """A converted network, callable as the original."""

    def __init__(self, network: Any, model: Path, precision: str) -> None:
        import openvino

        hints = {
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.network = network
        self.run = openvino.Core().compile_model(model, "CPU", hints)

    def __call__(self, mixture: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return torch.cat([self._one(piece[None]) for piece in mixture])

    def _one(self, mixture: torch.Tensor) -> torch.Tensor:
        z = self.network._spec(mixture)
        answer = self.run([mixture.numpy(), self.network._magnitude(z).contiguous().numpy()])
        waves, spectrum = torch.from_numpy(answer[0]), torch.from_numpy(answer[1])
        estimate: torch.Tensor = self.network._ispec(self.network._mask(z, spectrum), mixture.shape[-1])
        return estimate.add_(waves)


def _fill(network: Any, folder: Path) -> None:
    """Convert `network` into `folder`, and write down how it compares with torch on a whole segment."""
    log.info("Preparing the network for OpenVINO: once for these weights, about a minute.")
    noise = _pink(int(network.segment * network.samplerate))
    with torch.no_grad():
        spectrum = network._magnitude(network._spec(noise))
    _convert(network, noise, spectrum, folder / MODEL)
    forms: dict[str, Apply] = {}
    for precision in LIMITS:
        form = _in_torch(network, precision)
        forms[f"torch {precision}"] = partial(_in_half, network) if (form, precision) == (network, "bfloat16") else form
    forms |= {f"openvino {precision}": _Compiled(network, folder / MODEL, precision) for precision in LIMITS}
    _write(_compare(forms, noise), folder)


def _pink(frames: int) -> torch.Tensor:
    """Noise that falls by 3 dB per octave, as music does on average [shape=(1, 2, frames)], deviation 1."""
    white = torch.randn(1, 2, frames, generator=torch.Generator().manual_seed(0))
    fall = torch.arange(frames // 2 + 1).clamp(min=1).rsqrt()
    noise: torch.Tensor = torch.fft.irfft(torch.fft.rfft(white) * fall, frames)
    return noise.div_(noise.std())


def _convert(network: Any, mixture: torch.Tensor, spectrum: torch.Tensor, target: Path) -> None:
    """Trace the network and hand it to OpenVINO (through its front end for torch, which reports to nobody)."""
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each Python condition; the length is fixed
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            _Core(network).eval(), (mixture, spectrum), check_trace=False
        )
        front = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)  # the front end holds it by a bare pointer: it needs a name
        model = front.convert(front.load(decoder))
    openvino.save_model(model, target, compress_to_fp16=False)


def _in_half(network: Any, mixture: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        estimate: torch.Tensor = network(mixture)
        return estimate


def _decibels(difference: torch.Tensor, wanted: torch.Tensor) -> float:
    return 10 * math.log10(float(difference.float().square().mean() / wanted.square().mean()) + 1e-20)
