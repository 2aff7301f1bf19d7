"""``musiclab karaoke`` and ``musiclab score``: one song in, the thing that a singer or player wanted out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musiclab.audio import Audio
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
from musiclab.cli.separate import (
    CacheOption,
    DeviceOption,
    EngineOption,
    FormatOption,
    How,
    JsonOption,
    Quality,
    QualityOption,
    apart,
)
from musiclab.errors import ExportError
from musiclab.notation.writing import Writing
from musiclab.progress import Watch
from musiclab.recipes.source import only

if TYPE_CHECKING:
    from musiclab.decisions import Decisions
    from musiclab.notes import Part
    from musiclab.stems import Stems

INSTRUMENTS = {"vocals": "voice", "other": "piano"}  # what plays a stem whose name is no instrument
SCORE_FORMATS = ("pdf", "musicxml", "mid", "svg", "png", "json")
SongArgument = Annotated[Path, typer.Argument(help="An audio or video file.", show_default=False)]


def karaoke(
    song: SongArgument,
    without: Annotated[str, typer.Option(help="The stems to leave out, as in vocals or vocals,bass.")] = "vocals",
    engine: EngineOption = "auto",
    quality: QualityOption = Quality.default,
    device: DeviceOption = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the file.")] = Path(),
    format: FormatOption = "mp3",
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the song without the voice, or without any other stems, to play or sing along."""
    from musiclab import codecs
    from musiclab.codecs.formats import find_format

    find_format(format)
    names = [name.strip() for name in without.split(",") if name.strip()]
    stems = apart(codecs.load(song), song.name, How(engine, quality, device, cache))
    only(stems, names)  # says which stems there are if one of these is not
    path = stems.without(*names).save(out / f"{song.stem} (without {' and '.join(names)}).{format.lstrip('.')}")
    if json:
        console.print_json({"file": str(path), "without": names, "engine": stems.engine, "note": stems.note})
        return
    if stems.note:
        console.note(stems.note)
    console.stdout().print(f"{path}: by {stems.engine}", markup=False)


@dataclass(frozen=True)
class Request:
    """What is to be written down, and how."""

    stem: str
    instrument: str
    decisions: Decisions
    lyrics: str
    how: How


def score(
    song: SongArgument,
    stem: Annotated[
        str, typer.Option("--stem", "-s", help="Which stem; `song` takes a solo recording as it is.")
    ] = "vocals",
    instrument: Annotated[
        str | None, typer.Option("--instrument", "-i", help="What plays it; as the stem is called if left out.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", "-f", help=f"Any of {', '.join(SCORE_FORMATS)}.")
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
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path(),
    cache: CacheOption = True,
    json: JsonOption = False,
) -> None:
    """Write the part of one instrument as sheet music."""
    began = time.perf_counter()
    wanted = _formats(formats)
    decisions = decided(tempo, metre, bar_one, key, chords, player, tuning, capo)
    played_by = instrument or INSTRUMENTS.get(stem, stem)
    request = Request(stem, played_by, decisions, read_lyrics(lyrics), How(engine, quality, device, cache))
    part, engine_name = _written(song, request)
    writing = Writing(semitones=transpose, tab=tab, min_confidence=min_confidence)
    files = _saved(part, out / f"{song.stem} - {stem}", wanted, writing)
    _report(song, part, engine_name, files, time.perf_counter() - began, json=json)


def _saved(part: Part, name: Path, formats: list[str], writing: Writing) -> dict[str, Path]:
    """The part in each format: a page as it is to be written, the others as it was played."""
    return {
        kind: part.save(name.with_name(f"{name.name}.{kind}"), **({} if kind in ("mid", "json") else vars(writing)))
        for kind in formats
    }


def _report(song: Path, part: Part, engine: str, files: dict[str, Path], seconds: float, *, json: bool) -> None:
    """What was written, as a table for people or as JSON for programs."""
    confidence = sum(note.confidence for note in part.notes) / max(len(part.notes), 1)
    if json:
        notes = {"instrument": part.instrument, "notes": len(part.notes), "confidence": confidence}
        made = {"engine": engine, "seconds": seconds, "files": {kind: str(path) for kind, path in files.items()}}
        console.print_json({**notes, **made, "remarks": part.remarks})
        return
    title = f"{song.name}: {len(part.notes)} notes for {part.instrument}, of which about {confidence:.0%} are right"
    console.print_table(f"{title}; {seconds:.1f} s", ("as", "file"), [(k, str(path)) for k, path in files.items()])


def _formats(text: str) -> list[str]:
    wanted = [kind.strip().lower().lstrip(".") for kind in text.split(",") if kind.strip()]
    if unknown := [kind for kind in wanted if kind not in SCORE_FORMATS]:
        raise ExportError(f"A score can't be written as {unknown[0]!r}: choose any of {', '.join(SCORE_FORMATS)}.")
    return wanted


def _written(song: Path, request: Request) -> tuple[Part, str]:
    """The part of the asked stem, against the beats and chords of the song; and the engine that made the stem."""
    from musiclab import codecs, instruments, tunings

    spec = instruments.find(request.instrument)  # a wrong name is said before the work, and so is a wrong tuning
    if request.decisions.tuning:
        tunings.parse_tuning(request.decisions.tuning, instrument=spec.name)
    mixture = codecs.load(song)
    if request.stem == "song":
        return _listen(mixture, mixture, request, song.stem), ""
    stems = apart(mixture, song.name, request.how)
    only(stems, [request.stem])
    if stems.note:
        console.note(stems.note)
    return _listen(stems[request.stem], stems, request, song.stem), stems.engine


def _listen(stem: Audio, song: Audio | Stems, request: Request, title: str) -> Part:
    from musiclab.recipes.remembered import part_of

    with console.progress_bar(f"{title}: listening") as bar:
        found = part_of(
            song, stem, request.instrument, Watch(bar), decisions=request.decisions, cache=request.how.cache
        )
        part = replace(found, title=title, lyrics=request.lyrics)
    for remark in part.remarks:
        console.note(remark)
    return part
