"""How loud a whole recording is to people: integrated loudness by ITU-R BS.1770-4, in LUFS.

RMS tells how much energy there is; loudness weighs frequencies as ears do and leaves pauses out, so two recordings of
one loudness sound equally loud. The measuring is pyloudnorm's [1]_.

References
----------
.. [1] Steinmetz, Reiss: "pyloudnorm: A simple yet flexible loudness meter in Python", AES 150th Convention, 2021

Notebook: 12
"""

from __future__ import annotations

import warnings

import numpy as np

from musiclab.audio import SILENCE_DB, Audio
from musiclab.packages import need

BLOCK = 0.4  # seconds that the standard measures at once; shorter sounds are followed by silence
MOST_CHANNELS = 5


def loudness(audio: Audio) -> float:
    """Integrated loudness in LUFS; `SILENCE_DB` for silence, and for what the standard's gate takes for it.

    Parameters
    ----------
    audio : Audio
        Mono counts as one loudspeaker; more than five channels are folded to stereo.
    """
    need("pyloudnorm", "Measuring loudness")
    import pyloudnorm

    sound = audio if audio.channels <= MOST_CHANNELS else audio.stereo()
    samples = sound.samples.T
    least = int(np.ceil(BLOCK * sound.sr)) + 1
    if len(samples) < least:
        samples = np.pad(samples, ((0, least - len(samples)), (0, 0)))
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # silence is an answer
        value = float(pyloudnorm.Meter(sound.sr, block_size=BLOCK).integrated_loudness(samples.astype(np.float64)))
    return value if np.isfinite(value) else SILENCE_DB
