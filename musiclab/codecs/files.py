"""Files that are whole or not there at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from musiclab.errors import ExportError


@contextmanager
def replacing(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Empty files beside `paths` to write into; they take the places of `paths` together when the block ends well.

    If anything goes wrong, in the block or with the disk, what was at `paths` is still there, and nothing else.

    Raises
    ------
    ExportError
        If the folder or the disk refuses: the message says why.
    """
    temporary: list[Path] = []
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise ExportError(f"{str(path)!r} is a folder: give the name of a file.")
            temporary.append(path.parent / f".{uuid.uuid4().hex}.part")
            temporary[-1].touch()  # the system's own reason if it refuses, which the libraries hide
        yield temporary
        for made, path in zip(temporary, paths, strict=True):
            os.replace(made, path)  # noqa: PTH105  # atomic, and over an existing file on every system
    except OSError as error:
        raise ExportError(_refusal(paths[0].parent, error)) from error
    finally:
        for made in temporary:
            made.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> Path:
    """All of `data` to a file, or nothing; folders that lack are made. Raises as `replacing`; returns the path."""
    with replacing([path]) as (made,):
        made.write_bytes(data)
    return path


def _refusal(folder: Path, error: OSError) -> str:
    """One sentence for what a system says when it won't write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"There is no room left for the files in {str(folder)!r}: free some space or choose another folder."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Nothing may be written in {str(folder)!r}: choose another folder."
    return f"The files can't be written in {str(folder)!r} ({error.strerror or error}): choose another folder."
