"""The store: a folder that keeps what was costly to make or to fetch, so that it is made once.

An *entry* is a folder of files under ``root/kind/key[:2]/key``. Four promises hold, whatever happens to the process:

1. **Whole or absent.** An entry is filled in a temporary folder on the same disk, written through to the disk, listed
   with the size and SHA-256 of each file, and then renamed into place: one step that either happened or did not.
2. **Made once.** A lock per key, held by the operating system (so that it ends with the process that holds it): of
   two kernels that ask for one entry at once, one makes it and the other waits.
3. **Bounded.** Above `limit_bytes`, or when the disk is nearly full, the entries used longest ago go first. Kinds in
   `PINNED` (weights) never go by themselves, nor does an entry that was asked for within the last minute, nor one that
   is being made.
4. **Never in the way.** A full, read-only or broken folder raises `StoreError`; `Store.recall` then still returns what
   was computed.

The time at which an entry was last used is the modification time of its folder.

Other stores may be *shared* with this one (a school's, a lab's): they are looked into first, and never written to.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import platformdirs

from musiclab.errors import StoreError
from musiclab.store.disk import as_store_error, free_bytes, last_use, parse_size, size_of, touch
from musiclab.store.seal import damage, seal, sync
from musiclab.threads import FileLock, Timeout

log = logging.getLogger("musiclab")
T = TypeVar("T")

PINNED = frozenset({"weights"})
SHARED = "MUSICLAB_CACHE_SHARED"
DEFAULT_LIMIT = 10 * 10**9  # bytes: about thirty songs of four minutes with four stems in float32
RESERVE = 2 * 10**9  # bytes: with less free disk than this, old entries go even below the limit
GRACE = 60.0  # seconds for which an entry that was asked for is safe: the reader has long opened its files by then
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{1,127}", re.ASCII)


@dataclass(frozen=True)
class Usage:
    """How much one kind of entry takes."""

    entries: int
    bytes: int


@dataclass(frozen=True)
class Info:
    """What a store holds: its place, its limit (without the pinned kinds), the usage of each kind, whom it shares."""

    root: Path
    limit_bytes: int
    kinds: dict[str, Usage]
    shared: tuple[Path, ...] = ()


def key_of(*parts: object) -> str:
    """A key for `parts` (anything that JSON can write): equal parts, equal key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Store:
    """A folder of entries; any number of processes may use it at once.

    Parameters
    ----------
    root : Path, optional
        By default the environment variable ``MUSICLAB_CACHE``, or else the system's cache folder for this user.
    limit_bytes : int, optional
        By default ``MUSICLAB_CACHE_LIMIT`` (such as ``20GB``), or else `DEFAULT_LIMIT`.
    shared : sequence of Path, optional
        Stores that are only read. By default those that ``MUSICLAB_CACHE_SHARED`` names, divided as ``PATH`` is, where
        `root` is left out; else none.
    """

    def __init__(
        self, root: str | Path | None = None, *, limit_bytes: int | None = None, shared: Sequence[Path] | None = None
    ) -> None:
        named = [] if root else os.environ.get(SHARED, "").split(os.pathsep)
        self.shared = tuple(Path(f).expanduser().absolute() for f in (named if shared is None else shared) if f)
        place = root or os.environ.get("MUSICLAB_CACHE") or platformdirs.user_cache_dir("musiclab", appauthor=False)
        self.root = Path(place).expanduser().absolute()
        limit = os.environ.get("MUSICLAB_CACHE_LIMIT")
        self.limit_bytes = limit_bytes if limit_bytes is not None else parse_size(limit) if limit else DEFAULT_LIMIT

    def place(self, key: str, kind: str = "results") -> Path:
        """Where the entry is, or would be."""
        if not (_NAME.fullmatch(key) and _NAME.fullmatch(kind)):
            raise ValueError(f"Kind and key are lower-case letters, digits, '-', '_' and '.': not {kind!r}, {key!r}.")
        return self.root / kind / key[:2] / key

    def peek(self, key: str, kind: str = "results") -> Path | None:
        """The entry's folder if it is there and its files are as they were made, else None. Counts as a use.

        Pinned entries are not looked into: changed weights are for their reader to refuse, not to be replaced unasked.
        """
        own = self.place(key, kind)
        for root in self.shared:
            if _is_whole(folder := root / own.relative_to(self.root), kind):
                return folder
        touch(own)  # first: who makes room meanwhile sees that it is in use
        return own if _is_whole(own, kind) else None

    def entry(self, key: str, fill: Callable[[Path], None], *, kind: str = "results") -> Path:
        """The entry's folder; if it is not there, `fill` makes it first.

        Parameters
        ----------
        key : str
            Says what is in it: see `key_of`.
        fill : Callable[[Path], None]
            Writes the files into the folder that it gets. What it raises is passed on, and nothing is kept.
        kind : str
            ``"results"``, ``"weights"`` or any other name: entries of one kind are listed and cleared together.

        Raises
        ------
        StoreError
            If the folder can't be written, or its disk is full.
        """
        if found := self.peek(key, kind):
            return found
        final = self.place(key, kind)
        with as_store_error(self.root), self._lock(kind, key):
            if found := self.peek(key, kind):  # another process made it while we waited
                return found
            self._evict()  # room first: a disk may be full of old results
            temp = self.root / "tmp" / f"{kind}~{key}~{uuid.uuid4().hex[:8]}"
            temp.mkdir(parents=True)
            try:
                fill(temp)
                seal(temp)
                if final.exists():  # damaged, else peek had found it
                    self._discard(final)
                final.parent.mkdir(parents=True, exist_ok=True)
                temp.rename(final)
                sync(final.parent)
            except BaseException:
                shutil.rmtree(temp, ignore_errors=True)
                raise
            touch(final)
        self._evict()
        return final

    def recall(
        self,
        key: str,
        compute: Callable[[], T],
        *,
        write: Callable[[T, Path], None],
        read: Callable[[Path], T],
        kind: str = "results",
    ) -> T:
        """What `compute` returns, from the store if it is there. Trouble with the store never costs the work.

        Parameters
        ----------
        key, kind : str
            As for `entry`.
        compute : Callable[[], T]
            The costly part.
        write, read : Callable
            Put a value into a folder, and get it from there. `read` raises OSError, ValueError or KeyError on files
            that it can't understand: they are thrown away and made again.
        """
        made: list[T] = []

        def fill(folder: Path) -> None:
            made.append(compute())
            write(made[0], folder)

        try:
            folder = self.entry(key, fill, kind=kind)
        except (StoreError, OSError, ValueError, KeyError) as error:
            if not made and not isinstance(error, StoreError):
                raise  # it came from `compute`
            log.warning("Not kept for next time: %s", error)
            return made[0] if made else compute()
        try:
            return made[0] if made else read(folder)
        except (OSError, ValueError, KeyError) as error:
            if self.peek(key, kind) is not None:  # else it was cleared in between
                log.warning("The stored entry %s could not be used (%s); it is made again next time.", key, error)
                with suppress(StoreError):
                    self.remove(key, kind)
            return compute()

    def remove(self, key: str, kind: str = "results") -> None:
        """Delete one entry; nothing happens if it is not there."""
        with as_store_error(self.root):
            if self.place(key, kind).exists():
                self._drop(self.place(key, kind), wait=True)

    def info(self) -> Info:
        """What is in the store."""
        kinds: dict[str, Usage] = {}
        for folder in self._entries():
            kind = folder.parent.parent.name
            before = kinds.get(kind, Usage(0, 0))
            kinds[kind] = Usage(before.entries + 1, before.bytes + size_of(folder))
        return Info(self.root, self.limit_bytes, kinds, self.shared)

    def verify(self) -> list[Path]:
        """The entries of which a file is missing or differs from its SHA-256. Reads everything."""
        # Whatever is found is looked at once more: an entry that is just being deleted seems to lack its files.
        return [f for f in self._entries() if damage(f, deep=True) and f.exists() and damage(f, deep=True)]

    def clear(self, kind: str | None = None) -> int:
        """Delete the entries of one kind, or of every kind that is not pinned; returns the bytes freed.

        An entry that is being made just now is left alone.
        """
        freed = 0
        with as_store_error(self.root):
            for folder in self._entries():
                own = folder.parent.parent.name
                if own == kind or (kind is None and own not in PINNED):
                    freed += self._drop(folder)
            self._sweep()
        return freed

    def _entries(self) -> Iterator[Path]:
        yield from (f for f in self.root.glob("*/??/*") if f.is_dir() and f.parts[-3] not in ("tmp", "locks"))

    def _evict(self) -> None:
        """Delete what was used longest ago until the limit is kept, and what killed processes left behind."""
        try:
            self._sweep()
            there = [(last_use(f), size_of(f), f) for f in self._entries() if f.parent.parent.name not in PINNED]
            kept = [(used, size, f) for used, size, f in there if used is not None]  # others may tidy up, too
            excess = max(sum(size for _, size, _ in kept) - self.limit_bytes, RESERVE - free_bytes(self.root))
            for used, size, folder in sorted(kept):
                if excess <= 0 or time.time() - used < GRACE:
                    return
                self._drop(folder, used)
                excess -= size
        except OSError as error:  # tidying up is never a reason to fail: the entry itself is in place
            log.debug("The store could not be tidied: %s", error)

    def _drop(self, folder: Path, used: float | None = None, *, wait: bool = False) -> int:
        """Delete an entry unless it is gone, being made, or was used since `used`; returns the bytes freed."""
        try:
            with self._lock(folder.parent.parent.name, folder.name, wait=wait):
                if (now := last_use(folder)) is None or used not in (None, now):
                    return 0
                size = size_of(folder)
                self._discard(folder)
                return size
        except Timeout:
            return 0

    def _discard(self, folder: Path) -> None:
        """Out of sight in one step, then deleted: a kill in between leaves no half entry."""
        trash = self.root / "tmp" / f"~{uuid.uuid4().hex}"
        trash.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    def _sweep(self) -> None:
        """Delete temporary folders whose maker is gone: who makes an entry holds its lock."""
        for folder in self.root.glob("tmp/*"):
            kind, key, *_ = f"{folder.name}~".split("~")
            with suppress(Timeout), self._lock(kind, key, wait=False) if kind else nullcontext():
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _lock(self, kind: str, key: str, *, wait: bool = True) -> Iterator[None]:
        path = self.root / "locks" / f"{kind}~{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path, timeout=-1 if wait else 0, poll_interval=0.05):
            yield


def _is_whole(folder: Path, kind: str) -> bool:
    """Whether an entry is there, and its files are as they were made."""
    try:
        return folder.is_dir() and (kind in PINNED or not damage(folder))
    except OSError as error:  # a place where nothing can be: to write there will say why
        log.debug("%s can't be looked at: %s", folder, error)
        return False


def default_store() -> Store:
    """The store of this user: ``MUSICLAB_CACHE``, or else the system's cache folder."""
    return Store()
