"""Spleeter's engines from weights: those in the store, and checkpoints in a folder.

Notebook: 06
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from musiclab.errors import WeightsError
from musiclab.separation import weights
from musiclab.separation.engines.spleeter import checkpoint, reading
from musiclab.separation.engines.spleeter.engine import SpleeterEngine
from musiclab.separation.engines.spleeter.network import Spleeter
from musiclab.separation.manifest import Weights

CONVOLUTIONS = 7  # of each stem's network


def from_store(item: Weights, folder: Path) -> SpleeterEngine:
    """An engine of the manifest, its weights checked and as safetensors. Raises WeightsError if they don't fit it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(folder / reading.FILE)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"The weights of {item.name!r} can't be read ({error}): fetch them again.") from error
    network = _network(found, len(item.stems))
    return SpleeterEngine(
        network, name=item.name, stems=item.stems, licence=item.licence, version=weights.version(item.name)
    )


def from_folder(folder: Path, *, version: str = "") -> SpleeterEngine:
    """A Spleeter of 2, 4 or 5 stems whose checkpoint lies in a folder.

    Parameters
    ----------
    folder : Path
        Holds ``model.index`` and ``model.data-00000-of-00001``, as in the archives that Deezer published.
    version : str
        A digest of it; empty if results should not be kept.

    Raises
    ------
    WeightsError
        If it holds no such checkpoint.

    Notebook: 06
    """
    index = sorted(folder.glob("*.index"))
    if len(index) != 1:
        raise WeightsError(f"{folder} has to hold one checkpoint: model.index and model.data-00000-of-00001.")
    found = checkpoint.read(index[0])
    convolutions = sum(name.endswith("/kernel") and name.startswith(("conv2d/", "conv2d_")) for name in found)
    stems = convolutions // (CONVOLUTIONS + reading.LEVELS)
    known = {len(item.stems): item for item in map(weights.entry, weights.names("spleeter"))}
    if stems not in known:
        raise WeightsError(f"The checkpoint in {folder} is not one of Spleeter with 2, 4 or 5 stems.")
    tensors = {name: torch.from_numpy(value.copy()) for name, value in reading.from_keras(found, stems).items()}
    item = known[stems]
    return SpleeterEngine(
        _network(tensors, stems), name=folder.name, stems=item.stems, licence=item.licence, version=version
    )


def _network(found: Mapping[str, Tensor], stems: int) -> Spleeter:
    network = Spleeter(stems)
    try:
        missing, unexpected = network.load_state_dict(dict(found), strict=False)
    except RuntimeError as error:
        raise WeightsError("These weights are not those of Spleeter: their shapes differ.") from error
    if unexpected or _matters(missing):
        raise WeightsError("These weights are not those of Spleeter: layers are missing, or there are others.")
    return network


def _matters(missing: Sequence[str]) -> bool:
    return any(not name.endswith("num_batches_tracked") for name in missing)
