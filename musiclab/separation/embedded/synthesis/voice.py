"""Singers, made of recorded people: clips strung into lines, moved to the key, doubled, and sent through a vocal chain.

Wholly synthetic voices teach a network nothing about real ones, so every voice here was once sung or spoken.
"""

from __future__ import annotations

import numpy as np

from musiclab.separation.embedded.synthesis import desk
from musiclab.separation.embedded.synthesis.composition import Event, Song
from musiclab.separation.embedded.synthesis.library import SR, Library, Sample, Wave
from musiclab.separation.embedded.synthesis.players import add

FULL_BAND = 16.0  # kHz: voices recorded with all their treble
_FULL_SHARE = 0.7  # how often such a voice sings


def choose_voice(library: Library, style: str, rng: np.random.Generator) -> list[Sample]:
    """The clips of one voice: by voice and not by file, the full-band ones more often."""
    voices = library.voices()
    if not voices:
        return []
    full = {v: c for v, c in voices.items() if np.median([s.bandwidth for s in c]) >= FULL_BAND}
    narrow = {v: c for v, c in voices.items() if v not in full and not any(s.row.get("narrowband") for s in c)}
    pool = full if full and (rng.random() < _FULL_SHARE or not narrow) else narrow or full or voices
    if style == "rap":
        spoken = {v: c for v, c in pool.items() if any(s.mode == "spoken" for s in c)}
        pool = spoken or pool
    weights = np.array([min(60.0, sum(s.seconds for s in c)) ** 0.5 for c in pool.values()])
    return list(pool.values())[int(rng.choice(len(pool), p=weights / weights.sum()))]


def raw_line(phrases: list[list[Event]], clips: list[Sample], song: Song, library: Library, frames: int,
             rng: np.random.Generator) -> Wave:  # fmt: skip
    """Clips as they are, only resampled: sung ones to the nearest note of the tune, spoken ones by one shift."""
    track = np.zeros(frames, dtype=np.float32)
    shift = float(rng.uniform(-3, 3))
    for phrase in phrases:
        at, end = phrase[0].onset, phrase[-1].onset + phrase[-1].seconds
        while at < end - 0.1:
            clip = clips[int(rng.integers(len(clips)))]
            target = min(phrase, key=lambda e: abs(e.onset - at)).pitch  # noqa: B023
            x = trim(library.retuned(clip, _tuning(clip, target, shift)))
            offset = int(rng.integers(0, max(1, len(x) // 3))) if len(x) > 3 * SR else 0
            x = fade(x[offset : offset + int((end - at + 0.15) * SR)])
            if len(x) < SR // 20:
                break
            add(track, x * np.float32(0.5 / max(desk.rms(x) * 4, 0.15)), at)
            at += len(x) / SR - 0.03
    return track


def _tuning(clip: Sample, target: float, shift: float) -> float:
    if clip.mode != "sung" or not clip.f0:
        return shift
    pitch = 69 + 12 * np.log2(clip.f0 / 440)
    move = (target - pitch + 6) % 12 - 6  # to the nearest octave of the note
    return float(np.clip(move, -5, 5))


def trim(x: Wave, below_db: float = -42.0) -> Wave:
    """Without the silence at the end."""
    loud = np.flatnonzero(np.abs(x) > desk.db(below_db))
    return x[: loud[-1] + 1] if len(loud) else x[:0]


def fade(x: Wave, seconds: float = 0.02) -> Wave:
    """Fade in and out."""
    n = min(int(seconds * SR), len(x) // 2)
    if n < 2:
        return x
    out, ramp = x.copy(), np.linspace(0, 1, n, dtype=np.float32)
    out[:n] *= ramp
    out[-n:] *= ramp[::-1]
    return out


def sing(song: Song, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """The vocal stem `(2, frames)`: a lead, perhaps doubled, perhaps with others behind."""
    clips = choose_voice(library, song.vocal_style, rng)
    if not clips or not song.vocals:
        return np.zeros((2, frames), dtype=np.float32)
    lead = raw_line(song.vocals, clips, song, library, frames, rng)
    mix = desk.pan(lead, 0.0)
    if rng.random() < 0.3:  # doubled by the same singer, or a second voice at the sides
        other = clips if rng.random() < 0.5 else choose_voice(library, song.vocal_style, rng)
        chosen = [p for p in song.vocals if rng.random() < 0.6]
        for side in (-0.7, 0.7):
            second = raw_line(chosen, other, song, library, frames, rng)
            mix = mix + desk.pan(second, side * rng.uniform(0.3, 1)) * np.float32(desk.db(rng.uniform(-12, -3)))
    return chain(mix, song, rng)


def chain(x: Wave, song: Song, rng: np.random.Generator) -> Wave:
    """EQ, compression, saturation, delay and reverb for a vocal `(2, frames)`."""
    x = desk.equalise(
        x,
        desk.cut(rng.uniform(70, 180), "high"),
        desk.peak_filter(rng.uniform(250, 500), rng.uniform(-5, 2)),
        desk.peak_filter(rng.uniform(1500, 4000), rng.uniform(-2, 6)),
        desk.shelf(rng.uniform(6000, 10000), rng.uniform(-6, 5), high=True),
    )
    x = desk.compress(x, threshold_db=rng.uniform(-28, -12), ratio=rng.uniform(2, 8), release=rng.uniform(0.06, 0.25))
    if rng.random() < 0.2:
        gain = rng.uniform(-2, 12)
        x = np.stack([desk.drive(side, gain, bias=0.1) for side in x])
    if rng.random() < 0.3:
        x = desk.echo(x, 60 / song.tempo * float(rng.choice([0.25, 0.5, 0.75, 1.0])), wet_db=rng.uniform(-22, -9))
    if rng.random() < 0.85:
        space = desk.room(rng, rng.uniform(0.4, 2.6), bright=rng.uniform(0.2, 0.8), pre_delay=rng.uniform(0, 0.06))
        x = desk.reverberate(x, space, rng.uniform(-26, -9))
    return x
