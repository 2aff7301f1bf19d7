"""`samples`: the loops and one-shots of a song."""

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
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.recipes.remembered import beats_of, part_of
from musiclab.recipes.remix.pack import short_key
from musiclab.recipes.result import Result, SavedFiles, sound_format
from musiclab.recipes.sampling.instruments import decent_sampler, sfz
from musiclab.recipes.sampling.loops import Loop, find_loops
from musiclab.recipes.sampling.one_shots import OneShot, find_one_shots
from musiclab.recipes.source import How, Song, stems_of
from musiclab.separation.engine import Engine
from musiclab.stems import Stems
from musiclab.theory import parse_key, pitch_class
from musiclab.transcription.context import layers
from musiclab.transcription.harmony import estimate_song_key

MOST = 4  # loops of one stem and length


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Samples(Result):
    """What of a song can be used again: `save` writes the folder.

    Attributes
    ----------
    loops : tuple of Loop
        By stem and length, the best first.
    one_shots : tuple of OneShot
        Single strokes of the drums.
    grid : BeatGrid
        Beats and bars of the song.
    key : str
        Such as ``"A minor"``.

    Notebook: 11
    """

    loops: tuple[Loop, ...]
    one_shots: tuple[OneShot, ...]
    grid: BeatGrid
    key: str

    @property
    def name(self) -> str:
        """Of the folder: ``Song_123bpm_Am_samples``."""
        return f"{self._begin}_{round(self.grid.tempo)}bpm_{short_key(self.key)}_samples"

    @property
    def _begin(self) -> str:
        return safe_name(self.title or "Song").replace(" ", "_")

    @property
    def sounds(self) -> Mapping[str, Audio]:
        """Loops, then one-shots, by the paths of their files in the folder, without extension."""
        named: dict[str, Audio] = {f"loops/{self.loop_name(loop)}": loop.audio for loop in self.loops}
        return named | {f"oneshots/{self._begin}_{s.drum}_{s.layer}": s.audio for s in self.one_shots}

    def loop_name(self, loop: Loop) -> str:
        """``Song_120bpm_Am_drumloop_bar05-08``; the stem's name in it if it is a melodic loop."""
        kind = loop.kind if loop.kind != "melody" else f"melody-{loop.stem}"
        bars = f"bar{loop.first_bar:02d}-{loop.first_bar + loop.bars - 1:02d}"
        return safe_name(f"{self._begin}_{round(loop.tempo)}bpm_{short_key(self.key)}_{kind}_{bars}")

    @property
    def facts(self) -> dict[str, Any]:
        rows = [
            {
                "file": f"loops/{self.loop_name(loop)}.wav",
                "kind": loop.kind,
                "stem": loop.stem,
                "bars": loop.bars,
                "first_bar": loop.first_bar,
                "start": loop.start / loop.audio.sr,
                "tempo": loop.tempo,
                "clean_db": loop.clean_db,
                "goes_round": loop.goes_round,
            }
            for loop in self.loops
        ]
        return {"folder": self.name, "tempo": self.grid.tempo, "key": self.key, "loops": rows}

    def save(
        self,
        folder: str | PathLike[str],
        *,
        format: str = "wav",
        subtype: str | None = None,
        quality: float = QUALITY,
    ) -> SavedFiles:
        """Write the samples as a folder `name` in `folder`, all of it or nothing.

        Parameters
        ----------
        folder : path
            Where the samples' folder goes. Files in it that musiclab didn't write are never replaced.
        format : str
            Only ``"wav"`` holds loops and tempo.
        subtype : str
            ``"24"`` (default), ``"16"`` or ``"float"``.
        quality : float
            Has no meaning for WAV.

        Returns
        -------
        SavedFiles
            Loops (with loop, tempo, key and beats in them), one-shots, and the drums as an SFZ and a Decent Sampler
            instrument.

        Raises
        ------
        ExportError
            If `format` is not wav, a file is in the way, or the folder or disk refuses: nothing was changed then.
        """
        if format.lower().lstrip(".") != "wav":
            raise ExportError("Samples are WAV files, which alone hold loops, beats and tempo.")
        kind = sound_format("wav", subtype)
        place = Path(folder).expanduser() / self.name
        sounds = {f"{name}.wav": audio for name, audio in self.sounds.items()}
        chunks = [*map(self._loop_chunks, self.loops), *map(self._shot_chunks, self.one_shots)]
        extra = self._instruments(list(sounds)[len(self.loops) :])
        names, gain = [*sounds, *extra], 1.0
        with delivered(place, names) as scratch:
            if sounds:
                takes = [Take(audio, seed=number) for number, audio in enumerate(sounds.values(), start=1)]
                gain = write_together(takes, [scratch / name for name in sounds], kind, quality=quality)
            for name, told in zip(sounds, chunks, strict=True):
                riff.add_chunks(scratch / name, told)
            for name, text in extra.items():
                (scratch / name).write_text(text, encoding="utf-8", newline="\n")
        return SavedFiles([place / name for name in names], to_db(gain))

    def _instruments(self, files: Sequence[str]) -> dict[str, str]:
        shots = dict(zip(files, self.one_shots, strict=True))
        if not shots:
            return {}
        return {f"{self._begin}_drums.sfz": sfz(shots), f"{self._begin}_drums.dspreset": decent_sampler(shots)}

    def _loop_chunks(self, loop: Loop) -> list[riff.Chunk]:
        """The whole file as a loop, its tempo and root, and a cue point on every beat."""
        frames, sr = loop.audio.frames, loop.audio.sr
        root = None if loop.kind == "drumloop" or not self.key else 60 + pitch_class(parse_key(self.key)[0])
        first = (1 - self.grid.first) % self.grid.beats_per_bar + (loop.first_bar - 1) * self.grid.beats_per_bar
        times = self.grid.times[first : first + loop.beats]
        places = [min(max(0, round(time * sr) - loop.start), frames - 1) for time in times]
        cues = [riff.Cue(place, f"beat {number}") for number, place in enumerate(places, start=1)]
        text = f"{loop.kind} of {self.title or 'a song'}, bar {loop.first_bar}, {loop.tempo:.2f} bpm, {self.key}"
        return [
            riff.bext_chunk(text),
            *riff.cue_chunks(cues),
            riff.smpl_chunk(sr, [riff.Cue(0, "", frames)], root=root or 60),
            riff.acid_chunk(beats=loop.beats, metre=self.grid.metre, tempo=loop.tempo, root=root),
        ]

    def _shot_chunks(self, shot: OneShot) -> list[riff.Chunk]:
        text = f"{shot.drum} of {self.title or 'a song'}, layer {shot.layer} of {shot.layers}"
        return [riff.bext_chunk(text), riff.smpl_chunk(shot.audio.sr, [], root=shot.key)]


