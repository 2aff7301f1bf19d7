"""`Desk`: where jobs are asked for, asked about and stopped.

All that is known of a job lies in its folder, ``OUT/.musiclab/jobs/ID``: the desk itself remembers nothing that
matters, so another one, after a restart or beside this one, tells the same. A job's process holds a lock on its folder
as long as it lives, which the operating system takes back when it dies, however it dies.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from musiclab.agent.confined import Confined
from musiclab.agent.records import CANCEL, INPUT, LOCK, LOG, Limits, Record, is_id, new_id, read_record
from musiclab.errors import RequestError

RECORD = ".musiclab"
GRACE = 1.2  # s in which a job stops by itself before it is ended
STARTING = 30.0  # s that a process may take until it holds its lock
KEPT = 200  # jobs that are remembered


class Desk:
    """Jobs on the songs of one folder, with their results in another.

    Parameters
    ----------
    songs : Path
        Only read.
    out : Path
        Made if it lacks.
    limits : Limits
        What jobs may take.
    """

    def __init__(self, songs: Path, out: Path, *, limits: Limits | None = None) -> None:
        out = Path(out).expanduser()
        out.mkdir(parents=True, exist_ok=True)
        self.songs, self.out, self.limits = Confined(songs), Confined(out), limits or Limits()
        self.root = self.out.root / RECORD / "jobs"
        self.root.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, tool: str, song: str, arguments: Mapping[str, Any], *, lyrics: str = "") -> Record:
        """Ask for a job. Whoever asks for the same while it is on its way gets the same one.

        Parameters
        ----------
        tool : str
            One of `musiclab.recipes.jobs.JOBS`.
        song : str
            Its name in the folder of songs.
        arguments : mapping
            What the tool takes, besides the song.
        lyrics : str
            Name of a file of lyrics in the folder of songs.

        Raises
        ------
        RequestError
            If a name is refused, a file is too large, or there are too many jobs or results already.
        """
        with self.songs.opened(song) as file, self._lock:
            stat = os.fstat(file.fileno())
            what = [tool, song, stat.st_size, stat.st_mtime_ns, lyrics, dict(arguments)]
            request = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
            active = [record for record in self.records() if not record.is_over]
            if same := [record for record in active if record.request == request]:
                return same[0]
            self._refuse_too_much(stat.st_size, len(active))
            record = Record(new_id(), tool, song, dict(arguments), time.time(), request, self.limits)
            folder = self.root / record.id
            folder.mkdir()
            try:
                self._copy(file, folder / (INPUT + Path(song).suffix.lower()), self.limits.file_bytes)
                if lyrics:
                    with self.songs.opened(lyrics) as words:
                        self._copy(words, folder / "lyrics.lrc", 1_000_000)
            except RequestError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            record.write(folder)
            child = self._children[record.id] = _spawn(folder)
            threading.Thread(target=child.wait, daemon=True).start()  # its end is noticed, and nothing is left of it
            return record

    def _refuse_too_much(self, size: int, active: int) -> None:
        limits = self.limits
        if size > limits.file_bytes:
            raise RequestError(f"The file is larger than {limits.file_bytes / 1e6:.0f} MB, which is the limit here.")
        if active >= limits.at_once + limits.waiting:
            raise RequestError(f"{active} jobs are on their way already: wait for one, or cancel one.")
        used = sum(path.lstat().st_size for path in self.out.root.rglob("*") if not path.is_symlink())
        if used > limits.disk_bytes or shutil.disk_usage(self.out.root).free < 1_000_000_000:
            raise RequestError("The output folder is full: ask whoever runs this server to make room.")

    def _copy(self, source: BinaryIO, target: Path, most: int) -> None:
        """The job works on a copy of what was opened here: nothing can be swapped later."""
        with target.open("wb") as file:
            while block := source.read(1 << 20):
                if file.tell() + len(block) > most:
                    raise RequestError(f"The file is larger than {most / 1e6:.0f} MB, which is the limit here.")
                file.write(block)

    def get(self, job: str) -> Record:
        """How far a job is; `RequestError` if there is none of this id."""
        record = read_record(self.root / job) if is_id(job) else None
        if record is None:
            raise RequestError("There is no such job: list_jobs tells which there are.")
        return record if record.is_over or self._alive(record) else self._give_up(record)

    def records(self) -> list[Record]:
        """All jobs that are remembered, the newest first."""
        found = [self.get(folder.name) for folder in self.root.iterdir() if is_id(folder.name) and read_record(folder)]
        found.sort(key=lambda record: -record.created)
        for old in [record for record in found if record.is_over][KEPT:]:
            shutil.rmtree(self.root / old.id, ignore_errors=True)
        return found

    def cancel(self, job: str) -> Record:
        """Stop a job: it is asked to, and ended if it does not within about a second. What is over stays as it is."""
        record = self.get(job)
        if record.is_over:
            return record
        (self.root / job / CANCEL).touch()
        until = time.monotonic() + GRACE
        while time.monotonic() < until:
            record = self.get(job)
            if record.is_over:
                break
            time.sleep(0.05)
        else:
            self._end(record)
            record = self.get(job)
        if record.status == "failed":  # it was ended
            record = record.write(self.root / job, status="cancelled", error="", message="cancelled")
        return record

    def _end(self, record: Record) -> None:
        """End a job's process, and what it has started."""
        child = self._children.get(record.id)
        pid = record.pid or (child.pid if child else 0)
        with suppress(OSError):
            if pid and self._alive(record):
                if hasattr(os, "killpg"):
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGTERM)
        if child is not None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)
        until = time.monotonic() + 2.0  # after a restart it is nobody's child here: its lock tells
        while time.monotonic() < until and self._alive(record):
            time.sleep(0.02)

    def _alive(self, record: Record) -> bool:
        """Whether a job's process lives: it holds its lock, or is just being started."""
        child = self._children.get(record.id)
        if child is not None and child.poll() is not None:
            return False
        try:
            with FileLock(self.root / record.id / LOCK, timeout=0):
                return record.pid == 0 and time.time() - record.created < STARTING
        except Timeout:
            return True

    def _give_up(self, record: Record) -> Record:
        """A job whose process is gone without having said how it went."""
        folder = self.root / record.id
        record = read_record(folder) or record  # it may have ended well between two looks
        if record.is_over:
            return record
        for path in (*folder.glob(f"{INPUT}*"), folder / "song.npy"):
            path.unlink(missing_ok=True)
        place = self.out.root.joinpath(*record.place)
        for half in (*place.glob(".*.part"), *place.glob(f"{RECORD}/*.part")):  # what it was just writing
            shutil.rmtree(half) if half.is_dir() and not half.is_symlink() else half.unlink(missing_ok=True)
        return record.write(
            folder, status="failed", message="", error="The job's process ended before its time: ask for it again."
        )


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    """The job's process, in a session of its own, so that it outlives this one."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "musiclab.agent.work", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            **apart,
        )
