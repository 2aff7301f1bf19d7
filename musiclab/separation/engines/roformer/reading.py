"""Weights of a Mel-Band RoFormer from a checkpoint, into one file of safetensors.

They are published as ``torch.save`` writes them: a zip archive with the numbers of each tensor in a file of its own,
and a pickle that says which tensor has which. A pickle can run any code, so it is read by an unpickler that knows a few
harmless names and nothing else; the numbers are then taken from the archive here, without torch's own reader.

Notebook: 06
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from musiclab.errors import WeightsError
from musiclab.separation.engines.roformer.config import Config
from musiclab.separation.engines.roformer.network import MelBandRoformer
from musiclab.separation.fetching import short
from musiclab.separation.manifest import Weights

FILE = "model.safetensors"
INSIDE = ("state_dict", "state", "model")  # where some trainers put the weights among other things
STORAGES = {
    "FloatStorage": torch.float32, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64, "LongStorage": torch.int64, "IntStorage": torch.int32,
}  # fmt: skip


def keep(item: Weights, source: Path, folder: Path) -> None:
    """Read the weights of an engine, check that they fit its network, and keep them as safetensors.

    Raises
    ------
    WeightsError
        If they don't.
    """
    from safetensors.torch import save_file

    path = next(path for path in map(source.joinpath, _names(item)) if path.is_file())
    found = tensors(path)
    network(found, published(item), path.name)
    save_file({name: value.contiguous() for name, value in found.items()}, folder / FILE)


def published(item: Weights) -> Config:
    """What the networks of the manifest are like: they have Kim's sizes."""
    return Config(stems=item.stems)


def _names(item: Weights) -> list[str]:
    return [file for source in item.sources for file in source.files]


def network(found: Mapping[str, Tensor], config: Config, name: str) -> MelBandRoformer:
    """The network with weights, in float32.

    Raises
    ------
    WeightsError
        If they are not those of such a network: layers, shapes, or numbers that are none.
    """
    try:
        made = MelBandRoformer(config)
    except ValueError as error:
        raise WeightsError(f"{name} can't be of a network that can be made ({error}).") from error
    wanted = {key: value.shape for key, value in made.state_dict().items()}
    given = {key: value.shape for key, value in found.items()}
    if wrong := sorted(key for key in wanted.keys() | given.keys() if wanted.get(key) != given.get(key)):
        raise WeightsError(
            f"{name} is not a Mel-Band RoFormer of this size: see {', '.join(wrong[:3])}. Other sizes are told by the "
            ".yaml that such a checkpoint comes with: put it beside it."
        )
    if not all(bool(value.isfinite().all()) for value in found.values()):
        raise WeightsError(f"{name} holds numbers that are not finite: fetch it again.")
    made.load_state_dict({key: value.to(torch.float32) for key, value in found.items()}, assign=True)
    return made


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or as ``torch.save`` writes it (``.ckpt``).

    Raises
    ------
    WeightsError
        If it can't be read, or holds anything but tensors, which is not run.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path.name} can't be read ({short(error)}): fetch it again.") from error


class _View(NamedTuple):
    """A tensor as a pickle tells it: the type, file and length of its numbers, and which of them it is made of."""

    storage: tuple[str, str, int]
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def _unpickled(path: Path) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(path) as packed:
            inside = next(name for name in packed.namelist() if name.endswith("/data.pkl"))
            with packed.open(inside) as stream:
                found = _Views(stream).load()
            if not all(isinstance(value, _View) for value in found.values()):
                found = next(found[name] for name in INSIDE if name in found)
            if not found or not all(isinstance(key, str) for key in found):
                raise ValueError("it has no names")
            return {name: _tensor(view, packed, inside.removesuffix(".pkl")) for name, view in found.items()}
    except Exception as error:  # a pickle can fail in any way
        reason = short(error) if str(error) else "it holds other things than tensors"
        raise WeightsError(f"{path.name} is not a checkpoint that can be read safely ({reason}).") from error


class _Views(pickle.Unpickler):
    """Knows the names that tensors are pickled with, and nothing else; none of torch's own objects is made."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return name
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.view
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str, int]:
        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype not in STORAGES:
            raise pickle.UnpicklingError("it asks for something that is no storage")
        return dtype, str(key), int(count)

    def view(self, storage: Any, offset: int, size: Any, stride: Any, *_: object) -> _View:
        """What stands for a tensor; whether it needs gradients, and its hooks, are dropped."""
        return _View(storage, offset, size, stride)


def _tensor(view: _View, packed: zipfile.ZipFile, folder: str) -> Tensor:
    """A tensor from the archive; torch refuses one that reaches beyond its storage."""
    if not isinstance(view, _View):
        raise ValueError("it holds other things than tensors")
    dtype, key, count = STORAGES[view.storage[0]], *view.storage[1:]
    data = bytearray(packed.read(f"{folder}/{key}"))
    if len(data) != count * dtype.itemsize or math.prod(view.size) > count:
        raise ValueError(f"{key} is cut off")
    return torch.as_strided(torch.frombuffer(data, dtype=dtype), view.size, view.stride, view.offset)
