"""What happens to a sound between the instrument and the recording: rooms, colours, compression, noise.

All work on mono float32 at 44.1 kHz, return a new array of the same length, and draw what they need from `rng`.
"""

from __future__ import annotations

import numpy as np

SR = 44100


def fft_filter(samples: np.ndarray, gain: np.ndarray, freqs: np.ndarray) -> np.ndarray:
    """A zero-phase filter: `gain` (linear) at `freqs` (Hz, ascending), interpolated between them."""
    n = len(samples)
    spectrum = np.fft.rfft(samples)
    spectrum *= np.interp(np.fft.rfftfreq(n, 1 / SR), freqs, gain)
    return np.fft.irfft(spectrum, n).astype(np.float32)


def colour(samples: np.ndarray, rng: np.random.Generator, *, spread_db: float = 6.0) -> np.ndarray:
    """A random smooth equaliser: gains at octave centres, normally distributed."""
    freqs = np.array([0, 60, 120, 250, 500, 1000, 2000, 4000, 8000, 16000, SR / 2])
    gains_db = rng.normal(0, spread_db / 2, len(freqs))
    return fft_filter(samples, 10 ** (gains_db / 20), freqs)


def room(samples: np.ndarray, rng: np.random.Generator, *, seconds: float, wet: float) -> np.ndarray:
    """Reverberation by exponentially decaying noise, `seconds` to −60 dB, mixed in at `wet` (0–1) times its level."""
    length = max(16, int(seconds * SR))
    decay = np.exp(-6.9 * np.arange(length) / length)
    response = rng.normal(0, 1, length) * decay
    response[: int(0.004 * SR)] = 0.0  # the first reflection takes its time
    response /= np.sqrt(np.sum(np.square(response)))
    n = 1 << (len(samples) + length - 1).bit_length()
    tail = np.fft.irfft(np.fft.rfft(samples, n) * np.fft.rfft(response, n), n)[: len(samples)]
    return (samples + wet * tail).astype(np.float32)


def compress(samples: np.ndarray, rng: np.random.Generator, *, most_db: float = 12.0) -> np.ndarray:
    """A smooth compressor with random ratio, for the loud parts; gain is worked out in blocks of 3 ms."""
    block = 128
    padded = np.pad(samples, (0, -len(samples) % block)).reshape(-1, block)
    level = np.sqrt(np.mean(np.square(padded), axis=1) + 1e-12)
    release = 0.6 + 0.38 * rng.random()
    for i in range(1, len(level)):
        level[i] = max(level[i], release * level[i - 1])
    level_db = 20 * np.log10(level)
    threshold = float(np.quantile(level_db, 0.95)) - most_db * rng.random()
    gain_db = -(1 - 1 / rng.uniform(1.5, 6.0)) * np.maximum(level_db - threshold, 0.0)
    gain = np.interp(np.arange(len(samples)), (np.arange(len(level)) + 0.5) * block, 10 ** (gain_db / 20))
    return np.asarray(samples * gain, dtype=np.float32)


def saturate(samples: np.ndarray, *, drive_db: float) -> np.ndarray:
    """Soft clipping as by tape or valves, driven so many dB over its knee at the peaks; the peak stays."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= 0:
        return samples.astype(np.float32)
    drive = 10 ** (drive_db / 20)
    return np.asarray(np.tanh(samples / peak * drive) / np.tanh(drive) * peak, dtype=np.float32)


def band_limit(samples: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """What an old recording or a poor codec leaves: steep slopes below `low` and above `high` Hz."""
    hz = np.array([0, low / 2, low, high, high * 1.15, SR / 2])
    return fft_filter(samples, np.array([0, 0.1, 1, 1, 1e-3, 1e-4]), hz)


def noise(samples: np.ndarray, rng: np.random.Generator, *, below_db: float) -> np.ndarray:
    """Pink-ish noise so many dB below the signal's RMS."""
    hiss = fft_filter(rng.normal(0, 1, len(samples)).astype(np.float32), np.array([1, 1, 0.1]), np.array([0, 200, 2e4]))
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    hiss *= rms * 10 ** (-below_db / 20) / max(float(np.sqrt(np.mean(np.square(hiss)))), 1e-12)
    return np.asarray(samples + hiss, dtype=np.float32)


def normalise(samples: np.ndarray, *, peak_db: float) -> np.ndarray:
    """Scaled to this peak (dBFS); silence stays silence."""
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples * (10 ** (peak_db / 20) / peak)).astype(np.float32) if peak > 0 else samples.astype(np.float32)
