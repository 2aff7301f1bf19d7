"""The family of Mel-Band RoFormer: Kim's voice, and ``"melband-roformer:FOLDER"``, a checkpoint in a folder of yours.

Notebook: 06
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from musiclab.errors import WeightsError
from musiclab.progress import Progress
from musiclab.separation import weights
from musiclab.separation.engine import Engine, EngineInfo
from musiclab.store import key_of, sha256_of

if TYPE_CHECKING:
    from musiclab.separation.engines.roformer.engine import RoformerEngine

NAME = "roformer"
LOCAL = "melband-roformer:"
METHOD = "1"  # part of every version: raise it when the same weights give other stems, alone or with another engine
SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth")


def infos() -> list[EngineInfo]:
    """See `Family`."""
    return weights.infos(NAME)


def knows(name: str) -> bool:
    """See `Family`."""
    return name.startswith(LOCAL) or name in weights.names(NAME)


def load(name: str, *, progress: Progress | None = None) -> Engine:
    """See `Family`."""
    if name.startswith(LOCAL):
        return _from_folder(_folder(name), version(name))
    from musiclab.separation.engines.roformer import reading
    from musiclab.separation.engines.roformer.engine import RoformerEngine

    item = weights.entry(name)
    found = reading.tensors(weights.fetch(name, keep=_keep, progress=progress) / reading.FILE)
    network = reading.network(found, reading.published(item), reading.FILE)
    return RoformerEngine(network, name=name, licence=item.licence, version=version(name))


def version(name: str, *, progress: Progress | None = None) -> str:
    """The digest of the weights, and what is done with them. See `Family`."""
    if name.startswith(LOCAL):
        return key_of(METHOD, {file.name: sha256_of(file) for file in _files(_folder(name)) if file})
    if not weights.version(name):
        weights.fetch(name, keep=_keep, progress=progress)
    return key_of(METHOD, weights.version(name))


def _keep(item: weights.Weights, source: Path, folder: Path) -> None:
    from musiclab.separation.engines.roformer import reading

    reading.keep(item, source, folder)


def _folder(name: str) -> Path:
    return Path(name.removeprefix(LOCAL)).expanduser()


def _files(folder: Path) -> tuple[Path, Path | None]:
    """The checkpoint in a folder, and what describes it, if that is there.

    Raises
    ------
    WeightsError
        If it does not hold one checkpoint.
    """
    checkpoints = sorted(file for file in folder.glob("*") if file.suffix in SUFFIXES)
    described = sorted(file for file in folder.glob("*") if file.suffix in (".yaml", ".yml"))
    if len(checkpoints) != 1 or len(described) > 1:
        raise WeightsError(
            f"{folder} has to hold one checkpoint of a Mel-Band RoFormer ({', '.join(SUFFIXES)}), and its .yaml beside "
            "it unless it has Kim's sizes."
        )
    return checkpoints[0], next(iter(described), None)


def _from_folder(folder: Path, version: str) -> RoformerEngine:
    from musiclab.separation.engines.roformer import config, reading
    from musiclab.separation.engines.roformer.engine import RoformerEngine

    checkpoint, described = _files(folder)
    sizes = config.read(described) if described else config.Config()
    network = reading.network(reading.tensors(checkpoint), sizes, checkpoint.name)
    return RoformerEngine(network, name=checkpoint.stem, version=version)
