"""``musiclab evaluate``: how good engines are, on songs whose stems are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.cli.console import Commands
from musiclab.cli.separate import DeviceOption, JsonOption

app = typer.Typer(cls=Commands, help="Measure engines on material whose truth is known.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `separation` a command of its own while it is the only one."""


@app.command("separation")
def separation(
    folder: Annotated[Path, typer.Argument(help="Multitracks: a folder for each song, with its stems as files.")],
    engine: Annotated[
        list[str] | None, typer.Option("--engine", "-e", help="Engines; may be given more than once.")
    ] = None,
    device: DeviceOption = "auto",
    songs: Annotated[bool, typer.Option("--songs", help="Each song too, not only the means.")] = False,
    json: JsonOption = False,
) -> None:
    """SDR of each stem in dB, with silence, HPSS and ideal masks beside it."""
    from musiclab import evaluation

    with console.progress_bar("Measuring") as bar:
        result = evaluation.separation(folder, engines=engine or ["auto"], device=device, progress=bar)
    if json:
        console.print_json(result.as_dict())
        return
    if songs:
        for name in result.songs():
            console.print_table(name, *result.table(song=name), numbers=range(1, 9))
    title = f"SDR in dB over whole clips, {len(result.songs())} songs: mean (median)"
    console.print_table(title, *result.table(), numbers=range(1, 9))
    if result.left_out:
        console.note(f"Left out, too quiet in the mixture to be measured: {', '.join(result.left_out)}.")
