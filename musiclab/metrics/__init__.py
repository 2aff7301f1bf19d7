"""How good is a separation? Numbers that compare estimates with the true sources.

All of them are in dB; more is better; 0 dB is what silence scores in SDR. Sounds are arrays ``(channels, frames)``, or
`Audio`, and the reference comes first, as in mir_eval. A score is over the whole clip and all channels, unless it says
otherwise.

Which one? SDR (as the Music Demixing Challenge has it) for comparing systems: it forgives nothing, a wrong gain
included. SI-SDR when the level doesn't matter. BSS-Eval v4 (`bss_eval`) to learn *why* a stem is bad: bleed
from the others (SIR), artefacts (SAR), or wrong filtering and panning (ISR).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.audio import to_db as level_db
from musiclab.metrics.bss_eval import BssScores as BssScores
from musiclab.metrics.bss_eval import bss_eval as bss_eval

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
    return sdr_of_energies(_energy(r), _energy(r - e))


def sdr_of_energies(reference: float, error: float) -> float:
    """`sdr` in dB from the energies (sums of squares) of reference and error, for who adds them up piece by piece.

    Notebook: 07
    """
    return float(10.0 * np.log10((reference + MDX_EPS) / (error + MDX_EPS)))


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


def sdr_table(references: Mapping[str, Sound], estimates: Mapping[str, Sound]) -> dict[str, float]:
    """SDR of each stem that both have, in dB. `Stems` are such mappings.

    Notebook: 07
    """
    return {name: sdr(references[name], estimates[name]) for name in references if name in estimates}


class Interval(NamedTuple):
    """A figure and how sure it is: with the given probability another cut of the same music lies in [low, high]."""

    value: float
    low: float
    high: float


def sdr_interval(
    reference: Sound,
    estimate: Sound,
    *,
    chunk: int = 44100,
    probability: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """SDR with its confidence interval: how much it hangs on which seconds of the song one happens to have.

    The clip is cut into chunks, which are drawn again with replacement; the interval holds the middle of the SDRs of
    such songs (percentile bootstrap).

    Parameters
    ----------
    reference, estimate : Audio or np.ndarray [shape=(channels, frames)]
        As in `sdr`.
    chunk : int
        Length of the chunks in samples: a second at 44.1 kHz. The rest at the end makes a chunk of its own.
    probability : float in (0, 1)
        Of the interval.
    resamples : int
        How many songs to draw.
    seed : int
        Of the draws.

    References
    ----------
    B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13.

    Notebook: 07
    """
    r, e = _pair(reference, estimate)
    starts = np.arange(0, r.shape[-1], chunk)
    wanted = np.add.reduceat(np.square(r).sum(axis=0), starts)
    error = np.add.reduceat(np.square(r - e).sum(axis=0), starts)
    drawn = np.random.default_rng(seed).integers(len(starts), size=(resamples, len(starts)))
    songs = 10 * np.log10((wanted[drawn].sum(axis=1) + MDX_EPS) / (error[drawn].sum(axis=1) + MDX_EPS))
    tail = 50 * (1 - probability)
    low, high = np.percentile(songs, [tail, 100 - tail])
    return Interval(sdr(r, e), float(low), float(high))


def null_test(one: Sound, other: Sound) -> float:
    """Level of the difference, in dBFS (RMS): -200 where both are equal to the last bit.

    Below about -90 dBFS the difference is under the noise of 16 bits, and nobody hears it.

    Notebook: 04
    """
    a, b = _pair(one, other)
    return level_db(float(np.sqrt(_energy(a - b) / max(a.size, 1))))


def error_spectrogram(reference: Sound, estimate: Sound, *, range_db: float = 80.0) -> np.ndarray:
    """Where an estimate is wrong: magnitude of the difference's STFT, in dB under the reference's loudest cell.

    Parameters
    ----------
    reference, estimate : Audio or np.ndarray [shape=(channels, frames)]
        As in `sdr`.
    range_db : float
        Where to cut.

    Returns
    -------
    np.ndarray [shape=(bins, columns)], float32 >= -range_db
        The mean over the channels' power; above 0 where the error is louder than the reference ever is.

    Notebook: 07
    """
    r, e = _pair(reference, estimate)
    S, error = (np.sqrt(np.square(np.abs(spectral.stft(np.atleast_2d(x)))).mean(axis=0)) for x in (r, r - e))
    loudest = float(S.max())
    return spectral.to_db(error, ref=loudest if loudest > 0 else 1.0, range_db=range_db)


def bleed(references: np.ndarray, estimates: np.ndarray, *, sr: int, bands: int = 24, block: float = 1.0) -> np.ndarray:
    """How loud each true source is heard in each estimate, in dB of its own true level.

    In each band and second the estimate is written as the sum of the true sources, each with a gain (least squares);
    the energies of the parts are added up. A perfect separation has 0 on the diagonal, and as little as possible beside
    it; what no gain explains (artefacts) counts nowhere.

    Parameters
    ----------
    references : np.ndarray [shape=(sources, channels, frames)]
        All true sources.
    estimates : np.ndarray [shape=(estimates, channels, frames)]
        Any number of them.
    sr : int
        Rate of both in Hz: the bands reach to half of it.
    bands : int
        Number of bands, of equal width in mel.
    block : float
        Seconds that share a gain.

    Returns
    -------
    np.ndarray [shape=(estimates, sources)]
        dB, at least -100; NaN for silent sources.

    Notebook: 07
    """
    R, E = (np.asarray(x, dtype=np.float32) for x in (references, estimates))
    if R.ndim != 3 or R.shape[1:] != E.shape[1:]:
        raise ValueError(f"References and estimates differ in channels or length: {R.shape} and {E.shape}.")
    S, Y = spectral.stft(R), spectral.stft(E)
    top = spectral.hz_to_mel(sr / 2)
    edges = np.unique(np.searchsorted(spectral.frequencies(sr), spectral.mel_to_hz(np.linspace(0, top, bands + 1))))
    columns = max(1, round(block * sr / spectral.HOP_LENGTH))
    energies = np.zeros((len(E), len(R)))
    for low, high in zip(edges, [*edges[1:-1], S.shape[2]], strict=False):
        for start in range(0, S.shape[3], columns):
            s = S[:, :, low:high, start : start + columns].reshape(len(R), -1)
            y = Y[:, :, low:high, start : start + columns].reshape(len(E), -1)
            energies += _parts(s, y)
    energy = np.square(np.abs(S)).sum(axis=(1, 2, 3), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share: np.ndarray = np.where(energy > 0, energies / energy, np.nan)
    return np.asarray(10 * np.log10(np.maximum(share, 1e-10)))


def _parts(s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Energy of each source's part in each estimate [shape=(estimates, sources)], by real gains over some cells."""
    gram = (s.conj() @ s.T).real.astype(np.float64)
    energy = gram.diagonal()
    ridge = 1e-9 * max(float(energy.max()), 1e-30)
    gains = np.linalg.solve(gram + ridge * np.eye(len(s)), (s.conj() @ y.T).real)
    parts: np.ndarray = np.square(gains.T) * energy
    return parts


def _samples(sound: Sound) -> np.ndarray:
    return np.asarray(sound.samples if isinstance(sound, Audio) else sound, dtype=np.float64)


def _pair(reference: Sound, estimate: Sound) -> tuple[np.ndarray, np.ndarray]:
    r, e = _samples(reference), _samples(estimate)
    if r.shape != e.shape:
        raise ValueError(f"Reference and estimate differ in shape: {r.shape} and {e.shape}.")
    return r, e


def _energy(x: np.ndarray) -> float:
    return float(np.vdot(x, x))
