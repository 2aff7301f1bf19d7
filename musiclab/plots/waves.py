"""Waves, levels and bleed.

Notebook: 01
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from musiclab.audio import Audio, envelope
from musiclab.palette import colour
from musiclab.plots.canvas import COLUMNS, LOUDNESS_COLOURS, add_colorbar, new_axes, time_axis
from musiclab.stems import Stems

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.container import BarContainer
    from matplotlib.image import AxesImage


def waveform(sound: Audio, *, ax: Axes | None = None, color: str | None = None, title: str = "") -> PolyCollection:
    """The extent of the samples over time, and inside it, darker, their RMS.

    Parameters
    ----------
    sound : Audio
        Its channels are drawn over each other.
    ax, title
        As in `spectrogram`.
    color : str
        Of the wave; the stem's own by its title if left out.

    Returns
    -------
    matplotlib.collections.PolyCollection
        The extent.

    Notebook: 02
    """
    ax = new_axes(ax)
    wave = _wave(sound, ax, color or colour(sound.title))
    time_axis(ax, sound.duration)
    ax.set_ylabel("sample value")
    ax.set_ylim(-1.05, 1.05)
    ax.set_title(title)
    return wave


def stems_overview(stems: Stems, *, ax: Axes | None = None) -> list[PolyCollection]:
    """The waves of all stems under each other, on one time axis and with one gain, with their levels.

    Parameters
    ----------
    stems : Stems
        From the first at the top down; the mixture's colour is not used.
    ax
        As in `spectrogram`.

    Returns
    -------
    list of matplotlib.collections.PolyCollection

    Notebook: 01
    """
    ax = new_axes(ax)
    peak = max(10 ** (max(stem.peak_db for stem in stems.values()) / 20), 1e-9)
    names = list(stems)
    waves = []
    for index, name in enumerate(names):
        waves.append(_wave(stems[name], ax, colour(name, index), centre=-2.0 * index, gain=0.95 / peak))
    ax.set_yticks([-2.0 * index for index in range(len(names))], names)
    ax.set_ylim(-2.0 * len(names) + 1, 1)
    right = ax.secondary_yaxis("right")
    right.set_yticks(
        [-2.0 * i for i in range(len(names))], [f"{stems[name].rms_db:.1f} dBFS".replace("-", "−") for name in names]
    )
    for axis in (ax, right):
        axis.tick_params(axis="y", length=0)
    time_axis(ax, stems.duration)
    return waves


def levels(stems: Stems, *, ax: Axes | None = None) -> BarContainer:
    """RMS level of each stem, of the residual and the mixture, in dBFS, with a mark at the peak.

    Parameters
    ----------
    stems : Stems
        What is shown.
    ax
        As in `spectrogram`.

    Returns
    -------
    matplotlib.container.BarContainer

    Notebook: 01
    """
    ax = new_axes(ax, size=(6, 3))
    sounds = {**stems, "residual": stems.residual, "mixture": stems.mixture}
    floor = -100.0
    heights = [max(sound.rms_db, floor) - floor for sound in sounds.values()]
    colours = [colour(name, index) for index, name in enumerate(sounds)]
    bars = ax.bar(list(sounds), heights, bottom=floor, color=colours)
    peaks = [max(sound.peak_db, floor) for sound in sounds.values()]
    ax.scatter(range(len(peaks)), peaks, marker="_", s=400, color="0.25", label="peak")
    ax.bar_label(
        bars,
        [f"{sound.rms_db:.1f}".replace("-", "−") if sound.rms_db > floor else "silent" for sound in sounds.values()],
    )
    ax.set_ylim(floor, 6)
    ax.set_ylabel("level (dBFS)")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.98))
    return bars


def bleed_matrix(
    matrix: np.ndarray, sources: Sequence[str], estimates: Sequence[str] | None = None, *, ax: Axes | None = None
) -> AxesImage:
    """How loud each source is heard in each stem, as `musiclab.metrics.bleed` has measured it.

    Parameters
    ----------
    matrix : np.ndarray [shape=(estimates, sources)]
        dB of the source's own level.
    sources, estimates : sequence of str
        Names of the columns and the rows; the same if `estimates` is left out.
    ax
        As in `spectrogram`.

    Returns
    -------
    matplotlib.image.AxesImage

    Notebook: 07
    """
    ax = new_axes(ax, size=(5, 4))
    image = ax.imshow(matrix, cmap=LOUDNESS_COLOURS, vmin=-40.0, vmax=0.0)
    ax.set_xticks(range(len(sources)), sources)
    ax.set_yticks(range(matrix.shape[0]), estimates if estimates is not None else sources)
    ax.set_xlabel("true source")
    ax.set_ylabel("heard in the stem")
    for (row, column), value in np.ndenumerate(matrix):
        ink = "black" if value > -16 else "white"
        text = "–" if np.isnan(value) else (f"{value:.0f}" if value > -60 else "< −60")
        ax.text(column, row, text.replace("-", "−"), ha="center", va="center", color=ink)
    add_colorbar(image, "dB of its own level")
    return image


def _wave(sound: Audio, ax: Axes, color: str, *, centre: float = 0.0, gain: float = 1.0) -> PolyCollection:
    """The extent and the RMS of a sound, in as many columns as can be seen."""
    lows, highs, rms = envelope(sound.samples, COLUMNS)
    times = np.arange(len(lows) + 1) * sound.frames // len(lows) / sound.sr
    extent, _ = (
        ax.fill_between(
            times,
            centre + gain * np.append(low, low[-1]),
            centre + gain * np.append(high, high[-1]),
            step="post",
            color=color,
            alpha=alpha,
            linewidth=0,
        )
        for low, high, alpha in ((lows, highs, 0.45), (-rms, rms, 1.0))
    )
    return extent
