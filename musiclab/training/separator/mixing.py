"""Training examples: pieces of songs mixed anew every time, whole batches at once, on the device that trains.

Mixing the stems of different songs ("remixing") is what makes a few hundred songs go a long way: Uhlich et al.,
"Improving music source separation based on deep neural networks through data augmentation and network blending",
ICASSP 2017, doi:10.1109/ICASSP.2017.7952158. What is random is drawn by numpy (a few thousand numbers a batch); what
is long is computed on the device.

Notebook: 06
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from musiclab.separation.engines.embedded.network import N_BINS, N_FFT, SR, STEMS, features, spectrogram
from musiclab.training.separator.data import FULL_SCALE, SongPool
from musiclab.training.separator.effects import cut_db, equaliser_db, limited, overdriven
from musiclab.training.separator.loss import Target

VOCALS, DRUMS = STEMS.index("vocals"), STEMS.index("drums")
FASTEST = 1.12  # and 0.88 the slowest
HZ = np.arange(N_BINS) * SR / N_FFT


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
    voiceless : float
        Probability that an example has no vocals at all: much music has none.
    limited : float
        Probability that a limiter squeezes the mixture, all stems by one gain: loud mastering.
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
    voiceless: float = 0.15
    limited: float = 0.15


@dataclass(frozen=True)
class Piece:
    """A stretch of one stem of one song that is added to one stem of one example."""

    row: int  # example * stems + stem
    stem: int
    song: int
    start: int  # frame
    weight: float
    rate: float  # frames of the song for each frame of the example


class Batches:
    """Examples by the batch.

    Parameters
    ----------
    pool : SongPool
        Songs to draw from; it may grow.
    batch : int
        Examples.
    seconds : float
        Length of each.
    remix : Remix
        How they are mixed.
    seed : int
        The same seed, step and songs give the same batch.

    Notebook: 06
    """

    def __init__(self, pool: SongPool, *, batch: int, seconds: float, remix: Remix, seed: int = 0) -> None:
        self.pool, self.batch, self.remix, self.seed = pool, batch, remix, seed
        self.device = pool.device
        self.frames = int(seconds * SR)
        self.hz = torch.from_numpy(HZ.astype(np.float32)).to(self.device)

    @torch.no_grad()
    def at(self, step: int) -> tuple[Tensor, Target]:
        """Features ``(batch, 4, N_BINS, columns)`` of the mixtures of a step, and what the loss needs."""
        rng = np.random.default_rng((self.seed, step))
        D = spectrogram(self.waves(rng))[..., :N_BINS, :] * self._equaliser(rng)
        return features(D.sum(dim=1)), Target.of(D)

    @torch.no_grad()
    def waves(self, rng: np.random.Generator) -> Tensor:
        """Stems ``(batch, 4, 2, frames)``, all but equalised."""
        x = torch.zeros(self.batch * len(STEMS), 2, self.frames, device=self.device)
        for piece in self._drawn(rng):
            x[piece.row] += self._samples(piece)
        return self._mixed(x.view(self.batch, len(STEMS), 2, self.frames), rng)

    def _drawn(self, rng: np.random.Generator) -> list[Piece]:
        """Which stretches make up a batch: of one song, or a song for each stem with a guest here and there."""
        pieces = []
        for example in range(self.batch):
            strangers = rng.random() < self.remix.strangers
            together = self._stretch(rng)
            for stem in range(len(STEMS)):
                row = example * len(STEMS) + stem
                song, start, rate = self._stretch(rng) if strangers else together
                pieces.append(Piece(row, stem, song, start, 1.0, rate))
                if strangers and stem != DRUMS and rng.random() < self.remix.guests:
                    song, start, rate = self._stretch(rng)
                    pieces.append(Piece(row, stem, song, start, float(rng.uniform(0.3, 1)), rate))
        return pieces

    def _stretch(self, rng: np.random.Generator) -> tuple[int, int, float]:
        """A song, a frame of it to begin at, and a speed."""
        rate = float(rng.uniform(2 - FASTEST, FASTEST)) if rng.random() < self.remix.speed else 1.0
        song = int(rng.integers(len(self.pool.songs)))
        room = self.pool.songs[song].shape[-1] - self._needed(rate)
        return song, int(rng.integers(0, max(room, 0) + 1)), rate

    def _needed(self, rate: float) -> int:
        return self.frames if rate == 1.0 else int(self.frames * rate) + 2

    def _samples(self, piece: Piece) -> Tensor:
        """``(2, frames)``; where the song ends before, silence follows."""
        needed = self._needed(piece.rate)
        found = self.pool.songs[piece.song][piece.stem, :, piece.start : piece.start + needed]
        x = functional.pad(found.float(), (0, needed - found.shape[-1])) * (piece.weight / FULL_SCALE)
        if piece.rate == 1.0:
            return x
        exact = self.device if self.device.type != "mps" else torch.device("cpu")  # Apple's has no double precision
        at = torch.arange(self.frames, dtype=torch.float64, device=exact) * piece.rate
        left = at.long()
        part = (at - left).float().to(self.device)
        left = left.to(self.device)
        return torch.lerp(x[:, left], x[:, left + 1], part)

    def _mixed(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Overdrive, then level, sides, width and polarity as one 2 × 2 matrix a stem; then the limiter."""
        dirty = rng.random(x.shape[:2]) < self.remix.dirt
        dirty[:, DRUMS] = False
        for example, stem in np.argwhere(dirty):
            x[example, stem] = overdriven(x[example, stem], 10 ** (rng.uniform(-9, 12) / 20))
        x = self._put(self._places(rng)) @ x
        for example in np.flatnonzero(rng.random(len(x)) < self.remix.limited):
            x[example] = limited(x[example], rng)
        return x

    def _places(self, rng: np.random.Generator) -> np.ndarray:
        """Matrices ``(batch, stems, 2, 2)`` from left and right to left and right."""
        mix, shape = self.remix, (self.batch, len(STEMS))
        mono = rng.random((self.batch, 1)) < mix.mono
        gain = 10 ** (rng.uniform(-mix.gain_db, mix.gain_db, shape) / 20) * (rng.random(shape) >= mix.mute)
        gain[rng.random(self.batch) < mix.voiceless, VOCALS] = 0.0
        gain *= rng.choice([-1.0, 1.0], shape)
        width = np.where(rng.random(shape) < mix.narrow, rng.uniform(0, 1.3, shape) / 2, 0.5)
        width = np.where(mono, 0.0, width) * np.where(rng.random(shape) < 0.5, -1, 1)  # −: sides swapped
        balance = 10 ** (np.where(mono, 0.0, rng.normal(0, 1.5, shape)) / 20)
        rows = np.stack([np.stack([0.5 + width, 0.5 - width], -1), np.stack([0.5 - width, 0.5 + width], -1)], -2)
        sides = np.stack([gain * balance, gain / balance], -1)
        return np.asarray(rows * sides[..., None])

    def _equaliser(self, rng: np.random.Generator) -> Tensor:
        """Gains ``(batch, stems, 1, N_BINS, 1)``."""
        mix, shape = self.remix, (self.batch, len(STEMS))
        each = (*shape, 3)
        bumps = rng.normal(0, 2.5, each), rng.uniform(-4, 4, each), rng.uniform(0.5, 2, each)
        decibels = equaliser_db(self.hz, *(self._put(values) for values in bumps))
        for size, share, low, high in ((shape, mix.dull, 4e3, 12e3), ((self.batch, 1), mix.dull_mix, 6e3, 16e3)):
            corner = np.exp(rng.uniform(np.log(low), np.log(high), size))
            slope = np.where(rng.random(size) < share, rng.choice([24.0, 60.0, 200.0], size), 0.0)
            decibels = decibels + cut_db(self.hz, self._put(corner), self._put(slope))
        return (10 ** (decibels.clamp(-80, 12) / 20))[:, :, None, :, None]

    def _put(self, values: np.ndarray) -> Tensor:
        """A small array on the device."""
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(self.device)
