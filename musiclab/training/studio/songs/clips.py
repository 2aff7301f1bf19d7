"""Recorded voices taken apart: pitch, envelope and noise in frames of 5 ms, and where their syllables lie.

The analysis is WORLD's (M. Morise, F. Yokomori, K. Ozawa, IEICE Transactions E99-D(7), 2016,
doi:10.1587/transinf.2015EDP7457).
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

from musiclab.theory import hz_to_midi
from musiclab.training.studio.songs.library import SR, Library, Sample, Wave, cache_folder

FRAME = 0.005  # seconds between frames of analysis
HOP = SR * FRAME
FFT = 2048
CODED = 80  # numbers that keep an envelope: under 1 dB off below 8 kHz
_VERSION = 1
_TONAL = 3.3  # second coefficient (tilt towards the bass): vowels lie above, hissing consonants below
Frames = NDArray[np.float64]


def available() -> bool:
    """Whether the vocoder is installed."""
    return importlib.util.find_spec("pyworld") is not None


def load_world() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources, which warns
        import pyworld

    module: ModuleType = pyworld
    return module


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
        return hz_to_midi(float(np.median(voiced))) if len(voiced) else 60.0


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
            part.replace(path)
            f0 = f0.astype(np.float32).astype(np.float64)  # the same bytes whether read or just made
        return Clip(sample, wave, f0, envelope, aperiodicity, _syllables(f0, envelope))


def _analyse(wave: Wave) -> tuple[Frames, NDArray[np.float32], NDArray[np.float32]]:
    world = load_world()
    x = np.ascontiguousarray(wave, dtype=np.float64)
    f0, times = world.harvest(x, SR, f0_floor=65.0, f0_ceil=1000.0)
    spectrum = world.cheaptrick(x, f0, times, SR, fft_size=FFT)
    aperiodicity = world.d4c(x, f0, times, SR, fft_size=FFT)
    return (
        f0,
        world.code_spectral_envelope(spectrum, SR, CODED).astype(np.float32),
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


def analyser_of(library: Library) -> Analyser:
    """The one analyser of a library; its clips stay in memory as long as the library does."""
    analyser = library.attachments.get("analyser")
    if not isinstance(analyser, Analyser):
        analyser = library.attachments["analyser"] = Analyser(library)
    return analyser
