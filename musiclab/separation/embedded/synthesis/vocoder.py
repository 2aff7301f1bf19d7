"""Take recorded voices apart and put them together again at another pitch, speed and size.

Two ways, for each leaves its own traces and a network must not learn either: the WORLD vocoder (pitch, envelope,
aperiodicity; M. Morise, F. Yokomori, K. Ozawa, IEICE Trans. E99-D(7), 2016, doi:10.1587/transinf.2015EDP7457) and
TD-PSOLA, which moves windowed periods of the recording itself (E. Moulines, F. Charpentier, Speech Communication 9,
1990, doi:10.1016/0167-6393(90)90021-Z).

`pyworld` is optional (`pip install musiclab[synthesis]`): without it, voices sound as they were recorded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from musiclab.separation.embedded.synthesis.library import SR, Library, Sample, Wave, cache_folder

FRAME = 0.005  # seconds between frames of analysis
_HOP = SR * FRAME
_FFT = 2048
_BINS = _FFT // 2 + 1
_CODED = 80  # numbers that keep an envelope: under 1 dB off below 8 kHz
_VERSION = 1
_TONAL = 3.3  # second coefficient (tilt towards the bass): vowels lie above, hissing consonants below
Frames = NDArray[np.float64]


def available() -> bool:
    """Whether the vocoder is installed."""
    return importlib.util.find_spec("pyworld") is not None


def _world() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources, which warns
        import pyworld

    return pyworld  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Syllable:
    """Frames of a clip: a head (consonants), a steady vowel, a tail."""

    start: int
    vowel: int
    tail: int
    stop: int


@dataclass(frozen=True)
class Clip:
    """A recording taken apart, a frame each 5 ms.

    Attributes
    ----------
    f0 : (frames,) Hz, 0 where there is no pitch
    envelope : (frames, 80), aperiodicity : (frames, bands), as WORLD codes them
    syllables : those with a vowel that can be held
    """

    sample: Sample
    wave: Wave
    f0: Frames
    envelope: NDArray[np.float32]
    aperiodicity: NDArray[np.float32]
    syllables: list[Syllable]

    @property
    def pitch(self) -> float:
        """Median MIDI pitch of what is voiced."""
        voiced = self.f0[self.f0 > 0]
        return float(69 + 12 * np.log2(np.median(voiced) / 440)) if len(voiced) else 60.0


class Analyser:
    """Analyses each clip once; the result stays on disk, for it takes a quarter of the clip's length."""

    def __init__(self, library: Library, cache: Path | None = None) -> None:
        self.library = library
        self.cache = cache or cache_folder("voices")
        self._clips: dict[Path, Clip] = {}

    def clip(self, sample: Sample) -> Clip:
        """The recording taken apart."""
        if sample.file not in self._clips:
            self._clips[sample.file] = self._load(sample)
        return self._clips[sample.file]

    def _load(self, sample: Sample) -> Clip:
        wave = self.library.audio(sample)
        key = hashlib.sha256(wave.tobytes() + bytes([_VERSION])).hexdigest()[:32]
        path = self.cache / f"{key}.npz"
        try:
            with np.load(path) as kept:
                f0, envelope, aperiodicity = kept["f0"].astype(np.float64), kept["envelope"], kept["aperiodicity"]
        except (OSError, ValueError, KeyError):
            f0, envelope, aperiodicity = _analyse(wave)
            part = path.with_suffix(f".{os.getpid()}.tmp")
            with part.open("wb") as file:
                np.savez(file, f0=f0.astype(np.float32), envelope=envelope, aperiodicity=aperiodicity)
            os.replace(part, path)
            f0 = f0.astype(np.float32).astype(np.float64)  # the same bytes whether read or just made
        return Clip(sample, wave, f0, envelope, aperiodicity, _syllables(f0, envelope))


def _analyse(wave: Wave) -> tuple[Frames, NDArray[np.float32], NDArray[np.float32]]:
    world = _world()
    x = np.ascontiguousarray(wave, dtype=np.float64)
    f0, times = world.harvest(x, SR, f0_floor=65.0, f0_ceil=1000.0)
    spectrum = world.cheaptrick(x, f0, times, SR, fft_size=_FFT)
    aperiodicity = world.d4c(x, f0, times, SR, fft_size=_FFT)
    return (
        f0,
        world.code_spectral_envelope(spectrum, SR, _CODED).astype(np.float32),
        world.code_aperiodicity(aperiodicity, SR).astype(np.float32),
    )


