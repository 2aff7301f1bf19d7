"""HTDemucs in the form that is fastest on this machine: the same weights, the same answers, less time.

There are up to three forms of a network:

- *plain*: as Demucs wrote it;
- *lean*: `musiclab.separation.engines.demucs.lean`, the same arithmetic in another order, on CUDA recorded as a graph;
- *openvino*, on processors where that package is installed (``pip install musiclab[fast]``): see
  `musiclab.separation.engines.demucs.openvino`.

Each is compared with the plain one, with these weights and as many segments as the loop gives at once, and timed on
this machine: see `musiclab.separation.trial`. A form is used only if it answers within the limits and was faster here.
Whatever goes wrong on the way, the next form does the work. Half precision is tried only where the device computes in
it.

Notebook: 06
"""

from __future__ import annotations

import copy
import hashlib
import logging
import math
import os
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from musiclab.separation import trial
from musiclab.separation.device import WORTH, has_bfloat16
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.separation.engines.demucs.openvino import Compiled, convert
from musiclab.separation.trial import Form, Report
from musiclab.store import default_store, key_of

log = logging.getLogger("musiclab")

VARIABLE = "MUSICLAB_RUNTIME"  # overrides the `runtime` of `fastest`
MODEL = "network.xml"
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
GAIN = 0.95  # of the time of the form before: it has to take less to be worth it
PIECE = Fraction(13, 20)  # seconds that plain and lean form are compared on by a processor


def fastest(network: Any, *, half: bool, runtime: str = "auto", batch: int = 1) -> Form:
    """`network` in the form that is fastest here; itself if there is no better one.

    Parameters
    ----------
    network : HTDemucs or HDemucs
        In float32, on the CPU or on CUDA.
    half : bool
        In bfloat16: where the plain form is the fastest, autocast has to be switched on around it.
    runtime : {"auto", "torch", "openvino", "plain"}
        The forms to choose from: all, those in torch, OpenVINO's even if it is slower, or the plain one alone.
    batch : int
        How many pieces it will be given at once. A processor takes them one after the other, so there it is the same.
    """
    precision = "bfloat16" if half else "float32"
    runtime = os.environ.get(VARIABLE) or runtime
    if runtime == "plain" or not suits(network):
        return network  # type: ignore[no-any-return]
    converted = runtime != "torch" and _place(network).type == "cpu"
    found = _openvino(network, precision, anyhow=runtime == "openvino") if converted else None
    return found or _in_torch(network, precision, batch)


def _place(network: Any) -> torch.device:
    return next(network.parameters()).device  # type: ignore[no-any-return]


def half_pays(network: Any) -> bool:
    """Whether bfloat16 is worth its rounding for `network` on this processor, by the report on its forms in torch."""
    report = _report(network, tuple(TYPES)) if suits(network) and has_bfloat16(_place(network)) else {}
    single, half = (min(_good(report, precision).values(), default=math.inf) for precision in TYPES)
    return half * WORTH < single


def _in_torch(network: Any, precision: str, batch: int = 1) -> Form:
    """The faster of the plain and the lean form."""
    place = _place(network)
    if precision != "float32" and not has_bfloat16(place):
        return network  # type: ignore[no-any-return]  # emulated: whoever asks for it gets it, but trying would take minutes
    cpu = place.type == "cpu"
    tried = tuple(TYPES) if cpu and has_bfloat16(place) else (precision,)
    found = _good(_report(network, tried, 1 if cpu else batch), precision)
    plain, lean = (found.get(f"{form} {precision}", math.inf) for form in ("plain", "lean"))
    return _lean(network, precision) if lean < GAIN * plain else network


def _good(report: Report, precision: str) -> dict[str, float]:
    """The seconds of the forms in one precision that answer as they should."""
    return {name: found.seconds for name, found in report.items() if name.endswith(precision) and found.good(precision)}


def _lean(network: Any, precision: str) -> Form:
    from musiclab.separation.engines.demucs.lean import Graph, Inference

    place = _place(network)
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(place.type, enabled=False):
        form = Inference(network, TYPES[precision])
        if place.type != "cuda":
            return form
        try:
            return Graph(form, _noise(network))
        except RuntimeError as error:  # too little memory, or a driver that can't: run it kernel by kernel
            log.info("The network can't be recorded as a graph: %s", trial.reason(error))
            return form


def _report(network: Any, precisions: tuple[str, ...], batch: int = 1) -> Report:
    """How the forms in torch compare; remembered for these weights."""
    compute = partial(_compare_in_torch, network, precisions, batch)
    return trial.remembered(compute, "torch", _digest(network), *precisions, batch, device=_place(network))


def _compare_in_torch(network: Any, precisions: tuple[str, ...], batch: int) -> Report:
    """The plain form in float32, which is what the others are compared with, and all in the given precisions."""
    log.info("Trying which form of the network is fastest here: once for these weights, a few seconds.")
    short = copy.copy(network)
    if _place(network).type == "cpu":  # a GPU needs no time for a whole segment, and is not busy with less
        short.segment = min(PIECE, network.segment)
    forms: dict[str, Form] = {"plain float32": short}
    for precision in precisions:
        if precision != "float32":
            forms[f"plain {precision}"] = partial(_in_half, short)
        try:
            forms[f"lean {precision}"] = _lean(short, precision)
        except Exception as error:  # a network of other parts than are known: the plain form it is
            log.info("No lean form of the network: %s", trial.reason(error))
    with flash_attention():
        return trial.compare(forms, _noise(short, batch))


def _openvino(network: Any, precision: str, *, anyhow: bool) -> Form | None:
    """`network` on OpenVINO, or None if it can't be had, or doesn't pay (unless it is wanted anyhow)."""
    if find_spec("openvino") is None:
        return None
    try:
        key = key_of("openvino", trial.VERSION, version("openvino"), torch.__version__, _digest(network))
        with torch.inference_mode(False):  # the tracer takes no inference tensors
            folder = default_store().entry(key, partial(_fill, network), kind=trial.KIND)
        report = trial.read(folder)
        found, before = (report.get(f"{library} {precision}") for library in ("openvino", "torch"))
        if found is None or before is None:  # a precision that this processor doesn't compute in
            return None
        if not found.good(precision) or (found.seconds > GAIN * before.seconds and not anyhow):
            log.info("torch is used, not OpenVINO: in %s it differs by %.0f dB and takes %.2f times as long.",
                     precision, found.difference, found.seconds / before.seconds)  # fmt: skip
            return None
        return Compiled(network, folder / MODEL, precision)
    except Exception as error:  # an accelerator may fail in any way, and must never cost the result
        log.warning("OpenVINO can't be used, torch does the work: %s", trial.reason(error))
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
    forms: dict[str, Form] = {}
    precisions = tuple(TYPES) if has_bfloat16(_place(network)) else ("float32",)
    for precision in precisions:
        form = _in_torch(network, precision)
        forms[f"torch {precision}"] = partial(_in_half, network) if (form, precision) == (network, "bfloat16") else form
    forms |= {f"openvino {precision}": Compiled(network, folder / MODEL, precision) for precision in precisions}
    with flash_attention():
        trial.write(trial.compare(forms, noise, rounds=2), folder)


def _noise(network: Any, batch: int = 1) -> torch.Tensor:
    """Segments of noise [shape=(batch, 2, frames)]."""
    return trial.pink(int(network.segment * network.samplerate), batch=batch).to(_place(network))


def _in_half(network: Any, mixture: torch.Tensor) -> torch.Tensor:
    with torch.autocast(mixture.device.type, dtype=torch.bfloat16):
        estimate: torch.Tensor = network(mixture)
        return estimate
