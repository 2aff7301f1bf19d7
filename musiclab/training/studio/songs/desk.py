"""A mixing desk: filters, dynamics, amplifiers, rooms and the limiter, on numpy arrays `(..., frames)` at 44.1 kHz.

Everything before the sum may be as crooked as real gear; what acts on the sum (bus filter, limiter) is one gain for all
stems, so that the stems still add up to the mixture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import butter, fftconvolve, lfilter, sosfilt, upfirdn

from musiclab.training.studio.songs.library import SR, Wave

_BLOCK = 64  # frames per step of a gain curve: 1.5 ms


def db(value: float) -> float:
    """Decibels to an amplitude factor."""
    return float(10.0 ** (value / 20.0))


def rms(x: Wave) -> float:
    """Root mean square over everything."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0


def peak_filter(hz: float, gain_db: float, q: float = 1.0) -> NDArray[np.float64]:
    """One section that raises or lowers a band around `hz` (R. Bristow-Johnson's audio EQ cookbook)."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * hz / SR
    alpha, c = np.sin(w) / (2 * q), np.cos(w)
    return _section(1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a)


def shelf(hz: float, gain_db: float, *, high: bool) -> NDArray[np.float64]:
    """One section that raises or lowers everything above (or below) `hz` (same source, slope 1)."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * hz / SR
    s = 1.0 if high else -1.0
    c, beta = np.cos(w), 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2)
    return _section(
        a * ((a + 1) + s * (a - 1) * c + beta),
        -2 * s * a * ((a - 1) + s * (a + 1) * c),
        a * ((a + 1) + s * (a - 1) * c - beta),
        (a + 1) - s * (a - 1) * c + beta,
        2 * s * ((a - 1) - s * (a + 1) * c),
        (a + 1) - s * (a - 1) * c - beta,
    )


def _section(b0: float, b1: float, b2: float, a0: float, a1: float, a2: float) -> NDArray[np.float64]:
    return np.array([[b0 / a0, b1 / a0, b2 / a0, 1.0, a1 / a0, a2 / a0]])


def cut(hz: float, kind: str, order: int = 2) -> NDArray[np.float64]:
    """Butterworth sections; `kind` is "low" (keeps below `hz`) or "high" (keeps above)."""
    return np.asarray(butter(order, min(hz, 0.49 * SR), kind, fs=SR, output="sos"))


def equalise(x: Wave, *sections: NDArray[np.float64]) -> Wave:
    """Run `(..., frames)` through filter sections."""
    return np.asarray(sosfilt(np.concatenate(sections).astype(np.float32), x, axis=-1), dtype=np.float32)


def compress(x: Wave, *, threshold_db: float = -18.0, ratio: float = 3.0, release: float = 0.15) -> Wave:
    """Lower what is louder than the threshold (relative to the peak of `x`), both channels alike.

    Parameters
    ----------
    x : array
        `(frames,)` or `(channels, frames)`.
    threshold_db : float
        Below the peak, dB.
    ratio : float
        Input dB over the threshold for each dB of output.
    release : float
        Seconds.
    """
    level = _block_peaks(x)
    top = float(level.max(initial=0.0))
    if top <= 0:
        return x
    over = 20 * np.log10(level / top + 1e-9) - threshold_db
    wanted = -np.maximum(over, 0.0) * (1 - 1 / ratio)
    gain = np.asarray(10 ** (_fall_fast(wanted, release) / 20), dtype=np.float32)
    return x * _per_frame(gain, x.shape[-1])


