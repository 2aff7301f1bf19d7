"""Files below a folder, and nowhere else.

A name that comes from an agent is data. It is first read as a name (relative, no ``..``, nothing that any system reads
in a special way), then resolved and checked to be inside, and then opened one folder at a time, each without following
links: what is swapped for a link between the check and the opening is refused too. What was opened is what is used.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from musiclab.errors import RequestError

LONGEST = 512  # letters of a name
DEEPEST = 8  # folders
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f:\\<>"|?*]')  # colons open streams and drives on Windows
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_CAREFUL = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)  # pipes don't wait


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the file of a relative name.

    Raises
    ------
    RequestError
        If it is no plain relative name: the message does not repeat what it holds.
    """
    if not name or len(name) > LONGEST:
        raise RequestError(f"A name has 1 to {LONGEST} letters.")
    parts = tuple(name.split("/"))
    plain = len(parts) <= DEEPEST and not _FORBIDDEN.search(name) and all(map(_is_plain, parts))
    if not plain:
        raise RequestError("Names are relative to the folder, as list_songs tells them, with / between folders.")
    return parts


def _is_plain(part: str) -> bool:
    hidden = not part or part.startswith((".", "~"))  # "", "." and ".." among them
    return not hidden and part == part.strip(" ").rstrip(".") and not _DEVICES.fullmatch(part)


@dataclass(frozen=True)
class Confined:
    """One folder that may be looked into.

    Parameters
    ----------
    root : Path
        It has to be there.
    """

    root: Path

    def __post_init__(self) -> None:
        root = Path(self.root).expanduser()
        if not root.is_dir():
            raise RequestError(f"There is no folder {str(root)!r}: give one that exists.")
        object.__setattr__(self, "root", root.resolve())

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A plain file below the folder, for reading.

        Raises
        ------
        RequestError
            If it isn't there, or is a link, a folder, a device, or behind one of these.
        """
        parts = parts_of(name)
        try:
            descriptor = self._descriptor(parts)
        except OSError as error:
            raise _refusal(error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise RequestError("That is no plain file: list_songs tells which songs there are.")
        with os.fdopen(descriptor, "rb") as file:
            yield file

    def _descriptor(self, parts: tuple[str, ...]) -> int:
        """An open file, reached without following any link."""
        from mcp.shared.path_security import PathEscapeError, safe_join

        try:
            path = safe_join(self.root, *parts)
        except (PathEscapeError, ValueError, RuntimeError):  # links that lead out, or in circles
            raise OSError(errno.ELOOP, "a link") from None
        if os.open not in os.supports_dir_fd:  # Windows: the resolved path is the asked one, or there was a link
            if path != self.root.joinpath(*parts):
                raise OSError(errno.ELOOP, "a link")
            return os.open(path, os.O_RDONLY | _CAREFUL)
        folder = os.open(self.root, os.O_RDONLY | _DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | _DIRECTORY | _NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            return os.open(parts[-1], os.O_RDONLY | _NOFOLLOW | _CAREFUL, dir_fd=folder)
        finally:
            os.close(folder)

    def names(self, suffixes: frozenset[str]) -> Iterator[tuple[str, int]]:
        """Names and sizes (bytes) of the plain files with these endings, links left out, in order."""
        yield from self._names((), suffixes)

    def _names(self, above: tuple[str, ...], suffixes: frozenset[str]) -> Iterator[tuple[str, int]]:
        if len(above) >= DEEPEST:
            return
        with suppress(OSError), os.scandir(self.root.joinpath(*above)) as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                if not _is_plain(entry.name) or _FORBIDDEN.search(entry.name) or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._names((*above, entry.name), suffixes)
                elif entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in suffixes:
                    with suppress(FileNotFoundError):  # deleted meanwhile: the others are still there
                        size = entry.stat(follow_symlinks=False).st_size
                        yield "/".join((*above, entry.name)), size

    def place(self, *parts: str) -> Path:
        """A folder below this one to write into, made if it lacks; `RequestError` if a link is in the way."""
        path = self.root
        for part in parts:
            parts_of(part)
            path = path / part
            with suppress(FileExistsError):
                path.mkdir()
            if not stat.S_ISDIR(path.lstat().st_mode):
                raise RequestError(f"Something that is no folder stands at {part!r} in the output folder: move it.")
        return path


def _refusal(error: OSError) -> RequestError:
    if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):  # the last: a link where a folder should be
        return RequestError("Links are not followed: list_songs tells which songs there are.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return RequestError("That file may not be read.")
    return RequestError("There is no such file: list_songs tells which songs there are.")
