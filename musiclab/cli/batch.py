"""``musiclab batch``: a library of songs through one job."""

from __future__ import annotations

import json as encoding
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from musiclab.cli import console
from musiclab.cli.reports import time_text
from musiclab.cli.separate import JsonOption
from musiclab.errors import BatchError, Cancelled

LINE_S = 30.0  # between two lines where no bar can be shown: in a log
SHOWN = 20  # failures that are told one by one


def batch(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Songs, folders, zip archives, addresses.", show_default=False)
    ] = None,
    job: Annotated[
        str,
        typer.Option("--job", "-j", help="separate, karaoke, minus-one, remix-pack, samples, rebalance, score, play-as "
                     "or describe."),
    ] = "separate",
    out: Annotated[str, typer.Option("--out", "-o", help="Folder or address for all results.")] = "batch",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="What the job is told, as in --set engine=embedded --set key=-2.",
                     show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes; by default as the machine allows.",
                                 show_default=False)
    ] = None,
    scheduler: Annotated[str, typer.Option(help="Of a dask cluster, as in tcp://10.0.0.1:8786.")] = "",
    resource: Annotated[
        list[str] | None, typer.Option(help="What a song takes of a cluster's worker, as in GPU=1.", show_default=False)
    ] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait for a worker where there is none.")] = 300.0,
    retries: Annotated[int, typer.Option(min=0, help="More tries where a worker died or a connection failed.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the batch that is in the folder.")] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Go on even if the first songs all fail alike.")
    ] = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Do one job on a library of songs: each once, with a report; after a stop or a crash it goes on."""
    from musiclab.batches import run

    options = {name: _value(text) for name, text in _pairs(settings or [], "--set key=-2")}
    resources = {name: _amount(name, text) for name, text in _pairs(resource or [], "--resource GPU=1")}
    try:
        with _progress() as bar:
            made = run.batch(
                sources, job=job, out=out, options=options, workers=workers, scheduler=scheduler,
                resources=resources or None, patience_s=patience, retries=retries, keep_going=keep_going,
                resume=resume, progress=bar,
            )  # fmt: skip
    except (KeyboardInterrupt, Cancelled):
        console.note(f"Stopped. What is done stays; to go on: musiclab batch --resume --out {out}")
        raise typer.Exit(console.CANCELLED) from None
    if json:
        console.print_json(made.as_dict())
    else:
        _tell(made)
    if made.failed:
        raise typer.Exit(console.FAILED)


def _pairs(texts: list[str], example: str) -> Iterator[tuple[str, str]]:
    for text in texts:
        name, sep, value = text.partition("=")
        if not sep or not name.strip():
            raise BatchError(f"{text!r} sets nothing: write it as in {example}.")
        yield name.strip().replace("-", "_"), value.strip()


def _value(text: str) -> Any:
    """A number, true, false, a list or a mapping as JSON writes them; else the text itself. ``+3`` is a number too."""
    try:
        return encoding.loads(text.removeprefix("+"))
    except ValueError:
        return text


def _amount(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BatchError(f"{text!r} is no amount of {name}: write it as in --resource GPU=1.") from error


@contextmanager
def _progress() -> Iterator[console.Report]:
    """A bar on a terminal, with the batch's own time left; lines every now and then in a log."""
    if sys.stderr.isatty():
        with console.progress_bar("getting ready", guess=False) as bar:
            yield bar
        return
    last = time.monotonic()

    def line(_fraction: float, doing: str, /) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_S:
            last = time.monotonic()
            console.note(doing)

    yield line


def _tell(made: Any) -> None:
    """What became of it: a line for each engine, and the songs that failed."""
    from musiclab.batches.report import TABLE, by_engine

    rows = [
        (engine or "none needed", f"{songs:,}", time_text(sound), time_text(work), f"{sound / max(work, 1e-9):.1f}")
        for engine, songs, sound, work in by_engine(made.rows)
    ]
    console.print_table(
        f"{made.summary}; {time_text(made.seconds)} min, {made.songs_per_hour:,.0f} songs an hour",
        ("engine", "songs", "sound", "work", "sound / work"),
        rows,
        numbers=(1, 2, 3, 4),
    )
    for row in made.failed[:SHOWN]:
        console.complain(f"{row.song}: {row.error}")
    if len(made.failed) > SHOWN:
        console.complain(f"{len(made.failed) - SHOWN} more failed: the table tells which.")
    console.stdout().print(f"A line for each song: {made.out.rstrip('/')}/{TABLE}")