def _block_peaks(x: Wave) -> NDArray[np.float64]:
    mono = np.abs(x).max(axis=0) if x.ndim > 1 else np.abs(x)
    blocks = -(-len(mono) // _BLOCK)
    padded = np.zeros(blocks * _BLOCK, dtype=np.float64)
    padded[: len(mono)] = mono
    return np.asarray(padded.reshape(blocks, _BLOCK).max(axis=1))


def _fall_fast(wanted_db: NDArray[np.float64], release: float) -> NDArray[np.float64]:
    """A gain in dB that falls at once and rises by an exponential."""
    keep = float(np.exp(-_BLOCK / (SR * release)))
    out, state = [], 0.0
    for target in wanted_db.tolist():
        state = target if target < state else target + (state - target) * keep
        out.append(state)
    return np.array(out)


def _per_frame(gain: NDArray[np.float32], frames: int) -> Wave:
    at = np.arange(frames, dtype=np.float32) / _BLOCK - 0.5
    return np.interp(at, np.arange(len(gain), dtype=np.float32), gain).astype(np.float32)


_HALF_BAND = np.sinc(np.arange(-15, 16) / 2) * np.kaiser(31, 6.0) / 2


def drive(x: Wave, gain_db: float, *, bias: float = 0.0, hard: float = 0.0) -> Wave:
    """Valve-like distortion of `(frames,)` at twice the sampling rate; the level is kept roughly.

    `bias` (0–0.5) bends one half-wave more than the other (even harmonics), `hard` (0–1) goes from tanh to a clip.
    """
    before = rms(x)
    if before <= 0:
        return x
    taps = _HALF_BAND.astype(np.float32)
    up = upfirdn(taps * np.float32(2 * db(gain_db) / (before * 4)), x, up=2) + np.float32(bias)
    soft = np.tanh(up)
    shaped = soft if hard <= 0 else np.float32(1 - hard) * soft + np.float32(hard) * np.clip(up, -1, 1)
    folded = upfirdn(taps, shaped - np.float32(np.tanh(bias)), down=2)[15 : 15 + len(x)]
    down: Wave = lfilter([1, -1], [1, -0.995], folded).astype(np.float32)  # no direct current
    return down * np.float32(before / max(rms(down), 1e-9))


def cabinet(x: Wave, rng: np.random.Generator, *, dark: float = 0.0) -> Wave:
    """A guitar loudspeaker and its microphone: a bump in the bass, a presence peak, nothing above 4–6 kHz."""
    return equalise(
        x,
        cut(rng.uniform(40, 105), "high"),
        peak_filter(rng.uniform(90, 180), rng.uniform(0, 6), 1.2),
        peak_filter(rng.uniform(350, 700), rng.uniform(-6, 1), 0.9),
        peak_filter(rng.uniform(1800, 3200), rng.uniform(1, 7), 1.1),
        cut(rng.uniform(3800, 6200) * (1 - 0.4 * dark), "low", 4),
    )


def room(rng: np.random.Generator, seconds: float, *, bright: float = 0.5, pre_delay: float = 0.01) -> Wave:
    """A stereo impulse response `(2, frames)`: decaying noise, different left and right, treble dying first.

    J. A. Moorer, "About this reverberation business", Computer Music Journal 3(2), 1979.
    """
    frames = int(SR * min(seconds * 1.2, 4.0))
    t = np.arange(frames, dtype=np.float32) / SR
    noise = rng.standard_normal((2, frames), dtype=np.float32)
    low = np.asarray(lfilter([0.12], [1, -0.88], noise, axis=-1), dtype=np.float32) * 3
    short = seconds * (0.2 + 0.5 * bright)
    tail = low * np.exp(-6.9 * t / seconds) + (noise - low / 3) * np.exp(-6.9 * t / short)
    body = equalise(tail.astype(np.float32), cut(120, "high"), cut(4000 + 9000 * bright, "low", 1))
    wet = np.concatenate([np.zeros((2, int(SR * pre_delay)), np.float32), body], axis=1)
    return np.asarray(wet / np.sqrt(np.square(wet).sum() / 2), dtype=np.float32)


def spring(rng: np.random.Generator, seconds: float = 2.0) -> Wave:
    """A spring reverberator's response `(2, frames)`: chirps that repeat and smear, as low tones travel faster."""
    frames = int(SR * seconds)
    out = np.zeros((2, frames), dtype=np.float32)
    for channel in range(2):
        gap, start = rng.uniform(0.033, 0.05), rng.uniform(0.015, 0.03)
        for echo in range(int(seconds / gap)):
            n = int(SR * (0.012 + 0.004 * echo))
            at = int(SR * (start + echo * gap))
            if at + n > frames:
                break
            t = np.arange(n) / n
            chirp = np.sin(2 * np.pi * n / SR * (200 * t + 1600 * t**2.5)) * np.hanning(n)
            out[channel, at : at + n] += (chirp * 10 ** (-3.0 * (echo * gap) / seconds) * rng.choice([-1, 1])).astype(
                np.float32
            )
    return out / np.float32(np.sqrt(np.square(out).sum() / 2 + 1e-12))


def reverberate(x: Wave, response: Wave, wet_db: float) -> Wave:
    """Add a room to `(frames,)` or `(2, frames)`; gives `(2, frames)`."""
    stereo = np.stack([x, x]) if x.ndim == 1 else x
    wet = fftconvolve(stereo, response, axes=-1)[:, : x.shape[-1]]
    return np.asarray(stereo + db(wet_db) * wet, dtype=np.float32)


def echo(x: Wave, seconds: float, *, feedback: float = 0.35, wet_db: float = -10.0, ping_pong: bool = False) -> Wave:
    """Repeats of `(2, frames)`, each duller than the last."""
    out, tap, step = x.copy(), x, int(SR * seconds)
    dull = cut(3500, "low", 1)
    gain = db(wet_db)
    for _ in range(4):
        if step >= x.shape[-1] or gain < 0.01:
            break
        tap = equalise(np.pad(tap, ((0, 0), (step, 0)))[:, : x.shape[-1]], dull)
        tap = tap[::-1] if ping_pong else tap
        out = out + tap * np.float32(gain)
        gain *= feedback
    return out


def pan(x: Wave, position: float) -> Wave:
    """Place `(frames,)` between left (−1) and right (1) at constant power; gives `(2, frames)`."""
    angle = (position + 1) * np.pi / 4
    return np.stack([x * np.float32(np.cos(angle)), x * np.float32(np.sin(angle))]) * np.float32(np.sqrt(2))


def tremolo(x: Wave, hz: float, depth: float) -> Wave:
    """Slow amplitude modulation of `(..., frames)`."""
    t = np.arange(x.shape[-1], dtype=np.float32) / SR
    swell = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * np.float32(hz) * t))
    return x * swell.astype(np.float32)


