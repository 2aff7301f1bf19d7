"""Where songs come from and results go to: folders, archives, and addresses that fsspec knows (``s3://``, ``memory://``).

A song is brought here as a file for as long as it is worked on. Results are made here and then delivered, with a card
(``.musiclab/job.json``) written last: a folder without it, or whose card names another request, isn't done.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from musiclab.batches.songs import find_songs
from musiclab.codecs.files import RECORD, safe_name, write_whole
from musiclab.codecs.source import AUDIO_SUFFIXES, readable
from musiclab.errors import AudioError, BatchError, ExportError

CARD = f"{RECORD}/job.json"
INLINE = frozenset({"memory"})  # what other processes can't see


@dataclass(frozen=True)
class Found:
    """A song that was found: its path or address, its place below what was given, bytes, and a mark of its state."""

    song: str
    below: PurePosixPath
    size: int = 0
    stamp: str = ""


def protocol_of(place: str) -> str:
    """What an address begins with; empty for a path."""
    head, sep, _ = place.partition("://")
    return head if sep and head.replace("+", "").replace("-", "").isalnum() and len(head) > 1 else ""


def local_path(place: str | os.PathLike[str]) -> Path | None:
    """A place as a path, if it is one: written as a path, or as ``file://``."""
    text = os.fspath(place)
    if protocol_of(text) in ("file", "local"):
        text = text.partition("://")[2]
    elif protocol_of(text):
        return None
    return Path(text).expanduser().absolute()


def find(sources: Sequence[str | os.PathLike[str]]) -> list[Found]:
    """The songs in folders, archives (``.zip``) and at addresses, in order and each once.

    Raises
    ------
    AudioError
        If a place holds none.
    BatchError
        If an address can't be opened.
    """
    found: dict[str, Found] = {}
    for source in sources:
        path = local_path(source)
        if path is not None and path.suffix.lower() == ".zip" and path.is_file():
            path, source = None, f"zip://::{path}"
        for one in _in_folder(path) if path is not None else _at_address(os.fspath(source)):
            found.setdefault(one.song, one)
    return list(found.values())


def _in_folder(path: Path) -> Iterator[Found]:
    if not path.exists() and path.suffix.lower() not in AUDIO_SUFFIXES:
        raise AudioError(f"There is no folder {readable(path)!r}: check the name.")
    for song in find_songs([path]):
        below = song.relative_to(path) if song != path else Path(song.name)
        size, stamp = 0, ""
        with suppress(FileNotFoundError, NotADirectoryError):  # what is missing is told when its turn comes
            seen = song.stat()
            size, stamp = seen.st_size, f"{seen.st_size}-{seen.st_mtime_ns}"
        yield Found(str(song), PurePosixPath(below.as_posix()), size, stamp)


def _at_address(address: str) -> Iterator[Found]:
    fs, root = _opened(address)
    head, chained, rest = address.partition("::")
    protocol = protocol_of(head)
    with _as_trouble(address):
        files: dict[str, dict[str, Any]] = fs.find(root, detail=True)
    made = {PurePosixPath(path).parent.parent for path in files if PurePosixPath(path).parent.name == RECORD}
    any_here = False
    for path, info in sorted(files.items()):
        below = PurePosixPath(path.removeprefix(root).strip("/") or PurePosixPath(path).name)
        hidden = any(part.startswith(".") for part in below.parts)
        ours = any(folder in made for folder in PurePosixPath(path).parents)
        if below.suffix.lower() in AUDIO_SUFFIXES and not hidden and not ours:
            any_here = True
            song = f"{protocol}://{path.lstrip('/')}{chained}{rest}"
            yield Found(song, below, int(info.get("size") or 0), _stamp(info))
    if not any_here:
        raise AudioError(f"{address!r} holds no audio file: give songs, or a folder of songs.")


def _stamp(info: Mapping[str, Any]) -> str:
    """A mark that is another when the file is: what the place tells of its state; empty if it tells nothing."""
    told = [str(info[key]) for key in ("ETag", "etag", "CRC", "mtime", "LastModified", "created") if key in info]
    return "-".join([str(info.get("size")), *told]) if told else ""


