"""The seal of an entry: a record of its files with size and SHA-256, written with them, that tells damage later."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

RECORD = ".contents.json"
_checked: dict[str, tuple[int, int, int]] = {}  # files whose SHA-256 was right in this process, with their stamps


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damage(folder: Path, *, deep: bool = False) -> list[str]:
    """The names of the files of an entry that are missing, changed, or not in its record.

    A file's SHA-256 is computed only where the system's clock says that somebody has touched the file since it was
    sealed, and once for each process: looking at hundreds of megabytes that nobody touched costs microseconds.

    Parameters
    ----------
    folder : Path
        Of the entry.
    deep : bool
        Compute every SHA-256: what a failing disk has changed is found only so.
    """
    try:
        record = contents(folder)
    except (OSError, ValueError, RecursionError):
        return [RECORD]
    # not by rglob, which falls over a folder that is deleted meanwhile
    there = {(Path(at) / name).relative_to(folder).as_posix() for at, _, names in os.walk(folder) for name in names}
    there = {name for name in there if not Path(name).name.startswith(".")}
    changed = [name for name, known in record.items() if not _matches(folder / name, known, deep)]
    return changed + sorted(there - set(record))


def contents(folder: Path) -> dict[str, dict[str, Any]]:
    """The record of an entry: ``{file: {"size": bytes, "sha256": hexadecimal, "times": [modified, changed]}}``.

    Raises
    ------
    OSError, ValueError
        If it is missing or is no such record, or names a file outside the folder.
    """
    record = json.loads((folder / RECORD).read_bytes())
    if not isinstance(record, dict) or not record:
        raise ValueError(f"{RECORD} is no record of files.")
    for name, known in record.items():
        if not isinstance(known, dict) or not {"size", "sha256"} <= set(known):
            raise ValueError(f"{RECORD} doesn't tell the size and SHA-256 of {name!r}.")
        if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{RECORD} names a file outside its folder: {name!r}.")
    return record


def _matches(path: Path, known: dict[str, Any], deep: bool) -> bool:
    try:
        seen = path.stat()
        stamp = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        if seen.st_size != known["size"]:
            return False
        untouched = list(stamp[1:]) == known.get("times") or _checked.get(str(path)) == stamp
        if not deep and untouched:
            return True
        if sha256_of(path) != known["sha256"]:
            return False
    except OSError:
        return False
    _checked[str(path)] = stamp
    return True


def seal(folder: Path) -> None:
    """Write the record of a filled folder, and everything through to the disk."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {path.relative_to(folder).as_posix(): _line(path) for path in files}
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    for path in [*files, folder / RECORD]:
        sync(path)
    sync(folder)


def _line(path: Path) -> dict[str, object]:
    """What the record says of a file. Its times first: what is changed while it is read counts as touched."""
    seen = path.stat()
    times = [seen.st_mtime_ns, seen.st_ctime_ns]
    return {"size": seen.st_size, "sha256": sha256_of(path), "times": times}


def sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows can't, and need not, flush folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
