"""Files that are whole or not there at all, and that never take the place of what isn't ours.

A folder into which whole jobs write keeps a record: ``.musiclab/NAME.sha256`` for each file. A file may be replaced as
long as it is the one that was written; once somebody has changed it, it is theirs.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from musiclab.errors import ExportError
from musiclab.threads import FileLock

RECORD = ".musiclab"  # in a folder of results: what in it is ours
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in a file's name, on one system or another


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


def safe_name(text: str) -> str:
    """`text` as the name of a file or folder that every system accepts; at most 200 bytes."""
    whole = text.encode(errors="surrogateescape").decode(errors="replace").replace("\ufffd", "_")
    cleaned = _FORBIDDEN.sub("_", whole).strip(" .")
    return cleaned.encode()[:200].decode(errors="ignore") or "_"


def claim(folder: Path, names: Sequence[str]) -> None:
    """Make sure that `names` (relative to `folder`) may be written: none of them is a file that isn't ours.

    Raises
    ------
    ExportError
        If one is there that musiclab didn't write, or that somebody has changed since; or if a folder is in the way.
    """
    for parent in (folder, *folder.parents):
        if parent.is_file():
            raise ExportError(f"{str(parent)!r} is a file: give the name of a folder.")
    for name in names:
        path = folder / name
        if path.is_dir():
            raise ExportError(f"{str(path)!r} is a folder: move it, or choose another folder for the files.")
        if (path.exists() or path.is_symlink()) and not is_ours(folder, name):
            raise ExportError(
                f"{str(path)!r} is there already and is not as musiclab left it: move it, or choose another folder."
            )


@contextmanager
def delivered(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A scratch folder to write `names` into; they move into `folder` together when the block ends well.

    If anything goes wrong, what was in `folder` is still there, and nothing else. Files that musiclab didn't write are
    never replaced; those that it wrote are.

    Parameters
    ----------
    folder : Path
        Made if it lacks.
    names : sequence of str
        Relative to `folder`, with ``/`` for folders in it. The block has to write all of them, and nothing else counts.

    Raises
    ------
    ExportError
        As `claim`, before the block; or if the folder or the disk refuses.
    """
    _claim_calmly(folder, names)
    scratch = folder / RECORD / f"{uuid.uuid4().hex}.part"
    try:
        for name in names:
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        with _turn(folder):
            claim(folder, names)  # once more: somebody may have put a file there meanwhile
            for name in names:
                _sign(folder, name, scratch / name)
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(scratch / name, folder / name)  # noqa: PTH105  # atomic, and over an existing file
    except OSError as error:
        raise ExportError(_refusal(folder, error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One process after the other: a file's record and the file itself are changed together."""
    lock = FileLock(folder / RECORD / "turn.lock")
    try:
        lock.acquire()
    except NotImplementedError:  # a disk that knows no locks, as some in networks are
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _claim_calmly(folder: Path, names: Sequence[str]) -> None:
    """As `claim`; what looks like somebody's file may be one that another process is just replacing."""
    try:
        claim(folder, names)
    except ExportError:
        if not (folder / RECORD).is_dir():
            raise
        with _turn(folder):
            claim(folder, names)


def _sign(folder: Path, name: str, made: Path) -> None:
    """Note that `made` is to be the file `name`. The one before it stays noted: a kill may come before the move."""
    record = _record(folder, name)
    known = record.read_text().split() if record.is_file() else []
    record.parent.mkdir(parents=True, exist_ok=True)
    write_whole(record, "\n".join([_digest(made), *known[:1]]).encode())


def is_ours(folder: Path, name: str) -> bool:
    """Whether the file is there as musiclab wrote it."""
    record, path = _record(folder, name), folder / name
    try:
        return not path.is_symlink() and _digest(path) in record.read_text().split()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False


def _record(folder: Path, name: str) -> Path:
    return folder / RECORD / f"{name}.sha256"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(folder: Path, error: OSError) -> str:
    """One sentence for what a system says when it won't write."""
    folder = folder.parent.parent if folder.parent.name == RECORD else folder  # where the files were to go from here
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"There is no room left for the files in {str(folder)!r}: free some space or choose another folder."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Nothing may be written in {str(folder)!r}: choose another folder."
    return f"The files can't be written in {str(folder)!r} ({error.strerror or error}): choose another folder."
