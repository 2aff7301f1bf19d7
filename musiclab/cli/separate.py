"""``musiclab separate`` and ``musiclab demo``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from musiclab.audio import Audio
from musiclab.batches.songs import find_songs, guarded, song_folders
from musiclab.cli import console
from musiclab.cli.reports import tell
from musiclab.codecs.formats import Format, find_format
from musiclab.codecs.source import readable
from musiclab.recipes.report import SongReport, report
from musiclab.recipes.source import only
from musiclab.stemfiles import free_folder
from musiclab.stems import Stems


class Quality(StrEnum):
    """As `quality` of `musiclab.separate`."""

    fast = "fast"
    default = "default"
    best = "best"


@dataclass(frozen=True)
class How:
    """What `musiclab.separate` is asked for."""

    engine: str
    quality: Quality
    device: str
    cache: bool


EngineOption = Annotated[str, typer.Option("--engine", "-e", help="Which engine; see `musiclab engines`.")]
DeviceOption = Annotated[str, typer.Option("--device", "-d", help="auto, cpu, cuda or mps.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder; each song gets a folder in it.")]
FormatOption = Annotated[str, typer.Option("--format", "-f", help="wav, flac, mp3, ogg, opus or m4a.")]
QualityOption = Annotated[Quality, typer.Option("--quality", "-q", help="Faster, or better.")]
CacheOption = Annotated[bool, typer.Option(help="Take the result from the cache if it is there, and keep it there.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout instead of tables.")]


def separate(
    songs: Annotated[list[Path], typer.Argument(help="Audio or video files, or folders of them.", show_default=False)],
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: OutOption = Path("stems"),
    format: FormatOption = "wav",
    subtype: Annotated[
        str | None, typer.Option(help="wav: float, 24 or 16; flac: 24 or 16.", show_default=False)
    ] = None,
    stems: Annotated[
        str, typer.Option(help="Only these, as in vocals,drums; the rest of the song is written as residual.")
    ] = "",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write each instrument of a song to a file of its own."""
    from musiclab import codecs

    kind = find_format(format, subtype)  # a wrong format is said before the work, not after it
    wanted = [name.strip() for name in stems.split(",") if name.strip()]
    how = How(engine, quality, device, cache)
    files = find_songs(songs)

    def work(song: Path, folder: Path) -> SongReport:
        began = time.perf_counter()
        mixture = fitting(codecs.load(song), kind)
        place = free_folder(folder, mixture)
        if place != folder:
            console.note(f"{folder} holds other files, which stay as they are: the stems go to {place}.")
        made = only(apart(mixture, readable(song.name), how), wanted)
        place = free_folder(place, mixture)  # another process may have come first, with another song of this name
        return report(readable(song), made, made.save(place, format=format, subtype=subtype), began=began)

    folders = song_folders(files, out, given=songs)
    finish([guarded(song, folder, work) for song, folder in zip(files, folders, strict=True)], json)


def fitting(song: Audio, kind: Format) -> Audio:
    """The song, or its stereo fold where the target format has no room for surround: said before the work."""
    if song.channels <= kind.max_channels:
        return song
    folded = song.stereo()
    console.note(f"{kind.name} holds two channels: the {song.channels} of the song are folded down to stereo.")
    return folded


def demo(
    song: Annotated[str | None, typer.Option(help="Which of the bundled songs.", show_default=False)] = None,
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: OutOption = Path("stems"),
    format: FormatOption = "wav",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Separate the bundled song: no file and no network needed."""
    from musiclab import datasets

    began = time.perf_counter()
    bundled = datasets.demo(song)
    made = apart(bundled.mixture, bundled.title or bundled.name, How(engine, quality, device, cache))
    saved = made.save(out / bundled.name, format=format)
    finish([report(bundled.title or bundled.name, made, saved, began=began, truth=dict(bundled.stems))], json)
    if not json:
        console.stdout().print(
            f"\nListen: open the files in {out / bundled.name} in any player.\n"
            "Play with the sliders: musiclab lab (in a checkout of the project: make lab).\n"
            "Your own song: musiclab separate SONG"
        )


def apart(mixture: Audio, name: str, how: How) -> Stems:
    """Separate with a progress bar."""
    with console.progress_bar(f"{name}: getting ready") as bar:
        from musiclab import separation  # loads torch, which takes a moment: the bar is there already

        def told(fraction: float, doing: str) -> None:
            bar(fraction, f"{name}: {doing}" if doing else name)

        return separation.separate(
            mixture,
            engine=how.engine,
            quality=how.quality.value,
            device=how.device,
            cache=how.cache,
            progress=told,
        )


def finish(reports: Sequence[SongReport], as_json: bool) -> None:
    """Print the reports; exit code 1 if one of them is an error."""
    if as_json:
        console.print_json({"songs": [asdict(one) for one in reports]})
    else:
        tell(reports)
    if any(one.error for one in reports):
        raise typer.Exit(console.FAILED)
