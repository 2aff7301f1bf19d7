"""Pictures over time and frequency: spectrograms, masks, errors.

Notebook: 02
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from musiclab import metrics, spectral
from musiclab.audio import Audio
from musiclab.plots.canvas import COLUMNS, ERROR_COLOURS, LOUDNESS_COLOURS, SHARE_COLOURS, finish, image, new_axes
from musiclab.plots.pictures import frequency_range, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

BLOCK = 512  # columns of the STFT that are computed at once


def spectrogram(
    sound: Audio | np.ndarray,
    *,
    ax: Axes | None = None,
    sr: int | None = None,
    n_fft: int = 2048,
    hop_length: int | None = None,
    window: str = spectral.WINDOW,
    scale: str = "log",
    fmin: float | None = None,
    fmax: float | None = None,
    range_db: float = 80.0,
    colorbar: bool = False,
    title: str = "",
) -> AxesImage:
    """The loudness of each frequency at each time.

    Parameters
    ----------
    sound : Audio, or np.ndarray [shape=(..., bins, columns)]
        Sound, or an STFT or its magnitude (which needs `sr` and `hop_length`). Channels are averaged in power.
    ax : matplotlib.axes.Axes
        Where to draw; a new figure if left out.
    sr : int
        Sample rate in Hz of an STFT.
    n_fft, hop_length, window
        As in `musiclab.spectral.stft`. By default the hop is a quarter of the window, half of it for long sounds,
        which have more columns than the picture has pixels.
    scale : {"log", "mel", "linear"}
        Of the frequency axis.
    fmin, fmax : float
        Its ends in Hz.
    range_db : float
        Shown from the loudest cell down to this many dB below.
    colorbar : bool
        Show what the colours mean, in dB.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.image.AxesImage

    Raises
    ------
    ValueError
        If an array comes without `sr` and `hop_length`, or the scale or its ends make no sense.

    Notebook: 02
    """
    if isinstance(sound, Audio):
        if hop_length is None:
            hop_length = n_fft // 4 if sound.frames < COLUMNS * n_fft else n_fft // 2
        S, sr, duration = _magnitude(sound, n_fft, hop_length, window), sound.sr, sound.duration
    else:
        if sr is None or hop_length is None:
            raise ValueError("An STFT is drawn with its sr and hop_length.")
        S = _over_channels(sound)
        duration = S.shape[-1] * hop_length / sr
    pixels = picture(S, sr=sr, columns=COLUMNS, scale=scale, fmin=fmin, fmax=fmax)
    ends = frequency_range(sr, scale, fmin, fmax)
    values = spectral.to_db(pixels, range_db=range_db)
    drawn = image(values, new_axes(ax), duration, scale, ends, cmap=LOUDNESS_COLOURS, vmin=-range_db, vmax=0.0)
    return finish(drawn, title, "dB under the loudest" if colorbar else "")


def mask(
    M: np.ndarray,
    *,
    sr: int,
    hop_length: int = spectral.HOP_LENGTH,
    ax: Axes | None = None,
    scale: str = "log",
    colorbar: bool = False,
    title: str = "",
) -> AxesImage:
    """A mask: what share of each cell a source gets, from 0 (dark) to 1 (bright).

    Parameters
    ----------
    M : np.ndarray [shape=(..., bins, columns)]
        One mask; channels are averaged.
    sr, hop_length : int
        Of the STFT it belongs to.
    ax, scale, colorbar, title
        As in `spectrogram`.

    Returns
    -------
    matplotlib.image.AxesImage

    Notebook: 03
    """
    flat = np.asarray(M, dtype=np.float32)
    flat = flat.reshape(-1, *flat.shape[-2:]).mean(axis=0)
    pixels = picture(flat, sr=sr, columns=COLUMNS, scale=scale)
    duration, ends = flat.shape[-1] * hop_length / sr, frequency_range(sr, scale)
    drawn = image(pixels, new_axes(ax), duration, scale, ends, cmap=SHARE_COLOURS, vmin=0.0, vmax=1.0)
    return finish(drawn, title, "share" if colorbar else "")


def mask_comparison(
    masks: Mapping[str, np.ndarray], *, sr: int, hop_length: int = spectral.HOP_LENGTH, scale: str = "log"
) -> list[AxesImage]:
    """Several masks side by side in a new figure, with one frequency axis, time axis and scale of colours.

    Parameters
    ----------
    masks : Mapping[str, np.ndarray [shape=(..., bins, columns)]]
        By what to call them: the kinds of one stem's mask, or the stems of one kind.
    sr, hop_length, scale
        As in `mask`.

    Returns
    -------
    list of matplotlib.image.AxesImage

    Notebook: 03
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1,
        len(masks),
        figsize=(3.2 * len(masks) + 1, 3.6),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    images = [
        mask(M, sr=sr, hop_length=hop_length, ax=ax, scale=scale, title=name)
        for (name, M), ax in zip(masks.items(), axes[0], strict=True)
    ]
    for ax in axes[0]:
        ax.label_outer()
    figure.colorbar(images[-1], ax=list(axes[0]), label="share")
    return images


