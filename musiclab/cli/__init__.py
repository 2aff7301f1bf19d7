"""The command line: ``musiclab separate song.mp3`` and what belongs to it.

Exit codes: 0 all went well; 1 something could not be done, and one sentence on stderr says what and what to do;
2 the command was typed wrongly; 130 cancelled with Ctrl-C. Results go to stdout, progress and notes to stderr, so that
``--json`` gives one document that a program can read.
"""

from __future__ import annotations

from typing import Annotated

import typer

from musiclab.cli import (
    assignment,
    batch,
    bundle,
    evaluate,
    jobs,
    lab,
    models,
    page,
    remix,
    score,
    separate,
    serve,
    studio,
)
from musiclab.cli.console import Commands, plain_logging

app = typer.Typer(
    name="musiclab",
    cls=Commands,
    help="Take any song apart: hear each instrument, see how it was separated, read its part as sheet music.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("separate")(separate.separate)
app.command("demo")(separate.demo)
app.command("karaoke")(jobs.karaoke)
app.command("minus-one")(jobs.minus_one)
app.command("rebalance")(jobs.rebalance)
app.command("play-as")(jobs.play_as)
app.command("score")(score.score)
app.command("page")(page.page)
app.command("remix-pack")(remix.remix_pack)
app.command("samples")(remix.samples)
app.command("batch")(batch.batch)
app.command("bundle")(bundle.bundle)
app.command("assignment")(assignment.assignment)
app.command("engines")(models.engines)
app.command("serve")(serve.serve)
app.add_typer(models.app, name="models")
app.add_typer(models.cache_app, name="cache")
app.add_typer(evaluate.app, name="evaluate")
app.command("studio", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(studio.studio)
app.command("lab", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lab.lab)


def _show_version(wanted: bool) -> None:
    if wanted:
        from musiclab import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001  # its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    plain_logging()


def main() -> None:
    """The program ``musiclab``."""
    app()
