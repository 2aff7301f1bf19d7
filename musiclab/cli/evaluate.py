"""``musiclab evaluate``: how good engines are, on songs whose stems are known."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.cli.console import Commands
from musiclab.cli.separate import DeviceOption, JsonOption

app = typer.Typer(cls=Commands, help="Measure engines on material whose truth is known.", no_args_is_help=True)


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


@app.command("transcription")
def transcription(
    folder: Annotated[
        Path, typer.Argument(help="Holds transcription/NAME/ with audio and true notes, or drums/NAME.onsets.txt.")
    ],
    json: JsonOption = False,
) -> None:
    """Note and drum F-measures on recordings whose notes are known."""
    from musiclab.transcription import evaluation

    with console.progress_bar("Measuring") as bar:
        rows = evaluation.evaluate_folder(folder, progress=bar)
    if json:
        console.print_json({"recordings": [asdict(row) for row in rows]})
        return
    _, _, *body = (line.strip("|").split("|") for line in evaluation.table(rows).splitlines())
    headings = evaluation.table(rows).splitlines()[0].strip("|").split("|")
    strip = [[cell.strip() for cell in line] for line in (headings, *body)]
    console.print_table("Notes found within 50 ms, as F-measures", strip[0], strip[1:], numbers=range(2, 11))
