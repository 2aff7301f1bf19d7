"""The books of a batch: a line for each song as it is finished, a table at the end, and what is done after a kill."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TextIO

from musiclab.batches.perform import Row
from musiclab.batches.places import Target
from musiclab.errors import BatchError

LINES, TABLE, PLAN = "report.jsonl", "report.csv", "batch.json"
KIND = "musiclab batch"
EVERY = 100  # songs after which a report at an address is written anew: files there can't be added to
COLUMNS = ("song", "status", "error", "folder", "engine", "duration", "seconds", "level_db", "peak_db", "gain_db",
           "kept", "attempts", "worker", "finished")  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class BatchReport:
    """What became of a batch.

    Attributes
    ----------
    out : str
        Where the results are, with ``report.jsonl``, ``report.csv`` and a folder for each song.
    job : str
        What was done.
    rows : sequence of Row
        A row for each song, in their order.
    seconds : float
        How long this run took, in s.

    Notebook: 12
    """

    out: str
    job: str
    rows: Sequence[Row]
    seconds: float

    @property
    def failed(self) -> list[Row]:
        """The songs that couldn't be done."""
        return [row for row in self.rows if row.status != "done"]

    @property
    def kept(self) -> int:
        """How many songs were done before this run."""
        return sum(row.kept for row in self.rows)

    @property
    def done(self) -> int:
        """How many songs are done, before and in this run."""
        return len(self.rows) - len(self.failed)

    @property
    def songs_per_hour(self) -> float:
        """What this run did itself."""
        return 3600 * (self.done - self.kept) / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can write it; times in seconds, levels in dBFS."""
        counts = {"songs": len(self.rows), "done": self.done, "kept": self.kept, "failed": len(self.failed)}
        told = {"out": self.out, "job": self.job, "seconds": self.seconds, "songs_per_hour": self.songs_per_hour}
        return {**told, **counts, "rows": [row.as_dict() for row in self.rows]}

    def __repr__(self) -> str:
        return f"<BatchReport: {self.summary}>"

    @property
    def summary(self) -> str:
        """How it went, in one line."""
        before = f" ({self.kept} of them before)" if self.kept else ""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{self.job}: {self.done:,} of {len(self.rows):,} songs are done{before}{failed}"

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'  # JupyterLab has words at the right, as figures
        failed = "".join(
            f"<tr><td {left}>{escape(row.song)}</td><td {left}>{escape(row.error)}</td></tr>"
            for row in self.failed[:50]
        )
        heads = f"<tr><th {left}>Song</th><th {left}>Why it failed</th></tr>"
        table = f"<table>{heads}{failed}</table>" if failed else ""
        return f"<p>{escape(self.summary)}, in <code>{escape(self.out)}</code>.</p>{table}"


class Books:
    """The report while it grows. In a folder each row is on the disk when it is added; at an address, every hundred.

    Parameters
    ----------
    target : Target
        Where all results go.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._rows = {row.song: row for row in read_rows(target)}
        self._lines: TextIO | None = None
        self._unsaved = 0

    def open(self, songs: Sequence[str], request: str) -> None:
        """Begin: rows of what isn't asked for any more go, and so does half a line that a kill has left."""
        known = {song: row for song, row in self._rows.items() if row.request == request}
        self._rows = {song: known[song] for song in songs if song in known}
        self._write_all()
        if self._target.path is not None:
            self._lines = (self._target.path / LINES).open("a", encoding="utf-8")

    def add(self, row: Row) -> None:
        """A song is finished."""
        self._rows[row.song] = row
        self._unsaved += 1
        if self._lines is not None:
            self._lines.write(json.dumps(row.as_dict()) + "\n")
            self._lines.flush()
        elif self._unsaved >= EVERY:
            self._write_all()

    def close(self, songs: Sequence[str]) -> list[Row]:
        """The end, or as far as it came: each song once, in its order, with the table beside it."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        self._rows = {song: self._rows[song] for song in songs if song in self._rows}
        self._write_all()
        self._target.write(TABLE, _table(self._rows.values()))
        return list(self._rows.values())

    def _write_all(self) -> None:
        self._unsaved = 0
        text = "".join(json.dumps(row.as_dict()) + "\n" for row in self._rows.values())
        self._target.write(LINES, text.encode())


def read_rows(target: Target) -> Iterator[Row]:
    """The rows of a report, the last of each song last; what a kill has left half-written is passed over."""
    for line in (target.read(LINES) or b"").splitlines():
        try:
            yield Row.of(json.loads(line))
        except (ValueError, TypeError):
            continue


def read_report(out: str | Path) -> BatchReport:
    """The report of a batch that was run before, also of one that was stopped.

    Raises
    ------
    BatchError
        If there is none.
    """
    target = Target(str(out))
    plan = read_plan(target)
    rows = {row.song: row for row in read_rows(target)}
    return BatchReport(str(out), plan["job"], tuple(rows.values()), 0.0)


def read_plan(target: Target) -> dict[str, Any]:
    """What was asked for: job, options and sources. Raises `BatchError` if there is no batch."""
    try:
        plan = json.loads(target.read(PLAN) or b"null")
    except ValueError:
        plan = None
    if not isinstance(plan, dict) or plan.get("kind") != KIND:
        raise BatchError("No batch was begun in this folder: give the one that a batch wrote into, or songs.")
    return plan


def write_plan(target: Target, job: str, options: Mapping[str, Any], sources: Sequence[str]) -> None:
    """Note what is asked for.

    Raises
    ------
    BatchError
        If the place holds a batch of another job, or files of these names that aren't a batch's.
    """
    before = target.read(PLAN)
    if before is None:
        if found := [name for name in (LINES, TABLE) if target.read(name) is not None]:
            raise BatchError(f"There is a {found[0]} already, and it is no batch's: choose another folder.")
    else:
        plan = read_plan(target)
        if plan["job"] != job:
            raise BatchError(f"There is a batch of {plan['job']} in this folder: choose another for {job}.")
    plan = {"kind": KIND, "job": job, "options": dict(options), "sources": list(sources)}
    target.write(PLAN, json.dumps(plan, indent=1).encode())


def _table(rows: Iterable[Row]) -> bytes:
    """All rows for a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in COLUMNS])
    return text.getvalue().encode("utf-8-sig")  # which Excel knows as UTF-8


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str) and value[:1] in "=+-@":  # no formula comes from a file's name
        return f"'{value}" if value else ""
    return value


def by_engine(rows: Sequence[Row]) -> list[tuple[str, int, float, float]]:
    """For each engine: its name, songs, seconds of sound and seconds of work."""
    songs: Counter[str] = Counter(row.engine for row in rows if row.status == "done")
    return [
        (
            engine,
            count,
            sum(row.duration for row in rows if row.engine == engine and row.status == "done"),
            sum(row.seconds for row in rows if row.engine == engine and row.status == "done"),
        )
        for engine, count in songs.most_common()
    ]
