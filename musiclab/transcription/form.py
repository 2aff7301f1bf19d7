"""The form of a song: where its sections begin, and which of them are alike.

1. What each bar sounds like: its chroma (harmony) and its mel spectrum (who plays), beat by beat, so that two bars are
   alike when the same happens at the same place in them.
2. Boundaries: the song is cut so that the bars of a section are like their mean, each section having its price [1]_;
   music goes by fours, so other lengths cost more. Here the players count for more than the harmony, which changes
   inside a section too.
3. Letters: sections whose bars are like each other's, aligned from their beginnings, get one letter.

It finds where the music changes, not what a songwriter would call it: the first section is A, the next new one B.

References
----------
.. [1] Jensen: "Multiple scale music segmentation using rhythm, timbre, and harmony", EURASIP Journal on Advances in
   Signal Processing 2007, doi:10.1155/2007/73205 (the shortest path through costs of sections)

Notebook: 10
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.spectral import mel_filters, stft
from musiclab.theory import hz_to_midi
from musiclab.transcription.phase import in_phase

SR, N_FFT, HOP_LENGTH = 22050, 4096, 1024
MEL_BANDS = 24
SHORTEST = 4  # bars of a song that is cut at all
HARMONY = 0.15  # how much chroma counts for boundaries, beside the mel spectrum
PRICE = 1.6  # of a section, in bars that differ as much as bars of the song do
ALIKE = 0.72  # agreement of two sections, 0–1, above which they share a letter


@dataclass(frozen=True)
class Section:
    """A part of a song's form.

    Attributes
    ----------
    start, end : float
        In seconds; sections follow each other without gaps.
    label : str
        A letter: sections that are alike share it.
    bars : int
        How many bars it has, the bar that is cut off at the end included.
    """

    start: float
    end: float
    label: str
    bars: int


def sections(song: Audio, *, grid: BeatGrid) -> tuple[Section, ...]:
    """Where the sections of a song begin, by letters.

    Parameters
    ----------
    song : Audio
        The mixture; any rate and channels.
    grid : BeatGrid
        Its beats and bars: sections begin on downbeats.

    Returns
    -------
    tuple of Section
        From the first downbeat to the end of the song; at least one. Songs of fewer than four bars are one section.

    Notebook: 10
    """
    downbeats = [time for time in grid.downbeats if 0 <= time < song.duration]
    if len(downbeats) < SHORTEST:
        return (Section(downbeats[0] if downbeats else 0.0, song.duration, "A", max(1, len(downbeats))),)
    bars = _bar_features(song, grid, downbeats)
    starts = _boundaries(bars * np.repeat([HARMONY, 1.0], [12, MEL_BANDS]))
    edges = [*starts, len(bars)]
    letters = _letters([bars[a:b] for a, b in itertools.pairwise(edges)])
    times = [*(downbeats[start] for start in starts), song.duration]
    return tuple(Section(times[i], times[i + 1], letter, edges[i + 1] - edges[i]) for i, letter in enumerate(letters))


def _bar_features(song: Audio, grid: BeatGrid, downbeats: Sequence[float]) -> np.ndarray:
    """Chroma and mel levels of each beat of each bar [shape=(bars, beats, 36)]."""
    S = np.abs(stft(in_phase(song).resampled(SR).samples[0], n_fft=N_FFT, hop_length=HOP_LENGTH))
    per_beat = np.concatenate([_chroma(S), _mel(S)])
    places = grid.beats_at(downbeats)[:, None] + np.arange(grid.beats_per_bar + 1)
    frames = np.round(grid.seconds_at(places.ravel()) * SR / HOP_LENGTH).astype(int).clip(0, S.shape[1] - 1)
    bars = []
    for edges in frames.reshape(places.shape):
        beats = [per_beat[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)]
        bars.append(np.stack(beats))
    return np.stack(bars)


def _chroma(S: np.ndarray) -> np.ndarray:
    """Compressed energy by pitch class, of unit length, weighed as much as the mel bands [shape=(12, columns)]."""
    hz = np.arange(S.shape[0]) * SR / N_FFT
    inside = np.flatnonzero((hz > 60) & (hz < 2000))
    folded = np.zeros((12, S.shape[1]))
    np.add.at(folded, np.round(hz_to_midi(hz[inside])).astype(int) % 12, np.sqrt(S[inside]))
    folded -= folded.min(axis=0)
    return np.asarray(folded / np.maximum(np.linalg.norm(folded, axis=0), 1e-6))


def _mel(S: np.ndarray) -> np.ndarray:
    """Levels in mel bands over a range of 60 dB, scaled to the chroma's weight [shape=(24, columns)]."""
    filters = mel_filters(SR, N_FFT, MEL_BANDS, fmin=40.0, fmax=10000.0)
    power = filters @ np.square(S)
    level = np.log10(np.maximum(power / max(float(power.max()), 1e-12), 1e-6)) / 6 + 1
    return np.asarray(level / np.sqrt(MEL_BANDS))


def _boundaries(bars: np.ndarray) -> list[int]:
    """The first bar of each section of `bars` [shape=(bars, beats, 36)]: the cheapest way to cut the song.

    A section costs how far its bars are from their mean (in units of the song's variance), and what its length costs.
    """
    count = len(bars)
    bars = bars.reshape(count, -1)
    spread = max(float(np.square(bars - bars.mean(axis=0)).sum()) / count, 1e-12)
    sums = np.concatenate([np.zeros((1, bars.shape[1])), np.cumsum(bars, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(bars).sum(axis=1))])
    best, back = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=int)
    best[0] = 0.0
    for end in range(1, count + 1):
        for start in range(end):
            length = end - start
            total = sums[end] - sums[start]
            error = (squares[end] - squares[start] - total @ total / length) / spread
            cost = best[start] + error + _length_cost(length, edge=start == 0 or end == count)
            if cost < best[end]:
                best[end], back[end] = cost, start
    starts = [int(back[count])]
    while starts[-1] > 0:
        starts.append(int(back[starts[-1]]))
    return starts[::-1]


def _length_cost(bars: int, *, edge: bool) -> float:
    """What a section of so many bars costs: music goes by fours; an introduction or an ending may be shorter."""
    if bars % 4 == 0:
        return PRICE
    if edge and bars <= 4:
        return 1.25 * PRICE
    return PRICE * (1.5 if bars % 2 == 0 and bars > 4 else 2.0)


def _letters(parts: Sequence[np.ndarray]) -> list[str]:
    """A letter for each section: that of the section before it which it is most like, or a new one."""
    mean = np.concatenate(parts).mean(axis=0)
    letters: list[str] = []
    for number, part in enumerate(parts):
        scores = [_agreement(part - mean, other - mean) for other in parts[:number]]
        best = int(np.argmax(scores)) if scores else -1
        used = len(set(letters))
        letters.append(letters[best] if scores and scores[best] > ALIKE else string.ascii_uppercase[used % 26])
    return letters


def _agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two sections over the bars that both have, from their beginnings, −1 to 1."""
    count = min(len(a), len(b))
    x, y = a[:count].ravel(), b[:count].ravel()
    return float(x @ y / max(float(np.linalg.norm(x) * np.linalg.norm(y)), 1e-9))
