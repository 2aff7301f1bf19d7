"""What tells how likely a note of a line is right: what was heard in it, around it and in the whole stem.

A stem that was separated from a mixture holds more than its line: remains of other instruments, or the
loudest of them where the line pauses. A pitch tracker follows those just as surely, so its own certainty
promises too much. What gives them away is what else sounds: keys of the posteriorgram that are no partials of
the note, a sound that is too bright or too dark for the line, a leap of an octave, columns of the stem that
are loud and have no pitch. What is left of a drum or a guitar in the middle of a note sounds like a new
beginning, but the note's own partials go on as they were. So each note is described by 57 numbers (`describe`):
its own pitch and beginning, the posteriors of its key, of its octaves and of all that doesn't belong to it,
its neighbours in the line, how clean the stem is as a whole, and whether its partials began anew. A small
network makes a probability of them (`musiclab.transcription.stem_confidence`). It is trained by `python -m
musiclab.training.listeners confidences` on lines whose notes are known: alone, in true stems of songs, in
the same stems separated, in their mixtures, and separated from those songs mixed otherwise.

Notebook: 10
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.transcription.onsets import BANDS, CHANGES, LOG_ODDS_LIMIT, loud_parts
from musiclab.transcription.pitch_track import COLUMN_S, PitchTrack
from musiclab.transcription.posteriorgram import HOP as GRAM_HOP
from musiclab.transcription.posteriorgram import LOWEST, PITCHES, Posteriorgram
from musiclab.transcription.posteriorgram import SR as GRAM_SR
from musiclab.transcription.salience import BINS_PER_KEY, STEP, near

DESCRIBED = 57  # what each note is judged by
BELONGING = (
    -24,
    -19,
    -12,
    0,
    12,
    19,
    24,
    28,
    31,
    34,
    36,
)  # semitones from a note to its partials, and to what it is one of
STRAY, LOW = len(BANDS) - 1, CHANGES - (len(BANDS) - 1)  # columns of changes: stray and level of the lowest bands
BEFORE, AFTER = slice(-8, -1), slice(3, 10)  # columns around a beginning where levels are compared
MOST_GAIN = 20.0  # dB
PARTIALS = (0, 1, 3, 6, 10, 16)  # edges of groups of partials: the first, 2 to 3, 4 to 6, 7 to 10, 11 to 16
JUST_BEFORE, JUST_AFTER, SOON = (-12, -8), 8, 16  # columns of the posteriorgram from a beginning
ADJACENT = 0.1  # s: a longer rest parts two notes
GATE_DB = 32.0  # columns so far below the loud parts don't sound


@dataclass(frozen=True, eq=False)
class CutLine:
    """A line that was cut into notes, in columns of its pitch track [each of shape=(notes,)].

    Attributes
    ----------
    start, end : np.ndarray of int
        First column, and the column after the last.
    pitch : np.ndarray
        MIDI, with fractions.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray

    @staticmethod
    def of(notes: Sequence[tuple[int, int, float]]) -> CutLine:
        """From (first column, column after the last, pitch) of each note."""
        start, end, pitch = np.array(notes, dtype=float).reshape(-1, 3).T
        return CutLine(start.astype(int), end.astype(int), pitch)

    def __len__(self) -> int:
        return len(self.start)


def describe(
    line: CutLine, track: PitchTrack, voiced: np.ndarray, odds: np.ndarray, gram: Posteriorgram | None
) -> np.ndarray:
    """What each note is judged by [shape=(notes, 57)] float32.

    Parameters
    ----------
    line : CutLine
        The notes.
    track : PitchTrack
        What they were cut from.
    voiced : np.ndarray [shape=(columns,)], 0–1
        How sure it is that there is a pitch, softer columns left out.
    odds : np.ndarray [shape=(columns,)]
        Log-odds that a note begins.
    gram : Posteriorgram | None
        Of the same recording; without it nothing is known of other keys.
    """
    if not len(line):
        return np.zeros((0, DESCRIBED), np.float32)
    own, levels = _own(line, track, voiced, odds), _levels(line, track)
    beside, posteriors = _neighbours(line), _posteriors(line, gram)
    whole, struck, partials = _whole(line, track, voiced, posteriors), _struck(line, track), _partials(line, gram)
    return np.concatenate([own, levels, beside, posteriors, whole, struck, partials], axis=1).astype(np.float32)


