"""How good is a separation? Numbers that compare estimates with the true sources.

All of them are in dB; more is better; 0 dB is what silence scores in SDR. Sounds are arrays ``(channels, frames)``, or
`Audio`, and the reference comes first, as in mir_eval. A score is over the whole clip and all channels, unless it says
otherwise.

Which one? SDR (as the Music Demixing Challenge has it) for comparing systems: it forgives nothing, a wrong gain
included. SI-SDR when the level doesn't matter. BSS-Eval v4 (`bss_eval`) to learn *why* a stem is bad: bleed
from the others (SIR), artefacts (SAR), or wrong filtering and panning (ISR).
"""

from __future__ import annotations

import numpy as np

from musiclab.audio import Audio

MDX_EPS = 1e-7  # the challenge's own: keeps the score of a silent reference finite

Sound = Audio | np.ndarray


def sdr(reference: Sound, estimate: Sound) -> float:
    """Signal-to-distortion ratio over the whole clip, as in the Music Demixing Challenge.

    ``10 log10((sum r² + eps) / (sum (r - e)² + eps))`` over all channels and frames. Silence as an estimate scores 0;
    an exact estimate about 10 log10(energy / 1e-7).

    Parameters
    ----------
    reference : Audio or np.ndarray [shape=(channels, frames)]
        The true source.
    estimate : Audio or np.ndarray [same shape]
        What an engine says.

    Returns
    -------
    float
        dB.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Y. Mitsufuji et al., "Music Demixing Challenge 2021", Frontiers in Signal Processing 1, 2022.
    doi:10.3389/frsip.2021.808395

    Notebook: 07
    """
    r, e = _pair(reference, estimate)
    return float(10.0 * np.log10((_energy(r) + MDX_EPS) / (_energy(r - e) + MDX_EPS)))


def si_sdr(reference: Sound, estimate: Sound) -> float:
    """Scale-invariant SDR: the estimate may have any gain (one for all channels).

    Parameters
    ----------
    reference : Audio or np.ndarray [shape=(channels, frames)]
        The true source.
    estimate : Audio or np.ndarray [same shape]
        What an engine says.

    Returns
    -------
    float
        dB; ``-inf`` where either is silent, ``inf`` for a scaled copy.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    J. Le Roux, S. Wisdom, H. Erdogan, J. Hershey, "SDR – half-baked or well done?", ICASSP 2019.
    doi:10.1109/ICASSP.2019.8683855

    Notebook: 07
    """
    r, e = _pair(reference, estimate)
    energy = _energy(r)
    if energy == 0 or not e.any():
        return float("-inf")
    target = (float(np.vdot(e, r)) / energy) * r
    error = _energy(e - target)
    wanted = _energy(target)
    if error <= 1e-28 * wanted:  # rounding of a float64 copy
        return float("inf")
    return float(10.0 * np.log10(wanted / error)) if wanted > 0 else float("-inf")


def _samples(sound: Sound) -> np.ndarray:
    return np.asarray(sound.samples if isinstance(sound, Audio) else sound, dtype=np.float64)


def _pair(reference: Sound, estimate: Sound) -> tuple[np.ndarray, np.ndarray]:
    r, e = _samples(reference), _samples(estimate)
    if r.shape != e.shape:
        raise ValueError(f"Reference and estimate differ in shape: {r.shape} and {e.shape}.")
    return r, e


def _energy(x: np.ndarray) -> float:
    return float(np.vdot(x, x))
