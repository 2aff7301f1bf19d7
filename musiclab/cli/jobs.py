"""``musiclab karaoke``, ``minus-one``, ``rebalance``, ``play-as``: one song in, what a singer or player wanted out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from musiclab import codecs
from musiclab.cli import console
from musiclab.cli.reports import level_text, time_text
from musiclab.cli.separate import (
    CacheOption,
    DeviceOption,
    EngineOption,
    FormatOption,
    JsonOption,
    Quality,
    QualityOption,
)
from musiclab.codecs.files import claim
from musiclab.errors import AudioError
from musiclab.recipes.result import Result, SavedFiles, sound_format

SongArgument = Annotated[Path, typer.Argument(help="An audio or video file.", show_default=False)]
FolderOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")]
KeyOption = Annotated[float, typer.Option("--key", "-k", help="Semitones up, or down if negative: -12 to 12.")]
SpeedOption = Annotated[float, typer.Option("--speed", help="0.25 to 2; 0.8 is four fifths of the song's own.")]


def karaoke(
    song: SongArgument,
    key: KeyOption = 0.0,
    speed: SpeedOption = 1.0,
    guide: Annotated[float, typer.Option(help="Level of the guide voice in dB: -60 to 0.")] = -18.0,
    lyrics: Annotated[Path | None, typer.Option(help="An LRC file with the words.", show_default=False)] = None,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: FolderOption = Path(),
    format: FormatOption = "wav",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the song without the voice, the voice, both with a guide voice, and the notes for singing games."""
    from musiclab.recipes import karaoke as recipe

    kind = sound_format(format)
    mixture = codecs.load(song)
    names = recipe.Karaoke.file_names(mixture.title, (recipe.INSTRUMENTAL, recipe.VOICE, recipe.GUIDED), kind)
    begin = recipe.Karaoke.stem_of(mixture.title)
    claim(out, [*names.values(), f"{begin}.txt", *([f"{begin}.lrc"] if lyrics else [])])
    how = how_of(engine, quality, device, cache=cache)
    with working(song) as bar:
        made = recipe.karaoke(
            mixture,
            key=key,
            speed=speed,
            guide_db=guide,
            lyrics=lyrics,
            **how,
            progress=bar,
        )
    tell(made, made.save(out, format=format), as_json=json)


def minus_one(
    song: SongArgument,
    stem: Annotated[str, typer.Argument(help="What to leave out, as in bass or vocals,drums.", show_default=False)],
    count_in: Annotated[bool, typer.Option("--count-in", help="A bar of clicks before the song.")] = False,
    click: Annotated[bool, typer.Option("--click", help="A click on every beat.")] = False,
    key: KeyOption = 0.0,
    speed: SpeedOption = 1.0,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: FolderOption = Path(),
    format: FormatOption = "wav",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the song without an instrument, to play along, and that instrument alone."""
    from musiclab.recipes import minus_one as recipe

    kind = sound_format(format)
    stems = [name.strip() for name in stem.split(",") if name.strip()]
    mixture = codecs.load(song)
    claim(out, list(recipe.MinusOne.file_names(mixture.title, recipe.sound_names(stems), kind).values()))
    how = how_of(engine, quality, device, cache=cache)
    with working(song) as bar:
        made = recipe.minus_one(
            mixture,
            stems,
            count_in=count_in,
            click=click,
            key=key,
            speed=speed,
            **how,
            progress=bar,
        )
    tell(made, made.save(out, format=format), as_json=json)


def rebalance(
    song: SongArgument,
    gains: Annotated[
        list[str], typer.Argument(help="Gains in dB: vocals=+3 drums=-2; -inf mutes.", show_default=False)
    ],
    match: Annotated[bool, typer.Option(help="Bring the result to the loudness of the song.")] = True,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: FolderOption = Path(),
    format: FormatOption = "wav",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the song with some instruments louder or softer, as loud as it was, never clipping."""
    from musiclab.recipes import rebalance as recipe

    kind = sound_format(format)
    gains_db = _gains(gains)
    mixture = codecs.load(song)
    claim(out, list(recipe.Rebalanced.file_names(mixture.title, (recipe.NAME,), kind).values()))
    how = how_of(engine, quality, device, cache=cache)
    with working(song) as bar:
        made = recipe.rebalance(
            mixture,
            gains_db,
            match_loudness=match,
            **how,
            progress=bar,
        )
    tell(made, made.save(out, format=format), as_json=json)


def play_as(
    song: SongArgument,
    stem: Annotated[str, typer.Argument(help="Which stem, as in bass.", show_default=False)],
    instrument: Annotated[
        str, typer.Argument(help="What plays it: a General MIDI instrument by name or program.", show_default=False)
    ],
    source: Annotated[
        str | None, typer.Option(help="What plays the stem, if its name doesn't say.", show_default=False)
    ] = None,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: FolderOption = Path(),
    format: FormatOption = "wav",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write a part played by another instrument: alone, in place of the stem, and beside it."""
    from musiclab import soundfont
    from musiclab.recipes import play_as as recipe

    kind = sound_format(format)
    name = soundfont.instrument_names()[soundfont.find_program(instrument)]
    mixture = codecs.load(song)
    names = recipe.PlayedAs.file_names(mixture.title, recipe.sound_names(stem, name), kind)
    claim(out, [*names.values(), f"{recipe.PlayedAs.stem_of(mixture.title)} ({stem}).mid"])
    how = how_of(engine, quality, device, cache=cache)
    with working(song) as bar:
        made = recipe.play_as(
            mixture,
            stem,
            instrument=instrument,
            source=source,
            **how,
            progress=bar,
        )
    tell(made, made.save(out, format=format), as_json=json)


def _gains(texts: list[str]) -> dict[str, float]:
    gains: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            gains[name.strip()] = float(value.strip().lower().removesuffix("db"))
        except ValueError as error:
            raise AudioError(f"{text!r} is no gain: write it as vocals=+3 or drums=-2.") from error
    return gains


class How(TypedDict):
    """What every job hands on to `musiclab.separate`."""

    engine: str
    quality: str
    device: str
    cache: bool


def how_of(engine: str, quality: Quality, device: str, *, cache: bool) -> How:
    """The options that all jobs share, as their recipes call them."""
    return {"engine": engine, "quality": quality.value, "device": device, "cache": cache}


@contextmanager
def working(song: Path) -> Iterator[console.Report]:
    """A progress bar that names the song."""
    with console.progress_bar(f"{song.name}: getting ready") as bar:

        def told(fraction: float, doing: str, /) -> None:
            bar(fraction, f"{song.name}: {doing}" if doing else song.name)

        yield told


def tell(made: Result, files: SavedFiles, *, as_json: bool) -> None:
    """What was made: one JSON document, or remarks and a table of files."""
    if as_json:
        console.print_json({**made.as_dict(), "files": [str(path) for path in files], "gain_db": files.gain_db})
        return
    for remark in made.remarks:
        console.note(remark)
    by = f" (by {made.engine})" if made.engine else ""
    heard = {
        path: (time_text(s.duration), level_text(s.rms_db))
        for path, s in zip(files, made.sounds.values(), strict=False)
    }
    rows = [(str(path), *heard.get(path, ("", ""))) for path in files]
    console.print_table(f"{made.title}: {type(made).__name__}{by}", ("file", "length", "level"), rows, numbers=(1, 2))
