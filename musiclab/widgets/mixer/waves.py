"""Small waveforms: for lanes in the page, and the still picture that stands where no JavaScript runs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from musiclab.audio import envelope

COLUMNS = 1600  # as many as a wide screen shows in a lane
NEAR = 100  # columns a second, for a view of some bars: nearer still, the page draws the sound itself
MOST = 60_000  # columns: ten minutes by that measure
BEND = 0.6  # height = amplitude ** BEND: soft passages can be seen beside loud ones
_INK, _PAPER, _LINE, _QUIET = "#1d1f23", "#ffffff", "#dcdee1", "#6a6e75"


def waveform(samples: np.ndarray, *, scale: float, columns: int = COLUMNS) -> np.ndarray:
    """What a lane shows of a sound: lowest, highest and mean (RMS) level in each column.

    Parameters
    ----------
    samples : np.ndarray [shape=(channels, frames)]
        All channels are shown together: the widest swing of any of them.
    scale : float
        The amplitude that fills the lane; the same for all lanes, so that loud looks loud.
    columns : int
        How many; fewer if there are fewer frames.

    Returns
    -------
    np.ndarray [shape=(columns, 3), int8]
        Lowest, highest and RMS amplitude as heights: ``127 * (amplitude / scale) ** BEND``, with its sign.
    """
    parts = np.stack(envelope(samples, columns), axis=1) / max(scale, 1e-9)
    heights = np.copysign(np.abs(parts) ** BEND, parts)
    return np.clip(np.round(127 * heights), -127, 127).astype(np.int8)


def columns_for(duration: float) -> int:
    """How many columns the waves of a song of `duration` seconds have in a page that can look closely."""
    return int(min(max(COLUMNS, NEAR * duration), MOST))


@dataclass(frozen=True)
class Lane:
    """One line of the still picture: its label, colour, level in dB as text, waveform, and whether it is heard."""

    label: str
    colour: str
    level: str
    wave: np.ndarray
    heard: bool


def picture(lanes: Sequence[Lane], duration: str, *, width: int = 1440, row: int = 72) -> bytes:
    """The mixer as a PNG: one lane below the other. `duration` is the text in its corner."""
    from PIL import Image, ImageDraw

    left, right, head = 300, width - 24, 52
    image = Image.new("RGB", (width, head + row * len(lanes) + 12), _PAPER)
    draw = ImageDraw.Draw(image)
    font, small = _font(25), _font(20)
    draw.text((24, head / 2), "musiclab mixer", _QUIET, small, anchor="lm")
    draw.text((right, head / 2), duration, _QUIET, small, anchor="rm")
    for i, lane in enumerate(lanes):
        top = head + i * row
        middle = top + row / 2
        draw.line((0, top, width, top), _LINE)
        draw.rectangle((0, top + 1, 8, top + row - 1), lane.colour)
        ink, room = _INK if lane.heard else _QUIET, left - 72 - small.getlength(lane.level)
        draw.text((24, middle), _cut(lane.label, font, room), ink, font, anchor="lm")
        draw.text((left - 24, middle), lane.level, ink, small, anchor="rm")
        _draw_wave(draw, lane, (left, right), middle, 0.44 * row)
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _font(size: float) -> Any:
    """DejaVu Sans, which comes with matplotlib: Pillow's own knows neither "−" nor "∞", nor other scripts."""
    from PIL import ImageFont

    plots = find_spec("matplotlib")  # not imported: that takes longer than the picture
    if plots is None or plots.origin is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(Path(plots.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf", size)


def _cut(label: str, font: Any, room: float) -> str:
    """As much of a label as there is room for, in pixels."""
    if font.getlength(label) <= room:
        return label
    while label and font.getlength(f"{label}…") > room:
        label = label[:-1]
    return f"{label.rstrip()}…"


def _draw_wave(draw: object, lane: Lane, span: tuple[int, int], middle: float, half: float) -> None:
    """Peaks pale, RMS in full colour, over a line where the silence is."""
    from PIL import ImageColor, ImageDraw

    assert isinstance(draw, ImageDraw.ImageDraw)
    red, green, blue = ImageColor.getrgb(lane.colour)[:3]

    def tint(part: float) -> tuple[int, int, int]:
        strength = part if lane.heard else part * 0.3
        return (_mixed(red, strength), _mixed(green, strength), _mixed(blue, strength))

    start, stop = span
    draw.line((start, middle, stop, middle), tint(0.6))
    edges = np.linspace(0, len(lane.wave), stop - start + 1).astype(int)
    for x in range(stop - start):
        part = lane.wave[edges[x] : max(edges[x + 1], edges[x] + 1)].astype(float) * (half / 127)
        low, high, mean = part[:, 0].min(), part[:, 1].max(), part[:, 2].max()
        draw.line((start + x, middle - high, start + x, middle - low), tint(0.42))
        if mean >= 1:
            draw.line((start + x, middle - mean, start + x, middle + mean), tint(0.92))


def _mixed(channel: int, strength: float) -> int:
    """A colour channel on white paper, at a strength from 0 to 1."""
    return round(255 + (channel - 255) * strength)
