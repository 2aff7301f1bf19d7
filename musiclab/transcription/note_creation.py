"""From a posteriorgram to notes: our own note creation, quick enough for a slider.

The steps, each on whole arrays:

1. a note may begin where the onset posterior peaks, or where the note posterior rises steeply: many candidates, at a
   low threshold;
2. long stretches of note posterior that no onset explains are candidates too (soft onsets: "melodia trick" in [1]_),
   and so is the octave below each candidate, which the posteriorgram often misses;
3. a network judges each by all that is known around it (`note_confidence` beside this file);
4. those above the threshold are kept, as many at once as the instrument can play, and each lasts until the note
   posterior stays below `frame_threshold` for `GAP` columns, or the key is struck again;
5. what each says of itself is settled on stems of songs, clean and separated (`stem_confidence`).

Steps 1–3 know no threshold that a user can move: they are done once for a posteriorgram.

References
----------
.. [1] Bittner et al., ICASSP 2022, doi:10.1109/ICASSP43922.2022.9746549, section 2.3

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from weakref import WeakKeyDictionary

import numpy as np

from musiclab.notes import Note, order
from musiclab.transcription.note_confidence import TOGETHER, NoteEvidence, describe, judge
from musiclab.transcription.posteriorgram import HOP, LOWEST, PITCHES, SR, Posteriorgram
from musiclab.transcription.stem_confidence import confidence_in_stem, describe_chords

GAP = 11  # columns (128 ms) that a note may dip below the threshold without ending
SHORTEST = 5  # columns (58 ms) of a note that has an onset and little else; as far apart are two onsets of a key
SOFT = 8  # columns (93 ms) of sound without an onset that may be a note
CANDIDATE_ONSET = 0.2  # onset posterior from which a peak is a candidate
CANDIDATE_FRAME = 0.3  # note posterior from which a candidate goes on while it is judged
LEAST_CONFIDENCE = 0.01  # candidates less likely than that are forgotten
COLUMN_S = HOP / SR  # seconds from one column to the next


@dataclass(frozen=True)
class Candidates:
    """Notes in columns, as parallel arrays [shape=(notes,)], before they become `Note`."""

    start: np.ndarray
    end: np.ndarray  # by `CANDIDATE_FRAME`
    key: np.ndarray  # 0–87
    heard_as: np.ndarray  # the key whose note posterior tells how long it lasts
    soft: np.ndarray  # bool: without an onset
    confidence: np.ndarray  # 0–1: how likely it is a note; 1 before they are judged

    def __len__(self) -> int:
        return len(self.start)

    def where(self, keep: np.ndarray) -> Candidates:
        """Only those where `keep` (mask or indices)."""
        return Candidates(*(getattr(self, column.name)[keep] for column in fields(self)))


def find_candidates(gram: Posteriorgram) -> Candidates:
    """Steps 1 and 2, not yet judged."""
    on = gram.note >= CANDIDATE_FRAME
    rising = onset_strength(gram)
    start, key = onsets(rising)
    end = np.minimum(np.maximum(note_ends(on)[start, key], start + SHORTEST), len(on))
    clear = _candidates(start, end, key)
    left = _candidates(*unexplained(on, clear), soft=True)
    left = left.where((left.end - left.start >= SOFT) & is_ridge(gram.note, left))
    parts = (clear, left, octaves_below(clear, len(on)))
    return Candidates(*(np.concatenate([getattr(p, column.name) for p in parts]) for column in fields(Candidates)))


def _candidates(start: np.ndarray, end: np.ndarray, key: np.ndarray, *, soft: bool = False) -> Candidates:
    return Candidates(start, end, key, key, np.full(len(start), soft), np.ones(len(start)))


def onsets(rising: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames and keys where the onset strength peaks, by key, then time."""
    peak = np.zeros_like(rising, dtype=bool)
    middle = rising[1:-1]
    peak[1:-1] = (middle > rising[:-2]) & (middle >= rising[2:]) & (middle >= CANDIDATE_ONSET)
    key, start = np.nonzero(peak.T)
    return start, key


