"""The kinds of mask that a lab starts from: for each, masks of all sources and what they sound like.

A kind is made in pieces of a few columns, so that the first of them is there at once. What a kind has to know of the
whole passage first, it learns step by step too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from musiclab import masks, spectral
from musiclab.separation.engines import decompose
from musiclab.separation.engines.classical import four_masks
from musiclab.stems import RESIDUAL

LABELS = {
    "model": "Engine",
    "ideal binary": "Ideal binary",
    "ideal ratio": "Ideal ratio",
    "phase-sensitive": "Phase-sensitive",
    "wiener": "Wiener",
    "hpss": "HPSS",
}
FOUR = ("vocals", "drums", "bass", "other")  # what the rules on top of HPSS tell apart
HOP, N_FFT = spectral.HOP_LENGTH, spectral.N_FFT
REACH = N_FFT // HOP // 2  # columns from the middle of a window to its end
LEARN = 64  # columns that are learnt from at once
HPSS_MARGIN = 10  # columns: half of its median, and what tells the place of a sound


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
    truth: np.ndarray | None = None

    def kinds(self) -> list[str]:
        """The kinds that can be made of what is known."""
        known = ["model"]
        if self.truth is not None:
            known += ["ideal binary", "ideal ratio", "phase-sensitive"]
        known.append("wiener")
        if tuple(name for name in self.names if name != RESIDUAL) == FOUR:
            known.append("hpss")
        return known

    def start(self, kind: str) -> Start:
        """A kind's masks and sounds, in pieces."""
        if kind in _STARTS:
            return _STARTS[kind](self)
        return _Ideal(self, _IDEALS[kind])

    def spectra(self, sounds: np.ndarray, columns: slice) -> np.ndarray:
        """Some columns of the STFTs of all sources [shape=(sources, channels, bins, columns)]."""
        first, last = columns.start * HOP - N_FFT // 2, (columns.stop - 1) * HOP + N_FFT // 2
        piece = sounds[..., max(first, 0) : last]
        before = max(-first, 0)
        padded = np.zeros((len(sounds) * sounds.shape[1], last - first), dtype=np.float32)
        padded[:, before : before + piece.shape[-1]] = piece.reshape(len(padded), -1)
        D = spectral.columns_of(padded, n_fft=N_FFT, hop_length=HOP)
        return D.reshape(*sounds.shape[:2], *D.shape[1:])


@dataclass
class Start:
    """A kind of mask for a passage; this one shares the mixture by the magnitudes of the estimates.

    Its sound stays the engine's own, phase and all.
    """

    passage: Passage
    learning: Iterator[float] = field(init=False)

    def __post_init__(self) -> None:
        self.learning = self.learn()

    def learn(self) -> Iterator[float]:
        """What has to be known of the whole passage, step by step; yields how much of it is done."""
        yield from ()

    def piece(self, columns: slice, *, source: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Masks of these columns [shape=(sources, channels, bins, columns)], and the sound from the first one on.

        The sound [shape=(sources, channels, frames)] goes as far as the columns' own hops, or to the passage's end; of
        one `source` alone, if it is given.
        """
        for _ in self.learning:
            pass
        first, last = max(columns.start - REACH, 0), min(columns.stop + REACH + 1, self.passage.X.shape[-1])
        M, Y = self.made(slice(first, last))
        here = M[..., columns.start - first : columns.stop - first]
        wanted = slice(None) if source is None else slice(source, source + 1)
        start, stop = columns.start * HOP, min(columns.stop * HOP, self.passage.estimates.shape[-1])
        if Y is None:
            return here, self.passage.estimates[wanted, :, start:stop]
        skip = start - first * HOP
        if stop <= start:  # the last column of all stands at the very end
            return here, Y[wanted, :, 0, :0].real
        return here, spectral.istft(Y[wanted], length=skip + stop - start)[..., skip:]

    def made(self, columns: slice) -> tuple[np.ndarray, np.ndarray | None]:
        """Masks of these columns, and the STFTs of what they sound like (None: the estimates themselves)."""
        return masks.ideal_ratio(self.passage.spectra(self.passage.estimates, columns)), None


class _Ideal(Start):
    """Masks made of the true sources."""

    def __init__(self, passage: Passage, make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.make = make
        super().__init__(passage)

    def made(self, columns: slice) -> tuple[np.ndarray, np.ndarray | None]:
        assert self.passage.truth is not None, "the kind isn't offered without the truth"
        X = self.passage.X[..., columns]
        M = self.make(self.passage.spectra(self.passage.truth, columns), X)
        return M, masks.apply(M, X)


class _Wiener(Start):
    """One round of the multichannel Wiener filter on the estimates: `masks.wiener`, a piece at a time."""

    def learn(self) -> Iterator[float]:
        """Where each source lies in the stereo picture: its spatial covariance in each bin, over the whole passage."""
        X = self.passage.X
        self.scale = np.abs(X).max(axis=(0, 2), initial=0.0).astype(np.float64)[:, None]
        self.scale[self.scale == 0.0] = 1.0
        spread: np.ndarray | float = 0.0
        power: np.ndarray | float = 0.0
        for start in range(0, X.shape[-1], LEARN):
            y = self._estimates(slice(start, min(start + LEARN, X.shape[-1])))
            spread = spread + np.einsum("jcft,jdft->jcdf", y, y.conj())
            power = power + np.square(np.abs(y)).mean(axis=1).sum(axis=2)
            yield min(1.0, (start + LEARN) / X.shape[-1])
        self.spread = spread / np.maximum(power, masks.LEAST_POWER)[:, None, None]

    def _estimates(self, columns: slice) -> np.ndarray:
        scaled: np.ndarray = self.passage.spectra(self.passage.estimates, columns) / self.scale
        return scaled

    def made(self, columns: slice) -> tuple[np.ndarray, np.ndarray | None]:
        power = np.square(np.abs(self._estimates(columns))).mean(axis=1)
        y = masks.wiener_filter(self.passage.X[..., columns] / self.scale, power, self.spread) * self.scale
        return masks.ideal_ratio(y), y.astype(np.complex64)


class _Hpss(Start):
    """The rules of the engine ``hpss`` (see `musiclab.separation.engines.classical`)."""

    def __init__(self, passage: Passage) -> None:
        X = passage.X
        self.D = X[:2] if len(X) > 1 else np.repeat(X, 2, axis=0)
        self.mono = decompose.is_mono(self.D)
        super().__init__(passage)

    def made(self, columns: slice) -> tuple[np.ndarray, np.ndarray | None]:
        p = self.passage
        first, last = max(columns.start - HPSS_MARGIN, 0), min(columns.stop + HPSS_MARGIN, p.X.shape[-1])
        S = np.sqrt(np.square(np.abs(p.X[..., first:last])).mean(axis=0))
        M = four_masks(self.D[..., first:last], *decompose.hpss_masks(S), mono=self.mono)
        M = M[..., columns.start - first : columns.stop - first]
        M = np.repeat(M[:, None], len(p.X), axis=1)
        if RESIDUAL in p.names:
            M = np.concatenate([M, np.zeros_like(M[:1])])
        return M, masks.apply(M, p.X[..., columns])


_IDEALS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ideal binary": lambda D, _: masks.ideal_binary(D),
    "ideal ratio": lambda D, _: masks.ideal_ratio(D),
    "phase-sensitive": lambda D, X: masks.phase_sensitive(D, mixture=X),
}
_STARTS: dict[str, Callable[[Passage], Start]] = {"model": Start, "wiener": _Wiener, "hpss": _Hpss}
