"""Computed one-shots of every drum, each with random tuning, length and colour: recorded kits are too few.

Skins are a handful of decaying partials at the ratios of a circular membrane; metal is noise through hundreds of
narrow resonances, higher ones dying sooner; what is shaken is a cluster of short grains. All return mono float32 at
44.1 kHz with peak 1, beginning at the stroke.

References
----------
.. [1] Fletcher, Rossing: "The Physics of Musical Instruments", 1998, chapters 18 and 20: modes of membranes and cymbals
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from musiclab import synth
from musiclab.training.studio.clips.samples import SR

MEMBRANE = np.array([1.0, 1.59, 2.14, 2.30, 2.65, 2.92, 3.50])  # of the lowest mode
PLAIN = 0.4  # share of the drums of the package's own synthesiser, with its parameters strewn
PLAIN_HITS = {"kick": synth.KICK, "snare": synth.SNARE, "side-stick": synth.STICK, "hihat-closed": synth.CLOSED,
              "hihat-open": synth.OPEN, "tom": synth.HITS[45], "crash": synth.CRASH, "ride": synth.RIDE}  # fmt: skip


def one_shot(rng: np.random.Generator, kind: str, count: int) -> list[np.ndarray]:
    """`count` strokes of one computed drum of this kind: the same drum, other noise and a little other tuning."""
    if kind in PLAIN_HITS and rng.random() < PLAIN:
        hit = _plain(rng, PLAIN_HITS[kind])
        waves = [synth.drum_hit(36, SR, seed=int(rng.integers(1 << 30)), hit=hit) for _ in range(count)]
    else:
        make = RECIPES[kind](rng)
        waves = [make() for _ in range(count)]
    return [np.asarray(wave / max(float(np.abs(wave).max()), 1e-9), dtype=np.float32) for wave in waves]


def _plain(rng: np.random.Generator, base: synth.DrumSound) -> synth.DrumSound:
    tune, long, bright = 2 ** rng.normal(0, 0.35), 2 ** rng.normal(0, 0.5), 2 ** rng.normal(0, 0.4)
    return synth.DrumSound(base.body * rng.uniform(0.6, 1.2), base.start * tune, base.end * tune, base.sweep * long,
                     base.ring * long, base.noise * rng.uniform(0.5, 1.5), base.low * bright,
                     min(base.high * bright, 18000), base.hiss * long)  # fmt: skip


def noise(rng: np.random.Generator, seconds: float, low: float, high: float, decay: float) -> np.ndarray:
    """Noise between two frequencies (Hz, slopes of an octave), dying to −60 dB within `decay` seconds."""
    n = int(seconds * SR)
    hz = np.fft.rfftfreq(n, 1 / SR)
    gain = np.clip(hz / low, 0, 1) ** 2 / (1 + (hz / high) ** 4)
    wave = np.fft.irfft(np.fft.rfft(rng.normal(0, 1, n)) * gain, n)
    wave /= max(float(wave.std()), 1e-9)
    return np.asarray(wave * np.exp(-6.9 * np.arange(n) / SR / decay))


def skin(hz: float, ring: float, glide: float, damping: float, seconds: float) -> np.ndarray:
    """A struck membrane: `glide` is how much sharper it begins, `damping` how much sooner the higher modes die."""
    t = np.arange(int(seconds * SR)) / SR
    bend = 1 + glide * np.exp(-t / 0.03)
    phase = 2 * np.pi * hz * np.cumsum(bend) / SR
    wave = np.zeros(len(t))
    for k, ratio in enumerate(MEMBRANE):
        wave += np.sin(ratio * phase) * np.exp(-6.9 * t * (1 + damping * k) / ring) / (1 + 1.5 * k)
    return wave


def metal(
    rng: np.random.Generator, low: float, seconds: float, decays: tuple[float, float], build: float
) -> np.ndarray:
    """A struck plate: resonances over `low` Hz, dying in `decays` seconds (the lowest, the highest to −60 dB).

    `build` (s) is how long the treble takes to come: the energy of a crash climbs from mode to mode.
    """
    n = 1 << int(np.ceil(np.log2(max(seconds, 0.05) * SR)))
    hz = np.fft.rfftfreq(n, 1 / SR)
    dense = rng.uniform(0.02, 0.5)  # share of the lines that sound: few ring like a bell, many hiss
    lines = (rng.random(len(hz)) < dense) * rng.exponential(1, len(hz)) * np.exp(2j * np.pi * rng.random(len(hz)))
    tilt = rng.normal(-0.3, 0.35)
    lines *= np.clip(hz / low, 0, 1) ** 4 * (np.maximum(hz, low) / low) ** tilt / (1 + (hz / 16000) ** 8)
    t = np.arange(n) / SR
    edges = [0, *np.geomspace(max(low, 200), 16000, 5), SR]
    wave = np.zeros(n)
    for k, (a, b) in enumerate(itertools.pairwise(edges)):
        decay = decays[0] * (decays[1] / decays[0]) ** (k / 5)
        rise = 1 - np.exp(-t / (build * k / 5 + 2e-4))
        wave += np.fft.irfft(lines * ((hz >= a) & (hz < b)), n) * np.exp(-6.9 * t / decay) * rise
    wave /= max(float(np.abs(wave).max()), 1e-9)
    wave[-500:] *= np.linspace(1, 0, 500)
    return wave


def added(*waves: np.ndarray) -> np.ndarray:
    """Sounds of any lengths played at once."""
    out = np.zeros(max(len(wave) for wave in waves))
    for wave in waves:
        out[: len(wave)] += wave
    return out


def _kick(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    hz, ring, glide, damping = rng.uniform(38, 85), rng.uniform(0.12, 0.9), rng.uniform(0.2, 2.5), rng.uniform(1, 6)
    click, high, length = rng.uniform(0.0, 0.35), rng.uniform(1500, 9000), rng.uniform(0.006, 0.03)
    return lambda: added(
        skin(hz * rng.normal(1, 0.01), ring, glide, damping, ring), click * noise(rng, 0.05, 400, high, length)
    )


def _snare(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    hz, ring, damping = rng.uniform(140, 320), rng.uniform(0.08, 0.4), rng.uniform(0.3, 3)
    low, high, hiss = rng.uniform(500, 2500), rng.uniform(5000, 14000), 2 ** rng.uniform(-4, -1)
    body, wires = rng.uniform(0.15, 1.0), rng.uniform(0.1, 0.5)
    brush = rng.uniform(0.01, 0.04) if rng.random() < 0.2 else 0.0  # s: a brush has no attack

    def stroke() -> np.ndarray:
        rattle = noise(rng, hiss, low, high, hiss)
        if brush:
            rattle *= 1 - np.exp(-np.arange(len(rattle)) / SR / brush)
        return added((0.1 if brush else 1) * body * skin(hz, ring, 0.2, damping, ring), wires * rattle)

    return stroke


def _side_stick(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    modes = rng.uniform((350, 900, 1700, 2800), (800, 1700, 2900, 5500))
    rings, levels = rng.uniform(0.02, 0.12, 4), rng.uniform(0.2, 1, 4)
    rattle, length = rng.uniform(0, 0.08), rng.uniform(0.05, 0.25)

    def stroke() -> np.ndarray:
        t = np.arange(int(0.15 * SR)) / SR
        waves = levels[:, None] * np.sin(2 * np.pi * modes[:, None] * t) * np.exp(-6.9 * t / rings[:, None])
        return added(waves.sum(axis=0), rattle * noise(rng, length, 1500, 9000, length))

    return stroke


def _tom(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    hz, ring, damping = 2 ** rng.uniform(np.log2(60), np.log2(240)), 2 ** rng.uniform(-2.3, 0.5), rng.uniform(0.3, 2.5)
    stick, rattle, glide = rng.uniform(0.02, 0.3), rng.uniform(0.0, 0.15), rng.uniform(0.02, 0.5)
    return lambda: added(
        skin(hz * rng.choice([1, 1.25, 1.5]), ring, glide, damping, ring),
        stick * noise(rng, 0.05, 300, 6000, 0.02),
        rattle * noise(rng, 0.3, 1000, 7000, 0.25),
    )


def _metal(
    low: tuple[float, float], seconds: tuple[float, float], build: float, stick: float
) -> Callable[[np.random.Generator], Callable[[], np.ndarray]]:
    """Cymbals: the range of the lowest resonance (Hz) and of the decay (s), the build-up (s), the stick's level."""

    def maker(rng: np.random.Generator) -> Callable[[], np.ndarray]:
        seed = int(rng.integers(1 << 30))
        floor, decay = rng.uniform(*low), 2 ** rng.uniform(*np.log2(seconds))
        ends = (decay * rng.uniform(0.8, 2), decay * rng.uniform(0.3, 1))
        rise, ping = build * rng.uniform(0.2, 1.5), stick * rng.uniform(0.2, 1.5)

        def stroke() -> np.ndarray:
            plate = metal(np.random.default_rng(seed), floor, min(max(ends) * 0.8, 2.9), ends, rise)
            return added(plate, 0.3 * ping * noise(rng, 0.03, 1500, 12000, 0.012))

        return stroke

    return maker


