"""Another key and another speed, rendered into the sound: by Signalsmith Stretch, all channels together.

All channels are stretched in one pass, so their phases stay together and the stereo picture stays where it was; a
pulse lies where it was, times the speed, to within a millisecond. From 0.75 to 1.5 times the speed it is hard to tell
from a slower or faster band; farther out, drums smear.

References
----------
.. [1] Luff: "The design of Signalsmith Stretch", 2022, https://signalsmith-audio.co.uk/writing/2023/stretch-design/
"""

from __future__ import annotations

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.progress import Watch
from musiclab.recipes.remembered import sound_of

KEYS = 12  # semitones up and down
SLOWEST, FASTEST = 0.25, 2.0  # of the mixer's page, too
SEED = 1  # the stretcher draws phases at random: the same ones each time, so that files are the same to the bit


def check(key: float, speed: float) -> None:
    """Say what is wrong with a key or a speed, before any work.

    Raises
    ------
    AudioError
        If the key is not from −12 to 12 semitones, or the speed not from 0.25 to 2.
    """
    if not -KEYS <= key <= KEYS:
        raise AudioError(f"The key can be changed by up to {KEYS} semitones up or down, not by {key:g}.")
    if not SLOWEST <= speed <= FASTEST:
        raise AudioError(f"The speed is a factor from {SLOWEST:g} to {FASTEST:g} (1 is the song's own), not {speed:g}.")


def retuned(audio: Audio, watch: Watch, *, key: float = 0.0, speed: float = 1.0, cache: bool = True) -> Audio:
    """The sound in another key, at another speed; itself if neither changes.

    Parameters
    ----------
    audio : Audio
        Any rate and channels.
    watch : Watch
        Who is told, and who may stop it.
    key : float
        Semitones up (negative: down), −12 to 12.
    speed : float
        0.25 to 2: 0.8 is four fifths of the song's speed, so it takes five fourths of the time.
    cache : bool
        Whether to keep it in the store.

    Returns
    -------
    Audio
        ``round(frames / speed)`` frames.

    Raises
    ------
    AudioError
        As `check`; or if this machine lacks the stretcher.
    """
    check(key, speed)
    if key == 0 and speed == 1:
        return audio
    watch(0.0, "rendering key and speed")
    request = ("stretched", SEED, audio.digest, audio.title, float(key), float(speed))
    return sound_of(request, lambda: _stretched(audio, key, speed), cache=cache)


def _stretched(audio: Audio, key: float, speed: float) -> Audio:
    try:
        from python_stretch import Signalsmith
    except ImportError as error:
        raise AudioError(
            "Key and speed need the package python-stretch, which this machine lacks: pip install python-stretch."
        ) from error

    stretch = Signalsmith.Stretch(SEED)
    stretch.preset(audio.channels, audio.sr)
    stretch.setTransposeSemitones(key)
    stretch.timeFactor = speed
    frames = max(1, round(audio.frames / speed))
    # A sound shorter than the stretcher's window can't be stretched: silence is put after it, and taken off again.
    shortest = 2 * (stretch.inputLatency() + stretch.outputLatency())
    samples = np.pad(audio.samples, ((0, 0), (0, max(0, shortest - audio.frames))))
    made = np.asarray(stretch.process(samples), dtype=np.float32)[:, :frames]
    return Audio(np.pad(made, ((0, 0), (0, frames - made.shape[1]))), audio.sr, title=audio.title)
