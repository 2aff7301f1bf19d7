"""The oracle: what the best possible masks would reach, from the true stems.

It is no separator, since it has to be told the answer. It tells how much of what an engine lacks is its own fault, and
how much no mask of the kind can do.

Notebook: 03
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from musiclab import masks, spectral
from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.separation.engine import Engine, Licence
from musiclab.separation.refine import LEFT_OVER_DB, in_pieces
from musiclab.stems import RESIDUAL, Stems

if TYPE_CHECKING:
    import torch


def _phase_sensitive(D: np.ndarray, X: np.ndarray) -> np.ndarray:
    return masks.apply(masks.phase_sensitive(D, mixture=X), X)


KINDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "binary": lambda D, X: masks.apply(masks.ideal_binary(D), X),
    "ratio": lambda D, X: masks.apply(masks.ideal_ratio(D), X),
    "phase-sensitive": _phase_sensitive,
    "wiener": lambda D, X: masks.wiener(D, X, iterations=1),
}


def ideal(truth: Stems, *, kind: str = "ratio") -> Stems:
    """Stems by ideal masks on the mixture.

    Parameters
    ----------
    truth : Stems
        The true stems, with their mixture. What they leave over counts as a source of its own if it is more than 40 dB
        under the mixture.
    kind : {"ratio", "binary", "phase-sensitive", "wiener"}
        Which masks: see `musiclab.masks`.

    Returns
    -------
    Stems
        With the names of the truth.

    Raises
    ------
    EngineError
        If there is no such kind.

    Notebook: 03
    """
    if kind not in KINDS:
        raise EngineError(f"There are no ideal masks of the kind {kind!r}: choose one of {', '.join(KINDS)}.")
    names = list(truth)
    if truth.residual.rms_db > truth.mixture.rms_db + LEFT_OVER_DB:
        names.append(RESIDUAL)

    def process(piece: np.ndarray) -> np.ndarray:
        D = spectral.stft(piece)
        return spectral.istft(KINDS[kind](D[1:], D[0]), length=piece.shape[-1])

    estimates = in_pieces(process, np.stack([truth.mixture.samples, *(truth[name].samples for name in names)]))
    found = {name: Audio(wave, truth.sr, title=name) for name, wave in zip(names, estimates, strict=True)}
    found.pop(RESIDUAL, None)
    return Stems(found, truth.mixture, engine=f"ideal {kind} masks" if kind != "wiener" else "ideal Wiener filter")


class Oracle(Engine):
    """`ideal` as an engine, for one song: ``separate(song.mixture, engine=Oracle(song.stems))``.

    Notebook: 03
    """

    licence = Licence(code="MIT", weights="none needed")
    segment = None  # it knows one song, from its beginning to its end

    def __init__(self, truth: Stems, *, kind: str = "ratio") -> None:
        self.truth, self.kind = truth, kind
        self.name = f"ideal {kind}"
        self.stems = tuple(truth)
        self.sr = truth.sr
        self.version = ""  # nothing to keep: the truth is at hand

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """The ideal estimates of the one song it knows. See `Engine.separate`."""
        import torch

        known = self.truth.mixture.samples
        if tuple(mixture.shape) != (1, *known.shape) or not np.allclose(mixture[0].cpu().numpy(), known, atol=1e-4):
            raise EngineError("This oracle knows one song, and this is another: give it that song's true stems.")
        estimates = ideal(self.truth, kind=self.kind)
        return torch.from_numpy(np.stack([estimates[name].samples for name in self.stems])[None]).to(mixture.device)
