"""Spectrograms and masks as bytes for the page, and as a still picture: rows on a logarithmic axis."""

from __future__ import annotations

import io

import numpy as np

from musiclab.palette import colour
from musiclab.plots.pictures import picture

ROWS = 400
LOWEST_HZ = 30.0
HIGHEST_HZ = 18_000.0
RANGE_DB = 90.0  # what the bytes of a picture span; the page shows as much of it as is wanted


class LogRows:
    """Rows of equal height in pitch, from 30 Hz up, over the bins of an STFT."""

    def __init__(self, sr: int, bins: int, rows: int = ROWS) -> None:
        self.sr, self.rows = sr, rows
        self.low, self.high = LOWEST_HZ, min(HIGHEST_HZ, 0.98 * sr / 2)
        edges = np.geomspace(self.low, self.high, rows + 1) * 2 * (bins - 1) / sr
        centres = (edges[:-1] + edges[1:]) / 2
        at = np.arange(bins)[None]
        # a row wider than a bin is the mean of what lies in it, a narrower one lies between two bins
        half = np.maximum(np.diff(edges) / 2, 0.5)[:, None] + 0.5
        weights = np.clip(half - np.abs(at - centres[:, None]), 0, 1)
        self.weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

    def level(self, S: np.ndarray) -> np.ndarray:
        """Level as bytes [shape=(rows, columns)], lowest row first: 255 is the loudest cell, 0 is 90 dB below it."""
        drawn = picture(S, sr=self.sr, rows=self.rows, columns=S.shape[1], scale="log", fmin=self.low, fmax=self.high)
        drawn = drawn[:, : S.shape[1]]
        top = max(float(drawn.max(initial=0)), 1e-9)
        decibels = 20 * np.log10(np.maximum(drawn / top, 10 ** (-RANGE_DB / 20)))
        return np.asarray(np.round(255 * (1 + decibels / RANGE_DB)).astype(np.uint8))

    def mask(self, M: np.ndarray, power: np.ndarray) -> np.ndarray:
        """A mask as bytes [shape=(rows, columns)]: where several cells share a pixel, each counts by its power.

        Parameters
        ----------
        M : np.ndarray [shape=(channels, bins, columns)]
            The mask.
        power : np.ndarray [same shape]
            Of the mixture.
        """
        total = power.sum(axis=0) + 1e-12
        shown = (self.weights @ ((M * power).sum(axis=0) + 1e-12 * M.mean(axis=0))) / (self.weights @ total)
        pixels: np.ndarray = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
        return pixels


def still(level: np.ndarray, mask: np.ndarray, stem: str, *, range_db: float = 70.0) -> bytes:
    """A PNG of a spectrogram with a mask in the stem's colour, as the page draws it on white."""
    from PIL import Image, ImageColor

    strength = np.clip(1 - (1 - level[::-1] / 255) * RANGE_DB / range_db, 0, 1)[..., None] ** 1.2
    share = mask[::-1, :, None] / 255
    ink = share * np.array(ImageColor.getrgb(colour(stem)), dtype=float) + (1 - share) * np.array([140.0, 144, 150])
    image = Image.fromarray(np.round(255 + (ink - 255) * strength).astype(np.uint8)).resize((1440, 480))
    buffer = io.BytesIO()
    image.quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
