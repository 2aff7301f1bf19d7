"""Whether a request was answered before: then its files are there, and no work is needed.

The same song by its content, the same words, tool and arguments, made by the same version of musiclab with the same
weights, with all files as they were left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import musiclab
from musiclab.agent.records import Record
from musiclab.errors import MusiclabError


def request_of(tool: str, song: str, arguments: Mapping[str, Any], digests: Iterable[str]) -> str:
    """The same for the same request; `digests` are those of the song and of what goes with it."""
    return _digest([tool, song, dict(arguments), *digests])


def made_with(arguments: Mapping[str, Any]) -> str:
    """The same as long as the same request would be answered by the same code and the same weights.

    Found without loading an engine or fetching anything; empty where that can't be told.
    """
    try:
        engines = list(_engines(arguments["engine"])) if "engine" in arguments else []
    except MusiclabError:
        return ""
    return _digest([musiclab.__version__, *_package(), *engines])


def _engines(asked: str) -> Iterator[tuple[str, str]]:
    """Names and versions of the engines that may be taken: the one that was asked for, or all that are ready."""
    from musiclab.separation import registry

    for info in registry.engines():
        if info.ready and asked in ("auto", info.name):
            yield info.name, registry.version(info.name)


def _package() -> Iterator[tuple[str, int, int]]:
    """The package's own files: an upgrade changes them, and so does whoever works on them."""
    root = Path(musiclab.__file__).parent
    for path in sorted(root.rglob("*.*")):
        if path.parent.name != "__pycache__" and path.is_file():
            yield (path.relative_to(root).as_posix(), *mark_of(path))


def mark_of(path: Path) -> tuple[int, int]:
    """Size (bytes) and time (ns) of a file: others once somebody has written to it. Raises `OSError` if it is gone."""
    stat = path.lstat()
    return stat.st_size, stat.st_mtime_ns


def is_good(record: Record, out: Path) -> bool:
    """Whether the answer of a job that was done can be given again: made as it would be now, and all of it there."""
    if record.status != "done" or not record.made_with or len(record.marks) != len(record.files):
        return False
    try:
        whole = all(mark_of(out / name) == mark for name, mark in zip(record.files, record.marks, strict=True))
    except OSError:
        return False
    return whole and record.made_with == made_with(record.arguments)


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
