"""How likely notes are right, in the stem where they were heard: the last word on lines, chords and strokes.

The networks that judge notes of chords and strokes of drums learned on instruments that play alone. In a
song's stem, let alone a separated one, they promise too much or too little. So what is written is chosen by
their judgement, and what a note says of itself is settled here: by a logistic regression on that judgement
(and for lines on all that `musiclab.transcription.line_confidence` describes), fitted on stems whose notes
are known, alone, in songs, and separated again, by `python -m musiclab.training.listeners confidences`.

Few things are asked of chords and strokes on purpose. How loud, how high or how crowded notes are tells much about
rendered songs, on which this is fitted, and was wrong on recorded ones.

Notebook: 10
"""

from __future__ import annotations

import numpy as np

from musiclab.transcription.calibration import calibration, logistic


def log_odds(chance: np.ndarray) -> np.ndarray:
    """Of probabilities, kept within ± 9.2."""
    safe = np.clip(np.asarray(chance, dtype=np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(safe / (1 - safe)))


def confidence_in_stem(described: np.ndarray, of: str) -> np.ndarray:
    """The chance (0–1) that each note is right [shape=(notes,)]; `of`: ``"lines"``, ``"chords"`` or ``"strokes"``."""
    fitted = calibration()[of]
    return logistic(described @ np.array(fitted["weights"]) + fitted["bias"])


def describe_chords(judged: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """From how each note was judged (0–1) and its length in columns of the posteriorgram [shape=(notes, 3)].

    The third is how the stem's notes were judged on average: where much is doubtful, what seems sure is so, too.
    """
    whole = float(np.mean(judged)) if len(judged) else 0.0
    return np.column_stack([log_odds(judged), np.log(np.maximum(columns, 1)) - 3, np.full(len(judged), whole)])


def describe_strokes(judged: np.ndarray) -> np.ndarray:
    """From how each stroke was judged (0–1) [shape=(strokes, 2)]: a parabola of its log-odds."""
    own = log_odds(judged)
    return np.column_stack([own, own**2])
