"""`batch`: a library of songs through one job, each song once, whatever happens in between."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import Any

from filelock import FileLock, Timeout

from musiclab.batches.cluster import Cluster
from musiclab.batches.outlook import Outlook, time_left
from musiclab.batches.perform import Row, Task
from musiclab.batches.places import INLINE, Found, Target, find, folders_for, local_path, protocol_of
from musiclab.batches.pool import pool_here
from musiclab.batches.report import BatchReport, Books, read_plan, write_plan
from musiclab.batches.request import Request, request_for
from musiclab.batches.workers import Inline, Workers
from musiclab.errors import BatchError
from musiclab.progress import Cancel, Progress, Watch, watching

RETRIES = 2  # more tries of a song whose worker died, or whose disk or connection failed
ALIKE = 10  # songs that fail first and with one sentence: it is the request, not the songs
TICK = 0.5  # s between two looks at progress and at who wants to stop
READ_ONLY = frozenset({"zip", "tar", "http", "https", "libarchive"})
Sources = str | PathLike[str] | Sequence[str | PathLike[str]]


@dataclass(frozen=True)
class Where:
    """Who does the work: see `batch`."""

    workers: int | None = None
    scheduler: str = ""
    resources: Mapping[str, float] | None = None
    patience_s: float = 300.0


def batch(
    sources: Sources | None = None,
    *,
    job: str = "separate",
    out: str | PathLike[str],
    options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    scheduler: str = "",
    resources: Mapping[str, float] | None = None,
    patience_s: float = 300.0,
    retries: int = RETRIES,
    keep_going: bool = False,
    resume: bool = False,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> BatchReport:
    """A library of songs through one job: thousands of them, each once.

    What is done already, by the same request on the same sound, is kept; a song that can't be done is a row of the
    report and stops no other. The same call again, or one with `resume`, goes on after a stop, a crash or a kill.

    Parameters
    ----------
    sources : path, address, or a sequence of them
        Songs, folders of them, zip archives, and addresses that fsspec knows, such as ``s3://bucket/songs``.
    job : str
        ``"separate"``, ``"karaoke"``, ``"minus_one"``, ``"remix_pack"``, ``"samples"``, ``"rebalance"``,
        ``"sheet_music"``, ``"play_as"`` or ``"describe"``.
    out : path or address
        Gets a folder for each song, named like it, and ``report.jsonl`` and ``report.csv``. Files in it that musiclab
        didn't write are never replaced.
    options : mapping
        What the job is to be told: ``{"engine": "embedded", "key": -2, "format": "flac"}``. Stems aren't kept in the
        store unless it says ``"cache": True``.
    workers : int, optional
        Processes on this machine; by default one for each GPU, else for each core, fewer where memory is short.
    scheduler : str
        Address of a dask scheduler, whose workers do the work then: needs ``pip install musiclab[batch]``.
    resources : mapping, optional
        What a song takes of a worker's resources; by default one ``GPU`` where workers offer any.
    patience_s : float
        How long to wait for a worker that could take a song where there is none.
    retries : int
        More tries of a song whose worker died, or whose disk or connection failed.
    keep_going : bool
        Go on even if the first songs all fail alike.
    resume : bool
        Go on with the batch in `out`: sources, job and options are those that it was begun with.
    progress, cancel
        As in `musiclab.separate`.

    Returns
    -------
    BatchReport
        A row for each song: times, engine, levels, files, or why it failed.

    Raises
    ------
    BatchError
        If it can't be run as asked, no worker can do it, or the first songs all fail alike; what is done stays.
    AudioError, EngineError, ExportError
        If there is no song, no such engine, or no such format: before the first song.
    Cancelled
        If `cancel` was set; the same call goes on from there.

    Notebook: 12
    """
    target = Target(_checked_target(out))
    if resume:
        if sources is not None or options:
            raise BatchError("A batch is resumed as it was begun: give its folder alone.")
        plan = read_plan(target)
        sources, job, options = plan["sources"], plan["job"], plan["options"]
    places = _as_places(sources)
    with watching(progress, cancel) as watch, _alone(target):
        watch(0.0, "looking for songs")
        songs, request = find(places), request_for(job, options or {})
        write_plan(target, request.job, options or {}, places)
        tasks = _tasks(songs, str(fspath(out)), request)
        where = Where(workers, scheduler, resources, patience_s)
        return _Run(target, tasks, retries=retries, keep_going=keep_going).done(where, watch)


def _as_places(sources: Sources | None) -> list[str]:
    """Paths as they lead here from anywhere, and addresses."""
    if sources is None:
        raise BatchError("A batch needs songs: give files, folders or addresses, or resume one that was begun.")
    given = [sources] if isinstance(sources, str | PathLike) else list(sources)
    return [str(local_path(place) or fspath(place)) for place in given]


def _checked_target(out: str | PathLike[str]) -> str:
    if protocol_of(fspath(out)) in READ_ONLY:
        raise BatchError(f"Results can't be written to {fspath(out)!r}: give a folder, or an address such as s3://.")
    path = local_path(out)
    if path is not None and path.is_file():
        raise BatchError(f"{str(path)!r} is a file: give the name of a folder.")
    return str(path or fspath(out))


@contextmanager
def _alone(target: Target) -> Iterator[None]:
    """One batch at a time in a folder."""
    if target.path is None:
        yield
        return
    try:
        (target.path / ".musiclab").mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.path / ".musiclab" / "batch.lock", timeout=0)
        with lock:
            yield
    except Timeout:
        raise BatchError(f"Another batch is at work in {str(target.path)!r}: wait for it, or stop it.") from None
    except PermissionError as error:
        raise BatchError(f"Nothing may be written in {str(target.path)!r}: choose another folder.") from error


def _tasks(songs: Sequence[Found], out: str, request: Request) -> list[Task]:
    root = str(local_path(out) or out)
    return [
        Task(song.song, root, folder, request, song.stamp, song.size)
        for song, folder in zip(songs, folders_for(songs), strict=True)
    ]


class _Run:
    """One run through all tasks: who has what, what failed alike, how far it is."""

    def __init__(self, target: Target, tasks: Sequence[Task], *, retries: int, keep_going: bool) -> None:
        self._target, self._tasks = target, tasks
        self._retries, self._keep_going = retries, keep_going
        self._books, self._outlook = Books(target), Outlook()
        self._waiting = deque(tasks)
        self._counts = {"done": 0, "failed": 0}
        self._alike: set[str] = set()
        for task in tasks:
            self._outlook.expect(task)

    def done(self, where: Where, watch: Watch) -> BatchReport:
        """All of it; the books are closed in any case."""
        began, names = time.perf_counter(), [task.song for task in self._tasks]
        request = self._tasks[0].request
        workers = self._workers(where, watch.cancel)
        try:
            self._books.open(names, request.digest)
            self._work(workers, watch)
        finally:
            try:
                workers.close()
            finally:
                rows = self._books.close(names)
        return BatchReport(self._tasks[0].target, request.job, tuple(rows), time.perf_counter() - began)

    def _workers(self, where: Where, cancel: Cancel | None) -> Workers:
        target = self._tasks[0].target
        if where.scheduler:
            patience = where.patience_s
            return Cluster(where.scheduler, target=target, resources=where.resources, patience_s=patience)
        if where.resources:
            raise BatchError("Resources are those of a cluster's workers: give its scheduler too.")
        if where.workers is not None and where.workers < 1:
            raise BatchError(f"A batch needs one process at least, not {where.workers}.")
        if {protocol_of(place) for place in (target, *(task.song for task in self._tasks))} & INLINE:
            return Inline(cancel)  # no other process sees it
        return pool_here(where.workers, most=len(self._tasks))

    def _work(self, workers: Workers, watch: Watch) -> None:
        busy = 0
        while self._waiting or busy:
            self._tell(watch)
            while self._waiting and busy < workers.room:
                workers.submit(self._waiting.popleft())
                busy += 1
            for task, row in workers.finished(wait_s=TICK):
                busy -= 1
                self._take(task, row)
        self._tell(watch)

    def _take(self, task: Task, row: Row) -> None:
        if row.again and task.attempt < self._retries:
            self._waiting.append(replace(task, attempt=task.attempt + 1))  # last: what is wrong may have passed
            return
        self._outlook.learn(task, row)
        self._books.add(row)
        self._counts[row.status] += 1
        self._alike.add(row.error)
        failed = self._counts["failed"]
        if failed >= ALIKE and not self._counts["done"] and len(self._alike) == 1 and not self._keep_going:
            raise BatchError(
                f"The first {failed} songs all failed alike, so the batch was stopped: {row.error} "
                "(If it is the songs after all, ask it to keep going.)"
            )

    def _tell(self, watch: Watch) -> None:
        over, count = sum(self._counts.values()), len(self._tasks)
        failed = f", {self._counts['failed']:,} failed" if self._counts["failed"] else ""
        left = f", {time_left(self._outlook.seconds)}" if over < count else ""
        watch(over / count, f"{over:,} of {count:,} songs{failed}{left}")
