"""Bars: which of the found pulses are the beats, in which metre, and where bars begin.

A tracker finds a pulse that fits the sound; twice, half or a third of it would fit as well. So every reading is a
candidate: a level of the pulse, a metre, a place where bars begin. Each is described by numbers (`describe`): what
accents stand on each beat of its bars, how the music repeats, what sounds between its beats, its tempo. The log-linear
model of [1]_ says how likely each is; its weights were fitted on songs whose bars are known
(`musiclab.training.listeners.bars`).

References
----------
.. [1] McFadden: "Conditional logit analysis of qualitative choice behavior", in Frontiers in Econometrics, 1974

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from musiclab.grid import BeatGrid, tempo_of
from musiclab.transcription.accents import ACCENTS, FPS, LAGS, LEVEL_SIZE, Evidence, accents_at, level_of, repeats

WEIGHTS = "bars.npz"
LEVELS = (
    (1, 1, (0,)), (2, 1, (0,)), (3, 1, (0,)), (1, 2, (0, 1)), (1, 3, (0, 1, 2)),
    (2, 3, (0, 1, 2)),  # the pulse is two of a compound beat's three
    (2, 2, (1,)), (4, 2, (1,)),  # it is on the off-beats
)  # fmt: skip
"""Pulses are cut in so many, every so many-th is a beat, from each of these."""
METRES = ((4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (12, 8), (5, 4), (7, 8))
TEMPI = {"simple": (48.0, 215.0), "odd": (70.0, 215.0), "eighths": (140.0, 320.0), "compound": (42.0, 140.0)}
"""Beats a minute; the beats of 7/8 are its eighths, and twice as quick as others."""
ALIKE = (("simple", "odd"), ("eighths",), ("compound",))  # in what sounds between their beats
SHORTEST = 2  # bars, for a bar's accents to be counted
FEW = 3.0  # bars whose mean accents count half
USUAL_TEMPO = 110.0


@dataclass(frozen=True)
class Pulse:
    """Something regular in the music: its columns [shape=(pulses,)], and how salient it is, 0–1."""

    columns: np.ndarray
    salience: float = 1.0


@dataclass(frozen=True)
class Reading:
    """One way to count the music: beats at these columns, in this metre, the first beat at this place of its bar."""

    columns: np.ndarray
    metre: tuple[int, int]
    first: int

    @property
    def count(self) -> int:
        """Beats in a bar."""
        return BeatGrid((0.0, 1.0), 1, self.metre).beats_per_bar

    @property
    def kind(self) -> str:
        """A key of `TEMPI`."""
        if BeatGrid((0.0, 1.0), 1, self.metre).is_compound:
            return "compound"
        if self.metre[0] in (5, 7):
            return "odd" if self.metre[1] <= 4 else "eighths"
        return "simple"

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return tempo_of(self.columns) * FPS


def best_reading(
    evidence: Evidence, pulses: Sequence[Pulse], *, metre: tuple[int, int] | None = None, keep_level: bool = False
) -> Reading:
    """The likeliest way to count a pulse.

    Parameters
    ----------
    evidence : Evidence
        What was heard.
    pulses : sequence of Pulse
        All that were found.
    metre : (int, int)
        If it is known.
    keep_level : bool
        Whether the pulse is known to be the beat.
    """
    found, described = [], []
    for pulse in pulses:
        for reading, numbers in describe(evidence, pulse, metre=metre, keep_level=keep_level):
            found.append(reading)
            described.append(numbers)
    return found[int(np.argmax(np.stack(described) @ model_weights()))]


@lru_cache(maxsize=1)
def model_weights() -> np.ndarray:
    """The fitted weights, one for each number of `describe`."""
    with resources.as_file(resources.files("musiclab.transcription") / WEIGHTS) as path, np.load(path) as held:
        return np.asarray(held["weights"], dtype=float)


def describe(
    evidence: Evidence, pulse: Pulse, *, metre: tuple[int, int] | None = None, keep_level: bool = False
) -> Iterator[tuple[Reading, np.ndarray]]:
    """All readings of a pulse, each with its numbers [shape=(size,)]."""
    metres = METRES if metre is None else (metre,)
    sequences = [pulse.columns] if keep_level else list(_levels(np.asarray(pulse.columns, dtype=float)))
    nothing = True
    for sequence in sequences:
        accents = accents_at(evidence, sequence)
        shared = np.concatenate([_tempo_numbers(sequence), [np.log(pulse.salience)], level_of(evidence, sequence)])
        again = repeats(evidence, sequence, accents)
        for candidate in metres:
            reading = Reading(sequence, candidate, 1)
            if not (keep_level or _in_range(reading)):
                continue
            for first in range(1, reading.count + 1):
                nothing = False
                reading = Reading(sequence, candidate, first)
                yield reading, _numbers(reading, accents, shared, again)
    if nothing:  # a pulse so slow or quick that no metre has it
        yield from describe(evidence, pulse, metre=metre, keep_level=True)


def _levels(columns: np.ndarray) -> Iterator[np.ndarray]:
    """The pulse counted at each level, from each place where that may begin."""
    index = np.arange(len(columns))
    for parts, every, starts in LEVELS:
        for start in starts:
            places = np.arange(start, (len(columns) - 1) * parts + 1, every) / parts
            if len(places) >= 4:
                yield np.interp(places, index, columns)


def _in_range(reading: Reading) -> bool:
    low, high = TEMPI[reading.kind]
    return low <= reading.tempo <= high


def _tempo_numbers(columns: np.ndarray) -> np.ndarray:
    octaves = np.log2(tempo_of(columns) * FPS / USUAL_TEMPO)
    return np.array([1.0, octaves, octaves**2])


def _numbers(reading: Reading, accents: np.ndarray, shared: np.ndarray, again: np.ndarray) -> np.ndarray:
    """What describes a reading: blocks of numbers, of which those that don't concern it are zero."""
    count, kind = reading.count, reading.kind
    profile = _profile(accents, count, reading.first)
    backbeats, middle = (profile[:, [1, 3]].mean(axis=1), profile[:, 2]) if count == 4 else np.zeros((2, len(ACCENTS)))
    tempo, salience, level = shared[:3], shared[3:4], shared[4:]
    return np.concatenate([
        profile[:, 0],
        *(_after_bars(row, count) for row in again),
        backbeats,
        middle,
        salience,
        [float(reading.metre == known) for known in METRES],
        *(tempo if kind == known else np.zeros(3) for known in TEMPI),
        *(level if kind in kinds else np.zeros(len(level)) for kinds in ALIKE),
    ])  # fmt: skip


