"""The disk under a store: sizes, free space, time of last use, and the system's complaints as `StoreError`."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from musiclab.errors import StoreError

log = logging.getLogger("musiclab")

_DISK_TROUBLE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO}
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_size(text: str) -> int:
    """``"10GB"``, ``"500 MB"`` or plain bytes, as bytes.

    Raises
    ------
    StoreError
        If it is not a size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", text.upper())
    unit = match[2] if match and match[2] in _UNITS else f"{match[2]}B" if match else ""
    if match is None or unit not in _UNITS:
        raise StoreError(f"{text!r} is not a size: write it as 10GB, 500MB or a number of bytes.")
    return int(float(match[1]) * _UNITS[unit])


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder that exists."""
    return shutil.disk_usage(folder).free


def touch(folder: Path) -> None:
    """Mark an entry as used now."""
    try:
        os.utime(folder)
    except OSError:  # a read-only store can still be read
        log.debug("%s can't be marked as used", folder)


def last_use(folder: Path) -> float | None:
    """When a folder was last marked as used, in seconds since 1970; None if it is gone."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return None


def size_of(folder: Path) -> int:
    """Bytes in the files of a folder, at any depth, links not followed; what others delete meanwhile is not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  # thousands of them
    return total


@contextmanager
def as_store_error(root: Path) -> Iterator[None]:
    """Turn the operating system's complaints about the folder `root`, and only these, into `StoreError`."""
    try:
        yield
    except (OSError, NotImplementedError) as error:
        name = getattr(error, "filename", None)
        inside = isinstance(name, str | os.PathLike) and root in [p := Path(name).absolute(), *p.parents]
        above = isinstance(name, str | os.PathLike) and Path(name).absolute() in root.parents
        if not (inside or above) and getattr(error, "errno", None) not in _DISK_TROUBLE:
            raise
        raise StoreError(
            f"The cache folder {root} can't be used ({getattr(error, 'strerror', None) or error}): free some "
            "space, or set MUSICLAB_CACHE to another folder."
        ) from error
