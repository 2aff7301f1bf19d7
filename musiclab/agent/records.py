"""`Record`: how far a job is, as one JSON file; and `Limits`: what jobs may take."""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from musiclab.codecs.files import safe_name

Status = Literal["waiting", "working", "done", "failed", "cancelled"]
OVER: frozenset[str] = frozenset({"done", "failed", "cancelled"})
JOB, LOCK, CANCEL, LOG = "job.json", "lock", "cancel", "log.txt"  # in a job's folder
INPUT, WORDS = "input", "lyrics.lrc"  # copies of the song and of its words, there as well
_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Limits:
    """What all jobs together, and each of them, may take.

    Attributes
    ----------
    file_bytes : int
        Of a song's file.
    seconds : float
        Of a song.
    at_once, waiting : int
        Jobs that work at one time, and that may wait for their turn.
    disk_bytes : int
        Of the output folder; no job starts beyond it.
    decode_bytes, decode_seconds : int
        Memory, and time, that reading a file may take.
    """

    file_bytes: int = 500_000_000
    seconds: float = 1200.0
    at_once: int = 2
    waiting: int = 30
    disk_bytes: int = 20_000_000_000
    decode_bytes: int = 6_000_000_000
    decode_seconds: int = 120


@dataclass(frozen=True)
class Record:
    """A job.

    Attributes
    ----------
    id, tool, song : str
        Which job, what is to be done, and to which song.
    arguments : dict
        As the tool was called.
    status, progress, message
        How far it is; progress is 0 to 1.
    files : tuple of str
        What was made, relative to the output folder.
    result : dict
        What the job tells in numbers.
    error : str
        Why it failed, in one sentence.
    created : float
        When it was asked for, in seconds since 1970.
    pid : int
        Of its process; 0 before it runs.
    request : str
        The same for the same request: tool, song and words as they were, arguments.
    made_with : str
        Which version and weights made the files: see `musiclab.agent.answered`.
    marks : tuple of (int, int)
        Size (bytes) and time (ns) of each of the files when it was made.
    """

    id: str
    tool: str
    song: str
    arguments: dict[str, Any]
    created: float
    request: str
    limits: Limits = field(default_factory=Limits)
    status: Status = "waiting"
    progress: float = 0.0
    message: str = "waiting for its turn"
    files: tuple[str, ...] = ()
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    pid: int = 0
    made_with: str = ""
    marks: tuple[tuple[int, int], ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Folders below the output folder: the song's, and in it one for each request, so that none meets another."""
        plain = json.dumps([self.song, self.arguments], sort_keys=True)
        mark = hashlib.sha256(plain.encode()).hexdigest()[:6]
        return safe_name(Path(self.song).stem).lstrip(".~") or "song", f"{self.tool}-{mark}"

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def write(self, folder: Path, **changes: Any) -> Record:
        """Write it, changed, in one step; whoever reads meanwhile reads the one before."""
        record = replace(self, **changes)
        temporary = folder / f".{uuid.uuid4().hex}"
        temporary.write_text(json.dumps(asdict(record), ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, folder / JOB)  # noqa: PTH105  # over an existing file, on every system
        return record


def read_record(folder: Path) -> Record | None:
    """The job of a folder, or None if there is none."""
    try:
        kept: Mapping[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
        lists = {"files": tuple(kept["files"]), "marks": tuple((size, time) for size, time in kept.get("marks", ()))}
        return Record(**{**kept, "limits": Limits(**kept["limits"]), **lists})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def new_id() -> str:
    return uuid.uuid4().hex[:12]


def is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text))
