"""A little of an old method in the network's masks.

Harmonic-percussive separation with a few rules (the engine `hpss`) is far worse than the network, but it errs
elsewhere: it has never heard a song, so it can't mistake a real bass for something it was trained on. 15 % of its masks
in the network's raise every stem on real songs by 0.1 to 0.3 dB, and change nothing on rendered ones. Averaging
different estimators is as old as the field's contests: Uhlich et al., ICASSP 2017, doi:10.1109/ICASSP.2017.7952158.

Notebook: 06
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from musiclab.separation.engines import decompose
from musiclab.separation.engines.classical import BASS_HZ, VOICE_HZ, low_pass
from musiclab.separation.engines.embedded.network import N_FFT

SHARE = 0.15  # of the old method's masks; 0.1 to 0.3 do alike
BINS = 512  # up to 5.5 kHz, where the energy is; a quarter of the work
FADE = 112  # bins over which the share falls to zero, from 4.3 kHz
MARGIN = 16  # bins above that the medians look at


def rule_masks(D: np.ndarray) -> np.ndarray:
    """Masks of `classical.four_masks` for the lowest `BINS` bins.

    Parameters
    ----------
    D : np.ndarray [shape=(2, N_FFT // 2 + 1, frames)], complex
        STFT of the mixture.

    Returns
    -------
    np.ndarray [shape=(4, BINS, frames)]
        Vocals, drums, bass, other; they add up to one.
    """
    every = slice(BINS + MARGIN)
    D = np.ascontiguousarray(D[:, every])
    harmonic, percussive = decompose.hpss_masks(np.sqrt(np.mean(D.real**2 + D.imag**2, axis=0)))
    bins = N_FFT // 2 + 1
    low = low_pass(bins, BASS_HZ)[every]
    in_band = (1 - low_pass(bins, VOICE_HZ[0], steepness=8)) * low_pass(bins, VOICE_HZ[1], steepness=8)
    voice = decompose.centre_mask(D) * in_band[every]
    above = harmonic * (1 - low)
    return np.stack([above * voice, percussive, harmonic * low, above * (1 - voice)])[:, :BINS]


def blended(masks: Tensor, D: Tensor) -> Tensor:
    """The network's masks with a share of the old method's; still they add up to one.

    Parameters
    ----------
    masks : torch.Tensor [shape=(batch, 4, 2, N_FFT // 2 + 1, frames)]
        From the network; not changed.
    D : torch.Tensor [shape=(batch, 2, N_FFT // 2 + 1, frames)], complex
        STFT of the mixture.
    """
    rules = np.stack([rule_masks(piece) for piece in D.detach().cpu().numpy()])[:, :, None]
    share = SHARE * torch.linspace(BINS / FADE, 0, BINS, device=masks.device).clamp(max=1)[:, None]
    low = masks[..., :BINS, :]
    low = low + share * (torch.from_numpy(rules).to(masks) - low)
    return torch.cat((low, masks[..., BINS:, :]), dim=-2)
