"""How commands speak: results on stdout, all else on stderr, mistakes in one sentence."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

from musiclab.errors import Cancelled, MusiclabError, fault

OK, FAILED, CANCELLED = 0, 1, 130
# How typer itself ends a command; the last is ClickException, which has another home in each of its versions.
_ORDINARY: tuple[type[BaseException], ...] = (typer.Exit, typer.Abort, typer.BadParameter.__mro__[2])


class Report(Protocol):
    """What a progress bar takes: a fraction (0 to 1) and what is being done."""

    def __call__(self, fraction: float, doing: str, /) -> None: ...


class Commands(TyperGroup):
    """A group of commands in which a user's mistake ends in one sentence and an exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Cancelled):
            note("Cancelled: nothing half-written was kept.")
            raise typer.Exit(CANCELLED) from None
        except MusiclabError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        except _ORDINARY:
            raise
        except Exception as error:  # a fault of ours is told in a sentence too
            if os.environ.get("MUSICLAB_DEBUG"):
                raise
            complain(fault(error))
            raise typer.Exit(FAILED) from None


class _Notes(logging.Handler):
    """Warnings of the library, as lines above the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


def plain_logging() -> None:
    """Show the library's warnings as plain notes."""
    log = logging.getLogger("musiclab")
    if not any(isinstance(handler, _Notes) for handler in log.handlers):
        log.addHandler(_Notes(logging.WARNING))


def any_terminal() -> None:
    """What the terminal's code page can't show is written as its number: a report is never lost over a letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stopped_gently() -> None:
    """Being ended from outside (TERM, as by a shutdown or a supervisor) tidies up as Ctrl-C does."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)


def stderr() -> Console:
    """For progress and notes. Made anew each time, so that a redirected stderr is the one that counts."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def stdout() -> Console:
    """For results."""
    return Console(highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """A line that is not part of the result."""
    stderr().print(escape(text), style="yellow")


def complain(text: str) -> None:
    """One sentence on what went wrong."""
    stderr().print(f"[bold red]musiclab:[/] {escape(text)}")


def print_json(document: object) -> None:
    """The one JSON document of a command with ``--json``."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    typer.echo(json.dumps(document, indent=2, ensure_ascii=not unicode))


def print_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()
) -> None:
    """A table on stdout under its title; the columns in `numbers` are set flush right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(heading, justify=justify, overflow="fold", header_style="dim")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    out = Console(highlight=False)
    if not out.is_terminal:  # in a file or a pipe nothing is folded
        out = Console(highlight=False, width=max(250, out.width))
    out.print(escape(title), style="bold", soft_wrap=True)
    out.print(table)


@contextmanager
def progress_bar(start: str, *, guess: bool = True) -> Iterator[Report]:
    """A progress bar on stderr while the block runs; on something that is no terminal, nothing.

    `guess` is whether it shows a time left of its own.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        *([TimeRemainingColumn()] if guess else []),
    )
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task(start, total=1.0)

        def report(fraction: float, doing: str, /) -> None:
            bar.update(task, completed=min(max(fraction, 0.0), 1.0), description=doing or start)

        yield report
