"""Where notes of a line begin: log-odds for each frame and pitch, from a logistic regression on five cues.

No single cue is enough: a singer's consonant is a burst of flux without a note, a legato saxophone repeats a note with
hardly a dip in level, Basic Pitch's onsets miss half of them. Weighed together they find what each misses. The weights
are fitted on lines rendered from recorded samples (`musiclab.transcription.calibrate`), with the exact onsets as truth;
left-out instruments are found nearly as well as those that were fitted on.

Notebook: 10
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musiclab.transcription.calibration import calibration
from musiclab.transcription.pitched import HOP, LOWEST, PITCHES, SR, Posteriorgram

if TYPE_CHECKING:
    from musiclab.transcription.monophonic import PitchTrack

CUES = 5  # the onset posterior at a pitch, and the four of `cues`
SURE = 9.0  # log-odds are kept within ± this: no single frame decides a whole path


def beginnings(track: PitchTrack, gram: Posteriorgram | None, grid: np.ndarray) -> np.ndarray:
    """Log-odds that a note begins, at each frame of the track and each pitch [shape=(frames, pitches)].

    Parameters
    ----------
    track : PitchTrack
        Of the line.
    gram : Posteriorgram | None
        Of the same recording; without it no onset posterior is counted.
    grid : np.ndarray [shape=(pitches,)]
        MIDI pitches.
    """
    fitted = calibration()["line_onsets"]
    # z = bias + w · x + xᵀ A x with x = (onset posterior, cues): only the first entry depends on the pitch.
    weights, products = np.array(fitted["weights"]), np.zeros((CUES, CUES))
    products[np.triu_indices(CUES)] = weights[CUES:]
    others = cues(track)
    onset = onset_posteriors(gram, len(others), grid)
    fixed = fitted["bias"] + others @ weights[1:CUES] + ((others @ products[1:, 1:]) * others).sum(axis=1)
    slope = weights[0] + others @ products[0, 1:]
    z = fixed[:, np.newaxis] + slope[:, np.newaxis] * onset + products[0, 0] * onset**2
    return np.asarray(np.clip(z, -SURE, SURE))


def cues(track: PitchTrack) -> np.ndarray:
    """What tells of a beginning at any pitch [shape=(frames, 4)], each the best of its near frames.

    Flux; how far the level was lower just before than after; how steeply it rises; how unvoiced it was just before.
    """
    level = np.clip(track.level_db, -90.0, 0.0)
    dip = np.clip(near(level, 0, 5) + near(-level, -5, 1), 0.0, 25.0) / 10.0
    rise = np.clip(near(level, 1, 3) + near(-level, -2, 0), 0.0, 20.0) / 10.0
    unvoiced = 1.0 + near(-track.voicing, -4, 1)
    return np.stack([near(track.flux, -1, 1), dip, rise, unvoiced], axis=1)


def near(values: np.ndarray, first: int, last: int) -> np.ndarray:
    """The largest of the values from `first` to `last` frames away, edges repeated [shape=(frames,)]."""
    pad = max(abs(first), abs(last))
    padded = np.pad(values, pad, mode="edge")
    shifted = [padded[pad + d : pad + d + len(values)] for d in range(first, last + 1)]
    return np.asarray(np.max(shifted, axis=0))


def onset_posteriors(gram: Posteriorgram | None, frames: int, grid: np.ndarray) -> np.ndarray:
    """Onset posterior at each track frame and grid pitch [shape=(frames, pitches)], the best of three frames."""
    from musiclab.transcription.monophonic import FRAME

    if gram is None:
        return np.zeros((frames, len(grid)))
    at = np.rint(np.arange(frames) * FRAME * SR / HOP).astype(int).clip(0, len(gram.onset) - 1)
    best = np.maximum(gram.onset, np.maximum(np.roll(gram.onset, 1, axis=0), np.roll(gram.onset, -1, axis=0)))
    keys = np.rint(grid).astype(int) - LOWEST
    inside = (keys >= 0) & (keys < PITCHES)
    return np.where(inside, best[np.ix_(at, keys.clip(0, PITCHES - 1))], 0.0)
