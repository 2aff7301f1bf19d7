"""How likely notes are right, in the stem where they were heard: the last word on lines, chords and strokes.

The networks that judge notes of chords and strokes of drums learned on instruments that play alone. In a
song's stem, let alone a separated one, they promise too much or too little. So what is written is chosen by
their judgement, and what a note says of itself is settled here: by a logistic regression on that judgement,
and for lines by a network with one hidden layer on all that `musiclab.transcription.line_confidence`
describes. They are fitted on stems whose notes are known, alone, in songs, and separated again, by `python -m
musiclab.training.listeners confidences`. Voices and basses have networks of their own.

What they say is then straightened, since it was held small or has learnt its songs by heart: log-odds go through a
line that bends twice, where a note is right one time in three and two times in three.

Few things are asked of chords and strokes on purpose. How loud, how high or how crowded notes are tells much about
rendered songs, on which this is fitted, and was wrong on recorded ones.

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from musiclab.transcription.calibration import calibration, logistic, through

BENDS = -0.7, 0.7  # log-odds at which straightening lines bend


def log_odds(chance: np.ndarray) -> np.ndarray:
    """Of probabilities, kept within ± 9.2."""
    safe = np.clip(np.asarray(chance, dtype=np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(safe / (1 - safe)))


def confidence_in_stem(described: np.ndarray, of: str, *, family: str = "") -> np.ndarray:
    """The chance (0–1) that each note is right [shape=(notes,)].

    Parameters
    ----------
    described : np.ndarray [shape=(notes, features)]
        What notes are judged by.
    of : str
        ``"lines"``, ``"chords"`` or ``"strokes"``.
    family : str
        The instrument's, as in `musiclab.instruments`; of lines, some have been listened to by themselves.
    """
    fits = calibration()[of]
    return chance(fits.get(family, fits[""]), described)


def chance(fitted: Mapping[str, Any], described: np.ndarray) -> np.ndarray:
    """The same by this fit: `weights` and `bias`, behind those of a `hidden` layer if there is one; and the line of
    `straight`.
    """
    *slopes, offset = fitted["straight"]
    parts = [fitted["hidden"], fitted] if "hidden" in fitted else [fitted]
    odds = through(described, ((np.array(part["weights"]), np.array(part["bias"])) for part in parts))
    return logistic(bent(odds) @ np.array(slopes) + offset)


def bent(odds: np.ndarray) -> np.ndarray:
    """How much of each log-odds lies below the bends, between them, and above [shape=(notes, 3)]; they add up to it."""
    low, high = BENDS
    middle = np.clip(odds, low, high)
    return np.column_stack([np.minimum(odds - low, 0.0), middle, np.maximum(odds - high, 0.0)])


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
