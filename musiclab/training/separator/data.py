"""Training examples: crops of rendered songs, taken apart and mixed anew every time.

A folder of songs is a folder of ``.npy`` files, int16 ``(stems, 2, frames)`` at 44.1 kHz, stems in the order of
`network.STEMS`. New files may appear while the training runs: they are taken in at the next look.

Mixing the stems of different songs ("remixing") is what makes a few hundred songs go a long way: Uhlich et al.,
"Improving music source separation based on deep neural networks through data augmentation and network blending",
ICASSP 2017, doi:10.1109/ICASSP.2017.7952158.

Notebook: 06
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from musiclab.errors import DatasetError
from musiclab.separation.engines.embedded.network import HOP_LENGTH, N_BINS, N_FFT, SR, STEMS

if TYPE_CHECKING:
    from musiclab.datasets import Multitrack

FREQUENCIES = np.arange(N_BINS) * SR / N_FFT  # Hz
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)  # the periodic Hann window


class SongFolder:
    """The songs of a folder, mapped into memory and not read before they are needed.

    Parameters
    ----------
    folders : list of Path
        Where the ``.npy`` files are.

    Raises
    ------
    DatasetError
        If `refresh` finds no song at all.
    """

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.songs: dict[Path, np.ndarray] = {}
        self.refresh()

    def refresh(self) -> int:
        """Look for new songs (and forget deleted ones); how many there are now."""
        paths = [path for folder in self.folders for path in sorted(folder.glob("*.npy")) if ".tmp" not in path.name]
        if not paths:
            raise DatasetError(f"No song (*.npy) in {', '.join(map(str, self.folders))}: render some first.")
        self.songs = {path: self.songs.get(path, np.load(path, mmap_mode="r")) for path in paths}
        return len(self.songs)

    def crop(self, rng: np.random.Generator, frames: int, stems: slice = slice(None)) -> np.ndarray:
        """A random piece of a random song, float32 ``(stems, 2, frames)`` in [-1, 1]."""
        names = list(self.songs)
        song = self.songs[names[rng.integers(len(names))]]
        start = int(rng.integers(0, max(song.shape[-1] - frames, 0) + 1))
        piece = np.asarray(song[stems, :, start : start + frames], dtype=np.float32) / 32768
        return np.pad(piece, ((0, 0), (0, 0), (0, frames - piece.shape[-1])))


def pack(song: Multitrack, folder: Path) -> Path:
    """Write a song whose stems are known as a training song: ``NAME.npy`` in `folder`, which is made if need be.

    A stem that the song hasn't is silence; guitar and piano count as ``other``. Stems over full scale are turned down
    all alike, so that they still add up.

    Returns
    -------
    Path
        The file, written beside and moved into place.

    Raises
    ------
    DatasetError
        If a stem can't be told apart into voice, drums, bass and the rest, such as ``accompaniment``.

    Notebook: 06
    """
    packed = np.zeros((len(STEMS), 2, song.mixture.resampled(SR).frames), dtype=np.float32)
    for name, stem in song.stems.items():
        target = "other" if name in ("guitar", "piano") else name
        if target not in STEMS:
            raise DatasetError(f"{song.name!r} has a stem {name!r}: to learn from, a song needs {', '.join(STEMS)}.")
        packed[STEMS.index(target)] += stem.resampled(SR).stereo().samples
    packed /= max(1.0, float(np.abs(packed).max()))
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / f"{song.name}.npy", folder / f"{song.name}.tmp.npy"
    np.save(part, np.round(packed * 32767).astype(np.int16))
    part.replace(path)
    return path


@dataclass(frozen=True)
class Remix:
    """How crops become training examples. Probabilities are 0–1, gains in dB.

    Parameters
    ----------
    strangers : float
        Probability that the stems come from different songs; else they play together as rendered.
    gain_db : float
        Largest change of a stem's level, up or down.
    mute : float
        Probability that a stem is silent.
    speed : float
        Probability that a crop is played faster or slower (and higher or lower), by up to 12 %.
    narrow, mono : float
        Probability that a stem's stereo width changes, and that the whole mixture is mono.
    dirt : float
        Probability that a stem (not the drums) is overdriven, as amplifiers and mastering do.
    guests : float
        Probability that a stem (not the drums) of strangers is joined by the same stem of one more song: backing
        voices, a guitar beside the piano.
    dull, dull_mix : float
        Probability that a stem, or the whole mixture, loses its treble above 4 kHz or higher: else the network would
        learn that what has no treble is a voice (many free recordings of voices end at 8 kHz).
    """

    strangers: float = 0.5
    gain_db: float = 6.0
    mute: float = 0.07
    speed: float = 0.2
    narrow: float = 0.5
    mono: float = 0.1
    dirt: float = 0.2
    guests: float = 0.2
    dull: float = 0.15
    dull_mix: float = 0.15

    def example(self, songs: SongFolder, rng: np.random.Generator, frames: int) -> np.ndarray:
        """One example: the STFTs of its stems, complex64 ``(stems, 2, N_BINS, STFT frames)``."""
        if rng.random() < self.strangers:
            pieces = np.concatenate([self._stranger(songs, rng, frames, i) for i in range(len(STEMS))])
        else:
            pieces = self._piece(songs, rng, frames, slice(None))
        mono = rng.random() < self.mono
        for name, stem in zip(STEMS, pieces, strict=True):
            if name != "drums" and rng.random() < self.dirt:
                _overdrive(stem, rng)
            self._place(stem, rng, mono)
        D = _stft(pieces)
        D *= self._equaliser(rng)[:, None, None, :]
        return D.swapaxes(2, 3)

    def _stranger(self, songs: SongFolder, rng: np.random.Generator, frames: int, index: int) -> np.ndarray:
        """One stem of a random song, ``(1, 2, frames)``, with or without a guest."""
        piece = self._piece(songs, rng, frames, slice(index, index + 1))
        if STEMS[index] != "drums" and rng.random() < self.guests:
            piece = piece + self._piece(songs, rng, frames, slice(index, index + 1)) * np.float32(rng.uniform(0.3, 1))
        return piece

    def _piece(self, songs: SongFolder, rng: np.random.Generator, frames: int, stems: slice) -> np.ndarray:
        if rng.random() >= self.speed:
            return songs.crop(rng, frames, stems)
        rate = float(rng.uniform(0.88, 1.12))
        piece = songs.crop(rng, int(frames * rate) + 2, stems)
        at = np.arange(frames, dtype=np.float64) * rate
        left = at.astype(np.int64)
        part = (at - left).astype(np.float32)
        return piece[..., left] * (1 - part) + piece[..., left + 1] * part

    def _place(self, stem: np.ndarray, rng: np.random.Generator, mono: bool) -> None:
        """Level, polarity, sides and width of one stem ``(2, frames)``, changed in place."""
        gain = 0.0 if rng.random() < self.mute else 10 ** (rng.uniform(-self.gain_db, self.gain_db) / 20)
        if rng.random() < 0.5:
            stem[:] = stem[::-1].copy()
        if mono or rng.random() < self.narrow:
            side = (stem[0] - stem[1]) * np.float32(0.0 if mono else rng.uniform(0, 1.3) / 2)
            middle = (stem[0] + stem[1]) / 2
            stem[0], stem[1] = middle + side, middle - side
        balance = 0.0 if mono else rng.normal(0, 1.5)  # dB
        sides = np.array([[10 ** (balance / 20)], [10 ** (-balance / 20)]])
        stem *= (sides * gain * rng.choice([-1.0, 1.0])).astype(np.float32)

    def _equaliser(self, rng: np.random.Generator) -> np.ndarray:
        octaves = np.log2((FREQUENCIES + 20) / 1000)
        gain_db = np.zeros((len(STEMS), N_BINS))
        for row in gain_db:
            for _ in range(3):
                row += rng.normal(0, 2.5) * np.exp(-0.5 * ((octaves - rng.uniform(-4, 4)) / rng.uniform(0.5, 2)) ** 2)
            if rng.random() < self.dull:
                row += _treble_cut(rng, 4_000, 12_000)
        if rng.random() < self.dull_mix:
            gain_db += _treble_cut(rng, 6_000, 16_000)
        return (10 ** (np.clip(gain_db, -80, 12) / 20)).astype(np.float32)


def _overdrive(stem: np.ndarray, rng: np.random.Generator) -> None:
    """Soft clipping of ``(2, frames)`` in place, from hardly to hard, at the level that it had."""
    level = np.sqrt(np.mean(np.square(stem))) + np.float32(1e-6)
    driven = np.tanh(stem * (np.float32(10 ** (rng.uniform(-9, 12) / 20)) / level))
    stem[:] = driven * (level / (np.sqrt(np.mean(np.square(driven))) + np.float32(1e-6)))


def _treble_cut(rng: np.random.Generator, lowest: float, highest: float) -> np.ndarray:
    """Gain in dB for each bin: a low pass with a random corner and slope."""
    corner, slope = np.exp(rng.uniform(np.log(lowest), np.log(highest))), float(rng.choice([24.0, 60.0, 200.0]))
    octaves: np.ndarray = np.maximum(np.log2((FREQUENCIES + 1e-6) / corner), 0)
    return -slope * octaves


def _stft(samples: np.ndarray) -> np.ndarray:
    """STFT ``(..., STFT frames, N_BINS)`` of ``(..., frames)``: `network.spectrogram` up to 16.5 kHz.

    With scipy's FFT, which takes a quarter of the time of torch's on the processors that we train on.
    """
    padded = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(N_FFT // 2, N_FFT // 2)], mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=-1)[..., ::HOP_LENGTH, :]
    D = np.empty((*frames.shape[:-1], N_BINS), dtype=np.complex64)
    for index in np.ndindex(samples.shape[:-1]):  # one channel at a time stays in the processor's cache
        D[index] = scipy.fft.rfft(frames[index] * WINDOW, overwrite_x=True)[:, :N_BINS]
    return D
