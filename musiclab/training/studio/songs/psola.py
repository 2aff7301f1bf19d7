"""Sing a plan by moving windowed periods of the recording itself (TD-PSOLA).

It keeps what a vocoder smooths over, and leaves other traces: a network must not learn either as "the voice".
E. Moulines, F. Charpentier, "Pitch-synchronous waveform processing techniques for text-to-speech synthesis using
diphones", Speech Communication 9, 1990, doi:10.1016/0167-6393(90)90021-Z.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from musiclab.training.studio.songs.clips import HOP, Clip
from musiclab.training.studio.songs.library import SR, Wave
from musiclab.training.studio.songs.vocoder import SingingPlan, gained

_UNVOICED = 160  # frames from grain to grain where there is no pitch: 3.6 ms


def psola(plan: SingingPlan, size: float = 1.0) -> Wave:
    """Sing a plan by moving periods of the recording; gives `(frames,)` at 44.1 kHz.

    `size` resamples each period, which moves the formants.
    """
    out = np.zeros(int(len(plan.source) * HOP) + SR // 10, dtype=np.float32)
    voiced = plan.voiced()
    marks = [_marks(clip) for clip in plan.clips]
    at = 0.0
    end = len(plan.source) * HOP - 1
    while at < end:
        frame = int(at / HOP)
        clip, mark = plan.clips[plan.which[frame]], marks[plan.which[frame]]
        place = plan.source[frame] * HOP
        if voiced[frame] and len(mark):
            place = mark[min(int(np.searchsorted(mark, place)), len(mark) - 1)]
            step = SR / plan.f0[frame]
            half = int(SR / max(float(clip.f0[min(int(place / HOP), len(clip.f0) - 1)]), 70.0))
        else:
            step, half = float(_UNVOICED), _UNVOICED
        _grain(out, clip.wave, int(place), int(at), half, size)
        at += max(step, 20.0)
    return gained(out, plan)


def _grain(out: Wave, wave: Wave, place: int, at: int, half: int, size: float) -> None:
    if place - half < 0 or place + half >= len(wave):
        return
    grain = wave[place - half : place + half] * _window(half)
    if abs(size - 1) > 0.01:
        grain = np.interp(np.arange(0, len(grain), size), np.arange(len(grain)), grain).astype(np.float32)
    start = at - len(grain) // 2
    if start >= 0 and start + len(grain) <= len(out):
        out[start : start + len(grain)] += grain


@cache
def _window(half: int) -> Wave:
    return np.hanning(2 * half).astype(np.float32)


def _marks(clip: Clip) -> NDArray[np.int64]:
    """One mark in each period, at its highest peak."""
    marks: list[int] = []
    at = 0.0
    while at < len(clip.wave) - 1:
        pitch = clip.f0[min(int(at / HOP), len(clip.f0) - 1)]
        if pitch <= 0:
            at += HOP
            continue
        period = SR / pitch
        start = max(0, int(at - 0.25 * period))
        stretch = clip.wave[start : int(at + 0.25 * period) + 1]
        if len(stretch):
            at = start + int(np.argmax(stretch))
        if not marks or at > marks[-1]:
            marks.append(int(at))
        at += period
    return np.array(marks, dtype=np.int64)
