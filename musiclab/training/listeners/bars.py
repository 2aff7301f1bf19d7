"""Fit what tells the beat's level, the metre and the bar lines: the weights of `musiclab.transcription.downbeats`.

Songs whose beats are known are heard, every reading of their pulse is scored against the truth, and the log-linear
model learns to prefer the best ones. Each song stands for several tempi: at another speed the same readings are found,
and only the numbers that tell the tempo differ.

References
----------
.. [1] Train: "Discrete Choice Methods with Simulation", Cambridge University Press 2009, chapter 3
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from scipy.optimize import minimize

from musiclab.errors import TranscriptionError
from musiclab.training.places import listeners_folder
from musiclab.training.studio.clips.samples import RecordedSound
from musiclab.training.studio.songs.library import Library
from musiclab.training.studio.songs.rhythms import RhythmSong, rhythm_song, studio_song
from musiclab.transcription import downbeats
from musiclab.transcription.accents import FPS, evidence_of
from musiclab.transcription.beats import pulses_of

log = logging.getLogger("musiclab")
SKETCHES, SONGS = range(1, 186), range(700001, 700061)
TOLERANCE = 0.07  # s, as mir_eval has it
SETTLED = 2.0  # s from which beats are judged: a tracker may begin later than the song
NEAR_BEST = 0.03  # readings so near to the best one are right too
LEAST = 0.6  # a song of which no reading is better teaches nothing
SPEEDS = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)  # octaves
TEMPI = {"simple": (56.0, 192.0), "odd": (70.0, 200.0), "eighths": (150.0, 300.0), "compound": (40.0, 110.0)}
"""Beats a minute, of what is learnt."""
USUAL = {"simple": 110.0, "odd": 130.0, "eighths": 230.0, "compound": 66.0}
WIDTH = 0.6  # octaves, the spread of tempi around the usual one
AS_IT_IS = 2.0  # how much the song counts at its own tempo
SHARES = {"4/4": 0.72, "3/4": 0.1, "2/4": 0.01, "6/8": 0.05, "12/8": 0.06, "5/4": 0.03, "7/8": 0.03}  # of all music
RIDGE = 3.0


@dataclass(frozen=True)
class Example:
    """A song as the model sees it.

    Attributes
    ----------
    numbers : np.ndarray [shape=(readings, size)]
        As `downbeats.describe` gives them.
    rewards : np.ndarray [shape=(readings,)]
        How good each is, 0–1.
    tempi : np.ndarray [shape=(readings,)]
        Beats a minute.
    kinds : tuple of str
        Of each reading, a key of `downbeats.TEMPI`.
    metre : str
        The true one.
    """

    numbers: np.ndarray
    rewards: np.ndarray
    tempi: np.ndarray
    kinds: tuple[str, ...]
    metre: str


def fit_bars(_groups: dict[str, list[list[RecordedSound]]]) -> None:
    """Render, hear, fit, and write `bars.npz`; the samples of single instruments play no part in it."""
    library = Library.default()
    songs = chain(map(rhythm_song, SKETCHES), (studio_song(seed, library) for seed in SONGS))  # one in memory at a time
    weights = fit(list(examples(songs)))
    np.savez_compressed(listeners_folder() / downbeats.WEIGHTS, weights=weights.astype(np.float32))


def examples(songs: Iterable[RhythmSong]) -> Iterator[Example]:
    """Songs as the model sees them; those whose pulse isn't found are left out."""
    for song in songs:
        try:
            yield example(song)
        except TranscriptionError:
            continue


def example(song: RhythmSong) -> Example:
    """Hear a song and score every reading of it."""
    evidence = evidence_of(song.mixture)
    found = [reading for pulse in pulses_of(evidence) for reading in downbeats.describe(evidence, pulse)]
    return Example(
        np.stack([numbers for _, numbers in found]).astype(np.float32),
        np.array([reward(reading, song) for reading, _ in found]),
        np.array([reading.tempo for reading, _ in found]),
        tuple(reading.kind for reading, _ in found),
        "{}/{}".format(*song.metre),
    )


