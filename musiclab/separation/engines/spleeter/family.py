"""The family of Spleeter: 2, 4 and 5 stems, and ``"spleeter:FOLDER"``, a checkpoint in a folder of yours.

Notebook: 06
"""

from __future__ import annotations

from pathlib import Path

from musiclab.progress import Progress
from musiclab.separation import weights
from musiclab.separation.engine import Engine, EngineInfo
from musiclab.store import key_of, sha256_of

NAME = "spleeter"
LOCAL = "spleeter:"


def infos() -> list[EngineInfo]:
    """See `Family`."""
    return weights.infos(NAME)


def knows(name: str) -> bool:
    """See `Family`. ``"spleeter"`` is the one with two stems."""
    return name.startswith(LOCAL) or any(
        name == known or name in weights.entry(known).aliases for known in weights.names(NAME)
    )


def load(name: str, *, progress: Progress | None = None) -> Engine:
    """See `Family`."""
    from musiclab.separation.engines.spleeter import loading

    if name.startswith(LOCAL):
        folder = _folder(name)
        return loading.from_folder(folder, version=version(name))
    item = weights.entry(name)
    return loading.from_store(item, weights.fetch(item.name, keep=_keep, progress=progress))


def version(name: str, *, progress: Progress | None = None) -> str:
    """The digest of the weights. See `Family`."""
    if name.startswith(LOCAL):
        files = sorted(file for file in _folder(name).glob("*") if file.is_file())
        return key_of({file.name: sha256_of(file) for file in files})
    if not weights.version(name):
        weights.fetch(weights.entry(name).name, keep=_keep, progress=progress)
    return weights.version(name)


def _keep(item: weights.Weights, source: Path, folder: Path) -> None:
    from musiclab.separation.engines.spleeter import reading

    reading.keep(item, source, folder)


def _folder(name: str) -> Path:
    return Path(name.removeprefix(LOCAL)).expanduser()
