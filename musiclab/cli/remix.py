"""``musiclab remix-pack`` and ``musiclab samples``: a song as a folder for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.cli.separate import CacheOption, DeviceOption, EngineOption, JsonOption, Quality, QualityOption

SongArgument = Annotated[Path, typer.Argument(help="An audio or video file.", show_default=False)]


def remix_pack(
    song: SongArgument,
    key: Annotated[str, typer.Option(help="Such as 'A minor', if it is known.", show_default=False)] = "",
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; the pack gets a folder in it.")] = Path(),
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write stems, click, tempo map and projects for other programs: DAWproject, Reaper, DJ stems."""
    from musiclab.recipes.remix.pack import remix_pack as make

    with console.progress_bar(song.name) as bar:
        pack = make(song, engine=engine, quality=quality.value, device=device, key=key, progress=bar, cache=cache)
        files = pack.save(out)
    if json:
        console.print_json({**pack.as_dict(), "files": [str(path) for path in files], "gain_db": files.gain_db})
        return
    for remark in pack.remarks:
        console.note(remark)
    form = " ".join(section.label for section in pack.form)
    title = f"{song.name}: {pack.grid.tempo:.1f} beats a minute, {pack.key or 'no key'}, form {form}"
    console.print_table(title, ("file", "size"), [(str(path), _size(path)) for path in files], numbers=(1,))


def samples(
    song: SongArgument,
    bars: Annotated[str, typer.Option(help="Lengths of the loops, in bars.")] = "1,2,4,8",
    most: Annotated[int, typer.Option(min=1, help="How many of each stem and length at most.")] = 4,
    one_shots: Annotated[bool, typer.Option(help="Single strokes of the drums too.")] = True,
    key: Annotated[str, typer.Option(help="Such as 'A minor', if it is known.", show_default=False)] = "",
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; the samples get a folder in it.")] = Path(),
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write loops of every instrument, cut on the beats, and single strokes of the drums as instruments."""
    from musiclab.recipes.sampling.pack import samples as make

    lengths = _lengths(bars)
    with console.progress_bar(song.name) as bar:
        found = make(
            song,
            bars=lengths,
            most=most,
            one_shots=one_shots,
            key=key,
            engine=engine,
            quality=quality.value,
            device=device,
            progress=bar,
            cache=cache,
        )
        files = found.save(out)
    if json:
        console.print_json({**found.as_dict(), "files": [str(path) for path in files], "gain_db": files.gain_db})
        return
    for remark in found.remarks:
        console.note(remark)
    rows = [
        (row["file"], f"{row['tempo']:.1f}", f"{row['clean_db']:.1f} dB", f"{row['goes_round']:.0%}")
        for row in found.facts["loops"]
    ]
    title = f"{len(found.loops)} loops and {len(found.one_shots)} drum strokes in {out / found.name}"
    console.print_table(title, ("loop", "tempo", "over the rest", "goes round"), rows, numbers=(1, 2, 3))


def _lengths(text: str) -> list[int]:
    try:
        lengths = [int(word) for word in text.split(",")]
    except ValueError:
        lengths = []
    if not lengths or not all(1 <= length <= 32 for length in lengths):
        raise typer.BadParameter(f"{text!r}: write numbers from 1 to 32, as in 1,2,4.", param_hint="--bars")
    return lengths


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
