"""The transform under `musiclab.spectral`: by torch where it is installed, else by SciPy, to the same figures.

torch is the faster of the two, and is there for the networks anyway; where songs are only looked at and listened to
(a light install, a page without a kernel) nothing else needs it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec

import numpy as np


@cache
def has_torch() -> bool:
    """Whether torch is installed."""
    try:
        return find_spec("torch") is not None
    except (ImportError, ValueError):
        return False


@lru_cache(maxsize=16)
def window_samples(window: str, n_fft: int) -> np.ndarray:
    """The (periodic) window [shape=(n_fft,)], float32; any name that `scipy.signal.get_window` knows.

    Raises
    ------
    ValueError
        If there is no such window.
    """
    if window == "hann" and has_torch():  # torch's own, to the last bit: what is in stores was made with it
        import torch

        return torch.hann_window(n_fft).numpy()
    from scipy.signal import get_window

    w: np.ndarray = get_window(window, n_fft, fftbins=True).astype(np.float32)
    return w


def pieces(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """Pieces of `size` samples, one every `step`, as a read-only view [shape=(..., pieces, size)].

    NumPy's sliding windows begin at every sample first, and that view has more bytes than a 32-bit Python (a browser's)
    lets an array have.
    """
    count = max(0, (x.shape[-1] - size) // step + 1)
    shape, strides = (*x.shape[:-1], count, size), (*x.strides[:-1], step * x.strides[-1], x.strides[-1])
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def transform(padded: np.ndarray, w: np.ndarray, *, hop_length: int) -> np.ndarray:
    """STFT of padded sound: column ``t`` begins at sample ``t * hop_length``.

    Parameters
    ----------
    padded : np.ndarray [shape=(rows, frames >= n_fft)], float32
        Sound.
    w : np.ndarray [shape=(n_fft,)]
        What every piece is multiplied by.
    hop_length : int
        In samples.

    Returns
    -------
    np.ndarray [shape=(rows, n_fft // 2 + 1, columns)], complex64
    """
    w = np.asarray(w, dtype=np.float32)
    if has_torch():
        import torch

        x = torch.from_numpy(np.ascontiguousarray(padded))
        window = torch.from_numpy(w.copy())
        return torch.stft(x, len(w), hop_length, window=window, center=False, return_complex=True).numpy()
    from scipy.fft import rfft

    D: np.ndarray = rfft(pieces(padded, len(w), hop_length) * w, axis=-1)
    return np.ascontiguousarray(D.swapaxes(-1, -2), dtype=np.complex64)


def overlap_add(D: np.ndarray, w: np.ndarray, *, hop_length: int, length: int) -> np.ndarray:
    """The inverse, of columns that are centred on multiples of `hop_length`: weighted overlap-add.

    Parameters
    ----------
    D : np.ndarray [shape=(rows, bins, columns)], complex64
        Columns.
    w : np.ndarray [shape=(n_fft,)]
        The window of both ways.
    hop_length, length : int
        In samples.

    Returns
    -------
    np.ndarray [shape=(rows, length)], float32
    """
    n_fft = len(w)
    if has_torch():
        import torch

        flat, window = torch.from_numpy(np.ascontiguousarray(D)), torch.from_numpy(np.array(w))
        return torch.istft(flat, n_fft, hop_length, window=window, center=True, length=length).numpy()
    from scipy.fft import irfft

    rows, _, columns = D.shape
    total = np.zeros((rows, n_fft + (columns - 1) * hop_length), dtype=np.float32)
    weight = np.zeros(total.shape[-1], dtype=np.float32)
    for column in range(columns):  # one at a time: all together would take n_fft / hop_length times the memory
        at = slice(column * hop_length, column * hop_length + n_fft)
        total[:, at] += irfft(D[:, :, column], n=n_fft, axis=-1) * w
        weight[at] += w * w
    kept = slice(n_fft // 2, n_fft // 2 + length)
    found = np.zeros((rows, length), dtype=np.float32)
    piece = total[:, kept] / np.maximum(weight[kept], 1e-11)
    found[:, : piece.shape[-1]] = piece
    return found