def _opened(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        fs, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise BatchError(f"{protocol_of(address)}:// needs a package that isn't installed: {error}.") from error
    except (ValueError, OSError) as error:
        raise BatchError(f"{address!r} can't be opened ({error}): check the address.") from error
    return fs, str(root)


@contextmanager
def _as_trouble(address: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each kind of place has its own
        if isinstance(error, (AudioError, BatchError)):
            raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise BatchError(f"{address!r} can't be read ({said}): check the address and your access to it.") from error


def folders_for(songs: Sequence[Found]) -> list[str]:
    """A folder for each song, relative to the target and named like the song; songs of one name get numbers."""
    taken: set[str] = set()
    folders: list[str] = []
    for song in songs:
        place = PurePosixPath(*map(safe_name, song.below.parent.parts))
        begin = safe_name(song.below.stem)
        name, number = begin, 1
        while str(place / name).casefold() in taken:
            number += 1
            name = f"{begin} ({number})"
        taken.add(str(place / name).casefold())
        folders.append(str(place / name))
    return folders


@contextmanager
def brought(song: str) -> Iterator[Path]:
    """The song as a file on this machine, for as long as the block runs."""
    path = local_path(song)
    if path is not None:
        yield path
        return
    fs, inside = _opened(song)
    with tempfile.TemporaryDirectory(prefix="musiclab-batch-", ignore_cleanup_errors=True) as scratch:
        here = Path(scratch) / safe_name(PurePosixPath(inside).name)
        fs.get_file(inside, str(here))
        yield here


class Target:
    """A folder of results of one song: on this machine's disks, or at an address.

    Parameters
    ----------
    root : str
        What all songs have in common.
    folder : str
        The song's, relative to it.
    """

    def __init__(self, root: str, folder: str = "") -> None:
        path = local_path(root)
        self.path = path / folder if path is not None else None
        self._fs: Any = None
        self._at = ""
        if path is None:
            self._fs, inside = _opened(root)
            self._at = "/".join(part for part in (inside.rstrip("/"), folder) if part)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file in it; None if there is none."""
        try:
            if self.path is not None:
                return (self.path / name).read_bytes()
            data: bytes = self._fs.cat_file(f"{self._at}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return data

    def write(self, name: str, data: bytes) -> None:
        """All of `data` to a file in it, or nothing."""
        if self.path is not None:
            write_whole(self.path / name, data)
        else:
            self._fs.makedirs(f"{self._at}/{name}".rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(f"{self._at}/{name}", data)

    def card(self) -> dict[str, Any]:
        """What was done here before; empty if that can't be told."""
        try:
            told = json.loads(self.read(CARD) or b"{}")
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether all these files are there, in these sizes."""
        return all(self._size(name) == size for name, size in sizes.items())

    def _size(self, name: str) -> int | None:
        try:
            if self.path is not None:
                return (self.path / name).stat().st_size
            return int(self._fs.info(f"{self._at}/{name}")["size"])
        except (OSError, KeyError, TypeError):
            return None

    @contextmanager
    def filled(self, card: Mapping[str, Any]) -> Iterator[Path]:
        """A folder on this machine to write into. At an address, its files are taken there when the block ends well.

        Files at an address that no card names are never replaced; those that are about to be written are noted first,
        so that whoever comes after a kill knows whose they are.

        Raises
        ------
        ExportError
            If one is in the way.
        """
        if self.path is not None:  # saving there guards what isn't ours, and writes all or nothing
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="musiclab-batch-", ignore_cleanup_errors=True) as scratch:
            yield Path(scratch)
            made = [path for path in sorted(Path(scratch).rglob("*")) if path.is_file()]
            names = [name for path in made if RECORD not in (name := path.relative_to(scratch).as_posix())]
            ours = {*self.card().get("files", {}), *self.card().get("writing", ())}
            if foreign := [name for name in names if name not in ours and self._size(name) is not None]:
                raise ExportError(
                    f"{self._at}/{foreign[0]} is there already and is not musiclab's: move it, or choose another place."
                )
            self.write(CARD, json.dumps({**card, "writing": sorted({*names, *ours})}).encode())
            for name in names:
                self._fs.makedirs(f"{self._at}/{name}".rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(Path(scratch) / name), f"{self._at}/{name}")
