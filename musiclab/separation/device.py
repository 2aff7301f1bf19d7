"""Where to compute: which device there is, what it can do, and how many segments it takes at once.

Notebook: 06
"""

from __future__ import annotations

import logging
import platform

import torch

from musiclab.errors import DeviceError
from musiclab.separation import trial
from musiclab.separation.engine import Engine

log = logging.getLogger("musiclab")

WORTH = 1.15  # times faster: below, half precision is not worth its rounding
PIECE = 2.0  # seconds that an engine is tried on


def resolve(device: str) -> torch.device:
    """A device by its name.

    Parameters
    ----------
    device : str
        ``"auto"`` (CUDA, else Apple's MPS, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    DeviceError
        If it is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        raise DeviceError(f"There is no kind of device {device!r}: choose auto, cpu, cuda or mps.") from None
    here = {"cpu": 1, "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0, "mps": int(_has_mps())}
    if (found.index or 0) >= here.get(found.type, 0):
        there = ", ".join(name for name, count in here.items() if count)
        raise DeviceError(f"The device {device!r} is not on this machine: choose auto, or one of {there}.")
    return found


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def default_batch(device: torch.device) -> int:
    """How many segments at once: one fills a CPU's cores, a GPU wants several. Halved by the loop where memory ends."""
    if device.type == "cuda":
        gigabytes = torch.cuda.mem_get_info(device)[0] / 1e9
        return max(1, min(16, int(gigabytes // 2)))
    return 1


def precision(name: str, device: torch.device, engine: Engine, *, best: bool = False) -> torch.dtype:
    """The type of an engine's arithmetic.

    Parameters
    ----------
    name : str
        ``"float32"``, ``"bfloat16"``, ``"float16"``, or ``"auto"``: bfloat16 where it is faster.
    device : torch.device
        Where.
    engine : Engine
        Which.
    best : bool
        Whether ``"auto"`` is float32 in any case.
    """
    if name == "auto":
        return torch.bfloat16 if engine.half and not best and half_pays(engine, device) else torch.float32
    if name == "bfloat16" and not has_bfloat16(device):
        log.warning("%s has no arithmetic in bfloat16: it is emulated, and far slower than float32.", device)
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself; where it is only emulated, it can't be worth anything.

    GPUs by NVIDIA do from Ampere on; processors with AVX-512's BF16 or AMX, and ARM's with its BF16. (oneDNN takes it
    on any AVX-512, by way of float32.)
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not onednn_takes(torch.bfloat16):
        return False
    if platform.machine().lower() in ("x86_64", "amd64"):
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return True


def onednn_takes(dtype: torch.dtype) -> bool:
    """Whether this build of torch has oneDNN, and that takes tensors of `dtype` on this processor."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def half_pays(engine: Engine, device: torch.device) -> bool:
    """Whether bfloat16 is faster for an engine on this device.

    Known for GPUs, and where there is none. On other CPUs the engine is tried on a short piece: see
    `musiclab.separation.trial`. An engine that knows better says so in a method of the same name.
    """
    if not has_bfloat16(device) or device.type == "cuda":
        return has_bfloat16(device)
    knows = getattr(engine, "half_pays", None)
    if knows is not None and (answer := knows(device)) is not None:
        return bool(answer)
    who = (engine.name, getattr(engine, "version", ""), type(engine).__qualname__, repr(engine.segment))
    found = trial.remembered(lambda: _tried(engine), "engine", *who, device=device)
    single, half = found["float32"], found.get("bfloat16")
    return half is not None and half.good("bfloat16") and half.seconds * WORTH < single.seconds


def _tried(engine: Engine) -> trial.Report:
    """An engine on a short piece, in both precisions."""

    def half(sound: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return engine.separate(sound)

    frames = int(min(PIECE, engine.segment or PIECE) * engine.sr)
    return trial.compare({"float32": engine.separate, "bfloat16": half}, trial.pink(frames))
