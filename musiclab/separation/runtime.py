"""HTDemucs on OpenVINO: the same weights, the same answers, less time on a CPU.

Where the package ``openvino`` is installed (``pip install musiclab[fast]``), the network between the STFT and its
inverse is converted once per weights, compared with torch, timed, and kept in the store. It is used only where it
answers within the limits below and was faster here. Whatever goes wrong on the way, torch does the work.

Notebook: 06
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from musiclab.store import default_store, key_of

log = logging.getLogger("musiclab")

VARIABLE = "MUSICLAB_RUNTIME"  # "torch" switches OpenVINO off
KIND = "runtimes"
VERSION = 2  # part of every entry's key: raise it when networks are converted or compared otherwise
MODEL, REPORT = "network.xml", "report.json"
LIMITS = {"float32": -60.0, "bfloat16": -40.0}  # dB: the difference from torch in float32 has to stay below
GAIN = 0.95  # of torch's time: it has to take less to be worth it

Apply = Callable[[torch.Tensor], torch.Tensor]


def accelerated(network: Any, half: bool) -> Apply | None:
    """`network` on OpenVINO, or None if it can't be had, or doesn't pay.

    Parameters
    ----------
    network : HTDemucs
        In float32, on the CPU.
    half : bool
        In bfloat16.
    """
    if os.environ.get(VARIABLE) == "torch" or find_spec("openvino") is None or not _suits(network):
        return None
    precision = "bfloat16" if half else "float32"
    try:
        key = key_of("openvino", VERSION, version("openvino"), torch.__version__, _digest(network))
        with torch.inference_mode(False):  # the tracer takes no inference tensors
            folder = default_store().entry(key, partial(_fill, network), kind=KIND)
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        found, plain = report[f"openvino {precision}"], report[f"torch {precision}"]
        if found["difference"] > LIMITS[precision] or found["seconds"] > GAIN * plain["seconds"]:
            log.info("torch is used, not OpenVINO: in %s it differs by %.0f dB and takes %.2f times as long.",
                     precision, found["difference"], found["seconds"] / plain["seconds"])  # fmt: skip
            return None
        return _Compiled(network, folder / MODEL, precision)
    except Exception as error:  # an accelerator may fail in any way, and must never cost the result
        log.warning("OpenVINO can't be used, torch does the work: %s", (str(error).splitlines() or ["?"])[0])
        return None


def _suits(network: Any) -> bool:
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
    """Convert `network` into `folder`, and write down how it compares with torch."""
    log.info("Preparing the network for OpenVINO: once for these weights, about half a minute.")
    noise = _pink(int(network.segment * network.samplerate))
    with torch.no_grad():
        spectrum = network._magnitude(network._spec(noise))
    _convert(network, noise, spectrum, folder / MODEL)
    runs: dict[str, Apply] = {"torch float32": network, "torch bfloat16": partial(_in_half, network)}
    runs |= {f"openvino {precision}": _Compiled(network, folder / MODEL, precision) for precision in LIMITS}
    report, wanted = {}, None
    for name, run in runs.items():
        with torch.inference_mode():
            run(noise)  # the first run prepares buffers
            start = time.process_time()  # what it costs, whatever else this machine is doing
            got = run(noise)
            seconds = time.process_time() - start
        wanted = got if wanted is None else wanted
        report[name] = {"seconds": seconds, "difference": _decibels(got - wanted, wanted)}
    (folder / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")


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
