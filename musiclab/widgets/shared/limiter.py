"""The mixer's master limiter, in Python: the arithmetic of ``limiter.js``, so that what is saved is what was heard.

A look-ahead peak limiter. It measures by how much each frame is too loud, holds that over the look-ahead, lets it fall
back slowly, and smooths it by a moving average as long as the look-ahead; the gain is therefore down before the peak
arrives, and moves without steps. No output sample passes the ceiling. Where nothing is too loud, not a bit is changed.
"""

from __future__ import annotations

import numpy as np

CEILING = 1.0  # 0 dBFS: a mixture that fits is left alone
LOOK_AHEAD = 0.005  # s: long enough not to be heard as distortion, short enough not to be heard as a delay
RELEASE = 0.1  # s: time constant of the return
NEGLIGIBLE = 1e-7  # a reduction below this is none: the sound is itself again


def limit(samples: np.ndarray, sr: int) -> tuple[np.ndarray, float]:
    """Keep samples within ±1.

    Parameters
    ----------
    samples : np.ndarray [shape=(channels, frames), float]
        Sound at any level.
    sr : int
        Sample rate in Hz.

    Returns
    -------
    limited : np.ndarray [shape=(channels, frames), float32]
        A new array with no sample beyond ±1; all channels get the same gain, so the stereo image stays.
    reduction_db : float
        The deepest gain reduction in dB, 0 where nothing had to be done.

    References
    ----------
    [1] Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor Design, J. Audio Eng. Soc. 60(6), 2012.
    """
    peak = np.abs(samples).max(axis=0).astype(np.float64)
    if peak.max() <= CEILING:
        return samples.astype(np.float32), 0.0
    from scipy.ndimage import maximum_filter1d

    length = max(int(LOOK_AHEAD * sr), 1)
    excess = np.pad(1.0 - CEILING / np.maximum(peak, CEILING), (0, length - 1))
    held = maximum_filter1d(excess, length, origin=(length - 1) // 2, mode="constant")
    smooth = np.cumsum(_released(held, RELEASE * sr))
    smooth[length:] -= smooth[:-length].copy()
    gain = 1.0 - smooth[length - 1 :] / length
    limited = np.clip(samples * gain, -CEILING, CEILING)  # rounding only: the gain itself keeps to the ceiling
    return limited.astype(np.float32), float(-20.0 * np.log10(gain.min()))


def _released(held: np.ndarray, constant: float) -> np.ndarray:
    """``y[n] = max(held[n], y[n-1] * exp(-1 / constant))``: in logarithms a running maximum along a falling line."""
    line = np.arange(held.size) / constant
    with np.errstate(divide="ignore"):
        level = np.exp(np.maximum.accumulate(np.log(held) + line) - line)
    return np.where(level < NEGLIGIBLE, 0.0, level)
