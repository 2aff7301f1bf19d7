"""How good a transcription is: note F-measures by mir_eval, drum F-measures, and whether confidences keep their word.

Conventions (mir_eval's): a note is found when its onset lies within 50 ms of a true onset and its pitch within half a
semitone; "with offsets" its end must fit too, to 50 ms or a fifth of the note's length. Each true note is matched at
most once. Precision is the share of the found notes that are right, recall the share of the true ones that are found,
F their harmonic mean.

References
----------
.. [1] Raffel, McFee, Humphrey, Salamon, Nieto, Liang, Ellis: "mir_eval: a transparent implementation of common MIR
   metrics", ISMIR 2014

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclab.notes import Part
from musiclab.packages import need
from musiclab.theory import midi_to_hz

ONSET_TOLERANCE = 0.05  # s
PITCH_TOLERANCE = 50.0  # cents
MOST_SHIFT = 0.1  # s, by which audio and notes of a dataset may be offset
DRUM_CLASSES = {"kick": (35, 36), "snare": (38, 39, 40), "hi-hat": (42, 44, 46),
                "toms": (41, 43, 45, 47, 48, 50), "cymbals": (49, 51, 52, 53, 55, 57, 59)}  # fmt: skip
MAIN_DRUMS = ("kick", "snare", "hi-hat")


@dataclass(frozen=True)
class NoteScore:
    """Precision, recall and F-measure, 0–1, and how many notes there are in truth and estimate."""

    precision: float
    recall: float
    f: float
    true_notes: int
    found_notes: int


def note_score(part: Part, truth: Part, *, offsets: bool = False, tolerance: float = ONSET_TOLERANCE) -> NoteScore:
    """Note F-measure of `part` against the true notes of `truth`.

    Parameters
    ----------
    part, truth : Part
        What was found, and what is true.
    offsets : bool
        Whether the ends of the notes must fit too (to 50 ms or 20 % of the length).
    tolerance : float
        For onsets, in seconds.
    """
    pairs = matched_notes(part, truth, offsets=offsets, tolerance=tolerance)
    return _score(len(pairs), len(truth), len(part))


def matched_notes(
    part: Part, truth: Part, *, offsets: bool = False, tolerance: float = ONSET_TOLERANCE
) -> list[tuple[int, int]]:
    """Pairs (index in `truth`, index in `part`) of notes that are the same, as many as can be."""
    if not len(truth) or not len(part):
        return []
    need("mir_eval", "Comparing notes")
    from mir_eval.transcription import match_notes

    pairs: list[tuple[int, int]] = match_notes(
        truth.intervals,
        midi_to_hz(truth.pitches),
        part.intervals,
        midi_to_hz(part.pitches),
        onset_tolerance=tolerance,
        pitch_tolerance=PITCH_TOLERANCE,
        offset_ratio=0.2 if offsets else None,
    )
    return pairs


def drum_scores(part: Part, truth: Part, *, tolerance: float = ONSET_TOLERANCE) -> dict[str, NoteScore]:
    """F-measure for each class of `DRUM_CLASSES`, and for ``all three``: kick, snare and hi-hat counted together.

    Parameters
    ----------
    part, truth : Part
        Of drums: pitches are General MIDI percussion numbers.
    tolerance : float
        For onsets, in seconds.
    """
    need("mir_eval", "Comparing strokes")
    from mir_eval.util import match_events

    counts: dict[str, tuple[int, int, int]] = {}
    for name, keys in DRUM_CLASSES.items():
        true, found = (
            np.array([note.onset for note in p.notes if note.semitone in keys], dtype=float) for p in (truth, part)
        )
        right = len(match_events(true, found, tolerance)) if len(true) and len(found) else 0
        counts[name] = (right, len(true), len(found))
    three = np.sum([counts[name] for name in MAIN_DRUMS], axis=0)
    return {name: _score(*row) for name, row in counts.items()} | {"all three": _score(*(int(n) for n in three))}


def _score(right: int, true: int, found: int) -> NoteScore:
    """What is found nowhere and is nowhere counts as perfect."""
    if true == found == 0:
        return NoteScore(1.0, 1.0, 1.0, 0, 0)
    return NoteScore(right / max(found, 1), right / max(true, 1), 2 * right / (true + found), true, found)


def shifted(part: Part, seconds: float) -> Part:
    """The part so many seconds later; what would begin before 0 is cut, or dropped if nothing is left."""
    moved = [(max(0.0, n.onset + seconds), n.offset + seconds, n) for n in part.notes]
    return part.with_notes(replace(n, onset=a, offset=b) for a, b, n in moved if b > a)


def best_shift(part: Part, truth: Part, *, most: float = MOST_SHIFT) -> float:
    """The constant shift of `part`, in seconds, that fits `truth` best: for data whose audio and notes are offset."""
    shifts = np.round(np.arange(-most, most + 0.005, 0.01), 3)
    scores = np.array([note_score(shifted(part, float(s)), truth).f for s in shifts])
    # Within the tolerance many shifts are equally good: the middle one of them.
    best = shifts[scores >= scores.max() - 1e-9]
    return float(best[len(best) // 2])


def right_notes(part: Part, truth: Part) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """What each note of `part` says of itself (0–1), and whether it is right: drums by their class of `DRUM_CLASSES`.

    Strokes of no class, such as side sticks and tambourines, are left out: annotations lack them.
    """
    if truth.instrument == "drums":
        part, truth = by_class(part), by_class(truth)
    hits = {found for _, found in matched_notes(part, truth)}
    return tuple(note.confidence for note in part.notes), tuple(i in hits for i in range(len(part)))


def by_class(part: Part) -> Part:
    """Drums with one key for each class."""
    classes = {key: float(keys[0]) for keys in DRUM_CLASSES.values() for key in keys}
    return part.with_notes(replace(n, pitch=classes[n.semitone]) for n in part.notes if n.semitone in classes)


def reliability(pairs: Sequence[tuple[Part, Part]], *, bins: int = 5) -> list[tuple[float, float, int]]:
    """Whether confidences keep their word: for each bin (mean confidence, share that is right, how many notes).

    `pairs` of (found, truth). Calibrated confidences have the first two alike in each bin.
    """
    confidences: list[float] = []
    right: list[bool] = []
    for part, truth in pairs:
        hits = {found for _, found in matched_notes(part, truth)}
        confidences += [note.confidence for note in part.notes]
        right += [i in hits for i in range(len(part))]
    return reliability_of(confidences, right, bins=bins)


def reliability_of(
    confidences: Sequence[float], right: Sequence[bool], *, bins: int = 5
) -> list[tuple[float, float, int]]:
    """The same of single notes: what each says of itself, and whether it is right."""
    confidence, correct = np.array(confidences, dtype=float), np.array(right, dtype=float)
    of = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[of == b].mean()), float(correct[of == b].mean()), int((of == b).sum()))
        for b in range(bins)
        if (of == b).any()
    ]


def beyond_chance(said: float, right: float, count: int) -> bool:
    """Whether what a bin says and what is right differ by more than two standard errors of so many notes.

    Notes of one song are wrong together, so that a difference beyond it may still be a song's.
    """
    return abs(right - said) > 2 * float(np.sqrt(said * (1 - said) / count))
