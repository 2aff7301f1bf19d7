"""The work on one song: here, in a process of a pool, or on a cluster's worker. It never raises for a song's sake."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musiclab.batches.places import CARD, Target, brought
from musiclab.batches.request import Request
from musiclab.codecs.files import delivered, safe_name
from musiclab.errors import Cancelled, MusiclabError, fault
from musiclab.progress import Cancel, Watch

log = logging.getLogger("musiclab")
_one_song = threading.Lock()  # a worker may have several threads; a song takes the memory and the cores of all of them


@dataclass(frozen=True)
class Task:
    """One song to be done.

    Attributes
    ----------
    song, target, folder : str
        Where it comes from, where results go, and its folder there.
    stamp : str
        A mark of the file's state; empty if its place tells none.
    size : int
        Bytes.
    attempt : int
        How often it was begun before.
    """

    song: str
    target: str
    folder: str
    request: Request
    stamp: str = ""
    size: int = 0
    attempt: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {**asdict(self), "request": self.request.as_dict()}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Task:
        """From what `as_dict` gave."""
        return cls(**{**told, "request": Request(**told["request"])})


@dataclass(frozen=True)
class Row:
    """What the report tells of a song.

    Attributes
    ----------
    song, folder : str
        Where it came from, and the folder of its results in the target.
    status : str
        ``"done"`` or ``"failed"``.
    error : str
        One sentence, if it failed.
    kept : bool
        Whether it was done before, by the same request on the same sound, and found whole.
    duration, seconds : float
        The song's length, and how long the work on it took, in s.
    level_db, peak_db : float
        Of the song, dBFS.
    gain_db : float
        What was taken off all sounds alike so that none clips.
    sounds : mapping
        ``{name: {"level_db": ..., "peak_db": ...}}`` of what was made.
    files : sequence of str
        Relative to the folder.
    remarks : sequence of str
        What the user should know.
    facts : mapping
        Single numbers and words that the job tells, such as key and tempo.
    worker : str
        Who did it.
    attempts : int
        How often it was begun.
    finished : str
        Date and time (UTC).
    again : bool
        Whether another try may do better: a broken connection, a process that was ended.
    request : str
        Digest of what was asked for.
    """

    song: str
    folder: str
    status: str
    error: str = ""
    kept: bool = False
    engine: str = ""
    duration: float = 0.0
    seconds: float = 0.0
    level_db: float | None = None
    peak_db: float | None = None
    gain_db: float = 0.0
    sounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    worker: str = ""
    attempts: int = 1
    finished: str = ""
    again: bool = False
    request: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it, without what is empty."""
        defaults = {name: one.default for name, one in self.__dataclass_fields__.items()}
        return {name: value for name, value in asdict(self).items() if value != defaults[name] and value != {}}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Row:
        """From what `as_dict` gave; what isn't known is passed over. Raises TypeError if it is no row."""
        known = {name: value for name, value in told.items() if name in cls.__dataclass_fields__}
        known.update({name: tuple(known[name]) for name in ("files", "remarks") if name in known})
        return cls(**known)


def perform(task: Task, *, cancel: Cancel | None = None, worker: str = "") -> Row:
    """Do one song, unless its results are there already.

    Parameters
    ----------
    task : Task
        Which, and what.
    cancel : Cancel, optional
        Who may stop it: `Cancelled` is raised then, and nothing half-made is left.
    worker : str
        What the report calls whoever does it; by default the machine's name.
    """
    who, request = worker or socket.gethostname(), task.request.digest
    row = Row(task.song, task.folder, "failed", attempts=task.attempt + 1, worker=who, request=request)
    began = time.perf_counter()
    told: dict[str, Any]
    try:
        with _one_song:
            told = _done(task, row, Watch(None, cancel))
    except Cancelled:
        raise
    except MusiclabError as error:
        told = {"error": str(error)}
    except (OSError, EOFError) as error:  # a connection, a disk: the next try may do better
        told = {"error": f"{type(error).__name__}: {error}. Check the disk or the connection.", "again": True}
    except (ValueError, TypeError, KeyError) as error:
        told = {"error": _said(error)}
        log.debug("%s failed", task.song, exc_info=True)
    except Exception as error:  # whatever it is, the other songs have nothing to do with it
        told = {"error": fault(error)}
        log.debug("%s failed", task.song, exc_info=True)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    return Row.of({**row.as_dict(), "seconds": time.perf_counter() - began, "finished": finished, **told})


def _said(error: Exception) -> str:
    """A wrong argument, as the job says it; or a fault of ours, where it says nothing a person can use."""
    text = str(error.args[0]) if error.args else ""
    return text if text.rstrip().endswith(".") and " " in text else fault(error)


def _done(task: Task, row: Row, watch: Watch) -> dict[str, Any]:
    """The changes to `row` that tell what was made, or was there."""
    watch(0.0, "looking at what is there")
    target = Target(task.target, task.folder)
    card = target.card()
    same = card.get("request") == task.request.digest and target.holds(card.get("files", {}))
    if same and task.stamp and card.get("stamp") == task.stamp:
        return {**card["row"], "kept": True}
    from musiclab.store import sha256_of

    with brought(task.song) as path:
        digest = sha256_of(path) if path.is_file() else ""
        made = {"request": task.request.digest, "content": digest, "stamp": task.stamp}
        if same and digest and card.get("content") == digest:
            target.write(CARD, _card(made, card["row"], card["files"]))
            return {**card["row"], "kept": True}
        before: dict[str, Any] = {name: card[name] for name in ("files", "writing") if name in card}
        began = time.perf_counter()
        with target.filled(before) as folder:
            told, files = _made(path, task.request, folder, watch)
        seconds, finished = time.perf_counter() - began, datetime.now(UTC).isoformat(timespec="seconds")
    known = Row.of({**row.as_dict(), **told, "files": list(files), "seconds": seconds, "finished": finished}).as_dict()
    target.write(CARD, _card(made, known, files))
    return known


def _card(made: Mapping[str, Any], row: Mapping[str, Any], files: Mapping[str, int]) -> bytes:
    return json.dumps({**made, "files": files, "row": row}, indent=1).encode()


def _made(path: Path, request: Request, folder: Path, watch: Watch) -> tuple[dict[str, Any], dict[str, int]]:
    """The job done on a file: what the row says of it, and its files with their sizes."""
    from musiclab import codecs
    from musiclab.recipes import jobs

    song = codecs.load(path)
    options = request.options
    if "engine" in options:
        from musiclab.separation import registry

        registry.keep(options["engine"])
    files, told = jobs.run(request.job, song, options, folder, watch)
    if not files:  # what is only told is written, too
        name = f"{safe_name(song.title or 'song')} ({request.job}).json"
        with delivered(folder, [name]) as scratch:
            (scratch / name).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
        files = [folder / name]
    sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
    taken = {"engine", "remarks", "gain_db", "sounds", "stems", "title"}
    facts = {name: value for name, value in told.items() if isinstance(value, (str, int, float)) and name not in taken}
    sounds = told.get("sounds") or told.get("stems") or {}
    return {
        "status": "done",
        "engine": told.get("engine", ""),
        "duration": song.duration,
        "level_db": song.rms_db,
        "peak_db": song.peak_db,
        "gain_db": told.get("gain_db", 0.0),
        "sounds": {name: {"level_db": s["level_db"], "peak_db": s["peak_db"]} for name, s in sounds.items()},
        "remarks": told.get("remarks", ()),
        "facts": facts,
    }, sizes