def _shaken(rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """A tambourine (jingles over a clap of the hand) or a shaker (grains that swell)."""
    jingles = rng.random() < 0.6
    count, spread = int(rng.integers(2, 9)), rng.uniform(0.01, 0.06)
    low, decay, swell = rng.uniform(2500, 7500), 2 ** rng.uniform(-4.3, -1.3), rng.uniform(0.005, 0.04)
    seed, hand = int(rng.integers(1 << 30)), rng.uniform(0, 0.3) * (rng.random() < 0.5)

    def stroke() -> np.ndarray:
        if not jingles:
            grains = noise(rng, 0.25, low, 14000, decay + 0.03)
            return np.asarray(grains * (1 - np.exp(-np.arange(len(grains)) / SR / swell)))
        out = np.zeros(int(0.5 * SR))
        for at in [0.0, *rng.uniform(0, spread, count - 1)]:
            start = int(at * SR)
            grain = metal(np.random.default_rng([seed, int(rng.integers(4))]), low, 0.3, (decay, decay), 0)
            out[start : start + len(grain)] += rng.uniform(0.4, 1) * grain[: len(out) - start]
        return added(out, hand * noise(rng, 0.05, 200, 3000, 0.04) / 3)

    return stroke


RECIPES: dict[str, Callable[[np.random.Generator], Callable[[], np.ndarray]]] = {
    "kick": _kick,
    "snare": _snare,
    "side-stick": _side_stick,
    "hihat-closed": _metal((400, 5000), (0.03, 0.2), 0.0, 0.5),
    "hihat-open": _metal((400, 5000), (0.35, 1.8), 0.002, 0.3),
    "tom": _tom,
    "crash": _metal((200, 1500), (1.0, 5.0), 0.03, 0.2),
    "ride": _metal((250, 2500), (0.8, 5.0), 0.01, 6.0),
    "tambourine": _shaken,
}
