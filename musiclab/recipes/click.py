"""A click on every beat."""

from __future__ import annotations

import numpy as np

from musiclab.audio import Audio
from musiclab.grid import BeatGrid

DOWNBEAT_HZ, BEAT_HZ = 1500.0, 1000.0
LEVEL = 0.5  # −6 dBFS on downbeats; the other beats are 4 dB softer
LENGTH, DECAY = 0.04, 0.008  # s


def click_track(grid: BeatGrid, frames: int, sr: int) -> Audio:
    """A click on every beat of the grid, higher and louder on downbeats.

    Parameters
    ----------
    grid : BeatGrid
        The beats, in seconds; those outside are left out.
    frames : int
        Length of the track.
    sr : int
        Sample rate in Hz.

    Returns
    -------
    Audio
        Mono; each click begins on the frame nearest to its beat.
    """
    samples = np.zeros(frames, dtype=np.float32)
    t = np.arange(round(LENGTH * sr)) / sr
    fall = np.exp(-t / DECAY)
    strong, weak = (
        (gain * fall * np.sin(2 * np.pi * hz * t)).astype(np.float32)
        for gain, hz in ((LEVEL, DOWNBEAT_HZ), (0.63 * LEVEL, BEAT_HZ))
    )
    for time, position in zip(grid.times, grid.positions, strict=True):
        start = round(time * sr)
        if 0 <= start < frames:
            wave = (strong if position == 1 else weak)[: frames - start]
            samples[start : start + len(wave)] += wave
    return Audio(samples, sr, title="click")
