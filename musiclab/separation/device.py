"""Where to compute: which device there is, and how many segments it takes at once.

Notebook: 06
"""

from __future__ import annotations

import torch

from musiclab.errors import DeviceError


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


def precision(name: str) -> torch.dtype:
    """The type of an engine's arithmetic by its name."""
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)