def octaves_below(found: Candidates, columns: int) -> Candidates:
    """An octave below each found note one more candidate, if none is there."""
    key = found.key - 12
    taken = np.zeros((columns + 2 * TOGETHER + 1, PITCHES), dtype=bool)
    for shift in range(2 * TOGETHER + 1):
        taken[found.start + shift, found.key] = True
    free = (key >= 0) & ~taken[found.start + TOGETHER, np.maximum(key, 0)]
    below = found.where(free)
    return Candidates(below.start, below.end, below.key - 12, below.key, below.soft, below.confidence)


def onset_strength(gram: Posteriorgram) -> np.ndarray:
    """Onset posterior, or the note posterior's rise over two columns where that is larger (as in [1]_)."""
    note = gram.note
    rise = np.zeros_like(note)
    rise[2:] = note[2:] - np.maximum(note[1:-1], note[:-2])
    top = float(rise.max(initial=0.0))
    if top > 0:
        rise *= float(gram.onset.max()) / top
    return np.asarray(np.maximum(gram.onset, rise))


def note_ends(on: np.ndarray) -> np.ndarray:
    """For each column and key, where a note that sounds there ends: before the next `GAP` columns of silence.

    `on`: bool [shape=(columns, keys)]; returns int [shape=(columns, keys)].
    """
    columns = len(on)
    padded = np.concatenate([on, np.zeros((GAP, on.shape[1]), dtype=bool)])
    count = np.cumsum(padded, axis=0, dtype=np.int32)
    silent = np.empty((columns, on.shape[1]), dtype=bool)  # from this column on, GAP columns of silence
    silent[0] = count[GAP - 1] == 0
    silent[1:] = count[GAP : columns + GAP - 1] == count[: columns - 1]
    index = np.where(silent, np.arange(columns)[:, np.newaxis], columns)
    following = np.minimum.accumulate(index[::-1], axis=0)[::-1]
    ends = np.full_like(index, columns)
    ends[:-1] = following[1:]
    return ends


