"""From float to whole numbers: exact where it can be, dithered where it can't, never clipped.

A sample of ``bits`` bits is a whole number of steps of ``2 ** (1 - bits)``. libsndfile would scale by one step less
than full scale when it writes floats, and by full scale when it reads: a file would not come back bit for bit. So
numbers are made here, with the same scale both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from musiclab.audio import blocks

DITHERED_BITS = 16  # up to here noise of the last bit can be heard in a fade; at 24 bits it lies at −140 dBFS


def on_grid(samples: np.ndarray, bits: int) -> bool:
    """Whether all samples are whole numbers of steps already, so that writing them loses nothing."""
    full = 2.0 ** (bits - 1)
    for block in blocks(samples):
        if block.max() > 1.0 - 1.0 / full or block.min() < -1.0:
            return False
        steps = block * np.float32(full)  # a power of two: exact in float32
        if (steps != np.rint(steps)).any():
            return False
    return True


def fitting_gain(samples: np.ndarray, bits: int, *, spare: int) -> float:
    """The gain (linear) under which the peak stays `spare` steps of `bits` bits below full scale; inf for silence."""
    peak = max(float(samples.max()), -float(samples.min()))
    return (1.0 - spare * 2.0 ** (1 - bits)) / peak if peak else np.inf


def quantised(samples: np.ndarray, bits: int, *, gain: float = 1.0, seed: int = 0) -> Iterator[np.ndarray]:
    """Blocks (channels, frames) of int32 steps; the same at every call with the same seed.

    Up to `DITHERED_BITS` bits, triangular dither of two steps is added before rounding, so that the error is noise and
    not distortion (Lipshitz, Wannamaker, Vanderkooy: Quantization and Dither, J. Audio Eng. Soc. 40, 1992). Samples
    that are whole steps already, and silence, are left alone.
    """
    rng = np.random.default_rng(seed)
    full = 2.0 ** (bits - 1)
    dithered = bits <= DITHERED_BITS and not (gain == 1.0 and on_grid(samples, bits)) and bool(samples.any())
    for block in blocks(samples):
        steps = block * (full * np.float64(gain))
        if dithered:
            steps += rng.random(block.shape, dtype=np.float32)
            steps -= rng.random(block.shape, dtype=np.float32)
        yield np.rint(steps).astype(np.int32)


def remainder(
    whole: np.ndarray, parts: Sequence[np.ndarray], bits: int, *, gain: float = 1.0, seeds: Sequence[int]
) -> Iterator[np.ndarray]:
    """`whole` minus `parts`, all as `quantised` makes them: what the written files leave over, to the bit.

    `seeds` are those of the parts, and not 0, which is the whole's.
    """
    streams = [quantised(part, bits, gain=gain, seed=seed) for part, seed in zip(parts, seeds, strict=True)]
    for block, *others in zip(quantised(whole, bits, gain=gain, seed=0), *streams, strict=True):
        for other in others:
            block -= other
        yield block