def _syllables(f0: Frames, envelope: NDArray[np.float32]) -> list[Syllable]:
    """Cut where the sound changes most and around silence; a piece without a vowel goes to the syllable after it."""
    if len(envelope) < 20:
        return []
    loudness = gaussian_filter1d(envelope[:, 0].astype(np.float64), 2)
    alive = loudness > loudness.max() - 9.0  # the first coefficient is a log magnitude: about 40 dB
    smooth = uniform_filter1d(envelope[:, :24].astype(np.float64), 5, axis=0)
    change = np.zeros(len(smooth))
    change[3:-3] = np.linalg.norm(smooth[6:] - smooth[:-6], axis=1)
    change = gaussian_filter1d(change, 2)
    peaks, _ = find_peaks(change, distance=24, height=np.median(change) * 1.3)
    tonal = (f0 > 0) & (smooth[:, 1] > _TONAL)
    edges = np.flatnonzero(np.diff(alive.astype(int), prepend=0, append=0))
    out = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        marks = [start, *[int(p) for p in peaks if start + 12 < p < stop - 12], stop]
        first = start
        for mark in marks[1:]:
            vowel = _vowel(first, mark, tonal, loudness, change)
            if vowel is not None:
                out.append(Syllable(first, *vowel, mark))
                first = mark
    return out


def _vowel(first: int, stop: int, tonal: NDArray[np.bool_], loudness: Frames, change: Frames) -> tuple[int, int] | None:
    """The steadiest stretch that is voiced and loud, 60 to 140 ms of it."""
    part = slice(first, stop)
    good = tonal[part] & (loudness[part] > loudness[part].max() - 1.5)
    if good.sum() < 10:
        return None
    centre = int(np.argmin(np.where(good, change[part], np.inf)))
    low = high = centre
    while low > 0 and good[low - 1] and centre - low < 14:
        low -= 1
    while high + 1 < len(good) and good[high + 1] and high - centre < 14:
        high += 1
    return (first + low, first + high) if high - low >= 10 else None


@dataclass(frozen=True)
class Plan:
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
class Timbre:
    """How a singer differs from the one who was recorded."""

    size: float = 1.0  # formants are multiplied by it: 1.15 is a smaller throat
    breath: float = 0.0  # 0 to 0.6: more noise in the tone
    tilt_db: float = 0.0  # added per octave over 1 kHz


def world(plan: Plan, timbre: Timbre) -> Wave:
    """Sing a plan through WORLD; gives `(frames,)` at 44.1 kHz."""
    pyworld = _world()
    coded = np.zeros((len(plan.source), _CODED))
    bands = np.zeros((len(plan.source), plan.clips[0].aperiodicity.shape[1]))
    limits = np.zeros(len(plan.source))
    for i, clip in enumerate(plan.clips):
        mine = plan.which == i
        coded[mine] = _at(clip.envelope, plan.source[mine])
        bands[mine] = _at(clip.aperiodicity, plan.source[mine])
        limits[mine] = clip.sample.bandwidth * 1000 or 20000
    coded = uniform_filter1d(coded, 3, axis=0)
    spectrum = pyworld.decode_spectral_envelope(np.ascontiguousarray(coded), SR, _FFT)
    noise = pyworld.decode_aperiodicity(np.ascontiguousarray(bands), SR, _FFT)
    spectrum, noise = _extend(spectrum, noise, limits)
    spectrum, noise = _reshape(spectrum, noise, timbre)
    f0 = np.where(plan.voiced(), plan.f0, 0.0)
    y = pyworld.synthesize(f0, np.ascontiguousarray(spectrum), np.ascontiguousarray(noise), SR, FRAME * 1000)
    return _gained(y, plan)


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
        edge = int(0.88 * limit / SR * _FFT)
        level = spectrum[rows, int(0.7 * edge) : edge].mean(axis=1, keepdims=True)
        slope = (bins[edge:] / edge) ** -3.3
        spectrum[rows, edge:] = level * slope
        noise[rows, edge:] = np.maximum(noise[rows, edge:], 0.75)
    return spectrum, noise


