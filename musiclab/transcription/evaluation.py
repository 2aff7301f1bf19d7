"""How good a transcription is: note F-measures by mir_eval, drum F-measures, and a table over a folder of recordings.

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

from dataclasses import dataclass

import numpy as np

from musiclab.notes import Part

ONSET_TOLERANCE = 0.05  # s
PITCH_TOLERANCE = 50.0  # cents


@dataclass(frozen=True)
class Score:
    """Precision, recall and F-measure, 0–1, and how many notes there are in truth and estimate."""

    precision: float
    recall: float
    f: float
    true_notes: int
    found_notes: int


def note_score(part: Part, truth: Part, *, offsets: bool = False, tolerance: float = ONSET_TOLERANCE) -> Score:
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
    counts = (len(truth), len(part))
    if 0 in counts:
        same = float(counts == (0, 0))
        return Score(same, same, same, *counts)
    from mir_eval.transcription import precision_recall_f1_overlap

    precision, recall, f, _ = precision_recall_f1_overlap(
        truth.intervals,
        _hz(truth.pitches),
        part.intervals,
        _hz(part.pitches),
        onset_tolerance=tolerance,
        pitch_tolerance=PITCH_TOLERANCE,
        offset_ratio=0.2 if offsets else None,
    )
    return Score(float(precision), float(recall), float(f), *counts)


def _hz(pitches: np.ndarray) -> np.ndarray:
    return np.asarray(440.0 * 2.0 ** ((pitches - 69.0) / 12.0))
