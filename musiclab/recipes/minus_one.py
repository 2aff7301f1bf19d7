"""`minus_one`: a song without one of its instruments, to play along.

Notebook: 12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.grid import BeatGrid
from musiclab.progress import Cancel, Progress, watching
from musiclab.recipes import stretching
from musiclab.recipes.click import click_track
from musiclab.recipes.remembered import beats_of
from musiclab.recipes.result import Result
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.separation.engine import Engine
from musiclab.stems import Stems, added

CLICK_DB = -6.0  # of the click, against that of a remix pack: it leads, and doesn't drown


@dataclass(frozen=True, eq=False, kw_only=True)
class MinusOne(Result):
    """What `minus_one` made. Both sounds have one length; without clicks they add up to the song.

    Attributes
    ----------
    stems : tuple of str
        What is left out.
    track, part : Audio
        The song without them; they alone.
    lead_in : float
        Seconds before the song begins.
    grid : BeatGrid or None
        The beats in `track`, if clicks were asked for.

    Notebook: 12
    """

    stems: tuple[str, ...]
    track: Audio
    part: Audio
    lead_in: float = 0.0
    grid: BeatGrid | None = None
    key: float = 0.0
    speed: float = 1.0

    @property
    def sounds(self) -> Mapping[str, Audio]:
        names = sound_names(self.stems)
        return {names[0]: self.track, names[1]: self.part}

    @property
    def facts(self) -> dict[str, Any]:
        tempo = self.grid.tempo if self.grid else None
        told = {"without": list(self.stems), "key_semitones": self.key, "speed": self.speed}
        return {**told, "lead_in": self.lead_in, "tempo": tempo}


def sound_names(stems: Sequence[str]) -> tuple[str, str]:
    """What the two sounds are called."""
    return f"without {' and '.join(stems)}", " and ".join(stems)


def minus_one(
    song: Song,
    stem: str | Sequence[str],
    *,
    count_in: bool = False,
    click: bool = False,
    key: float = 0.0,
    speed: float = 1.0,
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> MinusOne:
    """A song without one instrument (or several), and that instrument alone.

    Parameters
    ----------
    song : path, Audio or Stems
        The song, or its stems if they are there.
    stem : str or sequence of str
        What to leave out: ``"bass"``, ``["vocals", "drums"]``.
    count_in : bool
        A bar of clicks before the song's first beat, at the tempo of its first bar; where the song begins too early
        for that, both sounds begin later, by `lead_in` seconds.
    click : bool
        A click on every beat all through, at the song's own tempo as it drifts.
    key, speed : float
        Semitones, −12 to 12; a factor, 0.25 to 2.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Raises
    ------
    AudioError, EngineError
        If the song, the key, the speed or the engine won't do, or it finds no such stem.
    TranscriptionError
        If clicks are asked for, and the song has no beats that can be found.
    Cancelled
        If `cancel` was set.

    Notebook: 12
    """
    stretching.check(key, speed)
    names = (stem,) if isinstance(stem, str) else tuple(stem)
    if not names or len(set(names)) < len(names):
        raise EngineError("Say which stems to leave out, each once, such as 'bass'.")
    mixture = mixture_of(song)
    with watching(progress, cancel) as watch:
        whole = song if isinstance(song, Stems) else mixture
        grid = beats_of(mixture, watch.part(0.0, 0.15), cache=cache) if count_in or click else None
        stems = stems_of(whole, How(engine, quality, device, cache), watch.part(0.15, 0.9), wanted=names)
        track, part = (
            stretching.retuned(sound, watch.part(at, at + 0.05), key=key, speed=speed, cache=cache)
            for sound, at in ((stems.without(*names), 0.9), (_alone(stems, names), 0.95))
        )
        lead_in = 0.0
        if grid is not None:
            grid = BeatGrid(tuple(time / speed for time in grid.times), grid.first, grid.metre)
            track, part, grid, lead_in = _with_clicks(track, part, grid, count_in=count_in, click=click)
        watch(1.0, "done")
    without, alone = sound_names(names)
    return MinusOne(
        title=mixture.title or "song",
        engine=stems.engine,
        remarks=(stems.note,) if stems.note else (),
        stems=names,
        track=replace(track, title=without),
        part=replace(part, title=alone),
        lead_in=lead_in,
        grid=grid,
        key=key,
        speed=speed,
    )


def _alone(stems: Stems, names: Sequence[str]) -> Audio:
    """These stems added up."""
    if len(names) == 1:
        return stems[names[0]]
    return added([(stems[name], 1.0) for name in names], title=" and ".join(names))


def _with_clicks(
    track: Audio, part: Audio, grid: BeatGrid, *, count_in: bool, click: bool
) -> tuple[Audio, Audio, BeatGrid, float]:
    """Both sounds, later by the lead-in; the clicks in the first; the beats there; and the lead-in in seconds."""
    sr, first = track.sr, grid.times[0]
    before = grid.beats_per_bar + grid.first - 1 if count_in else 0  # a bar, and what a pick-up bar lacks
    counted = grid.seconds_at(np.arange(-before, 0))
    lead = round(max(0.0, -float(counted[0])) * sr) if before else 0
    times = (*counted, *(grid.times if click else ()))
    position = 1 if count_in else grid.first
    if len(times) < 2:  # a grid has two beats at least: there is no metre of one beat with a count-in of less
        times, position = (*times, first), 1
    clicks = click_track(BeatGrid(tuple(t + lead / sr for t in times), position, grid.metre), track.frames + lead, sr)
    heard = np.pad(track.samples, ((0, 0), (lead, 0))) + clicks.gained(CLICK_DB).samples
    shifted = BeatGrid(tuple(t + lead / sr for t in grid.times), grid.first, grid.metre)
    alone = Audio(np.pad(part.samples, ((0, 0), (lead, 0))), sr)
    return Audio(heard, sr), alone, shifted, lead / sr
