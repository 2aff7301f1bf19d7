"""HTDemucs in the form that is fastest on this machine: the same weights, the same answers, less time.

There are up to three forms of a network:

- *plain*: as Demucs wrote it;
- *lean*: `musiclab.separation.engines.demucs.lean`, the same arithmetic in another order, on CUDA recorded as a graph;
- *openvino*, on processors where that package is installed (``pip install musiclab[fast]``): see
  `musiclab.separation.engines.demucs.openvino`.

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
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from musiclab.separation.device import WORTH
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.separation.engines.demucs.openvino import Compiled, convert
from musiclab.store import default_store, key_of

log = logging.getLogger("musiclab")

VARIABLE = "MUSICLAB_RUNTIME"  # overrides the `runtime` of `fastest`
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


def fastest(network: Any, *, half: bool, runtime: str = "auto") -> Apply:
    """`network` in the form that is fastest here; itself if there is no better one.

    Parameters
    ----------
    network : HTDemucs or HDemucs
        In float32, on the CPU or on CUDA.
    half : bool
        In bfloat16: where the plain form is the fastest, autocast has to be switched on around it.
    runtime : {"auto", "torch", "openvino", "plain"}
        The forms to choose from: all, those in torch, OpenVINO's even if it is slower, or the plain one alone.
    """
    precision = "bfloat16" if half else "float32"
    runtime = os.environ.get(VARIABLE) or runtime
    if runtime == "plain" or not suits(network):
        return network  # type: ignore[no-any-return]
    converted = runtime != "torch" and _place(network).type == "cpu"
    found = _openvino(network, precision, anyhow=runtime == "openvino") if converted else None
    return found or _in_torch(network, precision)


def _place(network: Any) -> torch.device:
    return next(network.parameters()).device  # type: ignore[no-any-return]


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
    from musiclab.separation.engines.demucs.lean import Graph, Inference

    place = _place(network)
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(place.type, enabled=False):
        form = Inference(network, TYPES[precision])
        if place.type != "cuda":
            return form
        try:
            return Graph(form, _noise(network))
        except RuntimeError as error:  # too little memory, or a driver that can't: run it kernel by kernel
            log.info("The network can't be recorded as a graph: %s", _reason(error))
            return form


def _report(network: Any) -> Report:
    """How the forms in torch compare, on a short piece; remembered for these weights, this torch and this machine."""
    place = _place(network)
    machine = [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()]
    if place.type == "cuda":
        machine.append(torch.cuda.get_device_name(place))
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
    if _place(network).type == "cpu":  # a GPU needs no time for a whole segment, and is not busy with less
        short.segment = min(PIECE, network.segment)
    forms: dict[str, Apply] = {"plain float32": short, "plain bfloat16": partial(_in_half, short)}
    for precision in LIMITS:
        try:
            forms[f"lean {precision}"] = _lean(short, precision)
        except Exception as error:  # an unknown part, or a build of torch without oneDNN: the plain form it is
            log.info("No lean form of the network: %s", _reason(error))
    return _compare(forms, _noise(short), rounds=ROUNDS)


def _compare(forms: Mapping[str, Apply], noise: torch.Tensor, rounds: int = 2) -> Report:
    """Seconds of each form, the best of all rounds but the first, and the difference from the first form in dB."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    answers: dict[str, torch.Tensor] = {}
    with torch.inference_mode(), torch.autocast(noise.device.type, enabled=False), flash_attention():
        for _ in range(rounds):
            for name, form in forms.items():
                start = _clock(noise.device)
                try:
                    answers[name] = form(noise)
                except Exception as error:
                    log.info("The form %r of the network fails: %s", name, _reason(error))
                times[name].append(_clock(noise.device) - start)
    wanted = answers[next(iter(forms))]
    return {
        name: {"seconds": min(times[name][1:]), "difference": _decibels(answer - wanted, wanted)}
        for name, answer in answers.items()
    }


def _clock(device: torch.device) -> float:
    """Seconds: what it costs a processor, whatever else this machine is doing; what passes on a GPU."""
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def _write(report: Report, folder: Path) -> None:
    (folder / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _openvino(network: Any, precision: str, *, anyhow: bool) -> Apply | None:
    """`network` on OpenVINO, or None if it can't be had, or doesn't pay (unless it is wanted anyhow)."""
    if find_spec("openvino") is None:
        return None
    try:
        key = key_of("openvino", VERSION, version("openvino"), torch.__version__, _digest(network))
        with torch.inference_mode(False):  # the tracer takes no inference tensors
            folder = default_store().entry(key, partial(_fill, network), kind=KIND)
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        found, before = report[f"openvino {precision}"], report[f"torch {precision}"]
        slow = found["seconds"] > GAIN * before["seconds"] and not anyhow
        if found["difference"] > LIMITS[precision] or slow:
            log.info("torch is used, not OpenVINO: in %s it differs by %.0f dB and takes %.2f times as long.",
                     precision, found["difference"], found["seconds"] / before["seconds"])  # fmt: skip
            return None
        return Compiled(network, folder / MODEL, precision)
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


def _fill(network: Any, folder: Path) -> None:
    """Convert `network` into `folder`, and write down how it compares with torch on a whole segment."""
    log.info("Preparing the network for OpenVINO: once for these weights, about a minute.")
    noise = _noise(network)
    with torch.no_grad():
        spectrum = network._magnitude(network._spec(noise))
    convert(network, noise, spectrum, folder / MODEL)
    forms: dict[str, Apply] = {}
    for precision in LIMITS:
        form = _in_torch(network, precision)
        forms[f"torch {precision}"] = partial(_in_half, network) if (form, precision) == (network, "bfloat16") else form
    forms |= {f"openvino {precision}": Compiled(network, folder / MODEL, precision) for precision in LIMITS}
    _write(_compare(forms, noise), folder)


def _noise(network: Any) -> torch.Tensor:
    """A segment of noise that falls by 3 dB per octave, as music does [shape=(1, 2, frames)], deviation 1."""
    frames = int(network.segment * network.samplerate)
    white = torch.randn(1, 2, frames, generator=torch.Generator().manual_seed(0))
    fall = torch.arange(frames // 2 + 1).clamp(min=1).rsqrt()
    noise: torch.Tensor = torch.fft.irfft(torch.fft.rfft(white) * fall, frames)
    return noise.div_(noise.std()).to(_place(network))


def _in_half(network: Any, mixture: torch.Tensor) -> torch.Tensor:
    with torch.autocast(mixture.device.type, dtype=torch.bfloat16):
        estimate: torch.Tensor = network(mixture)
        return estimate


def _decibels(difference: torch.Tensor, wanted: torch.Tensor) -> float:
    return 10 * math.log10(float(difference.float().square().mean() / wanted.square().mean()) + 1e-20)
