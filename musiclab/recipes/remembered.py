"""What jobs ask for again and again, kept in the store: beats, parts in context, rendered sound.

Keys name the sound by its digest and carry a version: raise `VERSION` when the same request gives another answer.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Part
from musiclab.progress import Watch
from musiclab.stems import Stems
from musiclab.store import default_store, key_of
from musiclab.transcription import transcribe
from musiclab.transcription.beats import track_beats
from musiclab.transcription.chart import Chart, find_chart
from musiclab.transcription.context import in_context, layers, unmeasured
from musiclab.transcription.harmony import estimate_song_key

VERSION = 10
PART, BEATS, CHART, SOUND = "part.json", "beats.json", "chart.json", "sound.npy"


def beats_of(mixture: Audio, watch: Watch, *, cache: bool = True) -> BeatGrid:
    """The beats and bars of a song, found once. Raises `TranscriptionError` as `track_beats` does."""

    def write(grid: BeatGrid, folder: Path) -> None:
        (folder / BEATS).write_text(json.dumps(asdict(grid)), encoding="utf-8")

    def read(folder: Path) -> BeatGrid:
        kept = json.loads((folder / BEATS).read_text(encoding="utf-8"))
        return BeatGrid(tuple(kept["times"]), kept["first"], tuple(kept["metre"]))

    def compute() -> BeatGrid:
        return track_beats(mixture, progress=watch)

    if not cache:
        return compute()
    return default_store().recall(key_of("beats", VERSION, mixture.digest), compute, write=write, read=read)


def chart_of(song: Audio | Stems, watch: Watch, *, known: Chart | None = None, cache: bool = True) -> Chart:
    """Beats and bars, key, chords and sections of a song, found once; what is `known` stays as it is."""
    mixture = song.mixture if isinstance(song, Stems) else song
    known = known or Chart()

    def compute() -> Chart:
        if known.grid is not None:
            return find_chart(song, known=known, progress=watch)
        try:
            grid = beats_of(mixture, watch.part(0.0, 0.6), cache=cache)
        except TranscriptionError:
            return Chart(None, known.key or estimate_song_key(layers(song)[1]))
        return find_chart(song, known=replace(known, grid=grid), progress=watch.part(0.6, 1.0))

    if not cache:
        return compute()
    # chords come from what is not drums: stems of another engine may give others
    drums = song["drums"].digest if isinstance(song, Stems) and "drums" in song else ""
    return default_store().recall(
        key_of("chart", VERSION, mixture.digest, drums, known.as_dict()),
        compute,
        write=lambda chart, folder: _write(folder / CHART, json.dumps(chart.as_dict())),
        read=lambda folder: Chart.from_dict(json.loads((folder / CHART).read_text(encoding="utf-8"))),
    )


def part_of(
    song: Audio | Stems,
    stem: Audio,
    instrument: str,
    watch: Watch,
    *,
    decisions: Decisions | None = None,
    cache: bool = True,
) -> Part:
    """What `instrument` plays in `stem`, against the beats, the key and the chords of the song, found once.

    `decisions` go before what is found. Where the song has no beats that can be found, the part has none, and says so
    in its `remarks`.
    """
    mixture = song.mixture if isinstance(song, Stems) else song

    def compute() -> Part:
        return _listen(song, stem, instrument, watch, decisions or Decisions(), cache)

    if not cache:
        return compute()
    others = [song[name].digest for name in song] if isinstance(song, Stems) else []
    return default_store().recall(
        key_of("part", VERSION, mixture.digest, stem.digest, instrument, others, (decisions or Decisions()).as_dict()),
        compute,
        write=lambda part, folder: _write(folder / PART, part.to_json()),
        read=lambda folder: Part.from_json((folder / PART).read_text(encoding="utf-8")),
    )


def _listen(song: Audio | Stems, stem: Audio, instrument: str, watch: Watch, decisions: Decisions, cache: bool) -> Part:
    mixture = song.mixture if isinstance(song, Stems) else song
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what they say is among the part's remarks
        part = transcribe(stem, instrument=instrument, decisions=decisions, progress=watch.part(0.0, 0.8))
    given = isinstance(decisions.tempo, float) or decisions.metre is not None  # then beats are looked for accordingly
    try:
        grid = None if given else beats_of(mixture, watch.part(0.8, 0.9), cache=cache)
        return in_context(part, song, grid=grid, progress=watch.part(0.9, 1.0))
    except TranscriptionError as error:
        return unmeasured(part, error)


def sound_of(request: tuple[object, ...], make: Callable[[], Audio], *, cache: bool = True) -> Audio:
    """Rendered sound, made once.

    Parameters
    ----------
    request : tuple
        What names it, besides its kind: digests and settings (anything that JSON can write).
    make : callable
        Renders it.
    cache : bool
        Whether to look into the store.
    """

    def write(audio: Audio, folder: Path) -> None:
        np.save(folder / SOUND, audio.samples)
        _write(folder / "sound.json", json.dumps({"sr": audio.sr, "title": audio.title}))

    def read(folder: Path) -> Audio:
        card = json.loads((folder / "sound.json").read_text(encoding="utf-8"))
        samples = np.load(folder / SOUND, mmap_mode="r")
        return Audio.of_checked(samples, card["sr"], title=card["title"])

    if not cache:
        return make()
    return default_store().recall(key_of("sound", VERSION, *request), make, write=write, read=read)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
