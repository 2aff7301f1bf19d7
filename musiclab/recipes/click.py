"""Clicks: on every beat, and between beats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musiclab.audio import Audio
from musiclab.grid import BeatGrid

STRONG, BEAT, WEAK = 0, 1, 2  # on a bar's first beat, on other beats, between beats
SOUNDS = ((1500.0, 0.5), (1000.0, 0.315), (1000.0, 0.126))  # of each kind, in Hz and amplitude: −6, −10, −18 dBFS
LENGTH, DECAY = 0.04, 0.008  # s


def clicks(times: Sequence[float], kinds: Sequence[int], frames: int, sr: int) -> Audio:
    """A track of clicks.

    Parameters
    ----------
    times : sequence of float
        When, in seconds; those outside are left out.
    kinds : sequence of int
        `STRONG`, `BEAT` or `WEAK` for each.
    frames : int
        Length of the track.
    sr : int
        Sample rate in Hz.

    Returns
    -------
    Audio
        Mono; each click begins on the frame nearest to its time.
    """
    samples = np.zeros(frames, dtype=np.float32)
    t = np.arange(round(LENGTH * sr)) / sr
    fall = np.exp(-t / DECAY)
    waves = [(gain * fall * np.sin(2 * np.pi * hz * t)).astype(np.float32) for hz, gain in SOUNDS]
    for time, kind in zip(times, kinds, strict=True):
        start = round(time * sr)
        if 0 <= start < frames:
            wave = waves[kind][: frames - start]
            samples[start : start + len(wave)] += wave
    return Audio(samples, sr, title="click")


def click_track(grid: BeatGrid, frames: int, sr: int) -> Audio:
    """A click on every beat of the grid, higher and louder on downbeats; see `clicks`."""
    return clicks(grid.times, [STRONG if position == 1 else BEAT for position in grid.positions], frames, sr)
