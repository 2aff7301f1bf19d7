"""The sounds that tests are made of: a tone, a note with harmonics, noise, and stems that add up to their song."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.theory import midi_to_hz

SR = 44_100

Samples = NDArray[np.floating]


def times(seconds: float = 1.0, *, sr: int = SR) -> Samples:
    """The time of each frame in seconds, shape ``(frames,)``."""
    return np.arange(round(seconds * sr)) / sr


def tone(hz: float, seconds: float = 1.0, *, level: float = 1.0, sr: int = SR) -> Samples:
    """A sine that begins at zero, shape ``(frames,)``; ``level`` is its peak."""
    return level * np.sin(2 * np.pi * hz * times(seconds, sr=sr))


def harmonics(pitch: float, seconds: float, count: int, *, tilt: float = 1.0, sr: int = SR) -> Samples:
    """A note of a MIDI pitch, shape ``(frames,)``: harmonic k at level ``k ** -tilt``, as far as the rate reaches."""
    hz = midi_to_hz(pitch)
    partials = [tone(hz * k, seconds, level=k**-tilt, sr=sr) for k in range(1, count + 1) if hz * k < sr / 2]
    return np.sum(partials, axis=0)


def noise(*shape: int, level: float = 0.1, rng: np.random.Generator | int = 0) -> Samples:
    """White noise of a shape; ``level`` is its RMS, ``rng`` a generator or a seed."""
    return level * np.random.default_rng(rng).standard_normal(shape)


def recording(seconds: float = 0.5, *, channels: int = 2, peak: float = 0.5, sr: int = SR, seed: int = 0) -> Audio:
    """Noise between ``-peak`` and ``peak``, which it reaches."""
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, round(seconds * sr)))
    samples[0, 7] = 1.0
    return Audio(samples * peak, sr)


def song(sounds: Mapping[str, Samples], *, sr: int = SR, title: str = "") -> Stems:
    """Stems of the given samples; their mixture is the sum."""
    stems = {name: Audio(samples, sr) for name, samples in sounds.items()}
    return Stems(stems, Audio(np.sum([stem.samples for stem in stems.values()], axis=0), sr, title=title))
