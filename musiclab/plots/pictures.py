"""A whole song's spectrogram as the pixels that can be seen, on a linear, logarithmic or mel axis.

Notebook: 02
"""

from __future__ import annotations

import numpy as np

from musiclab.spectral import hz_to_mel, mel_to_hz

SCALES = ("linear", "log", "mel")
LOWEST_HZ = 30.0  # where a logarithmic picture begins: under the lowest string of a five-string bass


def to_scale(hz: np.ndarray | float, scale: str) -> np.ndarray:
    """Frequency in Hz as height on a picture's axis: ``linear``, ``log`` or ``mel``.

    Notebook: 02
    """
    if scale not in SCALES:
        raise ValueError(f"A frequency scale is one of {', '.join(SCALES)}, not {scale!r}.")
    if scale == "mel":
        return hz_to_mel(hz)
    return np.log2(np.maximum(hz, 1e-6)) if scale == "log" else np.asarray(hz, dtype=np.float64)


def from_scale(height: np.ndarray | float, scale: str) -> np.ndarray:
    """Inverse of `to_scale`.

    Notebook: 02
    """
    if scale == "mel":
        return mel_to_hz(height)
    return np.exp2(height) if scale == "log" else np.asarray(height, dtype=np.float64)


def picture(
    S: np.ndarray,
    *,
    sr: int,
    rows: int = 512,
    columns: int = 1200,
    scale: str = "log",
    fmin: float | None = None,
    fmax: float | None = None,
) -> np.ndarray:
    """A spectrogram as the rows and columns of a picture, so that a whole song is drawn in a moment.

    Where several cells fall on one pixel the largest is shown: no click and no partial gets lost, as it would in a
    picture that takes one cell of many. Where cells are larger than pixels they are interpolated (frequency) or kept
    (time).

    Parameters
    ----------
    S : np.ndarray [shape=(bins, columns)], >= 0
        Magnitude, or a mask.
    sr : int
        Sample rate in Hz.
    rows, columns : int
        Size of the picture; fewer columns if `S` has fewer.
    scale : {"linear", "log", "mel"}
        Of the frequency axis.
    fmin, fmax : float
        Its ends in Hz; from 0 (log: 30 Hz) to half the sample rate if left out.

    Returns
    -------
    np.ndarray [shape=(rows, <= columns)], float32
        Lowest frequency first.

    Notebook: 02
    """
    bins, width = S.shape
    low, high = frequency_range(sr, scale, fmin, fmax)
    if width > columns:
        S = np.maximum.reduceat(S, np.arange(columns) * width // columns, axis=1)
    edges = from_scale(np.linspace(to_scale(low, scale), to_scale(high, scale), rows + 1), scale)
    edges *= 2 * (bins - 1) / sr  # in bins
    centres = np.clip((edges[:-1] + edges[1:]) / 2, 0, bins - 1)
    below = np.minimum(centres.astype(int), max(bins - 2, 0))
    share = (centres - below).astype(np.float32)[:, None]
    out: np.ndarray = (1 - share) * S[below] + share * S[np.minimum(below + 1, bins - 1)]
    first, last = np.ceil(edges[:-1]).astype(int), np.minimum(np.ceil(edges[1:]).astype(int), bins)
    for row in np.flatnonzero(last > first):  # rows that hold bins
        np.maximum(out[row], S[first[row] : last[row]].max(axis=0), out=out[row])
    return out.astype(np.float32, copy=False)


def frequency_range(sr: int, scale: str, fmin: float | None = None, fmax: float | None = None) -> tuple[float, float]:
    """The ends of a picture's frequency axis in Hz, with the defaults of `picture`.

    Notebook: 02
    """
    low = (LOWEST_HZ if scale == "log" else 0.0) if fmin is None else fmin
    high = sr / 2 if fmax is None else fmax
    if not (low > 0 if scale == "log" else low >= 0) or high <= low:
        raise ValueError(f"A picture goes from a lower to a higher frequency, not from {low} to {high} Hz.")
    return low, high
