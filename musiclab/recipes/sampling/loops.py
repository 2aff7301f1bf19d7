"""Finding and cutting loops: bars of one stem that begin on a downbeat, repeat without a step, and are worth having.

* **Where.** Every run of 1, 2, 4 … bars between two downbeats. The start is moved to the quietest frame nearby (rather
  before the beat, so that no attack is cut), and the end with it: the length is that of the bars, to the frame.
* **Joining.** The last 5 ms fade into what stood before the start: then the last frame leads into the first as it did
  in the recording, and nothing clicks however loud the edges are.
* **Which.** Loops are ranked by how clean they are (the stem's level over all the rest: where little else plays, little
  can leak) and by how well they go round (whether what followed the end was like the start). Of loops that are nearly
  the same, or that share most of their bars, the best one stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclab.audio import SILENCE_DB, Audio, to_db
from musiclab.grid import BeatGrid
from musiclab.spectral import mel_filters, stft
from musiclab.stems import Stems

KINDS = {"drums": "drumloop", "bass": "bassline", "vocals": "vocal"}  # of a stem; all others are melodic loops
BEFORE, AFTER = 0.003, 0.001  # s around a downbeat in which the quietest frame is looked for
FADE = 0.005  # s in which the end becomes what was before the start
QUIETEST_DB = -45.0  # a loop has at least this level
UNDER_DB = 15.0  # and is at most so far under the mixture
ACTIVE = 0.5  # and plays in at least this share of its beats
SAME = 0.9  # agreement, 0–1, above which two loops are nearly the same
ROUND_DB = 12.0  # what going round perfectly is worth, in dB of cleanness
STEPS = 4  # places in a beat at which loops are compared
SR, N_FFT, HOP_LENGTH, BANDS = 22050, 1024, 256, 24


@dataclass(frozen=True, eq=False)
class Loop:
    """Some bars of a stem that can be repeated.

    Attributes
    ----------
    stem : str
        Where it is from.
    first_bar, bars : int
        Which bars, from 1.
    start : int
        Its first frame in the song.
    audio : Audio
        What it sounds like.
    beats : int
        Its length in beats.
    clean_db : float
        Level of the stem over that of everything else, in dB.
    goes_round : float
        0–1: how like its start what followed its end was.
    """

    stem: str
    first_bar: int
    bars: int
    start: int
    audio: Audio
    beats: int
    clean_db: float
    goes_round: float

    @property
    def kind(self) -> str:
        """``drumloop``, ``bassline``, ``vocal`` or ``melody``."""
        return KINDS.get(self.stem, "melody")

    @property
    def tempo(self) -> float:
        """Beats a minute at which its length is right."""
        return 60 * self.beats / self.audio.duration

    @property
    def score(self) -> float:
        """What it is ranked by, in dB."""
        return float(np.clip(self.clean_db, -12, 24)) + ROUND_DB * self.goes_round


def find_loops(stems: Stems, name: str, grid: BeatGrid, *, bars: Sequence[int], most: int) -> list[Loop]:
    """The best loops of one stem, best first.

    Parameters
    ----------
    stems : Stems
        The song's.
    name : str
        Which of them.
    grid : BeatGrid
        Beats and bars.
    bars : sequence of int
        Lengths that are wanted.
    most : int
        How many of each length at most.
    """
    found = []
    pattern = _pattern(stems[name], grid)
    for length in sorted(set(bars)):
        candidates = sorted(_candidates(stems, name, grid, length, pattern), key=lambda loop: -loop.score)
        kept: list[Loop] = []
        for loop in candidates:
            if len(kept) < most and not any(_alike(loop, other, pattern, grid) for other in kept):
                kept.append(loop)
        found += [replace(loop, audio=cut(stems[name], loop.start, loop.audio.frames)) for loop in kept]
    return found


def cut(stem: Audio, start: int, length: int) -> Audio:
    """`length` frames of a stem from `start` on, whose end leads into its start."""
    samples = np.array(stem.samples[:, start : start + length])
    size = min(round(FADE * stem.sr), length // 2)
    before = np.zeros((stem.channels, size), dtype=np.float32)
    there = stem.samples[:, max(0, start - size) : start]
    before[:, size - there.shape[1] :] = there
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(size) + 1) / (size + 1))).astype(np.float32)
    samples[:, length - size :] = samples[:, length - size :] * (1 - rise) + before * rise
    return Audio(samples, stem.sr, title=stem.title)


def _candidates(stems: Stems, name: str, grid: BeatGrid, bars: int, pattern: np.ndarray) -> Iterator[Loop]:
    """Every run of so many bars in which the stem plays."""
    stem, mixture = stems[name].samples, stems.mixture.samples
    downbeats = grid.downbeats
    skip = (1 - grid.first) % grid.beats_per_bar
    for number in range(len(downbeats) - bars):
        length = round((downbeats[number + bars] - downbeats[number]) * stems.sr)
        start = _quietest(stem, downbeats[number], stems.sr)
        if start < 0 or start + length > stem.shape[1]:
            continue
        here, whole = stem[:, start : start + length], mixture[:, start : start + length]
        level, total = _level(here), _level(whole)
        if level < max(QUIETEST_DB, total - UNDER_DB) or _activity(here, bars * grid.beats_per_bar) < ACTIVE:
            continue
        clean = level - max(_level(whole - here), SILENCE_DB)
        beat = skip + number * grid.beats_per_bar
        after = _agreement(pattern, beat, beat + bars * grid.beats_per_bar, 1)
        audio = Audio.of_checked(here, stems.sr, title=name)
        yield Loop(name, number + 1, bars, start, audio, bars * grid.beats_per_bar, clean, max(after, 0.0))


def _quietest(samples: np.ndarray, time: float, sr: int) -> int:
    """The frame around a downbeat where the loudest channel is quietest."""
    first = max(0, round((time - BEFORE) * sr))
    window = np.abs(samples[:, first : round((time + AFTER) * sr) + 1]).max(axis=0)
    return first + int(window.argmin()) if window.size else -1


def _level(samples: np.ndarray) -> float:
    return to_db(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def _activity(samples: np.ndarray, beats: int) -> float:
    """The share of beats that are within 30 dB of the loudest."""
    levels = np.array([_level(part) for part in np.array_split(samples, beats, axis=1)])
    return float(np.mean(levels > levels.max() - 30))


def _pattern(stem: Audio, grid: BeatGrid) -> np.ndarray:
    """What happens in each beat [shape=(beats, steps, bands)]: levels in dB over a range of 50 dB, 0–1."""
    S = np.abs(stft(stem.mono().resampled(SR).samples[0], n_fft=N_FFT, hop_length=HOP_LENGTH))
    power = mel_filters(SR, N_FFT, BANDS, fmin=40.0, fmax=10000.0) @ np.square(S)
    level = np.clip(np.log10(power / max(float(power.max()), 1e-12) + 1e-5) / 5 + 1, 0, 1)
    places = np.arange(len(grid.times) * STEPS + 1) / STEPS
    columns = np.round(grid.seconds_at(places) * SR / HOP_LENGTH).astype(int).clip(0, level.shape[1] - 1)
    steps = [level[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(columns)]
    return np.stack(steps).reshape(len(grid.times), STEPS, BANDS)


def _alike(loop: Loop, other: Loop, pattern: np.ndarray, grid: BeatGrid) -> bool:
    """Whether two loops of one length are nearly the same, or share more than half of their bars."""
    if abs(loop.first_bar - other.first_bar) * 2 < loop.bars:
        return True
    skip = (1 - grid.first) % grid.beats_per_bar
    a, b = (skip + (one.first_bar - 1) * grid.beats_per_bar for one in (loop, other))
    return _agreement(pattern, a, b, loop.beats) > SAME


def _agreement(pattern: np.ndarray, first: int, second: int, beats: int) -> float:
    """How like each other two places in a stem are, over so many beats: 1 for the same, 0 for no relation.

    Cosine of the pattern's deviations from the stem's mean; 0.5 where the song ends before.
    """
    if second + beats > len(pattern):
        return 0.5
    mean = pattern.mean(axis=(0, 1))
    a, b = ((pattern[at : at + beats] - mean).ravel() for at in (first, second))
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 1e-9 else 1.0
