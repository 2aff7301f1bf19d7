"""`remix_pack`: a song as a folder that opens in any audio workstation or DJ program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from musiclab.audio import Audio, to_db
from musiclab.codecs import riff
from musiclab.codecs.encoding import QUALITY, write_together
from musiclab.codecs.files import delivered, safe_name
from musiclab.codecs.writers import Take
from musiclab.errors import ExportError
from musiclab.grid import BeatGrid
from musiclab.palette import colour
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.recipes.click import click_track
from musiclab.recipes.remembered import beats_of
from musiclab.recipes.remix.dawproject import write_dawproject
from musiclab.recipes.remix.reaper import reaper_project
from musiclab.recipes.remix.stem_mp4 import write_stem_mp4
from musiclab.recipes.remix.tempomap import TempoMap
from musiclab.recipes.remix.tracks import Track
from musiclab.recipes.result import Result, SavedFiles, sound_format
from musiclab.recipes.source import How, Song, stems_of
from musiclab.separation.engine import Engine
from musiclab.stemfiles import card_of
from musiclab.stems import RESIDUAL, Stems
from musiclab.theory import parse_key
from musiclab.transcription.context import layers
from musiclab.transcription.form import Section, sections
from musiclab.transcription.harmony import estimate_song_key

CLICK_COLOUR = "#5b76d6"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RemixPack(Result):
    """A song taken apart for further work: `save` writes the folder.

    Attributes
    ----------
    stems : Stems
        The parts, with mixture and residual, all of one length from one start point.
    grid : BeatGrid
        Beats and bars.
    key : str
        Such as ``"A minor"``.
    form : tuple of Section
        The sections, by letters.

    Notebook: 11
    """

    stems: Stems
    grid: BeatGrid
    key: str
    form: tuple[Section, ...]

    @property
    def name(self) -> str:
        """Of the folder: ``Song_123bpm_Am``."""
        return safe_name(f"{self.title or 'Song'}_{round(self.grid.tempo)}bpm_{short_key(self.key)}").replace(" ", "_")

    @property
    def sounds(self) -> Mapping[str, Audio]:
        """Mixture, stems, residual and click, by the names of their files without extension."""
        parts = {"mixture": self.stems.mixture, **self.stems, RESIDUAL: self.stems.residual}
        numbered = {f"{number:02d}_{name}": audio for number, (name, audio) in enumerate(parts.items())}
        return {**numbered, f"{len(parts):02d}_click": self.click}

    @property
    def click(self) -> Audio:
        """A click on every beat, higher on downbeats; mono, as long as the song."""
        return click_track(self.grid, self.stems.mixture.frames, self.stems.sr)

    @property
    def tempo_map(self) -> TempoMap:
        """Where each quarter note of a sequencer's time line is in the song."""
        return TempoMap.of(self.grid, self.stems.duration, sections=self.form)

    @property
    def facts(self) -> dict[str, Any]:
        form = [{"label": s.label, "start": s.start, "end": s.end, "bars": s.bars} for s in self.form]
        metre = "{}/{}".format(*self.grid.metre)
        return {"folder": self.name, "tempo": self.grid.tempo, "key": self.key, "metre": metre, "form": form}

    def save(
        self,
        folder: str | PathLike[str],
        *,
        format: str = "wav",
        subtype: str | None = None,
        quality: float = QUALITY,
    ) -> SavedFiles:
        """Write the pack as a folder `name` in `folder`, all of it or nothing.

        Parameters
        ----------
        folder : path
            Where the pack's folder goes. Files in it that musiclab didn't write are never replaced.
        format : str
            Of the tracks: only ``"wav"`` holds cue points and loops.
        subtype : str
            ``"24"`` (default), ``"16"`` or ``"float"``.
        quality : float
            Has no meaning for WAV.

        Returns
        -------
        SavedFiles
            Mixture, stems, residual and click as WAV; ``tempo.mid``; a ``.dawproject``, an ``.rpp`` and a
            ``.stem.mp4``; and ``stems.json``, with which `Stems.load` reads the folder. `gain_db` is what was taken
            off all WAVs alike so that none clips. In 24 bits the stems and the residual add up to the mixture.

        Raises
        ------
        ExportError
            If `format` is not wav, a file is in the way, or the folder or disk refuses: nothing was changed then.
        """
        if format.lower().lstrip(".") != "wav":
            raise ExportError("The tracks of a remix pack are WAV files, which alone hold cue points and loops.")
        kind = sound_format("wav", subtype)
        place = Path(folder).expanduser() / self.name
        tracks = self._tracks()
        project = [f"{self.name}.dawproject", f"{self.name}.rpp", f"{self.name}.stem.mp4"]
        names = [*(track.file for track in tracks), "tempo.mid", *project, "stems.json"]
        with delivered(place, names) as scratch:
            takes = self._takes(tracks)
            gain = write_together(takes, [scratch / track.file for track in tracks], kind, quality=quality)
            for track in tracks:
                riff.add_chunks(scratch / track.file, self._chunks(track))
            (scratch / "tempo.mid").write_bytes(self.tempo_map.to_midi(title=self.title))
            write_dawproject(scratch / project[0], tracks, self.tempo_map, title=self.title, folder=scratch)
            text = reaper_project(tracks, self.tempo_map, sr=self.stems.sr)
            (scratch / project[1]).write_text(text, encoding="utf-8", newline="\n")
            write_stem_mp4(scratch / project[2], self.stems, title=self.title)
            files = {track.name: track.file for track in tracks[1:-1]}
            (scratch / "stems.json").write_bytes(card_of(self.stems, files, to_db(gain)))
        return SavedFiles([place / name for name in names], to_db(gain))

    def _tracks(self) -> list[Track]:
        tracks = []
        for number, (name, audio) in enumerate(self.sounds.items()):
            plain = name[3:]
            hue = CLICK_COLOUR if plain == "click" else colour(plain, number)
            tracks.append(Track(plain, f"{name}.wav", audio, hue, muted=plain in ("mixture", "click")))
        return tracks

    def _takes(self, tracks: Sequence[Track]) -> list[Take]:
        """The residual takes up what rounding the stems left, so that the files add up to the mixture's."""
        parts = tuple(self.stems.values())
        rest = Take(self.stems.residual, whole=self.stems.mixture, parts=parts)
        return [
            rest if track.name == RESIDUAL else Take(track.audio, seed=number) for number, track in enumerate(tracks)
        ]

    def _chunks(self, track: Track) -> list[riff.Chunk]:
        """Bars and sections as cue points, sections as loops, and what the file is."""
        sr, frames = self.stems.sr, self.stems.mixture.frames
        regions = [
            riff.Cue(round(s.start * sr), f"section {s.label}", min(round(s.end * sr), frames) - round(s.start * sr))
            for s in self.form
        ]
        begun = {region.frame for region in regions}
        bars = [(number, round(time * sr)) for number, time in enumerate(self.grid.downbeats, start=1)]
        points = [riff.Cue(at, f"bar {number}") for number, at in bars if 0 <= at < frames and at not in begun]
        cues = sorted([*regions, *points], key=lambda cue: cue.frame)
        text = f"{track.name} of {self.title or 'a song'}, {self.grid.tempo:.2f} bpm, {self.key or 'no key'}"
        return [riff.bext_chunk(text), *riff.cue_chunks(cues), riff.smpl_chunk(sr, regions)]


