"""From a posteriorgram to notes: our own note creation, quick enough for a slider.

The steps, each on whole arrays:

1. a note may begin where the onset posterior peaks, or where the note posterior rises steeply;
2. it lasts until the note posterior stays below `frame_threshold` for `GAP` frames, or the key is struck again;
3. long stretches of note posterior that no onset explains become notes too (soft onsets: "melodia trick" in [1]_);
4. of two notes that a semitone apart sound at once for most of the time, the weaker is leakage;
5. notes at +12, +19, +24, +28, +31, +34 or +36 semitones over a stronger note that begins with them are harmonics
   that ring along, unless their own onset is clear;
6. more notes at once than the instrument can play: the weakest go.

References
----------
.. [1] Bittner et al., ICASSP 2022, doi:10.1109/ICASSP43922.2022.9746549, section 2.3

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musiclab.notes import Note
from musiclab.transcription.pitched import HOP, LOWEST, PITCHES, SR, Posteriorgram

GAP = 11  # frames (128 ms) that a note may dip below the threshold without ending
HARMONICS = (12, 19, 24, 28, 31, 34, 36)  # semitones of the harmonics 2–8 above a fundamental
HARMONIC_WINDOW = 4  # frames (46 ms) by which a harmonic's onset may differ from its fundamental's
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
    end = np.minimum(end, again)
    keep = end - start >= min_frames
    found = measure(gram, onset, start[keep], end[keep], key[keep])
    if not soft_onsets:
        return found
    left = unexplained(note >= frame_threshold, found)
    soft = measure(gram, onset, *(axis[left[1] - left[0] >= 2 * min_frames] for axis in left))
    soft = soft.where(is_ridge(note, soft))
    return Candidates(
        *(np.concatenate([getattr(found, n), getattr(soft, n)]) for n in ("start", "end", "key", "onset", "strength"))
    )


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


def drop_leakage(some: Candidates) -> Candidates:
    """Step 4: of two overlapping notes a semitone apart, the weaker goes."""
    return some.where(~_overruled(some, offsets=(-1, 1), ratio=1.0, need_together=False))


def drop_harmonics(some: Candidates, ratio: float) -> Candidates:
    """Step 5: harmonics over a note go, when they begin with it and are weaker than `ratio` times its strength."""
    return some.where(~_overruled(some, offsets=HARMONICS, ratio=ratio, need_together=True))


def _overruled(some: Candidates, offsets: tuple[int, ...], ratio: float, need_together: bool) -> np.ndarray:
    """Which candidates are overruled by one that lies `offsets` semitones below and is stronger [bool]."""
    order = np.argsort(some.start, kind="stable")
    starts = some.start[order]
    longest = int((some.end - some.start).max(initial=0))
    gone = np.zeros(len(some), dtype=bool)
    reach = HARMONIC_WINDOW if need_together else longest
    lows = np.searchsorted(starts, some.start - reach)
    highs = np.searchsorted(starts, some.start + (HARMONIC_WINDOW if need_together else 0), side="right")
    weight = some.strength + some.onset
    for i in range(len(some)):
        near = order[lows[i] : highs[i]]
        apart = some.key[i] - some.key[near]
        below = near[np.isin(apart, offsets)]
        if len(below) == 0:
            continue
        overlap = np.minimum(some.end[below], some.end[i]) - np.maximum(some.start[below], some.start[i])
        mostly = overlap >= 0.5 * (some.end[i] - some.start[i])
        gone[i] = bool(np.any(mostly & (weight[i] < ratio * weight[below])))
    return gone


def limit_polyphony(some: Candidates, polyphony: int) -> Candidates:
    """Step 6: while more than `polyphony` notes sound at a note's onset, the weakest of them goes."""
    keep = np.ones(len(some), dtype=bool)
    weight = some.strength + some.onset
    sounding: list[int] = []
    for i in np.argsort(some.start, kind="stable"):
        sounding = [j for j in sounding if some.end[j] > some.start[i]]
        sounding.append(int(i))
        if len(sounding) > polyphony:
            weakest = min(sounding, key=lambda j: weight[j])
            keep[weakest] = False
            sounding.remove(weakest)
    return some.where(keep)


def create_notes(
    gram: Posteriorgram,
    *,
    onset_threshold: float = 0.5,
    frame_threshold: float = 0.3,
    min_length: float = 0.08,
    low: int = LOWEST,
    high: int = LOWEST + PITCHES - 1,
    polyphony: int = PITCHES,
    harmonic_ratio: float = 0.7,
    soft_onsets: bool = True,
) -> list[Note]:
    """Notes of a posteriorgram.

    Parameters
    ----------
    gram : Posteriorgram
        From `musiclab.transcription.pitched.posteriorgram`.
    onset_threshold, frame_threshold : float
        How sure (0–1) an onset has to be, and the sounding of a key for its note to go on.
    min_length : float
        Shortest note in seconds.
    low, high : int
        Lowest and highest pitch (MIDI, sounding).
    polyphony : int
        Most notes at once.
    harmonic_ratio : float
        Harmonics weaker than this times their fundamental are dropped: 0 keeps all of them.
    soft_onsets : bool
        Whether long stretches of sound without an onset become notes.

    Returns
    -------
    list[Note]
        By onset; velocities from the recording's level, `confidence` from the posteriors (calibrated).
    """
    min_frames = max(1, round(min_length / FRAME))
    some = find_candidates(gram, onset_threshold, frame_threshold, min_frames, soft_onsets)
    some = some.where((some.key >= low - LOWEST) & (some.key <= high - LOWEST))
    some = drop_leakage(some)
    if harmonic_ratio > 0:
        some = drop_harmonics(some, harmonic_ratio)
    some = limit_polyphony(some, polyphony)
    return to_notes(some)


def to_notes(some: Candidates) -> list[Note]:
    """Candidates as notes, in order of time."""
    confidence = np.clip(0.5 * some.onset + 0.5 * some.strength, 0.0, 1.0)
    found = [
        Note(s * FRAME, e * FRAME, k + LOWEST, 80, float(c))
        for s, e, k, c in zip(some.start, some.end, some.key, confidence, strict=True)
    ]
    return sorted(found, key=lambda note: (note.onset, note.pitch))
