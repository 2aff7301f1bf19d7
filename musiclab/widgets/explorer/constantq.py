"""A constant-Q spectrogram: every row hears the same musical interval, so a semitone looks alike in every octave.

The window of each row is as long as so many periods of its frequency: long for the bass, short for the treble. Each
row is a band cut out of one long Fourier transform and brought back at a rate that fits the band. That is exact (but
for the sidelobes beyond `LOBES` bins), and as fast as an STFT.

References
----------
J. C. Brown, "Calculation of a constant Q spectral transform", JASA 89(1), 1991. doi:10.1121/1.400476

G. A. Velasco, N. Holighaus, M. Dörfler, T. Grill, "Constructing an invertible constant-Q transform with non-stationary
Gabor frames", DAFx 2011.

Notebook: 02
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LOWEST_HZ = 30.0
ROWS = 48  # to the octave
MIDDLE_HZ = 1000.0  # where the window is `n_fft` samples long
LOBES = 8.0  # bins of a window's transform that count, either way: Hann's sidelobes are 64 dB down there
FINE = 32  # points to a bin in the table of a window's transform


def rows_hz(sr: int) -> np.ndarray:
    """Frequency of each row, low to high: quarters of a semitone from 30 Hz up."""
    count = int(ROWS * np.log2(sr / 2 / LOWEST_HZ))
    hz: np.ndarray = LOWEST_HZ * 2 ** (np.arange(count) / ROWS)
    return hz


def longest(n_fft: int) -> int:
    """Samples of the longest window, the lowest row's."""
    return int(np.ceil(n_fft * MIDDLE_HZ / LOWEST_HZ))


def constant_q(
    samples: np.ndarray, *, sr: int, n_fft: int, hop_length: int, window: str, skip: int, columns: int
) -> np.ndarray:
    """Magnitudes, the largest within each hop.

    Parameters
    ----------
    samples : np.ndarray [shape=(frames,)], real
        Sound; `frames` is a multiple of `hop_length`. It counts as a ring: half of the longest window at both ends is
        not to be trusted.
    sr : int
        Sample rate in Hz.
    n_fft : int
        Window length in samples at 1 kHz; at f Hz it is ``n_fft * 1000 / f``.
    hop_length : int
        Samples from column to column, a power of two.
    window : str
        As in `spectral.stft`.
    skip, columns : int
        Which columns are wanted: from this one on, so many.

    Returns
    -------
    np.ndarray [shape=(rows, columns)], float32
        1 is a sine of full scale. Column ``t`` holds what is around sample ``t * hop_length``.
    """
    import scipy.fft

    frames = len(samples)
    X = scipy.fft.rfft(np.asarray(samples, dtype=np.float32))
    lobe = _lobe(window)
    hz = rows_hz(sr)
    out = np.empty((len(hz), columns), dtype=np.float32)
    for row, centre in enumerate(hz * (frames / sr)):  # in bins of the long transform
        bin_width = frames * hz[row] / (n_fft * MIDDLE_HZ)  # of this row's window
        reach = LOBES * bin_width
        first, last = max(int(np.ceil(centre - reach)), 0), min(int(centre + reach) + 1, len(X))
        step = hop_length
        while step > 1 and frames // step < last - first:
            step //= 2
        size = frames // step
        last = min(last, first + size)
        at = (np.arange(first, last) - centre) * (FINE / bin_width) + (len(lobe) - 1) / 2
        band = np.zeros(size, dtype=np.complex64)
        band[: last - first] = X[first:last] * np.interp(at, np.arange(len(lobe)), lobe)
        envelope = np.abs(scipy.fft.ifft(band, overwrite_x=True)) * np.float32(2 * size / frames)
        out[row] = _largest(envelope, hop_length // step)[skip : skip + columns]
    return out


def _largest(envelope: np.ndarray, per_column: int) -> np.ndarray:
    """The largest value around each column, from half a hop before it to half a hop after."""
    if per_column == 1:
        return envelope
    around: np.ndarray = np.roll(envelope, per_column // 2).reshape(-1, per_column).max(axis=1)
    return around


@lru_cache(maxsize=8)
def _lobe(window: str) -> np.ndarray:
    """The transform of a window from -LOBES to LOBES bins, 1 in the middle (real: the window is symmetric)."""
    from scipy.signal import get_window

    length = 1024
    samples = get_window(window, length, fftbins=False)
    bins = np.arange(-int(LOBES * FINE), int(LOBES * FINE) + 1) / FINE
    times = np.arange(length) - (length - 1) / 2
    lobe: np.ndarray = np.cos(2 * np.pi * np.outer(bins, times) / length) @ samples / samples.sum()
    return lobe
