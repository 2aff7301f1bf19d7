"""Where notes of a line begin: log-odds for each frame and pitch, from a logistic regression on five features.

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

FEATURES = ("onset posterior at this pitch", "flux", "flux squared", "rise of the level", "dip of the voicing")
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
    weights = np.array(fitted["weights"])
    z = cues(track) @ weights[1:] + fitted["bias"]
    onsets = onset_posteriors(gram, len(z), grid)
    return np.asarray(np.clip(z[:, np.newaxis] + weights[0] * onsets, -SURE, SURE))


def cues(track: PitchTrack) -> np.ndarray:
    """The features that don't depend on pitch [shape=(frames, 4)], each the best of its near frames."""
    flux = near(track.flux, -1, 1)
    level = np.clip(track.level_db, -90.0, 0.0)
    rise = np.clip(near(level, 1, 3) + near(-level, -2, 0), 0.0, 20.0) / 10.0
    dip = 1.0 + near(-track.voicing, -4, 1)
    return np.stack([flux, flux**2, rise, dip], axis=1)


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
