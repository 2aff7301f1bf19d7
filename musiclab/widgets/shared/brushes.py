"""Brushes: from a gesture on a spectrogram, in seconds and Hz, to the cells that it covers and how fully.

Every brush has soft edges about a cell wide: a mask with hard edges rings.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab import spectral

Points = Sequence[tuple[float, float]]  # (seconds, Hz)

SNAP_CENTS = 60.0  # how far the harmonic brush looks for the pitch around where it was drawn


@dataclass(frozen=True)
class Grid:
    """The cells of an STFT: `bins` of ``sr / n_fft`` Hz, `columns` of ``hop_length / sr`` seconds."""

    sr: int
    bins: int
    columns: int
    n_fft: int = spectral.N_FFT
    hop_length: int = spectral.HOP_LENGTH

    def column(self, seconds: float) -> float:
        return seconds * self.sr / self.hop_length

    def bin(self, hz: float) -> float:
        return hz * self.n_fft / self.sr


@dataclass(frozen=True)
class Touch:
    """The cells that a brush covers: a box of them, and a weight from 0 to 1 for each [shape=(bins, columns)]."""

    bins: slice
    columns: slice
    weight: np.ndarray

    @property
    def empty(self) -> bool:
        return self.weight.size == 0 or not self.weight.any()


def rectangle(grid: Grid, t0: float, t1: float, f0: float, f1: float) -> Touch:
    """All cells from `t0` to `t1` seconds and from `f0` to `f1` Hz, at least one each way."""
    columns, across = _edge(grid.column(min(t0, t1)), grid.column(max(t0, t1)), grid.columns)
    bins, up = _edge(grid.bin(min(f0, f1)), grid.bin(max(f0, f1)), grid.bins)
    return Touch(bins, columns, np.outer(up, across).astype(np.float32))


def _edge(low: float, high: float, size: int) -> tuple[slice, np.ndarray]:
    """Cells whose centre lies in [low, high], and half of the next one on either side."""
    if high - low < 1:
        low = high = round((low + high) / 2)
    first, last = max(int(np.ceil(low)) - 1, 0), min(int(np.floor(high)) + 2, size)
    at = np.arange(first, max(last, first))
    return slice(first, max(last, first)), np.clip(1 - np.maximum(low - at, at - high), 0.0, 1.0)


def stroke(grid: Grid, points: Points, *, seconds: float = 0.06, semitones: float = 2.0) -> Touch:
    """A round brush (on a logarithmic axis) drawn along `points`; `seconds` and `semitones` are its radii."""
    path = _dense(points, seconds / 2, semitones / 24)
    half = seconds + 1.5 * grid.hop_length / grid.sr
    ratio = 2 ** (semitones / 12)
    spare = 1.5 * grid.sr / grid.n_fft
    bins = _span(grid.bin(path[:, 1].min() / ratio - spare), grid.bin(path[:, 1].max() * ratio + spare), grid.bins)
    columns = _span(grid.column(path[:, 0].min() - half), grid.column(path[:, 0].max() + half), grid.columns)
    times = np.arange(columns.start, columns.stop) * grid.hop_length / grid.sr
    hz = np.arange(bins.start, bins.stop) * grid.sr / grid.n_fft
    weight = np.zeros((len(hz), len(times)), dtype=np.float32)
    for t, f in path:
        near = np.abs(times - t) <= half
        # the brush is never smaller than a cell and a half: between two bins it still paints
        tall = max(f * (ratio - 1 / ratio) / 2, spare)
        apart = np.hypot((times[near] - t)[None] / half, ((hz - f) / tall)[:, None])
        weight[:, near] = np.maximum(weight[:, near], np.clip(3 * (1 - apart), 0, 1))
    return Touch(bins, columns, weight)


def harmonics(grid: Grid, points: Points, *, overtones: int = 16, cents: float = 50.0) -> Touch:
    """A note with its overtones: stripes along every multiple of the fundamental that `points` draw.

    Each stripe is `cents` wide either way, and never narrower than the main lobe of a Hann window (two bins either
    way), so that a low note is caught as a whole.
    """
    times, f0 = _along(grid, points)
    columns = slice(int(times[0]), int(times[-1]) + 1)  # plain numbers: they go to the page
    top = min(float(f0.max()) * overtones * 1.05, grid.sr / 2)
    bins = slice(0, min(int(grid.bin(top)) + 4, grid.bins))
    at = np.arange(bins.stop, dtype=np.float32)[:, None]
    centre = (f0 * grid.n_fft / grid.sr).astype(np.float32)[None]
    weight = np.zeros((bins.stop, len(times)), dtype=np.float32)
    for k in range(1, overtones + 1):
        half = np.maximum(k * centre * (2 ** (cents / 1200) - 1), 2.0)
        np.maximum(weight, np.clip(half + 0.5 - np.abs(at - k * centre), 0, 1), out=weight)
    return Touch(bins, columns, weight)


def snapped(S: np.ndarray, grid: Grid, points: Points, *, overtones: int = 8) -> list[tuple[float, float]]:
    """`points` moved to the pitch that sounds there: where the sum over the overtones is largest, column by column.

    Parameters
    ----------
    S : np.ndarray [shape=(bins, columns)], >= 0
        Magnitude.
    points : sequence of (seconds, Hz)
        Where the fundamental was drawn; the pitch is sought within 60 cents of it.
    grid : Grid
        Of `S`.
    overtones : int
        How many partials are summed.

    References
    ----------
    D. J. Hermes, "Measurement of pitch by subharmonic summation", J. Acoust. Soc. Am. 83(1), 1988.
    doi:10.1121/1.396427
    """
    times, f0 = _along(grid, points)
    shifts = 2 ** (np.linspace(-SNAP_CENTS, SNAP_CENTS, 41) / 1200)
    score = np.zeros((len(shifts), len(times)))
    for k in range(1, overtones + 1):
        where = np.outer(shifts, f0) * k * grid.n_fft / grid.sr
        below = np.minimum(where.astype(int), grid.bins - 2)
        part = np.clip(where - below, 0, 1)
        level = (1 - part) * S[below, times] + part * S[below + 1, times]
        score += 0.84 ** (k - 1) * np.where(where < grid.bins - 1, level, 0)
    # neighbouring columns agree: a pitch does not jump within a note
    kernel = np.ones(min(5, len(times)))
    smooth = np.stack([np.convolve(row, kernel, mode="same") for row in score])[:, : len(times)]
    best = f0 * shifts[smooth.argmax(axis=0)]
    return [(float(t * grid.hop_length / grid.sr), float(f)) for t, f in zip(times, best, strict=True)]


def _along(grid: Grid, points: Points) -> tuple[np.ndarray, np.ndarray]:
    """The columns that `points` pass, and the frequency at each (a straight line on a logarithmic axis)."""
    path = np.array(sorted(points), dtype=np.float64).reshape(-1, 2)
    ends = _span(grid.column(path[0, 0]), grid.column(path[-1, 0]) + 1, grid.columns)
    times = np.arange(ends.start, ends.stop)
    logs = np.log(np.maximum(path[:, 1], 1.0))
    return times, np.exp(np.interp(times, path[:, 0] * grid.sr / grid.hop_length, logs))


def _span(low: float, high: float, size: int) -> slice:
    """Whole cells from low to high within the grid, at least one."""
    first = int(np.clip(np.floor(low), 0, size - 1))
    return slice(first, int(np.clip(np.ceil(high), first + 1, size)))


def _dense(points: Points, seconds: float, octaves: float) -> np.ndarray:
    """Points no further apart than this, along straight lines (on a logarithmic axis)."""
    path = np.array(points, dtype=np.float64).reshape(-1, 2)
    path[:, 1] = np.log2(np.maximum(path[:, 1], 1.0))
    dense = [path[:1]]
    for a, b in itertools.pairwise(path):
        steps = max(1, int(np.ceil(max(abs(b[0] - a[0]) / seconds, abs(b[1] - a[1]) / octaves))))
        dense.append(a + (b - a) * (np.arange(1, steps + 1) / steps)[:, None])
    out = np.concatenate(dense)
    out[:, 1] = np.exp2(out[:, 1])
    return out
