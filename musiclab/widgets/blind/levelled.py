"""What blind tests have in common: sounds at one level, and places where there is something to hear.

Notebook: 07
"""

from __future__ import annotations

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import AudioError

HEADROOM = 0.998  # of full scale: no clip is clipped
STEP_S = 0.25  # places where a clip may begin
LOUD_DB = 6.0  # a clip may be this much softer than the whole stem; softer ones hold rests, where all sounds alike


def matched(*sounds: Audio) -> list[Audio]:
    """Sounds at one level (RMS), the softest one's or less, so that none clips: the louder one always seems better.

    Raises
    ------
    AudioError
        If one of them is silent: no gain makes it as loud as the others.

    Notebook: 07
    """
    powers = [float(np.sqrt(np.mean(np.square(sound.samples, dtype=np.float64)))) for sound in sounds]
    if min(powers) < 1e-6:
        raise AudioError("One of the sounds is silent here: there is nothing to compare.")
    peaks = [float(np.abs(sound.samples).max()) for sound in sounds]
    level = min(*powers, *(HEADROOM * power / peak for power, peak in zip(powers, peaks, strict=True)))
    return [Audio(s.samples * np.float32(level / power), s.sr) for power, s in zip(powers, sounds, strict=True)]


def clip_starts(*sounds: Audio, seconds: float) -> np.ndarray:
    """Where a clip may begin, in seconds: wherever all sounds are about as loud as they are on the whole.

    Notebook: 07
    """
    last = sounds[0].duration - seconds
    starts = np.arange(0.0, max(last, 0.0) + 1e-9, STEP_S)
    loud = [
        start
        for start in starts
        if all(sound[start : start + seconds].rms_db > sound.rms_db - LOUD_DB for sound in sounds)
    ]
    return np.array(loud if loud else starts)
