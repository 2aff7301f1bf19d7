"""Masks: what share of each cell of the mixture's spectrogram goes to each source.

Conventions: the first axis is the source; what follows is any shape, as a rule ``(channels, bins, columns)``. `D` is a
complex STFT, estimates or truth, `S` its magnitude; masks are float32 in [0, 1]. Unless a function says otherwise its
masks sum to one over the sources, in silence too (each source then gets an equal share), so that what they take apart
adds up to the mixture again. Nothing changes its arguments.

The ideal masks need the true sources: they say how well the best mask of a kind could do, which no engine that only
scales the mixture's cells can beat.
"""

from __future__ import annotations

import numpy as np

TINY = np.finfo(np.float32).tiny
LEAST_POWER = 1e-20  # what a silent source counts as, so that nothing is divided by zero


def apply(masks: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Estimates: each mask times the mixture, which keeps the mixture's phase.

    Parameters
    ----------
    masks : np.ndarray [shape=(sources, ...)]
        As the functions here make them.
    mixture : np.ndarray [shape=(...)], complex
        STFT of the mixture.

    Returns
    -------
    np.ndarray [shape=(sources, ...)], complex64

    Notebook: 03
    """
    estimates: np.ndarray = np.asarray(masks) * np.asarray(mixture)[None]
    return estimates.astype(np.complex64, copy=False)


def renormalise(masks: np.ndarray) -> np.ndarray:
    """The same masks, scaled to sum to one in each cell; equal shares where all are zero.

    Parameters
    ----------
    masks : np.ndarray [shape=(sources, ...)], >= 0
        Any shares; not changed.

    Notebook: 03
    """
    masks = np.asarray(masks, dtype=np.float32)
    peak = masks.max(axis=0, keepdims=True)  # by the peak first: sums of huge values overflow, of tiny ones underflow
    scaled = np.where(peak > 0, masks / np.maximum(peak, TINY), np.float32(1))
    shares: np.ndarray = scaled / scaled.sum(axis=0, keepdims=True)
    return shares


def ideal_binary(D: np.ndarray) -> np.ndarray:
    """Ideal binary masks: each cell to the loudest source (the first of equals).

    Parameters
    ----------
    D : np.ndarray [shape=(sources, ...)], complex or magnitude
        The true sources.

    References
    ----------
    D. Wang, "On ideal binary mask as the computational goal of auditory scene analysis", in *Speech Separation by
    Humans and Machines*, 2005. doi:10.1007/0-387-22794-6_12

    Notebook: 03
    """
    S = np.abs(D)
    winner = S.argmax(axis=0)
    sources = np.arange(S.shape[0]).reshape(-1, *[1] * (S.ndim - 1))
    masks: np.ndarray = winner[None] == sources
    return masks.astype(np.float32)


def ideal_ratio(D: np.ndarray, *, exponent: float = 1.0) -> np.ndarray:
    """Ideal ratio masks: each cell shared in proportion to the sources' magnitudes to a power.

    Given estimates instead of the truth, these are the usual soft masks.

    Parameters
    ----------
    D : np.ndarray [shape=(sources, ...)], complex or magnitude
        The true sources, or estimates of them.
    exponent : float > 0
        1 is the ratio of magnitudes, 2 that of powers (the single-channel Wiener filter); the higher, the harder.

    References
    ----------
    A. Liutkus, R. Badeau, "Generalized Wiener filtering with fractional power spectrograms", ICASSP 2015.
    doi:10.1109/ICASSP.2015.7177973

    Notebook: 03
    """
    if not exponent > 0:
        raise ValueError(f"The exponent is greater than 0, not {exponent}.")
    S = np.abs(D).astype(np.float32, copy=False)
    peak = S.max(axis=0, keepdims=True)
    relative = np.where(peak > 0, S / np.maximum(peak, TINY), np.float32(1))
    return renormalise(relative ** np.float32(exponent))


def phase_sensitive(
    D: np.ndarray, *, mixture: np.ndarray | None = None, limits: tuple[float, float] | None = (0.0, 1.0)
) -> np.ndarray:
    """Phase-sensitive masks: the real gain that brings the mixture's cell nearest to the source's.

    ``Re(D / X) = |D| / |X| cos(angle between them)``: smaller where the mixture's phase is wrong for the source.
    Without limits they sum to one (the mixture being the sum), but leave [0, 1]; cut to [0, 1] they no longer sum to
    one: `renormalise` them if they have to.

    Parameters
    ----------
    D : np.ndarray [shape=(sources, ...)], complex
        The true sources.
    mixture : np.ndarray [shape=(...)], complex
        Their sum if left out.
    limits : (float, float) or None
        Where to cut.

    References
    ----------
    H. Erdogan, J. R. Hershey, S. Watanabe, J. Le Roux, "Phase-sensitive and recognition-boosted speech separation using
    deep recurrent neural networks", ICASSP 2015. doi:10.1109/ICASSP.2015.7178061

    Notebook: 04
    """
    D = np.asarray(D, dtype=np.complex128)
    X = D.sum(axis=0) if mixture is None else np.asarray(mixture, dtype=np.complex128)
    # Cells that are silent to rounding have no phase to be sensitive to: equal shares.
    silent = np.abs(X) <= 1e-7 * np.abs(D).sum(axis=0)
    gains = (D * np.conj(X)).real / np.where(silent, 1.0, np.square(np.abs(X)))
    gains = np.where(silent[None], 1.0 / len(D), gains)
    cut: np.ndarray = gains if limits is None else np.clip(gains, *limits)
    return cut.astype(np.float32)


def harden(masks: np.ndarray, exponent: float) -> np.ndarray:
    """Masks to a power, summing to one again.

    Parameters
    ----------
    masks : np.ndarray [shape=(sources, ...)], >= 0
        Shares that sum to one.
    exponent : float >= 0
        1 changes nothing, more makes them harder (binary, towards infinity), less softer (0: equal shares).

    Notebook: 03
    """
    if not exponent >= 0:
        raise ValueError(f"The exponent is at least 0, not {exponent}.")
    masks = np.asarray(masks, dtype=np.float32)
    peak = np.maximum(masks.max(axis=0, keepdims=True), TINY)
    return renormalise((masks / peak) ** np.float32(exponent))


def threshold(masks: np.ndarray, lowest: float) -> np.ndarray:
    """Small shares set to zero, and what is left scaled to sum to one again.

    Parameters
    ----------
    masks : np.ndarray [shape=(sources, ...)], >= 0
        Shares that sum to one.
    lowest : float
        0 changes nothing. Where no source reaches it, the loudest takes all.

    Notebook: 03
    """
    masks = np.asarray(masks, dtype=np.float32)
    kept = masks >= np.minimum(np.float32(lowest), masks.max(axis=0, keepdims=True))
    return renormalise(np.where(kept, masks, np.float32(0)))


def smooth(masks: np.ndarray, *, bins: int = 1, columns: int = 1) -> np.ndarray:
    """Mean of the masks over a box of neighbouring cells: less of the burbling that fast changes make.

    Parameters
    ----------
    masks : np.ndarray [shape=(..., bins, columns)], >= 0
        Any shares.
    bins, columns : int >= 1
        Size of the box; 1 changes nothing. What summed to one still does.

    Notebook: 03
    """
    if bins < 1 or columns < 1:
        raise ValueError(f"A box has at least 1 bin and 1 column, not {bins} and {columns}.")
    from scipy.ndimage import uniform_filter

    masks = np.asarray(masks, dtype=np.float32)
    if masks.size == 0:
        return masks.copy()
    size = (*[1] * (masks.ndim - 2), bins, columns)
    # In float64: the filter keeps a running sum, whose rounding would otherwise grow along a long song.
    smoothed: np.ndarray = uniform_filter(masks.astype(np.float64), size, mode="nearest")
    return smoothed.clip(0, None).astype(np.float32)


def wiener(estimates: np.ndarray, mixture: np.ndarray, *, iterations: int = 1, block: int = 256) -> np.ndarray:
    """Multichannel Wiener filter, its model fitted to the estimates by expectation-maximisation.

    Each source is a Gaussian process with a power for each cell and a spatial covariance for each bin: where it lies in
    the stereo picture. Both are read from the estimates, the filter that is best for them is applied to the mixture,
    and this is repeated. Unlike a mask it mixes channels: it can tell sources apart by their place.

    Parameters
    ----------
    estimates : np.ndarray [shape=(sources, channels, bins, columns)], complex
        STFTs of any engine's estimates, or of the truth (which gives the oracle of this kind).
    mixture : np.ndarray [shape=(channels, bins, columns)], complex
        STFT of the mixture.
    iterations : int >= 0
        0 gives back the estimates, with what they leave over shared out. 1 or 2 are usual; more drift off.
    block : int
        How many bins are worked on at once: it bounds the memory.

    Returns
    -------
    np.ndarray [shape=(sources, channels, bins, columns)], complex64
        New estimates; they add up to the mixture.

    References
    ----------
    N. Q. K. Duong, E. Vincent, R. Gribonval, "Under-determined reverberant audio source separation using a full-rank
    spatial covariance model", IEEE TASLP 18(7), 2010. doi:10.1109/TASL.2010.2050716

    A. Liutkus, F.-R. Stöter, "sigsep/norbert", 2019. doi:10.5281/zenodo.3269749

    Notebook: 08
    """
    Y, X = np.asarray(estimates), np.asarray(mixture)
    out = np.empty(Y.shape, dtype=np.complex64)
    for start in range(0, Y.shape[2], block):
        bins = slice(start, start + block)
        out[:, :, bins] = _wiener_block(Y[:, :, bins], X[:, bins], iterations)
    return out


def _wiener_block(Y: np.ndarray, X: np.ndarray, iterations: int) -> np.ndarray:
    """EM for some bins. Every bin has a model and a scale of its own: the size of the blocks changes nothing."""
    scale = np.abs(X).max(axis=(0, 2), initial=0.0).astype(np.float64)[:, None]
    scale[scale == 0.0] = 1.0
    y = Y.astype(np.complex128) / scale
    x = X.astype(np.complex128) / scale
    for _ in range(iterations):
        power = np.square(np.abs(y)).mean(axis=1)  # (sources, bins, columns)
        spread = np.einsum("jcft,jdft->jcdf", y, y.conj()) / np.maximum(power.sum(axis=2), LEAST_POWER)[:, None, None]
        y = wiener_filter(x, power, spread)
    if iterations == 0:
        y = y + (x - y.sum(axis=0)) / len(y)
    out: np.ndarray = y * scale
    return out.astype(np.complex64)


def wiener_filter(x: np.ndarray, power: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The multichannel Wiener filter itself: the most likely sources, given how loud and where each one is.

    Parameters
    ----------
    x : np.ndarray [shape=(channels, bins, columns)], complex
        STFT of the mixture, scaled so that the loudest cell of a bin is about 1.
    power : np.ndarray [shape=(sources, bins, columns)]
        Of each source, on the same scale.
    spread : np.ndarray [shape=(sources, channels, channels, bins)], complex
        Spatial covariance of each source in each bin, for a power of 1.

    Returns
    -------
    np.ndarray [shape=(sources, channels, bins, columns)], complex
        They add up to `x`.

    Notebook: 08
    """
    floor = 1e-10 * np.eye(len(x))[:, :, None, None]  # -100 dB under the loudest cell: the inverse stays finite
    covariance = np.einsum("jft,jcdf->cdft", power, spread) + floor
    y: np.ndarray = power[:, None] * np.einsum("jcdf,dft->jcft", spread, _solve(covariance, x))
    y += (x - y.sum(axis=0)) / len(y)  # what the floor took
    return y


def _solve(A: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A⁻¹ x in every cell; `A` is Hermitian, (channels, channels, ...). By hand up to stereo: LAPACK is 20x slower."""
    if len(x) == 1:
        return np.asarray(x / A[0])
    if len(x) == 2:
        determinant = (A[0, 0] * A[1, 1]).real - np.square(np.abs(A[0, 1]))
        top = A[1, 1] * x[0] - A[0, 1] * x[1]
        bottom = A[0, 0] * x[1] - A[1, 0] * x[0]
        return np.asarray(np.stack([top, bottom]) / determinant)
    cells = np.linalg.solve(np.moveaxis(A, (0, 1), (-2, -1)), np.moveaxis(x, 0, -1)[..., None])
    return np.moveaxis(cells[..., 0], -1, 0)
