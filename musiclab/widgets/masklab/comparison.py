"""All kinds of mask for one stem, side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from musiclab.metrics import sdr_of_energies
from musiclab.widgets.masklab.kinds import HOP, Passage, Start
from musiclab.widgets.masklab.messages import Step
from musiclab.widgets.masklab.sheet import BLOCK
from musiclab.widgets.shared.pixels import LogRows


def compared(passage: Passage, stem: str, pixels: LogRows) -> Iterator[Step]:
    """Make every kind of mask for a stem, step by step; each is told as soon as it is made.

    Untouched, as the kinds are before anything is shaped or painted. A message says ``compared``: stem, kind, and SDR
    in dB (None where the truth isn't known); its buffer is the picture.
    """
    kinds = passage.kinds()
    for number, kind in enumerate(kinds):
        start = passage.start(kind)
        for learnt in start.learning:
            yield Step((number + learnt / 3) / len(kinds))
        picture = np.empty((pixels.rows, passage.X.shape[-1]), dtype=np.uint8)
        missed = 0.0
        for done, error in _drawn(start, passage.names.index(stem), pixels, picture):
            missed += error
            yield Step((number + done) / len(kinds))
        about = {"stem": stem, "kind": kind, "sdr": _sdr(passage, stem, missed)}
        yield Step((number + 1) / len(kinds), ({"compared": about}, [picture.tobytes()]))


def _drawn(start: Start, k: int, pixels: LogRows, picture: np.ndarray) -> Iterator[tuple[float, float]]:
    """Fill the picture of source `k`, a block at a time: how much is done, and the energy by which it is wrong."""
    p, columns = start.passage, picture.shape[1]
    for first in range(0, columns, BLOCK):
        here = slice(first, min(first + BLOCK, columns))
        M, sounds = start.piece(here, source=k)
        picture[:, here] = pixels.mask(M[k], np.square(np.abs(p.X[..., here])))
        error = 0.0
        if p.truth is not None:
            true = p.truth[k, :, first * HOP : first * HOP + sounds.shape[-1]]
            error = float(np.square(true - sounds[0], dtype=np.float64).sum())
        yield here.stop / columns, error


def _sdr(passage: Passage, stem: str, missed: float) -> float | None:
    if passage.truth is None:
        return None
    true = passage.truth[passage.names.index(stem)]
    return sdr_of_energies(float(np.square(true, dtype=np.float64).sum()), missed)
