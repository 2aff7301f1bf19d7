"""From a posteriorgram to notes: our own note creation, quick enough for a slider.

The steps, each on whole arrays:

1. a note may begin where the onset posterior peaks, or where the note posterior rises steeply: many candidates, at a
   low threshold;
2. it lasts until the note posterior stays below `frame_threshold` for `GAP` frames, or the key is struck again;
3. long stretches of note posterior that no onset explains are candidates too (soft onsets: "melodia trick" in [1]_);
4. each candidate is judged by what a single threshold can't weigh: its onset and its strength beside those of the keys
   an octave and other harmonics below (ghost notes that ring along), of the keys a semitone beside (leakage), its
   length, its level, whether the key sounded already. A logistic regression, fitted on rendered music with known notes
   (`musiclab.transcription.calibrate`), makes a probability of that: the note's confidence;
5. those above the threshold are kept, as many at once as the instrument can play.

References
----------
.. [1] Bittner et al., ICASSP 2022, doi:10.1109/ICASSP43922.2022.9746549, section 2.3

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musiclab.notes import Note
from musiclab.transcription.calibration import calibration, logistic, with_products
from musiclab.transcription.pitched import HOP, LOWEST, PITCHES, SR, Posteriorgram

GAP = 11  # frames (128 ms) that a note may dip below the threshold without ending
HARMONICS = (12, 19, 24, 28, 31, 34, 36)  # semitones of the harmonics 2–8 above a fundamental
TOGETHER = 4  # frames (46 ms) by which a harmonic's onset may differ from its fundamental's
EARLY = 8  # frames (93 ms) of a note by which its strength is judged
SHORTEST = 5  # frames (58 ms) of a note that has an onset and little else
LEAST_ODD = 0.15  # how far odd partials must stand out for an octave below to be a candidate
CANDIDATE_ONSET = 0.2  # onset posterior from which a peak is a candidate
FRAME = HOP / SR  # s


@dataclass(frozen=True)
class Candidates:
    """Notes in frames, as parallel arrays [shape=(notes,)], before they become `Note`."""

    start: np.ndarray
    end: np.ndarray
    key: np.ndarray  # column, 0–87
    onset: np.ndarray  # onset posterior at the start (0 where there was none)
    strength: np.ndarray  # mean note posterior

    def __len__(self) -> int:
        return len(self.start)

    def where(self, keep: np.ndarray) -> Candidates:
        """Only those where `keep` (mask or indices)."""
        return Candidates(*(getattr(self, name)[keep] for name in ("start", "end", "key", "onset", "strength")))


def find_candidates(
    gram: Posteriorgram, onset_threshold: float, frame_threshold: float, min_frames: int, soft_onsets: bool
) -> Candidates:
    """Steps 1–3: notes by onset, cut where the key sounds no longer, and what onsets leave unexplained."""
    note, onset = gram.note, onset_strength(gram)
    ends = note_ends(note >= frame_threshold)
    peak = np.zeros_like(onset, dtype=bool)
    peak[1:-1] = (onset[1:-1] > onset[:-2]) & (onset[1:-1] >= onset[2:]) & (onset[1:-1] >= onset_threshold)
    start, key = (a.astype(np.int64) for a in np.nonzero(peak.T)[::-1])  # by key, then time
    end = ends[start, key]
    again = np.append(np.where(key[1:] == key[:-1], start[1:], len(note)), len(note)) if len(start) else end
    # A short note's posterior may never rise to the threshold: its onset alone makes it a candidate.
    end = np.minimum(np.maximum(end, start + SHORTEST), again)
    keep = (end - start >= min_frames) & (end <= len(note))
    parts = [measure(gram, onset, start[keep], end[keep], key[keep])]
    if soft_onsets:
        left = unexplained(note >= frame_threshold, parts[0])
        soft = measure(gram, onset, *(axis[left[1] - left[0] >= 2 * min_frames] for axis in left))
        parts.append(soft.where(is_ridge(note, soft)))
    parts.append(octaves_below(gram, onset, parts[0]))
    names = ("start", "end", "key", "onset", "strength")
    return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def octaves_below(gram: Posteriorgram, onset: np.ndarray, found: Candidates) -> Candidates:
    """An octave below each found note, one more candidate where the spectrum has odd partials and none was found."""
    key = found.key - 12
    taken = np.zeros((len(gram.note) + 2 * TOGETHER + 1, PITCHES), dtype=bool)
    for shift in range(2 * TOGETHER + 1):
        taken[found.start + shift, found.key] = True
    free = (key >= 0) & ~taken[found.start + TOGETHER, np.maximum(key, 0)]
    later = np.minimum(found.start + EARLY, len(gram.note) - 1)
    free &= gram.partials[later, np.maximum(key, 0), 0] > LEAST_ODD
    return measure(gram, onset, found.start[free], found.end[free], key[free])


def onset_strength(gram: Posteriorgram) -> np.ndarray:
    """Onset posterior, or the note posterior's rise over two frames where that is larger (as in [1]_)."""
    note = gram.note
    rise = np.zeros_like(note)
    rise[2:] = note[2:] - np.maximum(note[1:-1], note[:-2])
    top = float(rise.max(initial=0.0))
    if top > 0:
        rise *= float(gram.onset.max()) / top
    return np.asarray(np.maximum(gram.onset, rise))


