"""Separation without training: four old ideas, each an engine, each a mask on the mixture's spectrogram.

`HPSS`: steady sounds are ridges along time, struck ones along frequency. `REPETSim`: what comes again is the
accompaniment, what doesn't is the voice. `NMF`: a song is made of a few spectra, switched on and off. `Centre`: the
singer stands in the middle. None needs weights, each gives the same result in every run, and their masks sum to one:
the stems add up to the mixture.

The rules that turn such parts into four stems (the bass is low, the voice is in the middle of the stereo picture and
of the spectrum) are rough. They were set by their mean effect on six real songs; `musiclab evaluate separation` says
what they do on yours.

Notebook: 05
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musiclab import masks, spectral
from musiclab.separation.engine import STEMS_4, Engine, Licence
from musiclab.separation.engines import decompose

if TYPE_CHECKING:
    import torch

SR = 44100
BASS_HZ = 150.0  # up to where steady sound is the bass
VOICE_HZ = (200.0, 8000.0)  # where steady sound in the middle is the voice
COMPONENTS = 64  # spectra that NMF learns for each segment


def low_pass(bins: int, cutoff: float, *, steepness: float = 6.0) -> np.ndarray:
    """A smooth gain that is 1 below `cutoff` Hz, a half there, 0 above [shape=(bins, 1)].

    Notebook: 05
    """
    hz = spectral.frequencies(SR, 2 * (bins - 1))
    return (1.0 / (1.0 + (hz / cutoff) ** steepness)).astype(np.float32)[:, None]


def four_masks(D: np.ndarray, harmonic: np.ndarray, percussive: np.ndarray, *, mono: bool | None = None) -> np.ndarray:
    """Masks of the four stems from a harmonic and a percussive one.

    What is struck is the drums; of the rest, what is low is the bass, what is in the middle is the voice.

    Parameters
    ----------
    D : np.ndarray [shape=(2, bins, columns)], complex
        STFT of the mixture.
    harmonic, percussive : np.ndarray [shape=(bins, columns)]
        Masks that sum to one.
    mono : bool
        As in `decompose.centre_mask`.

    Returns
    -------
    np.ndarray [shape=(4, bins, columns)]
        Vocals, drums, bass, other; they sum to one.

    Notebook: 05
    """
    bins = D.shape[-2]
    low = low_pass(bins, BASS_HZ)
    voice_band = (1 - low_pass(bins, VOICE_HZ[0], steepness=8)) * low_pass(bins, VOICE_HZ[1], steepness=8)
    voice = decompose.centre_mask(D, mono=mono) * voice_band
    above = harmonic * (1 - low)
    return np.stack([above * voice, percussive, harmonic * low, above * (1 - voice)])


class _MaskEngine(Engine):
    """An engine that scales the cells of the mixture's STFT: what differs is how the masks are made."""

    sr = SR
    licence = Licence(code="MIT", weights="none needed")
    align = spectral.HOP_LENGTH

    def masks(self, D: np.ndarray) -> np.ndarray:
        """Masks [shape=(stems, bins, columns) or (stems, 2, bins, columns)] of an STFT [shape=(2, bins, columns)]."""
        raise NotImplementedError

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """Separate a batch of pieces. See `Engine.separate`."""
        import torch

        pieces = mixture.detach().float().cpu().numpy()
        out = np.empty((len(pieces), len(self.stems), *pieces.shape[1:]), dtype=np.float32)
        for estimates, piece in zip(out, pieces, strict=True):
            D = spectral.stft(piece)
            M = self.masks(D)
            for stem, mask in enumerate(M):
                estimates[stem] = spectral.istft(mask * D, length=piece.shape[-1])
        return torch.from_numpy(out).to(mixture.device)


class HPSS(_MaskEngine):
    """Harmonic-percussive separation, and rules for four stems. See `decompose.hpss_masks`.

    Notebook: 05
    """

    name = "hpss"
    stems = STEMS_4
    segment = 30.0
    context = 0.4  # half a window, half the median along time, the smoothing of the stereo cue: it hears no further

    def masks(self, D: np.ndarray) -> np.ndarray:
        harmonic, percussive = decompose.hpss_masks(_loudness(D))
        return four_masks(D, harmonic, percussive)


class REPETSim(_MaskEngine):
    """What repeats is the accompaniment, what doesn't the voice. See `decompose.repeating`.

    Notebook: 05
    """

    name = "repet-sim"
    stems = ("vocals", "accompaniment")
    segment = 60.0

    def masks(self, D: np.ndarray) -> np.ndarray:
        S = _loudness(D)
        again = decompose.repeating(S)
        voice, accompaniment = masks.ideal_ratio(np.stack([S - again, again]), exponent=2.0)
        above = 1 - low_pass(D.shape[-2], VOICE_HZ[0] / 2, steepness=8)  # nobody sings below 100 Hz
        return np.stack([voice * above, accompaniment + voice * (1 - above)])


class NMF(_MaskEngine):
    """Learnt spectra, grouped into stems by how struck, low and central each is. See `decompose.nmf`.

    Notebook: 05
    """

    name = "nmf"
    stems = STEMS_4
    segment = 30.0

    def masks(self, D: np.ndarray) -> np.ndarray:
        S = np.abs(D)
        channels, bins, columns = S.shape
        # Left and right one above the other: a component then has a place in the stereo picture too.
        W, H = decompose.nmf(S.reshape(channels * bins, columns), COMPONENTS)
        spectra = W.reshape(channels, bins, COMPONENTS)
        cues = four_masks(D, *decompose.hpss_masks(_loudness(D)))
        # How much of each component's energy the rules give to each stem; squared, so that most of it goes to one.
        energy = np.square(spectra.sum(axis=0)), np.square(H)
        owned = np.stack([np.einsum("fk,ft,kt->k", energy[0], cue, energy[1], optimize=True) for cue in cues])
        shares = masks.ideal_ratio(owned, exponent=2.0)
        return masks.renormalise(np.stack([spectra @ (share[:, None] * H) for share in shares]))


class Centre(_MaskEngine):
    """What is panned to the middle, and the rest, by stereo alone. See `decompose.centre_mask`.

    Notebook: 05
    """

    name = "centre"
    stems = ("centre", "sides")
    segment = 30.0
    context = 0.2

    def masks(self, D: np.ndarray) -> np.ndarray:
        centre = decompose.centre_mask(D)
        return np.stack([centre, 1 - centre])


def _loudness(D: np.ndarray) -> np.ndarray:
    """Magnitude over both channels [shape=(bins, columns)]."""
    loudness: np.ndarray = np.sqrt(np.square(np.abs(D)).mean(axis=0))
    return loudness
