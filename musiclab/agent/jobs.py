"""`Desk`: where jobs are asked for, asked about and stopped.

All that is known of a job lies in its folder, ``OUT/.musiclab/jobs/ID``: the desk itself remembers nothing that
matters, so another one, after a restart or beside this one, tells the same. A job's process holds a lock on its folder
as long as it lives, which the operating system takes back when it dies, however it dies.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from musiclab.agent import answered, children
from musiclab.agent.confined import Confined
from musiclab.agent.records import CANCEL, INPUT, LOCK, WORDS, Limits, Record, is_id, new_id, read_record
from musiclab.errors import RequestError
from musiclab.store.disk import size_of

RECORD = ".musiclab"
GRACE = 1.2  # s in which a job stops by itself before it is ended
STARTING = 30.0  # s that a process may take until it holds its lock
KEPT = 200  # jobs that are remembered
LONGEST_WORDS = 1_000_000  # bytes of a file of lyrics
AGAIN = "done before: the same song, the same request, and its files are as they were left"


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
        self.spare: children.Spare | None = None

    def keep_spare(self) -> None:
        """From now on, a process that has loaded everything waits for the next job: see `musiclab.agent.children`."""
        self.spare = children.Spare()
        self.spare.prepare()

    def close(self) -> None:
        """Let go of the process that waits for a job; jobs go on."""
        spare, self.spare = self.spare, None
        if spare:
            spare.end()

    def start(self, tool: str, song: str, arguments: Mapping[str, Any], *, lyrics: str = "") -> Record:
        """Ask for a job. Whoever asks for the same while it is on its way, or is done and still there, gets that one.

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
        with ExitStack() as opened:
            files = {INPUT + Path(song).suffix.lower(): opened.enter_context(self.songs.opened(song))}
            if lyrics:
                files[WORDS] = opened.enter_context(self.songs.opened(lyrics))
            digests = [self._digest(name, file) for name, file in files.items()]
            with self._lock:
                records = self.records()
                if known := self._known(records, answered.request_of(tool, song, arguments, digests)):
                    return known
                self._refuse_too_much(sum(not record.is_over for record in records))
                folder, digests = self._copied(files)
                request = answered.request_of(tool, song, arguments, digests)
                record = Record(folder.name, tool, song, dict(arguments), time.time(), request, self.limits)
                record.write(folder)
                self._work(record)
                return record

    def _digest(self, name: str, file: BinaryIO, copy: BinaryIO | None = None) -> str:
        """The digest of a file, which may be copied meanwhile; `RequestError` if it is larger than its kind may be."""
        most = LONGEST_WORDS if name == WORDS else self.limits.file_bytes
        digest, size = hashlib.sha256(), 0
        file.seek(0)
        while block := file.read(1 << 20):
            size += len(block)
            if size > most:
                raise RequestError(f"The file is larger than {most / 1e6:.0f} MB, which is the limit here.")
            digest.update(block)
            if copy is not None:
                copy.write(block)
        return digest.hexdigest()

    def _copied(self, files: Mapping[str, BinaryIO]) -> tuple[Path, list[str]]:
        """A new job's folder with copies of what was opened, so that nothing can be swapped later; their digests."""
        folder, digests = self.root / new_id(), []
        folder.mkdir()
        try:
            for name, file in files.items():
                with (folder / name).open("wb") as copy:
                    digests.append(self._digest(name, file, copy))
        except RequestError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder, digests

    def _known(self, records: Sequence[Record], request: str) -> Record | None:
        """The job that answers a request already: one on its way, or one that was done and whose files are whole."""
        same = [record for record in records if record.request == request]
        if active := [record for record in same if not record.is_over]:
            return active[0]
        good = next((record for record in same if answered.is_good(record, self.out.root)), None)
        return good and replace(good, message=AGAIN)

    def _work(self, record: Record) -> None:
        """Have a process do the job; its end is noticed, nothing is left of it, and another one waits then."""
        folder = self.root / record.id
        child = (self.spare and self.spare.give(folder)) or children.spawn(folder)
        self._children[record.id] = child

        def wait() -> None:
            child.wait()
            if spare := self.spare:
                spare.prepare()

        threading.Thread(target=wait, daemon=True).start()

    def _refuse_too_much(self, active: int) -> None:
        limits = self.limits
        if active >= limits.at_once + limits.waiting:
            raise RequestError(f"{active} jobs are on their way already: wait for one, or cancel one.")
        if size_of(self.out.root) > limits.disk_bytes or shutil.disk_usage(self.out.root).free < 1_000_000_000:
            raise RequestError("The output folder is full: ask whoever runs this server to make room.")

    def get(self, job: str) -> Record:
        """How far a job is; `RequestError` if there is none of this id."""
        record = read_record(self.root / job) if is_id(job) else None
        if record is None:
            raise RequestError("There is no such job: list_jobs tells which there are.")
        return self._as_it_is(record)

    def _as_it_is(self, record: Record) -> Record:
        return record if record.is_over or self._alive(record) else self._give_up(record)

    def records(self) -> list[Record]:
        """All jobs that are remembered, the newest first."""
        kept = [read_record(folder) for folder in self.root.iterdir() if is_id(folder.name)]
        found = [self._as_it_is(record) for record in kept if record]
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
        for path in (*folder.glob(f"{INPUT}*"), folder / "song.npy", folder / WORDS):
            path.unlink(missing_ok=True)
        place = self.out.root.joinpath(*record.place)
        for half in (*place.glob(".*.part"), *place.glob(f"{RECORD}/*.part")):  # what it was just writing
            if half.is_dir() and not half.is_symlink():
                shutil.rmtree(half, ignore_errors=True)
            else:
                half.unlink(missing_ok=True)
        return record.write(
            folder, status="failed", message="", error="The job's process ended before its time: ask for it again."
        )
