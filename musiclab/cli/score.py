"""``musiclab score``: the part of one instrument as sheet music."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musiclab import codecs
from musiclab.cli import console
from musiclab.cli.decisions import (
    BarOneOption,
    CapoOption,
    ChordsOption,
    ConfidenceOption,
    KeyOption,
    LyricsOption,
    MetreOption,
    PlayerOption,
    TabOption,
    TempoOption,
    TransposeOption,
    TuningOption,
    decided,
    read_lyrics,
)  # fmt: skip
from musiclab.cli.jobs import FolderOption, SongArgument, how_of, working
from musiclab.cli.separate import CacheOption, DeviceOption, EngineOption, JsonOption, Quality, QualityOption
from musiclab.codecs.files import claim

if TYPE_CHECKING:
    from musiclab.recipes.sheet_music import SheetMusic


def score(
    song: SongArgument,
    stem: Annotated[
        str, typer.Option("--stem", "-s", help="Which stem; `song` takes a solo recording as it is.")
    ] = "vocals",
    instrument: Annotated[
        str | None, typer.Option("--instrument", "-i", help="What plays it; as the stem is called if left out.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", "-f", help="Any of pdf, musicxml, mid, svg, png, json.")
    ] = "pdf,musicxml,mid",
    player: PlayerOption = "",
    transpose: TransposeOption = 0,
    tab: TabOption = False,
    tempo: TempoOption = None,
    metre: MetreOption = None,
    bar_one: BarOneOption = None,
    key: KeyOption = "",
    chords: ChordsOption = None,
    tuning: TuningOption = "",
    capo: CapoOption = 0,
    lyrics: LyricsOption = None,
    min_confidence: ConfidenceOption = 0.0,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: FolderOption = Path(),
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the part of one instrument as sheet music."""
    from musiclab.recipes import sheet_music as recipe

    began = time.perf_counter()
    kinds = recipe.checked_formats(formats.split(","))
    decisions = decided(tempo, metre, bar_one, key, chords, player, tuning, capo)
    words, how = read_lyrics(lyrics), how_of(engine, quality, device, cache=cache)
    mixture = codecs.load(song)
    claim(out, [f"{recipe.SheetMusic.stem_of(mixture.title)} - {stem}.{kind}" for kind in kinds])
    with working(song) as bar:
        made = recipe.sheet_music(
            mixture, stem, instrument=instrument, decisions=decisions, lyrics=words,
            transpose=transpose, tab=tab, min_confidence=min_confidence, **how, progress=bar,
        )  # fmt: skip
    files = {kind: str(path) for kind, path in zip(kinds, made.save(out, formats=kinds), strict=True)}
    _tell(made, files, time.perf_counter() - began, json=json)


def _tell(made: SheetMusic, files: dict[str, str], seconds: float, *, json: bool) -> None:
    """What was written, as a table for people or as JSON for programs."""
    if json:
        console.print_json({**made.as_dict(), "seconds": seconds, "files": files})
        return
    for remark in made.remarks:
        console.note(remark)
    count = f"{len(made.part)} note{'s' * (len(made.part) != 1)}"
    title = f"{made.title}: {count} for {made.part.instrument}, of which about {made.confidence:.0%}"
    console.print_table(f"{title} are right; {seconds:.1f} s", ("as", "file"), list(files.items()))