def unexplained(on: np.ndarray, found: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs (start, end, key) of sounding columns that no found note, nor one a semitone beside it, covers."""
    edges = np.zeros((len(on) + 1, PITCHES + 2), dtype=np.int32)
    for shift in (0, 1, 2):
        np.add.at(edges, (found.start, found.key + shift), 1)
        np.add.at(edges, (found.end, found.key + shift), -1)
    free = on & (np.cumsum(edges, axis=0)[:-1, 1:-1] == 0)
    step = np.diff(free.astype(np.int8), axis=0, prepend=0, append=0).T
    key, start = np.nonzero(step == 1)
    end = np.nonzero(step == -1)[1]
    return start, end, key


def is_ridge(note: np.ndarray, candidates: Candidates) -> np.ndarray:
    """Whether each candidate is, in its middle, stronger than the keys a semitone beside it [bool]."""
    middle = (candidates.start + candidates.end) // 2
    padded = np.pad(note, ((0, 0), (1, 1)))
    here = padded[middle, candidates.key + 1]
    return np.asarray((here >= padded[middle, candidates.key]) & (here >= padded[middle, candidates.key + 2]))


def described(gram: Posteriorgram, candidates: Candidates) -> np.ndarray:
    """What each candidate is judged by [shape=(notes, 119)]."""
    evidence = NoteEvidence(gram.note, gram.onset, onset_strength(gram), gram.spectrum, gram.level_db)
    return describe(evidence, candidates.start, candidates.end, candidates.key)


def judged_candidates(gram: Posteriorgram) -> Candidates:
    """Steps 1–3, in order of time. Of candidates for the same onset of a key only the likeliest stays."""
    if not len(gram.note):
        return _candidates(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    candidates = find_candidates(gram)
    confidence = judge(described(gram, candidates))
    taken = np.zeros((len(gram.note) + 2 * SHORTEST, PITCHES), dtype=bool)
    keep = []
    for i in np.argsort(-confidence, kind="stable")[: np.count_nonzero(confidence > LEAST_CONFIDENCE)].tolist():
        at, key = candidates.start[i], candidates.key[i]
        if not taken[at + SHORTEST, key]:
            taken[at + 1 : at + 2 * SHORTEST, key] = True
            keep.append(i)
    chosen = np.array(keep, dtype=np.int64)
    chosen = chosen[np.argsort(candidates.start[chosen], kind="stable")]
    return Candidates(
        candidates.start, candidates.end, candidates.key, candidates.heard_as, candidates.soft, confidence
    ).where(chosen)


_known: WeakKeyDictionary[Posteriorgram, Candidates] = WeakKeyDictionary()


def candidates_of(gram: Posteriorgram) -> Candidates:
    """What may be notes, and how likely: found once for a posteriorgram, whatever the thresholds."""
    if gram not in _known:
        _known[gram] = judged_candidates(gram)
    return _known[gram]


def limit_polyphony(candidates: Candidates, polyphony: int) -> np.ndarray:
    """Which notes stay when, of more than `polyphony` that sound at an onset, the least sure go [bool].

    `candidates` in order of time.
    """
    keep = np.ones(len(candidates), dtype=bool)
    ends, confidence = candidates.end.tolist(), candidates.confidence.tolist()
    sounding: list[int] = []
    for i, begins in enumerate(candidates.start.tolist()):
        sounding = [j for j in sounding if ends[j] > begins]
        sounding.append(i)
        if len(sounding) > polyphony:
            weakest = min(sounding, key=confidence.__getitem__)
            keep[weakest] = False
            sounding.remove(weakest)
    return keep


def lasting(gram: Posteriorgram, candidates: Candidates, frame_threshold: float) -> np.ndarray:
    """Where each candidate ends [shape=(notes,)]: as its sound does, or where the key is struck again."""
    end = candidates.end
    if frame_threshold != CANDIDATE_FRAME:
        end = note_ends(gram.note >= frame_threshold)[candidates.start, candidates.heard_as]
        end = np.minimum(np.maximum(end, candidates.start + SHORTEST), len(gram.note))
    order = np.lexsort((candidates.start, candidates.key))
    same = candidates.key[order[1:]] == candidates.key[order[:-1]]
    again = np.full(len(candidates), len(gram.note))
    again[order[:-1]] = np.where(same, candidates.start[order[1:]], len(gram.note))
    return np.asarray(np.minimum(end, again))


def create_notes(
    gram: Posteriorgram,
    *,
    onset_threshold: float = 0.3,
    frame_threshold: float = CANDIDATE_FRAME,
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
        From `musiclab.transcription.posteriorgram.posteriorgram`.
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
    notes, described = judged_notes(
        gram,
        onset_threshold=onset_threshold,
        frame_threshold=frame_threshold,
        min_length=min_length,
        low=low,
        high=high,
        polyphony=polyphony,
        soft_onsets=soft_onsets,
    )
    return sorted(as_notes(replace(notes, confidence=confidence_in_stem(described, "chords"))), key=order)


def judged_notes(
    gram: Posteriorgram,
    *,
    onset_threshold: float,
    frame_threshold: float = CANDIDATE_FRAME,
    min_length: float = 0.05,
    low: int = LOWEST,
    high: int = LOWEST + PITCHES - 1,
    polyphony: int = PITCHES,
    soft_onsets: bool = True,
) -> tuple[Candidates, np.ndarray]:
    """The notes, and what their confidence is worked out from (see `stem_confidence.describe_chords`)."""
    heard = candidates_of(gram)
    heard = heard.where((heard.key >= low - LOWEST) & (heard.key <= high - LOWEST))
    notes = heard.where((heard.confidence >= onset_threshold) & (soft_onsets | ~heard.soft))
    notes = replace(notes, end=lasting(gram, notes, frame_threshold))
    notes = notes.where(notes.end - notes.start >= max(1, round(min_length / COLUMN_S)))
    notes = notes.where(limit_polyphony(notes, polyphony))
    return notes, describe_chords(notes.confidence, notes.end - notes.start)


def as_notes(candidates: Candidates) -> list[Note]:
    """Candidates as notes, in the same order."""
    rows = zip(
        candidates.start.tolist(),
        candidates.end.tolist(),
        candidates.key.tolist(),
        candidates.confidence.tolist(),
        strict=True,
    )
    return [
        Note(start * COLUMN_S, end * COLUMN_S, key + LOWEST, 80, confidence) for start, end, key, confidence in rows
    ]
