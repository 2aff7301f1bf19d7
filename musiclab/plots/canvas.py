"""What all figures share: axes in plain units, whatever is drawn on them.

Notebook: 02
"""

from __future__ import annotations

from html import escape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from musiclab.packages import need
from musiclab.plots.pictures import from_scale, to_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

COLUMNS = 1200  # pixels across: more can't be told apart in a figure of 10 inches
HZ_TICKS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
TICK_ROOM = 0.045  # of the height of the axis
LOUDNESS_COLOURS, SHARE_COLOURS, ERROR_COLOURS = "magma", "viridis", "inferno"
GREY = "#767676"  # contrast 4.5 with white; no grey has as much with the near-black of dark themes, too
PAGE_COLOUR = "var(--jp-content-font-color1, {})"  # what Jupyter's pages write in, whatever their theme
LONG_S = 60.0  # from here on time is told in minutes and seconds


def follow_page(grey: str = GREY) -> None:
    """Let the figures of a notebook stand on the page's own ground, light or dark, with letters in the page's colour.

    Nothing is painted behind a figure. It goes to the page as a drawing (SVG) whose lines and letters have the colour
    that the page writes in, also when its theme changes; and as a picture (PNG), on white, for where no drawing is
    shown.

    Parameters
    ----------
    grey : str
        Of the picture's lines and letters, as ``#rrggbb``.

    Notebook: 02
    """
    need("matplotlib", "Drawing")
    from IPython import get_ipython
    from matplotlib import get_backend, pyplot, rcParams
    from matplotlib.figure import Figure

    shell = get_ipython()
    if hasattr(shell, "kernel"):  # Jupyter's back-end comes with the first figure, and takes all formatters away: now
        pyplot.switch_backend(get_backend())
    grounds = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
    marks = ("text.color", "axes.labelcolor", "axes.titlecolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: dict[Any, Any] = {**dict.fromkeys(grounds, "none"), **dict.fromkeys((*marks, "grid.color"), grey)}
    rcParams.update({**settings, "legend.framealpha": 0})
    if shell:
        formatters = shell.display_formatter.formatters
        formatters["text/html"].for_type(Figure, lambda figure: drawing(figure, grey))
        formatters["image/png"].for_type(Figure, on_white)


def drawing(figure: Figure, grey: str = GREY) -> str:
    """A figure as HTML: an SVG in which `grey` is the colour that the page writes in."""
    file = StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(grey, PAGE_COLOUR.format(grey))
    titles = "; ".join(filter(None, (axes.get_title() for axes in figure.axes))) or "figure"
    said = f'<svg role="img" aria-label="{escape(titles)}" style="max-width: 100%; height: auto" '
    return svg.replace("<svg ", said, 1)


def on_white(figure: Figure) -> bytes:
    """A figure as PNG with a ground of its own: whoever shows no drawing may have a page of any colour."""
    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", facecolor="white")
    return file.getvalue()


def new_axes(ax: Axes | None, *, size: tuple[float, float] = (10.0, 4.0)) -> Axes:
    """The axes to draw in: the caller's, or those of a new figure, which a notebook shows by itself."""
    if ax is not None:
        return ax
    need("matplotlib", "Drawing")
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def image(
    pixels: np.ndarray,
    ax: Axes,
    duration: float,
    scale: str,
    ends: tuple[float, float],
    *,
    cmap: str,
    vmin: float,
    vmax: float,
) -> AxesImage:
    """Pixels whose rows are evenly spaced on a frequency scale, in axes in seconds and Hz."""
    if scale == "log":
        ax.set_yscale("log")
    elif scale == "mel":
        ax.set_yscale("function", functions=(lambda hz: to_scale(hz, "mel"), lambda mel: from_scale(mel, "mel")))
    # The rows are evenly spaced on the axis' scale, not in Hz. So the image is placed past the scale's transform, in
    # heights: each row lands on its frequency, now and when somebody zooms, without a mesh of polygons.
    heights = ax.transScale.transform([(0.0, hz) for hz in ends])[:, 1]
    drawn = ax.imshow(
        pixels,
        origin="lower",
        aspect="auto",
        extent=(0.0, duration, *heights),
        transform=ax.transLimits + ax.transAxes,
        cmap=cmap,
        vmin=vmin,
        vmax=vmax,
        interpolation="nearest" if pixels.shape[1] < 200 else "antialiased",
    )
    ax.set_ylim(*ends)
    time_axis(ax, duration)
    _hz_axis(ax, scale, ends)
    return drawn


def finish(drawn: AxesImage, title: str, meaning: str) -> AxesImage:
    """Title, and if the colours' `meaning` is given, a bar that says so."""
    drawn.axes.set_title(title)
    if meaning:
        add_colorbar(drawn, meaning)
    return drawn


def add_colorbar(drawn: AxesImage, meaning: str) -> None:
    """A bar beside the picture that says what its colours mean."""
    figure = drawn.get_figure(root=True)
    if figure is not None:
        figure.colorbar(drawn, ax=drawn.axes, label=meaning)


def time_axis(ax: Axes, duration: float) -> None:
    """Time along the bottom: seconds, or minutes and seconds for long sounds."""
    ax.set_xlim(0.0, duration)
    if duration < LONG_S:
        ax.set_xlabel("time (s)")
        return
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    step = next((step for step in (10, 15, 30, 60, 120, 300, 600) if duration / step <= 10), 1800)
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{int(t) // 60}:{int(t) % 60:02d}"))
    ax.set_xlabel("time (min:s)")


def _hz_axis(ax: Axes, scale: str, ends: tuple[float, float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    low, high = to_scale(ends[0], scale), to_scale(ends[1], scale)
    ticks: list[float] = []
    for hz in HZ_TICKS:  # those that have room for their labels
        height = float((to_scale(hz, scale) - low) / (high - low))
        above = float((to_scale(ticks[-1], scale) - low) / (high - low)) if ticks else -1.0
        if 0 <= height <= 1 and height - above > TICK_ROOM:
            ticks.append(hz)
    if scale == "linear" or len(ticks) < 2:
        ax.yaxis.set_major_locator(MaxNLocator(8))
    else:
        ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"))
    ax.set_ylabel("frequency (Hz)")
