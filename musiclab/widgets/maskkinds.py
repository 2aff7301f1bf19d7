"""The kinds of mask that a lab starts from: for each, masks of all sources and what they sound like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from musiclab import masks, spectral
from musiclab.separation import decompose
from musiclab.separation.classical import four_masks
from musiclab.stems import RESIDUAL

FOUR = ("vocals", "drums", "bass", "other")  # what the rules on top of HPSS tell apart


@dataclass(frozen=True)
class Passage:
    """What the kinds are made from.

    Parameters
    ----------
    names : tuple of str
        The sources.
    X : np.ndarray [shape=(channels, bins, columns)], complex64
        STFT of the mixture.
    estimates : np.ndarray [shape=(sources, channels, frames)], float32
        What the engine says.
    truth : np.ndarray [same shape] or None
        The true sources.
    """

    names: tuple[str, ...]
    X: np.ndarray
    estimates: np.ndarray
    truth: np.ndarray | None

    def start(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Masks [shape=(sources, channels, bins, columns)] and sounds [shape=(sources, channels, frames)] of a kind."""
        M, Y = _MAKERS[kind](self)
        if Y is None:
            Y = masks.apply(M, self.X)
        sounds = self.estimates if Y is self.estimates else spectral.istft(Y, length=self.estimates.shape[-1])
        return np.ascontiguousarray(M, dtype=np.float32), sounds

    def kinds(self) -> list[str]:
        """The kinds that can be made of what is known."""
        known = ["model"]
        if self.truth is not None:
            known += ["ideal binary", "ideal ratio", "phase-sensitive"]
        known.append("wiener")
        if tuple(name for name in self.names if name != RESIDUAL) == FOUR:
            known.append("hpss")
        return known


Made = tuple[np.ndarray, np.ndarray | None]  # masks, and an STFT or sound where it is not the masked mixture


def _model(p: Passage) -> Made:
    """Shares by the magnitudes of the estimates. The sound stays the engine's own, phase and all."""
    return masks.ideal_ratio(spectral.stft(p.estimates)), p.estimates


def _wiener(p: Passage) -> Made:
    filtered = masks.wiener(spectral.stft(p.estimates), p.X, iterations=1)
    return masks.ideal_ratio(filtered), filtered


def _hpss(p: Passage) -> Made:
    S = np.sqrt(np.square(np.abs(p.X)).mean(axis=0))
    # The rules are those of the engine "hpss": see `musiclab.separation.classical`.
    M = four_masks(p.X if len(p.X) == 2 else np.repeat(p.X[:1], 2, axis=0), *decompose.hpss_masks(S))
    M = M if M.ndim == 4 else np.repeat(M[:, None], len(p.X), axis=1)
    if RESIDUAL in p.names:
        M = np.concatenate([M, np.zeros_like(M[:1])])
    return M, None


def _ideal(make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Passage], Made]:
    def maker(p: Passage) -> Made:
        assert p.truth is not None, "the kind isn't offered without the truth"
        return make(spectral.stft(p.truth), p.X), None

    return maker


_MAKERS: dict[str, Callable[[Passage], Made]] = {
    "model": _model,
    "ideal binary": _ideal(lambda D, _: masks.ideal_binary(D)),
    "ideal ratio": _ideal(lambda D, _: masks.ideal_ratio(D)),
    "phase-sensitive": _ideal(lambda D, X: masks.phase_sensitive(D, mixture=X)),
    "wiener": _wiener,
    "hpss": _hpss,
}
