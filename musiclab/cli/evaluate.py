"""``musiclab evaluate``: how good engines are, on songs whose stems are known."""

from __future__ import annotations

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
    engine: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            "-e",
            help="How much separation helps: FOLDER holds multitracks, and their parts are found in the mixture, in "
            "this engine's stems, and in the true stems; where no notes are known, they are measured against what is "
            "heard in the true stems, and the table says so. May be given more than once.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Note and drum F-measures on recordings whose notes are known; with `--engine` of any songs with stems."""
    if engine:
        _parts(folder, engine, device, json)
    else:
        _recordings(folder, json)


def _recordings(folder: Path, json: bool) -> None:
    from musiclab.evaluation import recordings
    from musiclab.metrics.notes import reliability

    with console.progress_bar("Measuring") as bar:
        rows = recordings.evaluate_folder(folder, progress=bar)
    words = reliability([(row.part, row.truth) for row in rows if row.drums is None])
    if json:
        bins = [{"confidence": confidence, "right": right, "notes": count} for confidence, right, count in words]
        console.print_json({"recordings": [row.as_dict() for row in rows], "reliability": bins})
        return
    headings, body = recordings.table(rows)
    console.print_table("Notes found within 50 ms, as F-measures", headings, body, numbers=range(2, len(headings)))
    for confidence, right, count in words:
        console.note(f"Of {count} notes that say {confidence:.2f} on average, {right:.0%} are right.")


def _parts(folder: Path, engines: list[str], device: str, json: bool) -> None:
    from musiclab import evaluation

    with console.progress_bar("Measuring") as bar:
        result = evaluation.parts(folder, engines=engines, device=device, progress=bar)
    if json:
        console.print_json(result.as_dict())
        return
    headings, rows = result.table()
    title = "Notes found within 50 ms: mean F-measure, and gain [95 % interval] song by song"
    console.print_table(title, headings, rows, numbers=range(2, len(headings)))
    words = "Whether confidences keep their word: said on average → share that is right (notes); * is beyond chance"
    console.print_table(words, *result.reliability_table(), numbers=range(3, 8))
