"""Where to compute: which device there is, and how many segments it takes at once.

Notebook: 06
"""

from __future__ import annotations

import json
import platform
import time
from functools import partial
from pathlib import Path

import torch

from musiclab.errors import DeviceError
from musiclab.separation.engine import Engine
from musiclab.store import default_store, key_of

WORTH = 1.15  # times faster: below, half precision is not worth its rounding
LIMIT = -40.0  # dB: what bfloat16 changes stays below
PIECE, ROUNDS = 2.0, 3  # seconds that an engine is tried on, and how often; the first time doesn't count


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
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)


def half_pays(engine: Engine, device: torch.device) -> bool:
    """Whether bfloat16 is faster for an engine on this device.

    Known for GPUs. On a CPU the engine is tried on a short piece, and what came of it is remembered in the store for
    this machine and this torch. An engine that knows better says so in a method of the same name.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # from Ampere on the tensor cores take it
    if device.type != "cpu":
        return False
    knows = getattr(engine, "half_pays", None)
    if knows is not None and (answer := knows(device)) is not None:
        return bool(answer)
    machine = (platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability())
    who = (engine.name, getattr(engine, "version", ""), type(engine).__qualname__, repr(engine.segment))
    gain = default_store().recall(
        key_of("bfloat16", 2, torch.__version__, torch.get_num_threads(), *machine, *who),
        partial(_half_gain, engine),
        write=_write_gain,
        read=lambda folder: float(json.loads((folder / "gain.json").read_text())),
        kind="probes",
    )
    return gain > WORTH


def _half_gain(engine: Engine) -> float:
    """How many times faster an engine separates a short piece in bfloat16; 0 if its answer is not good enough."""
    frames = int(min(PIECE, engine.segment or PIECE) * engine.sr)
    noise = torch.randn(1, 2, frames, generator=torch.Generator().manual_seed(0)).cumsum(-1)
    noise = (noise - noise.mean()) / noise.std()
    times: dict[bool, list[float]] = {False: [], True: []}
    answers: dict[bool, torch.Tensor] = {}
    with torch.inference_mode():
        for _ in range(ROUNDS):
            for half, spent in times.items():
                start = time.process_time()  # what it costs, whatever else this machine is doing
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                    answers[half] = engine.separate(noise).float()
                spent.append(time.process_time() - start)
    error = (answers[True] - answers[False]).square().mean() / answers[False].square().mean()
    return min(times[False][1:]) / min(times[True][1:]) if error < 10 ** (LIMIT / 10) else 0.0


def _write_gain(gain: float, folder: Path) -> None:
    (folder / "gain.json").write_text(json.dumps(gain), encoding="utf-8")
