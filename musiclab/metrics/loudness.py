"""How loud a whole recording is to people: integrated loudness by ITU-R BS.1770-4, in LUFS.

RMS tells how much energy there is; loudness weighs frequencies as ears do and leaves pauses out, so two recordings of
one loudness sound equally loud. The filters are pyloudnorm's [1]_, which would hold six times the size of a long sound;
here it is read a piece at a time.

References
----------
Recommendation ITU-R BS.1770-4: "Algorithms to measure audio programme loudness and true-peak audio level", 2015

.. [1] Steinmetz, Reiss: "pyloudnorm: A simple yet flexible loudness meter in Python", AES 150th Convention, 2021

Notebook: 12
"""

from __future__ import annotations

import math

import numpy as np

from musiclab.audio import SILENCE_DB, Audio
from musiclab.packages import need

BLOCK = 0.4  # seconds that the standard measures at once; shorter sounds are followed by silence
STEP = 0.25  # of a block, from one to the next
GATES = (-70.0, -10.0)  # LUFS below which a block is a pause; LU below the mean of the others
WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)  # left, right, centre, and the sides, which people hear louder
MOST_CHANNELS = 5
PIECE = 64  # blocks measured at once: 6.4 s


def loudness(audio: Audio) -> float:
    """Integrated loudness in LUFS; `SILENCE_DB` for silence, and for what the standard's gate takes for it.

    Parameters
    ----------
    audio : Audio
        Mono counts as one loudspeaker; more than five channels are folded to stereo.
    """
    sound = audio if audio.channels <= MOST_CHANNELS else audio.stereo()
    if (lacking := math.ceil(BLOCK * sound.sr) + 1 - sound.frames) > 0:
        sound = Audio(np.pad(sound.samples, ((0, 0), (0, lacking))), sound.sr)
    powers = np.array(WEIGHTS[: sound.channels]) @ _powers(sound)
    heard = powers[_lufs(powers) >= GATES[0]]
    if len(heard):
        heard = heard[_lufs(heard) > _lufs(heard.mean()) + GATES[1]]
    return float(_lufs(heard.mean())) if len(heard) else SILENCE_DB


def _lufs(power: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # silence lies at −inf
        return np.asarray(-0.691 + 10.0 * np.log10(power))


def _powers(sound: Audio) -> np.ndarray:
    """Mean square of each block as ears weigh it (K-weighting) [shape=(channels, blocks)]."""
    need("pyloudnorm", "Measuring loudness")
    import pyloudnorm
    from scipy.signal import lfilter

    filters = [(stage.b, stage.a) for stage in pyloudnorm.Meter(sound.sr)._filters.values()]
    states = [np.zeros((sound.channels, len(a) - 1)) for _, a in filters]
    steps = np.arange(max(1, round((sound.duration - BLOCK) / (BLOCK * STEP)) + 1)) * STEP
    begins, ends = ((BLOCK * at * sound.sr).astype(np.intp) for at in (steps, steps + 1))
    powers = np.empty((sound.channels, len(steps)))
    filtered, base, done = np.zeros((sound.channels, 0)), 0, 0  # what is in memory, and of which frames
    for first in range(0, len(steps), PIECE):
        last = min(first + PIECE, len(steps))
        piece = sound.samples[:, done : ends[last - 1]].astype(np.float64)
        done += piece.shape[1]
        for number, (b, a) in enumerate(filters):
            piece, states[number] = lfilter(b, a, piece, zi=states[number])
        filtered = np.concatenate([filtered[:, begins[first] - base :], piece], axis=1)
        base = begins[first]
        for block in range(first, last):
            inside = filtered[:, begins[block] - base : ends[block] - base]
            powers[:, block] = np.square(inside).sum(axis=1) / (BLOCK * sound.sr)
    return powers
