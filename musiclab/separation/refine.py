"""Refinement: a second look at any engine's estimates, all stems at once, by multichannel Wiener filtering.

Engines estimate each stem for itself; the filter makes them agree on what the mixture holds and where in the stereo
picture each lies. It helps estimates whose levels are right and whose details are not; it can blur good ones, since one
model of place per bin is a crude one. Measure it (`musiclab.metrics.sdr_table`) before you trust it.

Notebook: 08
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from musiclab import masks, spectral
from musiclab.audio import Audio, ramp
from musiclab.stems import RESIDUAL, Stems

HOP = spectral.HOP_LENGTH
PIECE = 1292 * HOP  # 30 s at 44.1 kHz: what is worked on at once
FADE = 44 * HOP  # 1 s over which one piece fades into the next
MARGIN = spectral.N_FFT  # thrown away at the ends of a piece, where windows reach past them
LEFT_OVER_DB = -40.0  # a residual louder than this under the mixture is a source of its own


def refine(stems: Stems, *, iterations: int = 1) -> Stems:
    """Multichannel Wiener filtering of the stems of any engine.

    Parameters
    ----------
    stems : Stems
        Estimates, with their mixture. If they leave much over, the residual takes part as a source.
    iterations : int >= 0
        Rounds of expectation-maximisation. 1 or 2 are usual; 0 only shares out what the stems leave over.

    Returns
    -------
    Stems
        With the same names; the filter's estimates add up to the mixture. The given stems are not changed.

    Raises
    ------
    ValueError
        If `iterations` is negative.

    References
    ----------
    See `musiclab.masks.wiener`.

    Notebook: 08
    """
    if iterations < 0:
        raise ValueError(f"iterations is at least 0, not {iterations}.")
    names = list(stems)
    if stems.residual.rms_db > stems.mixture.rms_db + LEFT_OVER_DB:
        names.append(RESIDUAL)

    def process(piece: np.ndarray) -> np.ndarray:
        D = spectral.stft(piece)
        filtered = masks.wiener(D[1:], D[0], iterations=iterations)
        return spectral.istft(filtered, length=piece.shape[-1])

    sounds = np.stack([stems.mixture.samples, *(stems[name].samples for name in names)])
    estimates = in_pieces(process, sounds)
    found = {name: Audio(wave, stems.sr, title=name) for name, wave in zip(names, estimates, strict=True)}
    found.pop(RESIDUAL, None)
    return Stems(found, stems.mixture, engine=f"{stems.engine} + Wiener".removeprefix(" + "), note=stems.note)


def in_pieces(process: Callable[[np.ndarray], np.ndarray], sounds: np.ndarray) -> np.ndarray:
    """`process` on pieces of half a minute that fade into each other, so that the memory it needs is bounded.

    Parameters
    ----------
    process : callable
        Takes sounds [shape=(sounds, channels, some frames)], gives estimates [shape=(stems, channels, as many frames)].
    sounds : np.ndarray [shape=(sounds, channels, frames)]
        Of any length.

    Returns
    -------
    np.ndarray [shape=(stems, channels, frames)], float32
        The fades add up to one: estimates that add up to the mixture still do.
    """
    frames = sounds.shape[-1]
    step = PIECE - FADE
    if frames <= PIECE:
        return process(sounds)
    rise = ramp(FADE)
    out = np.zeros(0, dtype=np.float32)
    for start in range(0, frames - FADE, step):
        stop = min(start + PIECE, frames)
        first, last = max(start - MARGIN, 0), min(stop + MARGIN, frames)
        estimate = process(sounds[..., first:last])[..., start - first : stop - first].copy()
        if start:
            estimate[..., :FADE] *= rise
        else:
            out = np.zeros((*estimate.shape[:-1], frames), dtype=np.float32)
        if stop < frames:
            estimate[..., -FADE:] *= rise[::-1]
        out[..., start:stop] += estimate
    return out