def error_spectrogram(
    reference: Audio,
    estimate: Audio,
    *,
    ax: Axes | None = None,
    scale: str = "log",
    colorbar: bool = False,
    title: str = "",
) -> AxesImage:
    """Where an estimate is wrong, and how loud the error is beside the reference's loudest cell.

    Parameters
    ----------
    reference, estimate : Audio
        The true stem and an engine's.
    ax, scale, colorbar, title
        As in `spectrogram`.

    Returns
    -------
    matplotlib.image.AxesImage

    Notebook: 07
    """
    decibels = metrics.error_spectrogram(reference, estimate, range_db=80.0)
    pixels = picture(decibels, sr=reference.sr, columns=COLUMNS, scale=scale)
    ends = frequency_range(reference.sr, scale)
    drawn = image(pixels, new_axes(ax), reference.duration, scale, ends, cmap=ERROR_COLOURS, vmin=-80.0, vmax=0.0)
    return finish(drawn, title, "error, dB under the reference's loudest" if colorbar else "")


def _magnitude(sound: Audio, n_fft: int, hop_length: int, window: str) -> np.ndarray:
    """Magnitude over all channels, by at most `COLUMNS` columns, each the loudest of what falls on it.

    Block by block, and reduced at once: the STFT of a whole song would be a gigabyte that nobody sees.
    """
    count = 1 + -(-sound.frames // hop_length)
    starts = np.arange(min(count, COLUMNS)) * count // min(count, COLUMNS)
    ends = np.append(starts[1:], count)
    out = np.empty((n_fft // 2 + 1, len(starts)), dtype=np.float32)
    low = 0
    while low < len(starts):
        first, high = starts[low], max(low + 1, int(np.searchsorted(ends, starts[low] + BLOCK, "right")))
        last = ends[high - 1]
        begin, end = first * hop_length - n_fft // 2, (last - 1) * hop_length + n_fft - n_fft // 2
        inside = sound.samples[:, max(begin, 0) : end]  # silence lies before the song and behind it
        block = np.pad(inside, ((0, 0), (max(-begin, 0), max(end - sound.frames, 0))))
        D = spectral.columns_of(block, n_fft=n_fft, hop_length=hop_length, window=window)
        power = (np.square(D.real) + np.square(D.imag)).mean(axis=0)
        out[:, low:high] = np.maximum.reduceat(power, starts[low:high] - first, axis=1)
        low = high
    return np.sqrt(out)


def _over_channels(D: np.ndarray) -> np.ndarray:
    S: np.ndarray = np.abs(D)
    if S.ndim == 2:
        return S
    power: np.ndarray = np.square(S).reshape(-1, *S.shape[-2:]).mean(axis=0)
    root: np.ndarray = np.sqrt(power)
    return root
