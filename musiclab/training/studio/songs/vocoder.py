"""Sing a plan through the WORLD vocoder: recorded voices at another pitch, speed and size.

See `clips` for the analysis and its source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from musiclab.training.studio.songs.clips import CODED, FFT, FRAME, HOP, Clip, Frames, load_world
from musiclab.training.studio.songs.library import SR, Wave

_BINS = FFT // 2 + 1


@dataclass(frozen=True)
class SingingPlan:
    """What to sing: for each frame of 5 ms a place in a clip, a pitch and a gain.

    Attributes
    ----------
    clips : list of Clip
    which : (frames,) index into `clips`
    source : (frames,) fractional frame of that clip
    f0 : (frames,) Hz wanted where the source is voiced
    gain : (frames,)
    """

    clips: list[Clip]
    which: NDArray[np.int64]
    source: Frames
    f0: Frames
    gain: Frames

    def voiced(self) -> NDArray[np.bool_]:
        """Frames whose source has a pitch."""
        out = np.zeros(len(self.source), dtype=bool)
        for i, clip in enumerate(self.clips):
            mine = self.which == i
            at = np.clip(self.source[mine].astype(int), 0, len(clip.f0) - 1)
            out[mine] = clip.f0[at] > 0
        return out


@dataclass(frozen=True)
class SingerTimbre:
    """How a singer differs from the one who was recorded."""

    size: float = 1.0  # formants are multiplied by it: 1.15 is a smaller throat
    breath: float = 0.0  # 0 to 0.6: more noise in the tone
    tilt_db: float = 0.0  # added per octave over 1 kHz


def world(plan: SingingPlan, timbre: SingerTimbre) -> Wave:
    """Sing a plan through WORLD; gives `(frames,)` at 44.1 kHz."""
    pyworld = load_world()
    coded = np.zeros((len(plan.source), CODED))
    bands = np.zeros((len(plan.source), plan.clips[0].aperiodicity.shape[1]))
    limits = np.zeros(len(plan.source))
    for i, clip in enumerate(plan.clips):
        mine = plan.which == i
        coded[mine] = _at(clip.envelope, plan.source[mine])
        bands[mine] = _at(clip.aperiodicity, plan.source[mine])
        limits[mine] = clip.sample.bandwidth * 1000 or 20000
    coded = uniform_filter1d(coded, 3, axis=0)
    spectrum = pyworld.decode_spectral_envelope(np.ascontiguousarray(coded), SR, FFT)
    noise = pyworld.decode_aperiodicity(np.ascontiguousarray(bands), SR, FFT)
    spectrum, noise = _extend(spectrum, noise, limits)
    spectrum, noise = _reshape(spectrum, noise, timbre)
    f0 = np.where(plan.voiced(), plan.f0, 0.0)
    y = pyworld.synthesize(f0, np.ascontiguousarray(spectrum), np.ascontiguousarray(noise), SR, FRAME * 1000)
    return gained(y, plan)


def _at(rows: NDArray[np.float32], where: Frames) -> Frames:
    at = np.clip(where, 0, len(rows) - 1.001)
    low = at.astype(int)
    part = (at - low)[:, None]
    return np.asarray(rows[low] * (1 - part) + rows[np.minimum(low + 1, len(rows) - 1)] * part)


def _extend(spectrum: Frames, noise: Frames, limits: Frames) -> tuple[Frames, Frames]:
    """Give a voice that ends at `limits` Hz a treble: noise that falls by 10 dB an octave from what is there."""
    bins = np.arange(_BINS)
    for limit in np.unique(limits[limits < 15000]):
        rows = limits == limit
        edge = int(0.88 * limit / SR * FFT)
        level = spectrum[rows, int(0.7 * edge) : edge].mean(axis=1, keepdims=True)
        slope = (bins[edge:] / edge) ** -3.3
        spectrum[rows, edge:] = level * slope
        noise[rows, edge:] = np.maximum(noise[rows, edge:], 0.75)
    return spectrum, noise


def _reshape(spectrum: Frames, noise: Frames, timbre: SingerTimbre) -> tuple[Frames, Frames]:
    bins = np.arange(_BINS)
    if abs(timbre.size - 1) > 0.005:
        at = np.minimum(bins / timbre.size, _BINS - 1.001)
        low = at.astype(int)
        part = at - low
        spectrum = spectrum[:, low] * (1 - part) + spectrum[:, low + 1] * part
        noise = noise[:, low] * (1 - part) + noise[:, low + 1] * part
    octaves = np.log2(np.maximum(bins * SR / FFT, 1000) / 1000)
    spectrum = spectrum * 10 ** (timbre.tilt_db * octaves / 10)
    ramp = np.clip(octaves / 3, 0.1, 1.0)
    return spectrum, noise + timbre.breath * ramp * (1 - noise)


def gained(y: NDArray[np.floating], plan: SingingPlan) -> Wave:
    """`(frames,)` with the plan's gain."""
    at = np.arange(len(y)) / HOP
    return np.asarray(y * np.interp(at, np.arange(len(plan.gain)), plan.gain), dtype=np.float32)
