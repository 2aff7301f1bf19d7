"""Drumming as sound: strokes played on a kit of one-shots, recorded, mixed and aged like a drum stem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musiclab.training.studio.clips import effects
from musiclab.training.studio.clips.computed import noise
from musiclab.training.studio.clips.kits import Kit
from musiclab.training.studio.clips.patterns import Stroke
from musiclab.training.studio.clips.samples import SR

WINDOW = 2048  # samples (46 ms) after a stroke in which it should be heard
HEARD_SHARE = 0.15  # of the power in a band that has to be the stroke's own
HEARD_BANDS = 3  # of 64, in which it has to be so
FLOOR = 1e-6  # of the loudest band's power: what the features leave out


def play_kit(
    rng: np.random.Generator, strokes: Sequence[Stroke], kit: Kit, seconds: float
) -> tuple[np.ndarray, list[Stroke]]:
    """The dry sound of the strokes, mono at 44.1 kHz, and those of them that can be heard in it.

    A hi-hat stroke chokes the open one before it. A soft stroke that others cover entirely is no truth: a network that
    is asked for it learns to guess.
    """
    frames = round(seconds * SR)
    out = np.zeros(frames, np.float32)
    hats = [stroke.time for stroke in strokes if stroke.kind.startswith("hihat")]
    favourites = {kind: int(rng.integers(len(sounds))) for kind, sounds in kit.sounds.items() if sounds}
    own: list[tuple[Stroke, np.ndarray]] = []
    for stroke in strokes:
        kind = "snare" if stroke.kind == "grace" else stroke.kind
        if kind not in kit.sounds:
            continue
        sounds = kit.sounds[kind]
        wave = sounds[favourites[kind] if rng.random() < 0.4 else int(rng.integers(len(sounds)))]
        gain = 10 ** ((kit.gains_db[kind] + 24 * np.log10(max(stroke.force, 0.05))) / 20)
        start = round(stroke.time * SR)
        stop = frames
        if kind == "hihat-open":
            stop = min([round(time * SR) for time in hats if time > stroke.time + 0.03] + [frames])
        wave = wave[: max(0, stop - start)] * np.float32(gain)
        if stop < frames and len(wave) > 400:
            wave[-400:] *= np.linspace(1, 0, 400, dtype=np.float32)
        out[start : start + len(wave)] += wave
        own.append((stroke, wave[:WINDOW]))
        if kit.buzz_db is not None and kind in ("kick", "tom"):
            rattle = noise(rng, 0.25, 1500, 8000, 0.2)[: frames - start] * gain * 10 ** (kit.buzz_db / 20)
            out[start : start + len(rattle)] += rattle.astype(np.float32)
    return out, heard(own, out)


def heard(own: Sequence[tuple[Stroke, np.ndarray]], mix: np.ndarray) -> list[Stroke]:
    """The strokes that make a good part of the sound in some bands just after they fall."""
    if not own:
        return []
    alone, all_of_it = np.zeros((2, len(own), WINDOW), np.float32)
    for i, (stroke, wave) in enumerate(own):
        start = round(stroke.time * SR)
        alone[i, : len(wave)] = wave
        piece = mix[start : start + WINDOW]
        all_of_it[i, : len(piece)] = piece
    ours, whole = (_band_powers(x) for x in (alone, all_of_it))
    loud = float(whole.max()) * FLOOR
    bands = np.sum((ours > HEARD_SHARE * whole) & (ours > loud), axis=1)
    return [stroke for (stroke, _), count in zip(own, bands, strict=True) if count >= HEARD_BANDS]


def _band_powers(x: np.ndarray) -> np.ndarray:
    from musiclab.transcription.drums import mel_filters

    return np.asarray(np.square(np.abs(np.fft.rfft(x, axis=1))) @ mel_filters())


def produce_drums(rng: np.random.Generator, dry: np.ndarray, bleed: np.ndarray | None) -> np.ndarray:
    """The dry kit as a recorded, mixed or separated drum stem, new or old."""
    wet = effects.colour(dry, rng, spread_db=8.0)
    if rng.random() < 0.8:
        wet = effects.room(wet, rng, seconds=rng.uniform(0.1, 1.4), wet=rng.uniform(0.05, 0.7))
    if rng.random() < 0.7:
        wet = effects.compress(wet, rng)
    if rng.random() < 0.35:
        wet = effects.saturate(wet, drive_db=rng.uniform(0, 18))
    if bleed is not None:
        rms, its = (float(np.sqrt(np.mean(np.square(x)))) for x in (wet, bleed))
        wet = wet + bleed * np.float32(rms / max(its, 1e-9) * 10 ** (-rng.uniform(6, 35) / 20))
    wet = effects.noise(wet, rng, below_db=rng.uniform(30, 70))
    if rng.random() < 0.35:
        wet = effects.band_limit(wet, low=rng.uniform(20, 90), high=2 ** rng.uniform(12.2, 14.0))
    return effects.normalise(wet, peak_db=rng.uniform(-15, 0))
