"""What the spectrum itself says: how far it stands out where a key's partials would be.

A posteriorgram often misses the lower of two notes an octave apart, and hears octaves where there are none: all
harmonics of the upper note are the even ones of the lower. The odd ones tell. On a logarithmic axis the partials of
every key lie at the same distances from it, so one picture serves all keys.

Notebook: 10
"""

from __future__ import annotations

import numpy as np

from musiclab.fourier import pieces
from musiclab.theory import midi_to_hz

N_FFT = 4096  # at 22050 Hz: 186 ms, 5.4 Hz a bin, enough to tell the partials of A0 (27.5 Hz) apart
STEP = 2  # posteriorgram columns from one spectrum to the next
BINS_PER_KEY = 3
BINS = 104 * BINS_PER_KEY  # from A0 up to 10.6 kHz
SURROUNDINGS = 24  # FFT bins to either side (130 Hz) whose mean level a partial stands out of
MOST_DB = 40.0  # how far it can


def standing_out(samples: np.ndarray, sr: int, hop: int, columns: int, lowest: int) -> np.ndarray:
    """How far the spectrum stands out of its surroundings [shape=(ceil(columns / 2), 312)] float16, 0–1.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        Mono.
    sr, hop : int
        Sample rate in Hz, samples from one column to the next.
    columns : int
        How many; spectrum k is centred on sample 2 · k · hop.
    lowest : int
        MIDI pitch of the first key; the bins 3k, 3k + 1, 3k + 2 surround key k.
    """
    padded = np.pad(np.asarray(samples, dtype=np.float32), (N_FFT // 2, N_FFT))
    views = pieces(padded, N_FFT, STEP * hop)[: -(-columns // STEP)]
    window = np.hanning(N_FFT).astype(np.float32)
    edges = lowest - 0.5 + np.arange(BINS + 1) / BINS_PER_KEY
    bins = np.rint(midi_to_hz(edges) * N_FFT / sr).astype(int)
    out = np.empty((len(views), BINS), dtype=np.float16)
    for at in range(0, len(views), 256):  # in pieces, to stay small in memory
        spectrum = np.fft.rfft(views[at : at + 256] * window, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        S_db = 10 * np.log10(power + 1e-6 * power.max(initial=0.0) + 1e-12)
        peaks = np.maximum.reduceat(S_db - _surroundings(S_db), bins, axis=1)[:, :-1]
        out[at : at + 256] = np.clip(peaks / MOST_DB, 0, 1)
    return out


def near(spectrum: np.ndarray, rows: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """How far it stands out at these bins, or a third of a semitone beside them: strings are stiff, not all in tune.

    Parameters
    ----------
    spectrum : np.ndarray [shape=(columns, 312)]
        From `standing_out`.
    rows : np.ndarray [shape=(n, 1)]
        Of its columns; those beyond its ends are its first and last.
    bins : np.ndarray [shape=(n, k)] or (k,)
        Bins outside it stand out by nothing.
    """
    rows, last = np.clip(rows, 0, len(spectrum) - 1), spectrum.shape[1] - 1
    beside = [spectrum[rows, np.clip(bins + d, 0, last)] for d in (-1, 0, 1)]
    return np.where((bins >= 0) & (bins <= last), np.max(beside, axis=0), 0).astype(np.float32)


def _surroundings(S_db: np.ndarray) -> np.ndarray:
    """Mean level around each bin [shape=(columns, bins)], in dB."""
    total = np.pad(np.cumsum(S_db, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    at = np.arange(S_db.shape[1])
    low, high = np.maximum(at - SURROUNDINGS, 0), np.minimum(at + SURROUNDINGS + 1, S_db.shape[1])
    return np.asarray((total[:, high] - total[:, low]) / (high - low), dtype=np.float32)
