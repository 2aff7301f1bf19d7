"""`play_as`: a part of a song, played by another instrument.

Notebook: 12
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musiclab import instruments, midi, soundfont
from musiclab.audio import SILENCE_DB, Audio
from musiclab.errors import TranscriptionError
from musiclab.metrics.loudness import loudness
from musiclab.notes import Note, Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.recipes.remembered import part_of, sound_of
from musiclab.recipes.result import Result
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.separation.engine import Engine
from musiclab.soundfont import Course
from musiclab.stems import Stems, added
from musiclab.transcription import monophonic

VERSION = 1  # raise it when the same part sounds otherwise
FURTHEST = 1.5  # semitones that a note's course may lead away from it: beyond, the tracker heard something else
DEEPEST_DB = -18.0  # that a note may fall within its course
LEAST_VOICING = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class PlayedAs(Result):
    """What `play_as` made. All sounds have the song's length.

    Attributes
    ----------
    stem, instrument : str
        Which part, and what plays it now (its General MIDI name).
    part : Part
        The notes.
    solo, instead, beside : Audio
        The new instrument alone; the song with it in place of the stem; the song with both.

    Notebook: 12
    """

    stem: str
    instrument: str
    part: Part
    solo: Audio
    instead: Audio
    beside: Audio

    @property
    def sounds(self) -> Mapping[str, Audio]:
        names = sound_names(self.stem, self.instrument)
        return dict(zip(names, (self.solo, self.instead, self.beside), strict=True))

    @property
    def facts(self) -> dict[str, Any]:
        told = {"stem": self.stem, "instrument": self.instrument, "notes": len(self.part.notes)}
        return {**told, "font": str(soundfont.font_path().name), "solo_lufs": loudness(self.solo)}

    def extra_files(self, sounds: Mapping[str, str]) -> dict[str, bytes]:  # noqa: ARG002  # names no sound
        """The notes as MIDI."""
        buffer = io.BytesIO()
        midi.to_mido(self.part).save(file=buffer)
        return {f" ({self.stem}).mid": buffer.getvalue()}


def sound_names(stem: str, instrument: str) -> tuple[str, str, str]:
    """What the three sounds are called."""
    return f"{stem} as {instrument}", f"{instrument} in place of {stem}", f"{instrument} beside {stem}"


def play_as(
    song: Song,
    stem: str,
    *,
    instrument: str | int,
    source: str | None = None,
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> PlayedAs:
    """A part of the song, written down and played by another instrument, with its bends, vibrato and loudness.

    Parameters
    ----------
    song : path, Audio or Stems
        The song, or its stems if they are there.
    stem : str
        Which stem: ``"bass"``.
    instrument : str or int
        What is to play it: any of the 128 instruments of General MIDI by name (``"tuba"``) or program (0–127).
    source : str
        What plays the stem, if its name doesn't say: see `musiclab.transcribe`.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Raises
    ------
    TranscriptionError
        If there is no such instrument, or the stem is drums: their notes are no pitches.
    AudioError, EngineError
        If the song or the engine won't do, or it finds no such stem.
    Cancelled
        If `cancel` was set.

    Notebook: 12
    """
    program = soundfont.find_program(instrument)
    known = instruments.find(source or instruments.of_stem(stem))
    if known is instruments.DRUMS:
        raise TranscriptionError("Drums have no pitches for another instrument: choose another stem.")
    soundfont.font_path()
    mixture = mixture_of(song)
    name = soundfont.instrument_names()[program]
    with watching(progress, cancel) as watch:
        whole = song if isinstance(song, Stems) else mixture
        stems = stems_of(whole, How(engine, quality, device, cache), watch.part(0.0, 0.6), wanted=[stem])
        part = part_of(stems, stems[stem], known.name, watch.part(0.6, 0.85), cache=cache)
        solo = _played(stems[stem], part, program, watch.part(0.85, 1.0), cache=cache)
        watch(1.0, "done")
    alone, instead, beside = sound_names(stem, name)
    return PlayedAs(
        title=mixture.title or "song",
        engine=stems.engine,
        remarks=(*((stems.note,) if stems.note else ()), *part.remarks, _font_told()),
        stem=stem,
        instrument=name,
        part=replace(part, title=f"{mixture.title or 'song'}: {stem}"),
        solo=replace(solo, title=alone),
        instead=added([(stems.without(stem), 1.0), (solo, 1.0)], title=instead),
        beside=added([(stems.mixture, 1.0), (solo, 1.0)], title=beside),
    )


def _font_told() -> str:
    path = soundfont.font_path()
    return f"Soundfont: {soundfont.FONT_LICENCE if path.name == 'TimGM6mb.sf2' else path.name}."


def _played(stem: Audio, part: Part, program: int, watch: Watch, *, cache: bool) -> Audio:
    """The part by that program: as long, as loud, and of as many channels as the stem."""

    def make() -> Audio:
        watch(0.0, "following pitch and loudness")
        follow = courses(part, stem) if instruments.find(part.instrument).monophonic else {}
        watch(0.5, "playing")
        sound = soundfont.render(part, program=program, courses=follow, sr=stem.sr)
        return _fitted(sound, stem)

    request = ("played", VERSION, stem.digest, part.to_json(), program, str(soundfont.font_path()))
    return sound_of(request, make, cache=cache)


def _fitted(sound: Audio, stem: Audio) -> Audio:
    samples = sound.mono().samples if stem.channels == 1 else sound.samples
    out = np.zeros((stem.channels, stem.frames), dtype=np.float32)
    frames = min(stem.frames, samples.shape[1])
    out[: samples.shape[0], :frames] = samples[:, :frames]  # left and right, where there are more
    made = Audio(out, stem.sr)
    have, want = loudness(made), loudness(stem)
    return made if min(have, want) <= SILENCE_DB else made.gained(want - have)


def courses(part: Part, stem: Audio) -> dict[Note, Course]:
    """How pitch and loudness go along each note of a line, as the tracker hears them in the stem.

    Where the tracker isn't sure, or is more than a semitone and a half away, the note's own pitch stands. The level is
    against the note's loudest place, at half its depth: the new instrument fades by itself too.
    """
    known = instruments.find(part.instrument)
    track = monophonic.track_pitch(stem, low=known.low, high=known.high)
    found: dict[Note, Course] = {}
    for note in part.notes:
        inside = np.flatnonzero((track.times >= note.onset) & (track.times < note.offset))
        if len(inside) < 3:
            continue
        pitch, level = track.pitch[inside], track.level_db[inside]
        good = (track.voicing[inside] >= LEAST_VOICING) & (np.abs(pitch - note.pitch) <= FURTHEST)
        pitch = np.where(good, pitch, note.pitch)
        falling = np.clip((level - level.max()) / 2, DEEPEST_DB, 0.0)
        found[note] = Course(track.times[inside], pitch, falling)
    return found