def remix_pack(
    song: Song,
    *,
    engine: str | Engine = "auto",
    quality: Literal["fast", "default", "best"] = "default",
    device: str = "auto",
    grid: BeatGrid | None = None,
    key: str = "",
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
    cache: bool = True,
) -> RemixPack:
    """Take a song apart for a remix: stems, tempo map, click, markers, and projects that open in other programs.

    Parameters
    ----------
    song : Audio, path or Stems
        The song, or its stems if they are there already.
    engine, quality, device, cache
        As in `musiclab.separate`.
    grid : BeatGrid
        Beats and bars, if they are known or have been corrected; else they are found.
    key : str
        Such as ``"A minor"``, if known; else it is estimated.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.

    Returns
    -------
    RemixPack
        `RemixPack.save` writes the folder.

    Raises
    ------
    AudioError, EngineError, TranscriptionError
        If the song can't be read or separated, or has no beats that can be found.
    Cancelled
        If `cancel` was set.

    Examples
    --------
    >>> import musiclab as ml
    >>> ml.remix_pack("song.mp3").save("out")  # doctest: +SKIP

    Notebook: 11
    """
    if key:
        parse_key(key)  # a wrong name is said before the work
    with watching(progress, cancel) as watch:
        stems = stems_of(song, How(engine, quality, device, cache), watch.part(0.0, 0.8))
        return _described(stems, grid, key, watch.part(0.8, 1.0), cache)


def _described(stems: Stems, grid: BeatGrid | None, key: str, watch: Watch, cache: bool) -> RemixPack:
    grid = grid or beats_of(stems.mixture, watch.part(0.0, 0.6), cache=cache)
    watch(0.6, "finding the key")
    key = key or estimate_song_key(layers(stems)[1], grid=grid)
    watch(0.8, "finding the sections")
    form = sections(stems.mixture, grid=grid)
    remarks = (stems.note,) if stems.note else ()
    title = stems.mixture.title
    return RemixPack(title=title, engine=stems.engine, remarks=remarks, stems=stems, grid=grid, key=key, form=form)


def short_key(key: str) -> str:
    """``"A minor"`` as ``Am``; ``nokey`` for no key."""
    if not key:
        return "nokey"
    tonic, mode = parse_key(key)
    return tonic + ("m" if mode == "minor" else "")