def chorus(x: Wave, rng: np.random.Generator, *, depth_ms: float = 3.0, hz: float = 0.8) -> Wave:
    """Two slowly gliding copies of `(frames,)`, left and right; gives `(2, frames)`."""
    t = np.arange(len(x), dtype=np.float32)
    sides = []
    for phase in (0.0, np.pi * rng.uniform(0.5, 1.0)):
        lag = SR / 1000 * (8 + depth_ms * np.sin(2 * np.pi * hz / SR * t + phase))
        sides.append(x * 0.75 + 0.65 * np.interp(t - lag, t, x, left=0.0))
    return np.asarray(np.stack(sides), dtype=np.float32)


def limit(stems: Wave, *, ceiling: float = 0.9, release: float = 0.12) -> Wave:
    """Keep the sum of `(stems, 2, frames)` under the ceiling by one gain for all stems, which looks 3 ms ahead."""
    mixture = stems.sum(axis=0)
    level = _block_peaks(mixture)
    wanted = 20 * np.log10(np.minimum(1.0, ceiling / (maximum_filter1d(level, 5) + 1e-9)))
    gain = np.asarray(10 ** (_fall_fast(wanted, release) / 20), dtype=np.float32)
    out = stems * _per_frame(minimum_filter1d(gain, 3), stems.shape[-1])
    peak = float(np.abs(out.sum(axis=0)).max(initial=0.0))
    return out * np.float32(min(1.0, ceiling / max(peak, 1e-9)))