def reward(reading: downbeats.Reading, song: RhythmSong) -> float:
    """The mean of the F-measures of beats and downbeats, less a little where the metre has another name."""
    times = reading.columns / FPS
    late = song.times >= SETTLED
    beats = f_measure(song.times[late], times[times >= SETTLED - TOLERANCE])
    bars = f_measure(song.downbeats, times[(1 - reading.first) % reading.count :: reading.count])
    true = downbeats.Reading(reading.columns, song.metre, 1)
    return (beats + bars) / 2 - 0.1 * (true.kind != reading.kind) - 0.05 * (true.metre != reading.metre)


def f_measure(true: np.ndarray, found: np.ndarray) -> float:
    """Of increasing times in seconds, at `TOLERANCE`."""
    if not len(true) or not len(found):
        return 0.0
    after = np.searchsorted(found, true)
    apart = np.minimum(np.abs(found[after.clip(0, len(found) - 1)] - true), np.abs(found[(after - 1).clip(0)] - true))
    return float(2 * np.sum(apart <= TOLERANCE) / (len(true) + len(found)))


def at_speeds(known: Example) -> Iterator[tuple[Example, float]]:
    """The song as it is, and quicker and slower as far as such music is played; and how much each counts."""
    best = int(known.rewards.argmax())
    slowest, fastest = TEMPI[known.kinds[best]]
    limits = np.array([downbeats.TEMPI[kind] for kind in known.kinds])
    for octaves in SPEEDS:
        tempi = known.tempi * 2**octaves
        inside = (tempi >= limits[:, 0]) & (tempi <= limits[:, 1])
        if not inside[best] or (octaves != 0.0 and not slowest <= tempi[best] <= fastest):
            continue
        kept = np.flatnonzero(inside)
        numbers = downbeats.at_other_tempo(known.numbers, octaves)[kept]
        kinds = tuple(known.kinds[i] for i in kept)
        from_usual = np.log2(tempi[best] / USUAL[known.kinds[best]]) / WIDTH
        weight = float(np.exp(-0.5 * from_usual**2)) * (AS_IT_IS if octaves == 0.0 else 1.0)
        yield replace(known, numbers=numbers, rewards=known.rewards[kept], tempi=tempi[kept], kinds=kinds), weight


def fit(known: Sequence[Example]) -> np.ndarray:
    """The weights under which the best readings are likeliest [shape=(size,)]: maximum likelihood with a ridge."""
    known = [song for song in known if song.rewards.max() >= LEAST]
    counts = {metre: sum(song.metre == metre for song in known) for metre in SHARES}
    played: list[Example] = []
    weights: list[float] = []
    for song in known:
        versions, counting = zip(*at_speeds(song), strict=True)
        played += versions
        share = SHARES[song.metre] * len(known) / counts[song.metre]
        weights += [share * weight / sum(counting) for weight in counting]
    rows = np.concatenate([song.numbers for song in played])
    scale = rows.std(axis=0) + 1e-3
    rows /= scale
    starts = np.cumsum([0, *(len(song.rewards) for song in played[:-1])])
    right = np.concatenate([song.rewards >= song.rewards.max() - NEAR_BEST for song in played])
    owner = np.repeat(np.arange(len(played)), [len(song.rewards) for song in played])
    found = minimize(
        _loss, np.zeros(rows.shape[1]), (rows, starts, owner, right, np.array(weights)), "L-BFGS-B", jac=True,
        options={"maxiter": 300},
    )  # fmt: skip
    return np.asarray(found.x / scale)


def _loss(
    w: np.ndarray, rows: np.ndarray, starts: np.ndarray, owner: np.ndarray, right: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Minus the log-likelihood that a right reading is chosen, and its gradient."""
    scores = (rows @ w.astype(np.float32)).astype(float)
    scores = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
    total, good = np.add.reduceat(scores, starts), np.add.reduceat(scores * right, starts)
    good = np.maximum(good, 1e-30)
    slope = weights[owner] * (scores / total[owner] - scores * right / good[owner])
    gradient = rows.T @ slope.astype(np.float32) + RIDGE * w
    return float(weights @ (np.log(total) - np.log(good)) + 0.5 * RIDGE * w @ w), gradient.astype(float)