def _own(line: CutLine, track: PitchTrack, voiced: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """The pitch of each note, how sure and how steady it is, how it begins, how long it is [shape=(notes, 10)]."""
    rows = []
    loud = float(loud_parts(track.level_db))
    for start, end, pitch in zip(line.start.tolist(), line.end.tolist(), line.pitch.tolist(), strict=True):
        sure = voiced[start:end]
        away = np.minimum(np.abs(track.pitch[start:end][sure > 0.5] - pitch), 2.0)
        begun = float(odds[max(0, start - 1) : start + 2].max()) / LOG_ODDS_LIMIT
        within = float(odds[start + 3 : end - 2].max(initial=-LOG_ODDS_LIMIT)) / LOG_ODDS_LIMIT
        level = float(np.clip(track.level_db[start:end].max() - loud, -40, 6)) / 20
        length = float(np.log(end - start)) - 3.0
        rows.append([float(sure.mean()), float(sure[:6].mean()), float(np.mean(away)), float(np.mean(away > 0.5)),
                     begun, within, level, length, length**2, (pitch - 55) / 20])  # fmt: skip
    return np.array(rows).reshape(-1, 10)


def _levels(line: CutLine, track: PitchTrack) -> np.ndarray:
    """Each band in each note against its loud parts and against the note's other bands, in 20 dB [shape=(notes, 8)]."""
    bands = track.changes[:, -(len(BANDS) - 1) :]
    sums = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0, dtype=np.float64)])
    mean = (sums[line.end] - sums[line.start]) / (line.end - line.start)[:, np.newaxis]
    return np.concatenate([mean - loud_parts(bands), mean - mean.mean(axis=1, keepdims=True)], axis=1) / 20


def _neighbours(line: CutLine) -> np.ndarray:
    """Of the notes before and after: whether they touch, how far they are [shape=(notes, 9)]."""
    gap = np.maximum(line.start[1:] - line.end[:-1], 0) * COLUMN_S
    touching = gap < ADJACENT
    leap = line.pitch[1:] - line.pitch[:-1]
    far = np.minimum(np.abs(leap), 24) / 12
    octave = np.isin(np.rint(np.abs(leap)), (12, 19, 24))
    pairs = np.stack([touching, touching * (np.abs(leap) < 0.6), touching * far, touching * octave], axis=1)
    before, after = np.zeros((2, len(line), 4))
    before[1:], after[:-1] = pairs, pairs
    middle = np.abs(line.pitch - np.median(line.pitch)) / 12
    return np.column_stack([before, after, middle])


def _posteriors(line: CutLine, gram: Posteriorgram | None) -> np.ndarray:
    """What the posteriorgram says of each note's key, of its octaves, and of all else [shape=(notes, 8)]."""
    if gram is None or not len(gram.note):
        return np.zeros((len(line), 8))
    to_gram = COLUMN_S * GRAM_SR / GRAM_HOP
    rows = []
    for start, end, pitch in zip(line.start.tolist(), line.end.tolist(), line.pitch.tolist(), strict=True):
        a = min(round(start * to_gram), len(gram.note) - 1)
        b = max(a + 1, min(round(end * to_gram), len(gram.note)))
        key = round(pitch) - LOWEST
        mean = np.pad(gram.note[a:b].mean(axis=0), 40)
        begins = np.pad(gram.onset[max(0, a - 4) : a + 5].max(axis=0), 40)
        at = int(np.clip(key, 0, PITCHES - 1)) + 40
        other, other_begins = (_without(values, at) for values in (mean, begins))
        rows.append([mean[at - 1 : at + 2].max(), begins[at - 1 : at + 2].max(), mean[at - 12], mean[at + 12],
                     other.max(), np.log1p(other.sum()), other_begins.max(), begins[at + 12]])  # fmt: skip
    return np.array(rows).reshape(-1, 8)


