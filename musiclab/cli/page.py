"""``musiclab page``: a lesson as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musiclab import codecs
from musiclab.cli.decisions import ConfidenceOption, PlayerOption, TabOption, TransposeOption
from musiclab.cli.jobs import SongArgument, how_of, tell, working
from musiclab.cli.separate import CacheOption, DeviceOption, EngineOption, JsonOption, Quality, QualityOption
from musiclab.codecs.files import claim


def page(
    song: SongArgument,
    part: Annotated[
        list[str] | None, typer.Option("--part", "-p", help="A stem to be written as notes; as often as you like.")
    ] = None,
    title: Annotated[str, typer.Option(help="Above the page; the song's if left out.")] = "",
    notes: Annotated[
        Path | None, typer.Option(help="A Markdown file: [here](#t=1:02), [this](#bars=5-8).", show_default=False)
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="To be ticked off; as often as you like.")] = None,
    licence: Annotated[str, typer.Option(help="Under which terms the song stands.")] = "",
    player: PlayerOption = "",
    transpose: TransposeOption = 0,
    tab: TabOption = False,
    min_confidence: ConfidenceOption = 0.0,
    format: Annotated[str, typer.Option("--format", "-f", help="mp3 or opus.")] = "mp3",
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="The page, or a folder for it.")] = Path(),
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write a lesson as one web page that plays without a network: mixer, sheet music, notes and tasks."""
    from musiclab.handout import page as recipe

    mixture = codecs.load(song)
    place = recipe.place_of(out, title or mixture.title)
    claim(place.parent, [place.name])
    how = how_of(engine, quality, device, cache=cache)
    with working(song) as bar:
        made = recipe.page(
            mixture, parts=part or (), title=title, notes=notes or "", tasks=task or (), licence=licence,
            player=player, transpose=transpose, tab=tab, min_confidence=min_confidence, format=format,
            **how, progress=bar,
        )  # fmt: skip
    tell(made, made.save(place), as_json=json)
