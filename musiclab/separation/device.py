"""Where to compute: which device there is, and how many segments it takes at once.

Notebook: 06
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

import torch

from musiclab.errors import DeviceError
from musiclab.store import default_store, key_of

WORTH = 1.15  # times faster: below, half precision is not worth its rounding


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


def precision(name: str, device: torch.device, *, half: bool) -> torch.dtype:
    """The type of an engine's arithmetic.

    Parameters
    ----------
    name : str
        ``"float32"``, ``"bfloat16"``, ``"float16"``, or ``"auto"``: bfloat16 where it is faster.
    device : torch.device
        Where.
    half : bool
        Whether ``"auto"`` may take bfloat16 for this engine.
    """
    if name == "auto":
        return torch.bfloat16 if half and _half_pays(device) else torch.float32
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)


def _half_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster on this device: known for GPUs, tried once on a CPU and remembered in the store."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # from Ampere on the tensor cores take it
    if device.type != "cpu":
        return False
    machine = (platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability())
    gain = default_store().recall(
        key_of("bfloat16", torch.__version__, torch.get_num_threads(), *machine),
        _half_gain,
        write=_write_gain,
        read=lambda folder: float(json.loads((folder / "gain.json").read_text())),
        kind="probes",
    )
    return gain > WORTH


def _half_gain() -> float:
    """How many times faster a linear layer and a convolution, as in HTDemucs, are in bfloat16. Takes about 0.2 s."""
    x, linear = torch.randn(1344, 512), torch.nn.Linear(512, 2048)
    y, convolution = torch.randn(1, 96, 64, 336), torch.nn.Conv2d(96, 192, 3, padding=1)
    times: dict[bool, list[float]] = {False: [], True: []}
    with torch.inference_mode():
        for _ in range(4):
            for half, spent in times.items():
                start = time.process_time()
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                    linear(x)
                    convolution(y)
                spent.append(time.process_time() - start)
    return min(times[False][1:]) / min(times[True][1:])


def _write_gain(gain: float, folder: Path) -> None:
    (folder / "gain.json").write_text(json.dumps(gain), encoding="utf-8")
