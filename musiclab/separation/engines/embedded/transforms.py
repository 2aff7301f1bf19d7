"""The STFT on a processor, by scipy's FFT: it is fast on every make.

torch's FFT on a processor is Intel's. On an AMD EPYC it takes a third longer than scipy's with AVX2, and seven times as
long with AVX-512. On a graphics card torch's own is used: see `network.spectrogram`.

Notebook: 04
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
import torch
from torch import Tensor

LEAST = 1e-8  # of the windows' sum: nothing is divided by less


@lru_cache
def hann(n_fft: int) -> np.ndarray:
    """The periodic Hann window [shape=(n_fft,)], float32."""
    window: np.ndarray = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    window.flags.writeable = False
    return window


def stft(samples: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """STFT, centred, both ends mirrored: what `torch.stft` gives.

    Parameters
    ----------
    samples : torch.Tensor [shape=(..., frames)], float32, on the processor
        More than ``n_fft // 2`` frames.
    n_fft, hop_length : int
        In frames.

    Returns
    -------
    torch.Tensor [shape=(..., n_fft // 2 + 1, columns)], complex64
        In memory, the bins of one column lie side by side.
    """
    x = samples.detach().numpy()
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)], mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[..., ::hop_length, :]
    D = np.empty((*frames.shape[:-1], n_fft // 2 + 1), dtype=np.complex64)
    for index in np.ndindex(x.shape[:-1]):  # one channel at a time stays in the processor's cache
        D[index] = scipy.fft.rfft(frames[index] * hann(n_fft), overwrite_x=True)
    return torch.from_numpy(D).mT


def istft(D: Tensor, hop_length: int, *, length: int) -> Tensor:
    """Samples of an STFT: what `torch.istft` gives.

    Parameters
    ----------
    D : torch.Tensor [shape=(..., bins, columns)], complex64, on the processor
        Fastest where the bins of one column lie side by side in memory.
    hop_length : int
        In frames; the window's length is a multiple of it.
    length : int
        Of the samples, in frames.

    Returns
    -------
    torch.Tensor [shape=(..., length)], float32
    """
    rows = D.detach().mT.numpy()
    n_fft, columns = 2 * (rows.shape[-1] - 1), rows.shape[-2]
    weight = _overlapped(np.broadcast_to(np.square(hann(n_fft)), (columns, n_fft)), hop_length)
    out = np.zeros((*rows.shape[:-2], length), dtype=np.float32)
    for index in np.ndindex(rows.shape[:-2]):
        pieces = scipy.fft.irfft(rows[index], n_fft, overwrite_x=False)
        pieces *= hann(n_fft)
        sound = _overlapped(pieces, hop_length)
        sound /= np.maximum(weight, LEAST)
        found = sound[n_fft // 2 : n_fft // 2 + length]
        out[index][: len(found)] = found
    return torch.from_numpy(out)


def _overlapped(pieces: np.ndarray, hop_length: int) -> np.ndarray:
    """Pieces ``(columns, n_fft)``, each `hop_length` after the one before, added up ``(frames,)``."""
    columns, n_fft = pieces.shape
    shifts = n_fft // hop_length
    out = np.zeros((columns + shifts - 1, hop_length), dtype=np.float32)
    for shift in range(shifts):
        out[shift : shift + columns] += pieces[:, shift * hop_length : (shift + 1) * hop_length]
    return out.reshape(-1)
