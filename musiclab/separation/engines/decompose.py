"""Classical ways to take a spectrogram apart, as functions on arrays: medians, repetition, factorisation, place.

Conventions: `S` is a magnitude ``(..., bins, columns)``, `D` a complex STFT, masks are float32 in [0, 1]. Lengths in
bins and columns are for the default STFT at 44.1 kHz: 10.8 Hz from bin to bin, 23 ms from column to column.

Notebook: 05
"""

from __future__ import annotations

import numpy as np

from musiclab import masks
from musiclab.packages import need

MONO_SIDE = 1e-3  # a side signal 60 dB under the mid: the place of a sound tells nothing
TINY = 1e-12


def _median(S: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Running median of odd `size` along one axis, the ends mirrored (as the spectrum of a real sound is, at 0 Hz).

    All rows are laid out in one long row, as scipy's one-dimensional filter is 12 times as fast as its others.
    """
    from scipy.ndimage import median_filter

    rows = np.moveaxis(S, axis, -1)
    half = size // 2
    padded = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(half, half)], mode="reflect")
    filtered = median_filter(padded.ravel(), size=size).reshape(padded.shape)[..., half : half + rows.shape[-1]]
    return np.moveaxis(filtered, -1, axis)


def hpss_masks(S: np.ndarray, *, columns: int = 17, bins: int = 31, exponent: float = 2.0) -> np.ndarray:
    """Harmonic and percussive masks, by medians along time and along frequency.

    Parameters
    ----------
    S : np.ndarray [shape=(..., bins, columns)], >= 0
        Magnitude.
    columns : int, odd
        Length of the median along time: 17 columns of 23 ms let a vibrato still count as harmonic.
    bins : int, odd
        Length of the median along frequency: 31 bins of 10.8 Hz.
    exponent : float > 0
        Hardness of the masks; 2 is the Wiener filter.

    Returns
    -------
    np.ndarray [shape=(2, ..., bins, columns)], float32
        Harmonic, percussive; they sum to one.

    References
    ----------
    D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010.

    Notebook: 05
    """
    S = np.asarray(S, dtype=np.float32)
    return masks.ideal_ratio(np.stack([_median(S, columns, -1), _median(S, bins, -2)]), exponent=exponent)


def is_mono(D: np.ndarray) -> bool:
    """Whether left and right [shape=(2, bins, columns)] are the same: then the place of a sound tells nothing.

    Notebook: 05
    """
    mid, side = (float(np.square(np.abs(x)).sum(dtype=np.float64)) for x in (D[0] + D[1], D[0] - D[1]))
    return side <= MONO_SIDE**2 * mid


def centre_mask(D: np.ndarray, *, exponent: float = 3.0, mono: bool | None = None) -> np.ndarray:
    """How much each cell of a stereo mixture lies in the middle.

    1 where left and right are equal, 0 where they have no power in common, smoothed over some cells.

    Parameters
    ----------
    D : np.ndarray [shape=(2, bins, columns)], complex
        STFT of left and right.
    exponent : float > 0
        The higher, the narrower the middle.
    mono : bool
        Whether the whole mixture is, for a piece of one; found out from `D` if left out.

    Returns
    -------
    np.ndarray [shape=(bins, columns)], float32 in [0, 1]
        0.5 everywhere for a mono mixture, where the place tells nothing.

    References
    ----------
    C. Avendano, J.-M. Jot, "A frequency-domain approach to multichannel upmix", JAES 52(7/8), 2004.

    Notebook: 05
    """
    from scipy.ndimage import uniform_filter

    if is_mono(D) if mono is None else mono:
        return np.full(D.shape[1:], 0.5, dtype=np.float32)
    mid, side = np.square(np.abs(D[0] + D[1])), np.square(np.abs(D[0] - D[1]))
    level = np.maximum(mid + side, TINY)
    likeness: np.ndarray = uniform_filter(np.maximum(mid - side, 0) / level, (3, 5))
    return np.asarray(np.clip(likeness, 0, 1).astype(np.float32) ** np.float32(exponent))


def repeating(S: np.ndarray, *, similar: int = 40, apart: int = 43) -> np.ndarray:
    """The part of a spectrogram that comes again: each column's median over the columns most like it.

    Parameters
    ----------
    S : np.ndarray [shape=(bins, columns)], >= 0
        Magnitude.
    similar : int
        How many columns to take the median of.
    apart : int
        A column's near neighbours don't count as repetitions of it: 43 columns are one second.

    Returns
    -------
    np.ndarray [same shape], float32
        Never above `S`.

    References
    ----------
    Z. Rafii, B. Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012.

    Notebook: 05
    """
    need("torch", "REPET-SIM")
    import torch

    magnitude = torch.from_numpy(np.ascontiguousarray(S, dtype=np.float32)).T  # (columns, bins): columns are gathered
    columns = len(magnitude)
    directions = torch.nn.functional.normalize(magnitude, dim=1)
    likeness = directions @ directions.T
    times = torch.arange(columns)
    distance = (times[:, None] - times[None]).abs()
    likeness[(distance < apart) & (distance > 0)] = -1.0  # itself counts, its neighbours don't
    found = likeness.topk(min(similar, columns), dim=1)
    out = torch.empty_like(magnitude)
    for column in range(columns):
        rows = found.indices[column][found.values[column] >= 0]
        out[column] = magnitude[rows].median(dim=0).values
    return torch.minimum(out, magnitude).T.contiguous().numpy()


def nmf(V: np.ndarray, components: int, *, iterations: int = 100, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative matrix factorisation, ``V ≈ W H``, by multiplicative updates for the Kullback-Leibler divergence.

    Parameters
    ----------
    V : np.ndarray [shape=(rows, columns)], >= 0
        Magnitude spectrogram.
    components : int > 0
        How many spectra to learn.
    iterations : int
        The divergence never rises from one to the next.
    seed : int
        Of the random start: the same seed, the same result.

    Returns
    -------
    W : np.ndarray [shape=(rows, components)], float32
        Spectra; each sums to one.
    H : np.ndarray [shape=(components, columns)], float32
        When each sounds, and how loudly.

    References
    ----------
    D. D. Lee, H. S. Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.

    P. Smaragdis, J. C. Brown, "Non-negative matrix factorization for polyphonic music transcription", WASPAA 2003.
    doi:10.1109/ASPAA.2003.1285860

    Notebook: 05
    """
    need("torch", "NMF")
    import torch

    target = torch.from_numpy(np.ascontiguousarray(V, dtype=np.float32))
    generator = torch.Generator().manual_seed(seed)
    level = float(target.mean())
    W = torch.rand(len(target), components, generator=generator) + 0.1
    W /= W.sum(dim=0)
    H = (torch.rand(components, target.shape[1], generator=generator) + 0.1) * level * len(target) / components
    for _ in range(iterations):
        H *= W.T @ (target / (W @ H + TINY))  # the divisor of Lee and Seung, the sum of a spectrum, is one
        W *= (target / (W @ H + TINY)) @ H.T / (H.sum(dim=1) + TINY)
        size = W.sum(dim=0)
        W /= size + TINY
        H *= size[:, None]
    return W.numpy(), H.numpy()