def _after_bars(again: np.ndarray, count: int) -> np.ndarray:
    """How much more alike the music is after one bar, and after two, than after any beat [shape=(2,)]."""
    lags = [count - LAGS[0], 2 * count - LAGS[0]]
    return np.array([again[lag] - again.mean() if lag < len(again) else 0.0 for lag in lags])


def _profile(accents: np.ndarray, count: int, first: int) -> np.ndarray:
    """Mean accents on each beat of the bar, drawn towards nothing where bars are few [shape=(rows, count)]."""
    start = (1 - first) % count
    out = np.zeros((len(accents), count))
    for place in range(count):
        at = accents[:, (start + place) % count :: count]
        if at.shape[1] >= SHORTEST:
            out[:, place] = at.mean(axis=1) * at.shape[1] / (at.shape[1] + FEW)
    return out


def at_other_tempo(numbers: np.ndarray, octaves: float) -> np.ndarray:
    """What would describe the same readings, were the music so many octaves quicker [shape=(readings, SIZE)]."""
    out = numbers.copy()
    end = SIZE - len(ALIKE) * LEVEL_SIZE
    for start in range(end - 3 * len(TEMPI), end, 3):
        present = out[:, start] != 0
        out[present, start + 1] += octaves
        out[present, start + 2] = out[present, start + 1] ** 2
    return out


SIZE = 3 * len(ACCENTS) + 5 + len(METRES) + 3 * len(TEMPI) + len(ALIKE) * LEVEL_SIZE
"""How many numbers describe a reading."""