def _without(values: np.ndarray, at: int) -> np.ndarray:
    """Posteriors of the keys that are neither near the note nor near what belongs to it."""
    left = values.copy()
    for d in BELONGING:
        left[max(0, at + d - 1) : max(0, at + d + 2)] = 0
    return left


def _whole(line: CutLine, track: PitchTrack, voiced: np.ndarray, posteriors: np.ndarray) -> np.ndarray:
    """How clean the stem is as a whole, the same for each note [shape=(notes, 5)]."""
    sounding = track.level_db >= loud_parts(track.level_db) - GATE_DB
    covered = np.zeros(len(voiced), dtype=bool)
    for start, end in zip(line.start.tolist(), line.end.tolist(), strict=True):
        covered[start:end] = True
    whole = [
        float(voiced[sounding].mean()) if sounding.any() else 0.0,
        float(voiced[covered].mean()) if covered.any() else 0.0,
        float((sounding & covered).sum() / max(sounding.sum(), 1)),
        *(float(posteriors[:, i].mean()) if len(line) else 0.0 for i in (4, 5)),
    ]
    return np.tile(whole, (len(line), 1))


def _struck(line: CutLine, track: PitchTrack) -> np.ndarray:
    """Of the lowest bands: how far phases stray where each note begins, how much louder it gets [shape=(notes, 2)].

    The stray is of what lies under 400 Hz, the gain (in 10 dB) of what lies under 500.
    """
    rows, last = [], len(track.changes) - 1
    low = track.changes[:, LOW]
    for start, end in zip(line.start.tolist(), line.end.tolist(), strict=True):
        stray = float(track.changes[max(0, start - 1) : start + 2, STRAY].max())
        before = low[max(0, start + BEFORE.start) : max(1, start + BEFORE.stop)].mean()
        first = min(start + AFTER.start, last)
        after = low[first : max(first + 1, min(end, start + AFTER.stop))].mean()
        rows.append([stray, float(np.clip(after - before, -MOST_GAIN, MOST_GAIN)) / 10])
    return np.array(rows).reshape(-1, 2)


def _partials(line: CutLine, gram: Posteriorgram | None) -> np.ndarray:
    """Of partials, in groups: how far more they stand out after each beginning, and soon after, than before it; and
    how far they do after it [shape=(notes, 15)].

    What a drum leaves in a note is as loud between the partials as on them: they stand out less then, not more.
    """
    if gram is None or not len(gram.spectrum):
        return np.zeros((len(line), 3 * (len(PARTIALS) - 1)))
    start = line.start * (COLUMN_S * GRAM_SR / GRAM_HOP)
    first = (line.pitch - LOWEST) * BINS_PER_KEY + 1
    number = np.arange(1, PARTIALS[-1] + 1)
    bins = np.rint(first[:, np.newaxis] + 12 * BINS_PER_KEY * np.log2(number)).astype(int)

    def at(columns: int) -> np.ndarray:
        rows = np.rint((start + columns) / STEP).astype(int)
        return near(gram.spectrum, rows[:, np.newaxis], bins)

    before, after, soon = np.maximum(*map(at, JUST_BEFORE)), at(JUST_AFTER), at(SOON)
    groups = [slice(a, b) for a, b in itertools.pairwise(PARTIALS)]
    parts = (after - before, soon - before, after)
    return np.stack([part[:, group].mean(axis=1) for part in parts for group in groups], axis=1)
