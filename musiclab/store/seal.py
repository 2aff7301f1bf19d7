"""The seal of an entry: a record of its files with size and SHA-256, written with them, that tells damage later."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

RECORD = ".contents.json"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damage(folder: Path, *, deep: bool = False) -> list[str]:
    """The names of the files of an entry that are missing or changed.

    Parameters
    ----------
    folder : Path
        Of the entry.
    deep : bool
        Compare SHA-256 too, not only sizes.
    """
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return [RECORD]
    return [name for name, known in record.items() if not _matches(folder / name, known, deep)]


def contents(folder: Path) -> dict[str, dict[str, str | int]]:
    """The record of an entry: ``{file: {"size": bytes, "sha256": hexadecimal}}``."""
    record: dict[str, dict[str, str | int]] = json.loads((folder / RECORD).read_bytes())
    return record


def _matches(path: Path, known: dict[str, str | int], deep: bool) -> bool:
    try:
        return path.stat().st_size == known["size"] and (not deep or sha256_of(path) == known["sha256"])
    except OSError:
        return False


def seal(folder: Path) -> None:
    """Write the record of a filled folder, and everything through to the disk."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": sha256_of(path)} for path in files
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    for path in [*files, folder / RECORD]:
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows can't, and need not, flush folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
