"""The same song in another mix: its drums may be another song's, and what isn't the line may be louder and brighter.

In the songs that are composed here a bass and a kick begin together, and what bleeds into a separated stem is darker
than in recorded songs. Whoever learns from them alone takes every remaining stroke of a drum for a note. Mixed at
random, a stroke tells nothing of the line any more; that has long been done to train separators [1]_.

References
----------
.. [1] Uhlich, Porcu, Giron, Enenkl, Kemp, Takahashi, Mitsufuji: "Improving music source separation based on deep neural
   networks through data augmentation and network blending", ICASSP 2017, doi:10.1109/ICASSP.2017.7952158
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musiclab.audio import Audio
from musiclab.datasets import Multitrack
from musiclab.stems import Stems
from musiclab.training.studio.songs.desk import db, equalise, shelf

GAINS_DB = {"bass": (-6.0, 2.0), "drums": (-2.0, 6.0), "vocals": (-3.0, 3.0)}  # of each stem, drawn between
OTHER_DB = -3.0, 6.0
BLEEDING = "drums", "other"  # stems that may be brighter
BRIGHT_HZ, BRIGHT_DB = (800.0, 3000.0), (-2.0, 12.0)  # from where up, and by how much
SWAPPED = 0.75  # how often the drums are another song's
PEAK = 0.9  # of the mixture, at most


def remixed(song: Multitrack, drums: Audio | None, rng: np.random.Generator) -> Multitrack:
    """The song with its stems' levels drawn anew, and mostly with these drums in the place of its own.

    Parameters
    ----------
    song : Multitrack
        Lines stay as they sound but for their level, and are known as before; of drums that were swapped nothing is.
    drums : Audio | None
        Those of another song, of any length and rate; without them its own remain.
    rng : np.random.Generator
        What draws.
    """
    stems = dict(song.stems)
    notes = dict(song.notes)
    if drums is not None and rng.random() < SWAPPED:
        stems["drums"] = _as_loud(_fitting(drums, song.mixture, rng), stems.get("drums"))
        notes.pop("drums", None)
    mixed = {name: _drawn(name, audio, rng) for name, audio in stems.items()}
    total = np.sum(list(mixed.values()), axis=0)
    scale = PEAK / max(PEAK, float(np.abs(total).max(initial=0.0)))
    sounds = {name: Audio(x * np.float32(scale), song.mixture.sr) for name, x in mixed.items()}
    mixture = Audio(total * np.float32(scale), song.mixture.sr, title=song.title)
    return replace(song, stems=Stems(sounds, mixture, engine="truth"), notes=notes)


def _fitting(drums: Audio, mixture: Audio, rng: np.random.Generator) -> Audio:
    """As long as the mixture, over and over, from anywhere on."""
    drums = drums.resampled(mixture.sr)
    channels = np.arange(mixture.channels) % drums.channels
    frames = (rng.integers(drums.frames) + np.arange(mixture.frames)) % drums.frames
    return Audio(drums.samples[channels][:, frames], mixture.sr)


def _as_loud(drums: Audio, own: Audio | None) -> Audio:
    if own is None:
        return drums
    power, wanted = (float(np.mean(np.square(a.samples, dtype=np.float64))) for a in (drums, own))
    return Audio(drums.samples * np.float32(np.sqrt(wanted / max(power, 1e-12))), drums.sr)


def _drawn(name: str, audio: Audio, rng: np.random.Generator) -> np.ndarray:
    x = audio.samples * np.float32(db(rng.uniform(*GAINS_DB.get(name, OTHER_DB))))
    if name not in BLEEDING:
        return x
    return equalise(x, shelf(rng.uniform(*BRIGHT_HZ), rng.uniform(*BRIGHT_DB), high=True))