def samples(
    song: Song,
    *,
    bars: Sequence[int] = (1, 2, 4, 8),
    most: int = MOST,
    one_shots: bool = True,
    engine: str | Engine = "auto",
    quality: Literal["fast", "default", "best"] = "default",
    device: str = "auto",
    grid: BeatGrid | None = None,
    key: str = "",
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
    cache: bool = True,
) -> Samples:
    """Loops of every stem, cut on the beats and ready to repeat, and single strokes of the drums.

    Parameters
    ----------
    song : Audio, path or Stems
        The song, or its stems if they are there already.
    bars : sequence of int
        Lengths of the loops in bars, 1 to 32.
    most : int
        How many loops of each stem and length at most.
    one_shots : bool
        Whether to look for single strokes of the drums.
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
    Samples
        `Samples.save` writes the folder.

    Raises
    ------
    ValueError
        If `bars` or `most` can't be.
    AudioError, EngineError, TranscriptionError
        If the song can't be read or separated, or has no beats that can be found.
    Cancelled
        If `cancel` was set.

    Notebook: 11
    """
    if not bars or not all(1 <= length <= 32 for length in bars) or most < 1:
        raise ValueError("Loops have 1 to 32 bars, and there is at least 1 of each length: as in bars=(1, 2, 4).")
    if key:
        parse_key(key)
    with watching(progress, cancel) as watch:
        stems = stems_of(song, How(engine, quality, device, cache), watch.part(0.0, 0.7))
        grid = grid or beats_of(stems.mixture, watch.part(0.7, 0.78), cache=cache)
        loops: list[Loop] = []
        for number, name in enumerate(stems):
            watch(0.78 + 0.1 * number / len(stems), f"looking for loops: {name}")
            loops += find_loops(stems, name, grid, bars=bars, most=most)
        shots = _one_shots(stems, watch.part(0.88, 1.0), cache) if one_shots and "drums" in stems else []
        key = key or estimate_song_key(layers(stems)[1], grid=grid)
    remarks = [stems.note] if stems.note else []
    if not loops:
        remarks.append("No loop was found: the song has too few whole bars in which a stem plays.")
    found: dict[str, Any] = {"loops": tuple(loops), "one_shots": tuple(shots), "grid": grid, "key": key}
    return Samples(title=stems.mixture.title, engine=stems.engine, remarks=tuple(remarks), **found)


def _one_shots(stems: Stems, watch: Watch, cache: bool) -> list[OneShot]:
    part = part_of(stems, stems["drums"], "drums", watch, cache=cache)
    return find_one_shots(stems["drums"], stems.without("drums"), part.notes)
