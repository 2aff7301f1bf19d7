"""Beats to a few milliseconds: what cutting loops and writing tempo maps needs, and tapping a foot does not.

The tracker's frames are 12 ms long. Here each beat is looked for again in an onset envelope eight times as fine, and
the times are then smoothed: a player's tempo drifts, but it does not jump to and fro from beat to beat by what single
onsets are early or late. The smoothing weighs each beat by how clear its onset is, and lets go of beats that are far
from where their neighbours expect them (a Whittaker smoother [1]_ with Huber weights).

References
----------
.. [1] Eilers: "A perfect smoother", Analytical Chemistry 75(14), 2003, doi:10.1021/ac034173t
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from musiclab.audio import Audio
from musiclab.spectral import stft
from musiclab.transcription.phase import in_phase

SR, N_FFT, HOP_LENGTH = 22050, 256, 32  # columns every 1.5 ms
REACH = 0.04  # s around a beat in which its onset is looked for
STIFFNESS = 0.03  # chosen on nine songs with known beats: steady enough for machines, loose enough for a live band
OUTLIER = 0.012  # s from the smooth curve beyond which an onset counts less
EARLY = 0.0015  # s by which the envelope rises before the onset: its window, less the attack (0.8 to 3.5 ms)


def sharpened(audio: Audio, times: np.ndarray) -> np.ndarray:
    """Beat times [shape=(beats,)] in seconds, from rough ones within 40 ms.

    Parameters
    ----------
    audio : Audio
        What the beats were found in.
    times : np.ndarray [shape=(beats,)]
        In seconds, increasing. Never changed.
    """
    if len(times) < 4:
        return np.array(times, dtype=float)
    onsets, clear = _onsets_near(audio, np.asarray(times, dtype=float))
    smooth = np.asarray(times, dtype=float)
    weight = clear
    for _ in range(4):
        smooth = _whittaker(onsets, weight)
        off = np.abs(onsets - smooth)
        weight = clear * np.minimum(1.0, OUTLIER / np.maximum(off, 1e-9))
    return smooth if np.all(np.diff(smooth) > 0) else np.array(times, dtype=float)


def _onsets_near(audio: Audio, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest rise near each beat, in seconds, and how clear it is, 0.05–1 [shape=(beats,) each]."""
    sound = in_phase(audio).resampled(SR).samples[0]
    onsets, strengths = times.copy(), np.zeros(len(times))
    columns = round(REACH * SR / HOP_LENGTH)
    for i, time in enumerate(times):
        middle = round(time * SR / HOP_LENGTH)
        first = middle - 2 * columns
        piece = _cut(sound, first * HOP_LENGTH, 4 * columns * HOP_LENGTH)
        rise = _rise(piece)
        inside = rise[columns : 3 * columns + 1] * np.hanning(2 * columns + 3)[1:-1] ** 0.5
        peak = int(inside.argmax())
        strengths[i] = inside[peak]
        onsets[i] = (first + columns + peak + _parabola(inside, peak)) * HOP_LENGTH / SR + EARLY
    usual = max(float(np.quantile(strengths, 0.8)), 1e-9)
    return onsets, np.clip(strengths / usual, 0.05, 1.0)


def _cut(sound: np.ndarray, start: int, length: int) -> np.ndarray:
    """A piece of a sound, with silence where it goes over the ends."""
    out = np.zeros(length, dtype=sound.dtype)
    a, b = max(start, 0), min(start + length, len(sound))
    if b > a:
        out[a - start : b - start] = sound[a:b]
    return out


def _rise(piece: np.ndarray) -> np.ndarray:
    """How much louder it gets, over all frequencies [shape=(columns,)]: log-spectral flux over 6 ms."""
    S = np.abs(stft(piece, n_fft=N_FFT, hop_length=HOP_LENGTH))
    log_S = np.log1p(10 * S / max(float(S.max()), 1e-9))
    lag = 4
    flux = np.maximum(log_S[:, lag:] - log_S[:, :-lag], 0.0).mean(axis=0)
    return np.concatenate([np.zeros(lag // 2), flux, np.zeros(lag - lag // 2)])


def _parabola(values: np.ndarray, peak: int) -> float:
    """Where between its neighbours a peak is, −0.5 to 0.5."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    before, here, after = values[peak - 1 : peak + 2]
    bend = before - 2 * here + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def _whittaker(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The curve nearest to `values` whose second differences are small [shape=(n,)]."""
    count = len(values)
    bend = np.zeros((count - 2, count))
    for row in range(count - 2):
        bend[row, row : row + 3] = (1.0, -2.0, 1.0)
    normal = np.diag(weight) + STIFFNESS * bend.T @ bend
    return np.asarray(linalg.solve(normal, weight * values, assume_a="pos"))