def note_ends(on: np.ndarray) -> np.ndarray:
    """For each frame and key, where a note that sounds there ends: before the next `GAP` frames of silence.

    `on`: bool [shape=(frames, keys)]; returns int [shape=(frames, keys)].
    """
    frames = len(on)
    padded = np.concatenate([on, np.zeros((GAP, on.shape[1]), dtype=bool)])
    count = np.cumsum(padded, axis=0, dtype=np.int32)
    silent = np.empty((frames, on.shape[1]), dtype=bool)  # from this frame on, GAP frames of silence
    silent[0] = count[GAP - 1] == 0
    silent[1:] = count[GAP : frames + GAP - 1] == count[: frames - 1]
    index = np.where(silent, np.arange(frames)[:, np.newaxis], frames)
    following = np.minimum.accumulate(index[::-1], axis=0)[::-1]
    ends = np.full_like(index, frames)
    ends[:-1] = following[1:]
    return ends


def measure(gram: Posteriorgram, onset: np.ndarray, start: np.ndarray, end: np.ndarray, key: np.ndarray) -> Candidates:
    """Candidates with their onset and mean note posterior."""
    total = np.zeros((len(gram.note) + 1, PITCHES))
    np.cumsum(gram.note, axis=0, out=total[1:])
    strength = (total[end, key] - total[start, key]) / np.maximum(end - start, 1)
    return Candidates(start, end, key, onset[start, key], strength)


