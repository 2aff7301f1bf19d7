"""The short-time Fourier transform (STFT), its inverse, and the views of it that people look at.

Conventions: sound is real, shaped ``(..., frames)``; its STFT `D` is complex64, ``(..., bins, columns)``, with
``bins = n_fft // 2 + 1`` and one column every `hop_length` samples; `S` is a magnitude. Column ``t`` is centred on
sample ``t * hop_length``. The ends are padded with silence, so any length works, one sample included, and
`istft(stft(x), length=len(x))` is ``x``.

A hop of a quarter of the window (the default) is the usual choice for masks: neighbouring columns then overlap enough
that a mask that changes fast still sounds smooth.
"""

from __future__ import annotations

import numpy as np

from musiclab.fourier import overlap_add, transform, window_samples

N_FFT = 4096  # 93 ms at 44.1 kHz: resolves the partials of a bass, still short beside a sixteenth note
HOP_LENGTH = 1024  # 23 ms at 44.1 kHz
WINDOW = "hann"

MEL_BREAK_HZ = 1000.0  # Slaney's mel scale: linear below, logarithmic above
MEL_PER_HZ = 3 / 200
MEL_LOG_STEP = float(np.log(6.4)) / 27


def stft(samples: np.ndarray, *, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, window: str = WINDOW) -> np.ndarray:
    """Short-time Fourier transform.

    Parameters
    ----------
    samples : np.ndarray [shape=(..., frames)], real
        Sound, any number of leading axes, at least one frame.
    n_fft : int > 1
        Window length in samples: 4096 is 93 ms at 44.1 kHz, 10.8 Hz between bins.
    hop_length : int > 0
        Samples from one column to the next: 1024 is 23 ms at 44.1 kHz.
    window : str
        Name of the window, as in `scipy.signal.get_window`: ``hann``, ``hamming``, ``blackman``, ``boxcar``...

    Returns
    -------
    np.ndarray [shape=(..., n_fft // 2 + 1, 1 + ceil(frames / hop_length))], complex64

    Raises
    ------
    ValueError
        If there are no samples, or `n_fft` or `hop_length` is out of range.

    References
    ----------
    J. B. Allen, L. R. Rabiner, "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE 65(11),
    1977. doi:10.1109/PROC.1977.10770

    Notebook: 02
    """
    x = np.asarray(samples)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError("An STFT needs at least one sample.")
    if n_fft < 2 or hop_length < 1:
        raise ValueError(f"n_fft is at least 2 and hop_length at least 1, not {n_fft} and {hop_length}.")
    lead, frames = x.shape[:-1], x.shape[-1]
    # One column past the end (the padding to a whole hop), else the last samples lie under a window's vanishing foot
    # and can't be had back.
    padded = np.zeros((int(np.prod(lead)), frames + -frames % hop_length), dtype=np.float32)
    if padded.size == 0:  # a leading axis of zero: torch would fail
        return np.zeros((*lead, n_fft // 2 + 1, 1 + padded.shape[1] // hop_length), dtype=np.complex64)
    padded[:, :frames] = x.reshape(-1, frames)
    half = n_fft // 2
    D = columns_of(np.pad(padded, [(0, 0), (half, n_fft - half)]), n_fft=n_fft, hop_length=hop_length, window=window)
    return D.reshape(*lead, *D.shape[1:])


def columns_of(padded: np.ndarray, *, n_fft: int, hop_length: int, window: str = WINDOW) -> np.ndarray:
    """STFT of sound that is padded already: column ``t`` begins, and isn't centred, at sample ``t * hop_length``.

    Parameters
    ----------
    padded : np.ndarray [shape=(rows, frames >= n_fft)], float32
        What `stft` makes of its samples, or a piece of it: so a long song can be worked on in pieces.
    n_fft, hop_length, window
        As in `stft`.

    Returns
    -------
    np.ndarray [shape=(rows, n_fft // 2 + 1, 1 + (frames - n_fft) // hop_length)], complex64

    Notebook: 02
    """
    return transform(padded, window_samples(window, n_fft), hop_length=hop_length)


def istft(
    D: np.ndarray,
    *,
    length: int,
    n_fft: int | None = None,
    hop_length: int = HOP_LENGTH,
    window: str = WINDOW,
) -> np.ndarray:
    """Inverse of `stft` by weighted overlap-add: the sound whose STFT is nearest to `D` in the least-squares sense.

    Parameters
    ----------
    D : np.ndarray [shape=(..., bins, columns)], complex
        It need not be the STFT of any sound: a masked one isn't.
    length : int > 0
        How many samples to give back.
    n_fft : int
        Window length; read from the number of bins if left out (right for even `n_fft`).
    hop_length, window
        As they were in `stft`.

    Returns
    -------
    np.ndarray [shape=(..., length)], float32

    Raises
    ------
    ValueError
        If the window and hop leave samples that no column covers (hop too long), or `D` is too short for `length`.

    References
    ----------
    D. Griffin, J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32(2), 1984.
    doi:10.1109/TASSP.1984.1164317

    Notebook: 04
    """
    D = np.asarray(D)
    n_fft = 2 * (D.shape[-2] - 1) if n_fft is None else n_fft
    w = window_samples(window, n_fft)
    if hop_length > n_fft // 2 and not (hop_length <= n_fft and float(w.min()) > 0):
        raise ValueError(f"A hop of {hop_length} leaves gaps between windows of {n_fft}: take at most {n_fft // 2}.")
    if length > (D.shape[-1] - 1) * hop_length:
        raise ValueError(f"{D.shape[-1]} columns hold {(D.shape[-1] - 1) * hop_length} samples, not {length}.")
    lead = D.shape[:-2]
    if D.size == 0:
        return np.zeros((*lead, length), dtype=np.float32)
    flat = np.asarray(D, dtype=np.complex64).reshape(-1, *D.shape[-2:])
    return overlap_add(flat, w, hop_length=hop_length, length=length).reshape(*lead, length)


def reassigned(
    samples: np.ndarray, *, sr: int, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, window: str = WINDOW
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the energy of each cell really lies: a picture sharper than the window's blur.

    The phase of a cell tells how far the middle of its energy is from the cell's own time and frequency. It is true
    where one component rules a cell, and nonsense where several do: a view for the eye, not one to resynthesise from.

    Parameters
    ----------
    samples : np.ndarray [shape=(..., frames)], real
        Sound.
    sr : int
        Sample rate in Hz.
    n_fft, hop_length, window
        As in `stft`.

    Returns
    -------
    hz, seconds, S : np.ndarray [shape=(..., bins, columns)], float32
        Of each cell: frequency in Hz, time in seconds, magnitude. Silent cells stay where they are.

    References
    ----------
    F. Auger, P. Flandrin, "Improving the readability of time-frequency and time-scale representations by the
    reassignment method", IEEE Trans. Signal Processing 43(5), 1995. doi:10.1109/78.382394

    Notebook: 02
    """
    x = np.asarray(samples, dtype=np.float32)
    half = n_fft // 2
    padding = [(0, 0)] * (x.ndim - 1) + [(half, n_fft - half + -x.shape[-1] % hop_length)]
    padded = np.pad(x, padding).reshape(-1, sum(padding[-1]) + x.shape[-1])
    h = window_samples(window, n_fft).astype(float)
    slope = np.fft.ifft(np.fft.fft(h) * 2j * np.pi * np.fft.fftfreq(n_fft)).real
    offset = np.arange(n_fft) - half
    D, D_slope, D_offset = (transform(padded, w, hop_length=hop_length) for w in (h, slope, h * offset))
    power = np.abs(D) ** 2
    safe = np.where(power > 0, power, 1)
    columns = D.shape[-1]
    hz = frequencies(sr, n_fft)[:, None] - (D_slope * D.conj()).imag / safe * (sr / (2 * np.pi))
    seconds = column_times(columns, sr, hop_length) + (D_offset * D.conj()).real / safe / sr
    shape = (*x.shape[:-1], half + 1, columns)
    views = (hz.clip(0, sr / 2), seconds.clip(0, max((columns - 1) * hop_length / sr, 0)), np.abs(D))
    found = [view.astype(np.float32).reshape(shape) for view in views]
    return found[0], found[1], found[2]


def frequencies(sr: int, n_fft: int = N_FFT) -> np.ndarray:
    """Centre of each bin in Hz [shape=(n_fft // 2 + 1,)].

    Notebook: 02
    """
    return np.arange(n_fft // 2 + 1) * (sr / n_fft)


def column_times(columns: int, sr: int, hop_length: int = HOP_LENGTH) -> np.ndarray:
    """Centre of each column in seconds [shape=(columns,)].

    Notebook: 02
    """
    return np.arange(columns) * (hop_length / sr)


def to_db(S: np.ndarray, *, ref: float | None = None, range_db: float = 80.0) -> np.ndarray:
    """Magnitude in decibels.

    Parameters
    ----------
    S : np.ndarray [any shape], real >= 0, or complex
        A complex STFT counts by its magnitude.
    ref : float > 0
        What counts as 0 dB; the largest value of `S` if left out (silence then is the floor everywhere).
    range_db : float > 0
        Everything more than this below the reference is cut off there: 80 dB is about what a loud room lets one hear.

    Returns
    -------
    np.ndarray [same shape], float32, >= -range_db

    Notebook: 02
    """
    magnitude = np.abs(S).astype(np.float32, copy=False)
    if ref is None:
        ref = float(magnitude.max(initial=0.0))
    if ref <= 0:
        return np.full(magnitude.shape, -range_db, dtype=np.float32)
    floor = ref * 10 ** (-range_db / 20)
    decibels: np.ndarray = 20.0 * np.log10(np.maximum(magnitude, floor) / ref)
    return decibels.astype(np.float32)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Frequency in Hz as mel, after Slaney's Auditory Toolbox (linear below 1 kHz).

    Notebook: 02
    """
    hz = np.asarray(hz, dtype=np.float64)
    log_part = MEL_BREAK_HZ * MEL_PER_HZ + np.log(np.maximum(hz, MEL_BREAK_HZ) / MEL_BREAK_HZ) / MEL_LOG_STEP
    mels: np.ndarray = np.where(hz < MEL_BREAK_HZ, hz * MEL_PER_HZ, log_part)
    return mels


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """Inverse of `hz_to_mel`.

    Notebook: 02
    """
    mel = np.asarray(mel, dtype=np.float64)
    break_mel = MEL_BREAK_HZ * MEL_PER_HZ
    log_part = MEL_BREAK_HZ * np.exp(MEL_LOG_STEP * (np.maximum(mel, break_mel) - break_mel))
    hz: np.ndarray = np.where(mel < break_mel, mel / MEL_PER_HZ, log_part)
    return hz


def mel_filters(sr: int, n_fft: int, n_mels: int, *, fmin: float = 0.0, fmax: float | None = None) -> np.ndarray:
    """Triangular mel filters of equal area [shape=(n_mels, n_fft // 2 + 1)], the same as librosa's."""
    edges = mel_to_hz(np.linspace(hz_to_mel(fmin), hz_to_mel(fmax or sr / 2), n_mels + 2))
    ramps = edges[:, None] - frequencies(sr, n_fft)[None, :]
    rise, fall = -ramps[:-2] / np.diff(edges)[:-1, None], ramps[2:] / np.diff(edges)[1:, None]
    filters: np.ndarray = np.maximum(0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters
