"""Passages of a song: which one, whether all fits together, and how a changed one goes back without a click."""

from __future__ import annotations

import numpy as np

from musiclab.audio import Audio, ramp
from musiclab.errors import AudioError
from musiclab.stems import Stems

LONGEST = 60.0  # s of a passage: its masks take some 9 MB a second
SEAM = 0.01  # s in which a passage fades into the song around it


def check(song: Audio, stems: Stems, truth: Stems | None) -> None:
    for what, other in (("stems", stems.mixture), ("truth", truth.mixture if truth is not None else stems.mixture)):
        if other.sr != song.sr or other.samples.shape != song.samples.shape:
            raise AudioError(f"The {what} and the song differ in rate, channels or length: these are two songs.")


def passage(song: Audio, start: float, stop: float | None) -> tuple[int, int]:
    """First and last frame of the passage."""
    stop = min(start + LONGEST, song.duration) if stop is None else stop
    if not (0 <= start < stop <= song.duration + 1e-6 and stop - start <= LONGEST + 1e-6):
        raise AudioError(
            f"A passage lies within the song (0 to {song.duration:.1f} s) and is at most {LONGEST:.0f} s long, "
            f"not {start:g} to {stop:g} s."
        )
    return round(start * song.sr), min(round(stop * song.sr), song.frames)


def label(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def put_back(given: Audio, now: np.ndarray, start: int) -> Audio:
    """The whole sound with the passage from frame `start` on replaced by `now`, faded in and out at its seams."""
    stop = start + now.shape[1]
    samples = given.samples.copy()
    samples[:, start:stop] = now
    seam = round(SEAM * given.sr)
    rise = ramp(seam)
    if start > 0:
        first = np.s_[:, start : start + seam]
        samples[first] = given.samples[first] + rise * (samples[first] - given.samples[first])
    if stop < given.frames:
        last = np.s_[:, stop - seam : stop]
        samples[last] = given.samples[last] + rise[::-1] * (samples[last] - given.samples[last])
    return Audio(samples, given.sr, title=given.title)