def unexplained(on: np.ndarray, found: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs (start, end, key) of sounding frames that no found note, nor one a semitone beside it, covers."""
    edges = np.zeros((len(on) + 1, PITCHES + 2), dtype=np.int32)
    for shift in (0, 1, 2):
        np.add.at(edges, (found.start, found.key + shift), 1)
        np.add.at(edges, (found.end, found.key + shift), -1)
    free = on & (np.cumsum(edges, axis=0)[:-1, 1:-1] == 0)
    step = np.diff(free.astype(np.int8), axis=0, prepend=0, append=0).T
    key, start = np.nonzero(step == 1)
    end = np.nonzero(step == -1)[1]
    return start, end, key


def is_ridge(note: np.ndarray, some: Candidates) -> np.ndarray:
    """Whether each candidate is, in its middle, stronger than the keys a semitone beside it [bool]."""
    middle = (some.start + some.end) // 2
    padded = np.pad(note, ((0, 0), (1, 1)))
    here = padded[middle, some.key + 1]
    return np.asarray((here >= padded[middle, some.key]) & (here >= padded[middle, some.key + 2]))


def features(gram: Posteriorgram, some: Candidates) -> np.ndarray:
    """What each candidate is judged by [shape=(notes, 16)]; see the list in the code."""
    total = np.zeros((len(gram.note) + EARLY + 1, PITCHES))
    np.cumsum(gram.note, axis=0, out=total[1 : len(gram.note) + 1])
    total[len(gram.note) + 1 :] = total[len(gram.note)]
    near_onset = moving_max(onset_strength(gram), TOGETHER)
    start, key = some.start, some.key
    early = (total[start + EARLY] - total[start]) / EARLY  # (notes, 88): strength of all keys as each note begins
    rows = np.arange(len(some))
    own = early[rows, key]
    before = gram.note[np.maximum(start - 3, 0), key]
    below_note, below_onset = np.zeros(len(some)), np.zeros(len(some))
    for harmonic in HARMONICS:
        under, there = np.maximum(key - harmonic, 0), key >= harmonic
        below_note = np.maximum(below_note, np.where(there, early[rows, under], 0))
        below_onset = np.maximum(below_onset, np.where(there, near_onset[start, under], 0))
    beside = np.maximum(
        np.where(key > 0, early[rows, np.maximum(key - 1, 0)], 0),
        np.where(key < PITCHES - 1, early[rows, np.minimum(key + 1, PITCHES - 1)], 0),
    )
    loud = float(np.quantile(gram.level_db, 0.95)) if len(gram.level_db) else 0.0
    level = np.clip(moving_max(gram.level_db, TOGETHER)[start] - loud, -50, 0) / 20
    last = len(gram.note) - 1
    partials = gram.partials[np.minimum(start + EARLY, last), key]
    earlier = gram.partials[np.maximum(start - EARLY, 0), key, 0]
    crowd = np.log1p((early > 0.3).sum(axis=1))
    return np.stack(
        [
            some.onset,  # how clearly it begins
            gram.onset[start, key],  # and by the onset posterior alone
            own,  # how clearly it sounds as it begins
            some.strength,  # and all along
            np.log(np.maximum(some.end - start, 1)) - 3.0,  # how long
            before,  # whether the key sounded already
            below_note - own,  # a key below, of which it could be a harmonic, is stronger
            below_onset - some.onset,  # and begins with it
            beside - own,  # leakage from a semitone beside
            level,  # how loud the recording is there
            partials[:, 0],  # its odd partials stand out
            partials[:, 1] - partials[:, 0],  # the even ones more: an octave above sounds too, or alone
            partials[:, 0] - earlier,  # newly so
            crowd,  # how many keys sound
            (key - 39) / 40,  # low or high
            ((key - 39) / 40) ** 2,
        ],
        axis=1,
    )


def moving_max(values: np.ndarray, reach: int) -> np.ndarray:
    """The largest within ± `reach` rows."""
    best = values
    for d in range(1, reach + 1):
        best = np.maximum(best, np.concatenate([values[d:], values[-1:].repeat(d, axis=0)])[: len(values)])
        best = np.maximum(best, np.concatenate([values[:1].repeat(d, axis=0), values[:-d]])[: len(values)])
    return best


def probabilities(gram: Posteriorgram, some: Candidates) -> np.ndarray:
    """How likely each candidate is a note [shape=(notes,)], 0–1."""
    fitted = calibration()["notes"]
    z = with_products(features(gram, some)) @ np.array(fitted["weights"]) + fitted["bias"]
    return logistic(z)


def limit_polyphony(some: Candidates, sure: np.ndarray, polyphony: int) -> np.ndarray:
    """Which notes stay when, of more than `polyphony` that sound at an onset, the least sure go [bool]."""
    keep = np.ones(len(some), dtype=bool)
    sounding: list[int] = []
    for i in np.argsort(some.start, kind="stable").tolist():
        begins = some.start[i]
        sounding = [j for j in sounding if some.end[j] > begins]
        sounding.append(i)
        if len(sounding) > polyphony:
            weakest = min(sounding, key=lambda j: sure[j])
            keep[weakest] = False
            sounding.remove(weakest)
    return keep


def create_notes(
    gram: Posteriorgram,
    *,
    onset_threshold: float = 0.4,
    frame_threshold: float = 0.3,
    min_length: float = 0.05,
    low: int = LOWEST,
    high: int = LOWEST + PITCHES - 1,
    polyphony: int = PITCHES,
    soft_onsets: bool = True,
) -> list[Note]:
    """Notes of a posteriorgram.

    Parameters
    ----------
    gram : Posteriorgram
        From `musiclab.transcription.pitched.posteriorgram`.
    onset_threshold : float
        How likely (0–1) a candidate has to be a note.
    frame_threshold : float
        How sure (0–1) it has to be that a key sounds for its note to go on.
    min_length : float
        Shortest note in seconds.
    low, high : int
        Lowest and highest pitch (MIDI, sounding).
    polyphony : int
        Most notes at once.
    soft_onsets : bool
        Whether long stretches of sound without an onset may be notes.

    Returns
    -------
    list[Note]
        In order of time; `confidence` is the probability that the note is right. Velocities are all 80.
    """
    if not len(gram.note):
        return []
    min_frames = max(1, round(min_length / FRAME))
    some = find_candidates(gram, CANDIDATE_ONSET, frame_threshold, min_frames, soft_onsets)
    some = some.where((some.key >= low - LOWEST) & (some.key <= high - LOWEST))
    sure = probabilities(gram, some)
    some, sure = some.where(sure >= onset_threshold), sure[sure >= onset_threshold]
    keep = limit_polyphony(some, sure, polyphony)
    return sorted(as_notes(some.where(keep), sure[keep]), key=lambda note: (note.onset, note.pitch))


def as_notes(some: Candidates, sure: np.ndarray) -> list[Note]:
    """Candidates as notes, in the same order, with these confidences."""
    columns = zip(some.start.tolist(), some.end.tolist(), some.key.tolist(), sure.tolist(), strict=True)
    return [Note(start * FRAME, end * FRAME, key + LOWEST, 80, c) for start, end, key, c in columns]
