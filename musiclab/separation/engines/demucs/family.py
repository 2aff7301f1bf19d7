"""The family of Demucs: what the manifest names of it, and ``"demucs:FOLDER"``, weights in a folder of yours.

Notebook: 06
"""

from __future__ import annotations

from pathlib import Path

from musiclab.progress import Progress
from musiclab.separation import weights
from musiclab.separation.engine import Engine, EngineInfo
from musiclab.separation.engines.demucs.published import fetch

NAME = "demucs"
LOCAL = "demucs:"


def infos() -> list[EngineInfo]:
    """The engines of the manifest. See `Family`."""
    return weights.infos(NAME)


def knows(name: str) -> bool:
    """See `Family`."""
    return name.startswith(LOCAL) or name in weights.names(NAME)


def load(name: str, *, progress: Progress | None = None) -> Engine:
    """See `Family`."""
    from musiclab.separation.engines.demucs import adapter

    if name.startswith(LOCAL):
        return adapter.from_folder(_folder(name))
    return adapter.from_hub(name, progress=progress)


def version(name: str, *, progress: Progress | None = None) -> str:
    """The digest of the weights. See `Family`."""
    if name.startswith(LOCAL):
        return weights.digest_of(_folder(name))
    if not weights.version(name):
        fetch(name, progress=progress)
    return weights.version(name)


def _folder(name: str) -> Path:
    return Path(name.removeprefix(LOCAL)).expanduser()
