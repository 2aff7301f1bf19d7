"""``musiclab remix-pack``: a song as a folder for a DAW or a DJ program."""

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


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
