"""What the spectrum itself says about each key: whether it has partials that belong to no key an octave above.

A posteriorgram often misses the lower of two notes an octave apart, and hears octaves where there are none: all
harmonics of the upper note are the even ones of the lower. The odd ones tell: where the spectrum stands out at 1, 3, 5
and 7 times the lower fundamental, the lower note sounds.

Notebook: 10
"""

from __future__ import annotations

import numpy as np

N_FFT = 4096  # at 22050 Hz: 186 ms, 5.4 Hz a bin, enough to tell the partials of A0 (27.5 Hz) apart
STEP = 2  # posteriorgram frames from one spectrum to the next
ODD, EVEN = (1, 3, 5, 7), (2, 4, 6, 8)
MOST_DB = 30.0  # how far a partial can stand out


def odd_and_even(samples: np.ndarray, sr: int, hop: int, frames: int, lowest: int, keys: int) -> np.ndarray:
    """How far each key's odd and even partials stand out of what is between them [shape=(frames, keys, 2)], 0–1.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        Mono.
    sr, hop : int
        Sample rate in Hz, samples from one frame to the next.
    frames : int
        How many; frame k is centred on sample k · hop.
    lowest, keys : int
        MIDI pitch of the first key, and how many.
    """
    padded = np.pad(np.asarray(samples, dtype=np.float32), (N_FFT // 2, N_FFT))
    views = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[:: STEP * hop][: -(-frames // STEP)]
    window = np.hanning(N_FFT).astype(np.float32)
    f0 = 440 * 2 ** ((np.arange(lowest, lowest + keys) - 69) / 12)
    out = np.empty((len(views), keys, 2), dtype=np.float32)
    for at in range(0, len(views), 256):  # in pieces, to stay small in memory
        S = np.abs(np.fft.rfft(views[at : at + 256] * window, axis=1)).astype(np.float32)
        S_db = 20 * np.log10(S + 1e-3 * S.max(initial=0.0) + 1e-9)
        peaks = np.maximum(S_db, np.maximum(np.roll(S_db, 1, axis=1), np.roll(S_db, -1, axis=1)))
        for i, partials in enumerate((ODD, EVEN)):
            out[at : at + 256, :, i] = _standing_out(peaks, S_db, np.outer(f0, partials) * N_FFT / sr, f0 * N_FFT / sr)
    return np.repeat(out, STEP, axis=0)[:frames]


def _standing_out(peaks: np.ndarray, S_db: np.ndarray, bins: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Mean over a key's partials of their level over the middle between neighbouring partials, 0–1.

    `bins` [shape=(keys, partials)], `spacing` [shape=(keys,)] in bins; returns [shape=(frames, keys)].
    """
    top = S_db.shape[1] - 1
    inside = bins < top - 1
    here = peaks[:, np.rint(np.minimum(bins, top)).astype(int)]
    half = spacing[:, np.newaxis] / 2
    below = S_db[:, np.rint(np.clip(bins - half, 0, top)).astype(int)]
    above = S_db[:, np.rint(np.clip(bins + half, 0, top)).astype(int)]
    out = np.clip(here - np.maximum(below, above), 0, MOST_DB) * inside
    return np.asarray(out.sum(axis=2) / np.maximum(inside.sum(axis=1), 1) / MOST_DB, dtype=np.float32)