def _reshape(spectrum: Frames, noise: Frames, timbre: Timbre) -> tuple[Frames, Frames]:
    bins = np.arange(_BINS)
    if abs(timbre.size - 1) > 0.005:
        at = np.minimum(bins / timbre.size, _BINS - 1.001)
        low = at.astype(int)
        part = at - low
        spectrum = spectrum[:, low] * (1 - part) + spectrum[:, low + 1] * part
        noise = noise[:, low] * (1 - part) + noise[:, low + 1] * part
    octaves = np.log2(np.maximum(bins * SR / _FFT, 1000) / 1000)
    spectrum = spectrum * 10 ** (timbre.tilt_db * octaves / 10)
    ramp = np.clip(octaves / 3, 0.1, 1.0)
    return spectrum, noise + timbre.breath * ramp * (1 - noise)


def _gained(y: NDArray[np.float64], plan: Plan) -> Wave:
    at = np.arange(len(y)) / _HOP
    return np.asarray(y * np.interp(at, np.arange(len(plan.gain)), plan.gain), dtype=np.float32)


def psola(plan: Plan, size: float = 1.0) -> Wave:
    """Sing a plan by moving periods of the recording; gives `(frames,)` at 44.1 kHz.

    `size` resamples each period, which moves the formants.
    """
    out = np.zeros(int(len(plan.source) * _HOP) + SR // 10, dtype=np.float32)
    voiced = plan.voiced()
    marks = [_marks(clip) for clip in plan.clips]
    at = 0.0
    end = len(plan.source) * _HOP - 1
    while at < end:
        frame = int(at / _HOP)
        clip, mark = plan.clips[plan.which[frame]], marks[plan.which[frame]]
        place = plan.source[frame] * _HOP
        if voiced[frame] and len(mark):
            place = mark[min(int(np.searchsorted(mark, place)), len(mark) - 1)]
            step = SR / plan.f0[frame]
            half = int(SR / max(float(clip.f0[min(int(place / _HOP), len(clip.f0) - 1)]), 70.0))
        else:
            step, half = 160.0, 160
        _grain(out, clip.wave, int(place), int(at), half, size)
        at += max(step, 20.0)
    return _gained(out, plan)


def _grain(out: Wave, wave: Wave, place: int, at: int, half: int, size: float) -> None:
    if place - half < 0 or place + half >= len(wave):
        return
    grain = wave[place - half : place + half] * _WINDOWS(half)
    if abs(size - 1) > 0.01:
        grain = np.interp(np.arange(0, len(grain), size), np.arange(len(grain)), grain).astype(np.float32)
    start = at - len(grain) // 2
    if start >= 0 and start + len(grain) <= len(out):
        out[start : start + len(grain)] += grain


class _Windows(dict[int, Wave]):
    def __call__(self, half: int) -> Wave:
        if half not in self:
            self[half] = np.hanning(2 * half).astype(np.float32)
        return self[half]


_WINDOWS = _Windows()


def _marks(clip: Clip) -> NDArray[np.int64]:
    """One mark in each period, at its highest peak."""
    marks: list[int] = []
    at = 0.0
    while at < len(clip.wave) - 1:
        pitch = clip.f0[min(int(at / _HOP), len(clip.f0) - 1)]
        if pitch <= 0:
            at += _HOP
            continue
        period = SR / pitch
        start = max(0, int(at - 0.25 * period))
        stretch = clip.wave[start : int(at + 0.25 * period) + 1]
        if len(stretch):
            at = start + int(np.argmax(stretch))
        if not marks or at > marks[-1]:
            marks.append(int(at))
        at += period
    return np.array(marks, dtype=np.int64)


def analyser_of(library: Library) -> Analyser:
    """The one analyser of a library; its clips stay in memory as long as the library does."""
    analyser = library.attachments.get("analyser")
    if not isinstance(analyser, Analyser):
        analyser = library.attachments["analyser"] = Analyser(library)
    return analyser
