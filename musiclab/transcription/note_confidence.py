"""How likely a candidate is a note: a small network over what the posteriorgram and the spectrum say around it.

What decides is never one number. A weak onset is a note if nothing else explains it, and a ghost if a stronger key's
harmonics do; the lower note of an octave shows only in the odd partials, unless another key of the chord has them too.
So each candidate is described by 119 numbers (`describe`): its own posteriors before and after its onset, those of the
keys to which it is a harmonic, of the keys that are harmonics of it, of its neighbours, and how its first 16 partials
stand out of the spectrum before and after. A network of two hidden layers makes one probability of them. It is trained
by `python -m musiclab.training.listeners chords` on rendered music and runs in numpy.

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musiclab.transcription.calibration import logistic, perceptron
from musiclab.transcription.salience import BINS_PER_KEY, STEP, near

WEIGHTS = "chords.npz"
EARLY = 8  # columns (93 ms) of a note by which its strength is judged
TOGETHER = 4  # columns (46 ms) by which the onsets of a chord may differ
PARTIALS = np.arange(1, 17)
PARTIAL_BINS = np.rint(12 * BINS_PER_KEY * np.log2(PARTIALS)).astype(int)  # above the fundamental's bin
PARTIAL_KEYS = np.rint(12 * np.log2(PARTIALS)).astype(int)  # semitones above the fundamental
BETWEEN_BINS = np.rint(12 * BINS_PER_KEY * np.log2([0.5, 1.5, 2.5, 3.5])).astype(int)  # partials of the octave below
FUNDAMENTALS = -PARTIAL_KEYS[1:8]  # keys of which this one would be harmonic 2–8
BESIDE = np.array([-2, -1, 1, 2])
NOTE_COLUMNS = (-6, -3, 0, 3, 8, 16, 28)  # from the onset: where the key's own note posterior is looked at
ONSET_COLUMNS = (-2, -1, 0, 1, 2)
BEFORE, AFTER, LATER = (
    -7,
    8,
    18,
)  # columns from the onset to the middle of a spectrum: it reaches 8 columns to each side
MARGIN = 50  # columns added to each side, so that offsets of keys never leave the array


@dataclass(frozen=True)
class NoteEvidence:
    """What `describe` looks at.

    Attributes
    ----------
    note, onset : np.ndarray [shape=(columns, 88)] float32, 0–1
        Posteriors that keys sound, and that they begin to.
    rising : np.ndarray [shape=(columns, 88)] float32
        Onset posterior, or the rise of the note posterior where that is larger.
    spectrum : np.ndarray [shape=(columns / 2, 312)] float16, 0–1
        From `musiclab.transcription.salience.standing_out`.
    level_db : np.ndarray [shape=(columns,)] float32
        Level in dBFS.
    """

    note: np.ndarray
    onset: np.ndarray
    rising: np.ndarray
    spectrum: np.ndarray
    level_db: np.ndarray


def describe(evidence: NoteEvidence, start: np.ndarray, end: np.ndarray, key: np.ndarray) -> np.ndarray:
    """What each candidate is judged by [shape=(candidates, 119)] float32.

    `start`, `end` (columns) and `key` (0–87) are integer arrays [shape=(candidates,)].
    """
    columns = [
        _posteriors_around(evidence, start, key),
        _own_posteriors(evidence, start, end, key),
        _partials(evidence.spectrum, start, key),
        _surroundings(evidence, start, key),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _posteriors_around(evidence: NoteEvidence, start: np.ndarray, key: np.ndarray) -> np.ndarray:
    """How the keys sound, and begin to, that could explain the candidate or be explained by it."""
    total = summed(evidence.note)
    early = (total[np.minimum(start + EARLY, len(evidence.note))] - total[start]) / EARLY
    early = np.pad(early, ((0, 0), (MARGIN, MARGIN)))
    close = np.pad(moving_max(evidence.rising, TOGETHER)[start], ((0, 0), (MARGIN, MARGIN)))
    rows, at = np.arange(len(start))[:, np.newaxis], key[:, np.newaxis] + MARGIN
    sounding = np.concatenate([PARTIAL_KEYS, FUNDAMENTALS, BESIDE])
    beginning = np.concatenate([PARTIAL_KEYS[:8], FUNDAMENTALS, BESIDE])
    crowd = np.column_stack([np.log1p((early > 0.3).sum(axis=1)), (close > 0.4).sum(axis=1) / 5])
    return np.concatenate([early[rows, at + sounding], close[rows, at + beginning], crowd], axis=1)


def _own_posteriors(evidence: NoteEvidence, start: np.ndarray, end: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The candidate's own key, from before its onset until its end."""
    last = len(evidence.note) - 1
    note = [evidence.note[np.clip(start + d, 0, last), key] for d in NOTE_COLUMNS]
    onset = [evidence.onset[np.clip(start + d, 0, last), key] for d in ONSET_COLUMNS]
    total, length = summed(evidence.note), np.maximum(end - start, 1)
    strength = (total[np.minimum(end, last + 1), key] - total[start, key]) / length
    return np.stack([*note, *onset, evidence.rising[start, key], strength, np.log(length) - 3.0], axis=1)


def _partials(spectrum: np.ndarray, start: np.ndarray, key: np.ndarray) -> np.ndarray:
    """How far partials stand out: after the onset, newly so, a while later; and those of the octave below."""
    bins = BINS_PER_KEY * key + 1
    where = bins[:, np.newaxis] + PARTIAL_BINS

    def at(column: int, bins: np.ndarray) -> np.ndarray:
        return near(spectrum, ((start + column) // STEP)[:, np.newaxis], bins)

    after = at(AFTER, where)
    return np.concatenate(
        [after, after - at(BEFORE, where), at(LATER, where), at(AFTER, bins[:, np.newaxis] + BETWEEN_BINS)], axis=1
    )


def _surroundings(evidence: NoteEvidence, start: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Level and its rise, both in units of 20 dB, and how high the key is."""
    level_db, last = evidence.level_db, len(evidence.level_db) - 1
    level = np.clip(moving_max(level_db, TOGETHER)[start] - np.quantile(level_db, 0.95), -50, 0) / 20
    rise = np.clip(level_db[np.minimum(start + 4, last)] - level_db[np.maximum(start - 5, 0)], -20, 20) / 20
    height = (key - 39) / 40
    return np.stack([level, rise, height, height**2], axis=1)


def summed(values: np.ndarray) -> np.ndarray:
    """Cumulative sums along the columns, with a first row of zeros [shape=(columns + 1, ...)]."""
    total = np.zeros((len(values) + 1, *values.shape[1:]), dtype=np.float64)
    np.cumsum(values, axis=0, out=total[1:])
    return total


def moving_max(values: np.ndarray, reach: int) -> np.ndarray:
    """The largest within ± `reach` rows."""
    best = values.copy()
    for d in range(1, min(reach, len(values) - 1) + 1):
        np.maximum(best[:-d], values[d:], out=best[:-d])
        np.maximum(best[d:], values[:-d], out=best[d:])
    return best


def judge(described: np.ndarray) -> np.ndarray:
    """How likely each candidate is a note [shape=(candidates,)], 0–1; see `describe`."""
    return logistic(perceptron(described, WEIGHTS))
