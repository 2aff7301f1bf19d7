"""What a mixer plays, as sounds: its mix or each stem, at its speed and in its key, with click and count-in.

The page plays through Signalsmith Stretch, and so does this: the page stretches what its faders let through while it
plays, this stretches it whole, at the stems' own rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from musiclab.audio import Audio
from musiclab.progress import Watch
from musiclab.recipes.click import clicks
from musiclab.recipes.practice import Course, Practice, heard_ticks
from musiclab.recipes.result import Result
from musiclab.recipes.stretching import retuned
from musiclab.widgets.shared.limiter import limit

FADE = 0.005  # s, as in the page: at the ends of what is cut out of the song


@dataclass(frozen=True, eq=False, kw_only=True)
class Performance(Result):
    """What `Mixer.perform` made: it plays in a notebook, ``save("out", format="mp3")`` writes it.

    Attributes
    ----------
    made : Mapping[str, Audio]
        By name: what is heard, or each stem (and the click).
    courses : tuple of Course
        The rounds, one after the other.
    """

    made: Mapping[str, Audio]
    courses: tuple[Course, ...]

    @property
    def sounds(self) -> Mapping[str, Audio]:
        return self.made

    @property
    def facts(self) -> dict[str, Any]:
        return {"rounds": len(self.courses), "speeds": [course.speed for course in self.courses]}


def perform(
    sounds: Mapping[str, Audio],
    practice: Practice,
    courses: Sequence[Course],
    watch: Watch,
    *,
    key: float,
    click_db: float,
    with_click: bool,
) -> dict[str, Audio]:
    """Sounds of one length and rate along courses.

    Parameters
    ----------
    sounds : Mapping[str, Audio]
        By name; each is stretched by itself.
    practice : Practice
        What clicks.
    courses : sequence of Course
        What follows what.
    watch : Watch
        Who is told, and who may stop it.
    key : float
        Semitones.
    click_db : float
        Level of the clicks in dB.
    with_click : bool
        Whether they sound in each of the sounds (which then are limited); else they are a sound of their own.
    """
    sr, names = next(iter(sounds.values())).sr, list(sounds)
    frames = round(sum(course.duration for course in courses) * sr)
    ticks = heard_ticks(list(courses), practice.ticks())
    track = clicks([time for time, _ in ticks], [kind for _, kind in ticks], frames, sr).gained(click_db)
    made = {}
    for number, name in enumerate(names):
        part = watch.part(number / len(names), (number + 1) / len(names))
        laid = _laid(sounds[name], courses, frames, part, key=key)
        if with_click:
            laid, _ = limit(laid + track.samples, sr)
        made[name] = Audio(laid, sr, title=name)
    if ticks and not with_click:
        made["click"] = track
    return made


def _laid(sound: Audio, courses: Sequence[Course], frames: int, watch: Watch, *, key: float) -> np.ndarray:
    """One sound along the courses [shape=(channels, frames)]; a speed that comes again is stretched once."""
    out = np.zeros((sound.channels, frames), dtype=np.float32)
    stretched: dict[float, np.ndarray] = {}
    begin = 0.0
    for number, course in enumerate(courses):
        part = watch.part(number / len(courses), (number + 1) / len(courses))
        part(0.0, f"rendering {sound.title}" if len(courses) == 1 else f"rendering round {number + 1}")
        if course.speed not in stretched:
            passage = sound.samples[:, round(course.start * sound.sr) : round(course.end * sound.sr)]
            cut = Audio(passage, sound.sr, title=sound.title)
            stretched[course.speed] = retuned(cut, part, key=key, speed=course.speed, cache=False).samples
        first = round((begin + course.lead) * sound.sr)
        begin += course.duration
        piece = stretched[course.speed][:, : round(begin * sound.sr) - first]
        ends_inside = course.end * sound.sr < sound.frames - 1
        out[:, first : first + piece.shape[1]] += _faded(
            piece,
            round(FADE * sound.sr),
            head=course.start > 0 and not course.follows,
            tail=ends_inside and not course.is_followed,
        )
    return out


def _faded(piece: np.ndarray, frames: int, *, head: bool, tail: bool) -> np.ndarray:
    piece = piece.copy()
    ramp = np.linspace(0, 1, min(frames, piece.shape[1]), endpoint=False, dtype=np.float32)
    if head:
        piece[:, : len(ramp)] *= ramp
    if tail and len(ramp):
        piece[:, -len(ramp) :] *= ramp[::-1]
    return piece
