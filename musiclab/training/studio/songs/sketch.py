"""Play a written song quickly on computed sounds: for fits that need its rhythm and harmony and not its sound.

A tenth of a second of work where `song.render` takes three, and no recorded samples. Every song has a kit, timbres,
levels and an echo of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.signal import oaconvolve

from musiclab import synth
from musiclab.notes import Note
from musiclab.training.studio.songs import desk
from musiclab.training.studio.songs.song import DRUM_KEYS, STEM_LEVELS, STEMS
from musiclab.training.studio.songs.written import Event, Song

SR = 22050
VARIANTS = ((0.7, 0.5), (1.0, 1.0), (1.3, 2.0))  # factors of a timbre's tilt and attack
LONGEST = 2.5  # s of a note; longer ones are cut
FADE = 0.03  # s at a note's end
TIMBRES = {
    "strum": "guitar", "skank": "guitar", "power": "guitar", "chug": "guitar", "boogie": "guitar", "arpeggio": "guitar",
    "pick": "guitar", "pad": "strings", "offbeat": "keys", "waltz": "keys", "triplets": "keys", "comp": "keys",
    "stabs": "brass", "solo": "winds", "line": "winds", "riff": "guitar",
}  # fmt: skip


def sketch(song: Song, rng: np.random.Generator, *, duration: float) -> dict[str, np.ndarray]:
    """Stems by name, mono at 22,050 Hz [each shape=(1, frames)]; a stem that has no notes is silent."""
    frames = round(duration * SR)
    stems = {
        "vocals": _line([event for phrase in song.vocals for event in phrase], "voice", frames, rng),
        "drums": _drums(song, frames, rng),
        "bass": _line(song.bass, "bass", frames, rng),
        "other": np.zeros(frames),
    }
    for part in song.layers:
        sound = _line(part.events, TIMBRES[part.role], frames, rng)
        level = desk.rms(sound[np.newaxis])
        stems["other"] += sound * desk.db(rng.uniform(-8, 0)) / level if level > 0 else sound
    return {name: _levelled(name, stems[name], rng)[np.newaxis] for name in STEMS}


def _levelled(name: str, stem: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At the level that such a stem has in a band's mixture, in a room."""
    mean, spread = STEM_LEVELS[name]
    gain = 0.1 * desk.db(rng.normal(mean, spread))
    echo = rng.standard_normal(SR // 2) * np.exp(-np.arange(SR // 2) / SR / rng.uniform(0.02, 0.12))
    wet = rng.uniform(0, 0.5) * (name != "bass") / np.sqrt(np.sum(echo * echo))
    stem = stem + wet * oaconvolve(stem, echo)[: len(stem)]
    level = desk.rms(stem[np.newaxis])
    return np.asarray(stem * gain / level if level > 0 else stem, dtype=np.float32)


def _line(events: Sequence[Event], family: str, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Notes of one player."""
    variant = int(rng.integers(len(VARIANTS)))
    track = np.zeros(frames)
    for event in events:
        length = min(event.seconds, 0.09) if event.touch == "muted" else event.seconds
        wave = _tone(family, variant, round(event.pitch))[: round((length + FADE) * SR)].copy()
        fade = min(len(wave), round(FADE * SR))
        wave[-fade:] *= np.linspace(1, 0, fade)
        _add(track, wave * event.velocity**1.5, event.onset)
    return track


@lru_cache(maxsize=1000)
def _tone(family: str, variant: int, pitch: int) -> np.ndarray:
    """A long note [shape=(frames,)] float32."""
    known, (tilt, attack) = synth.TIMBRES[family], VARIANTS[variant]
    sound = replace(known, tilt=known.tilt * tilt, attack=known.attack * attack)
    return synth.tone(Note(0.0, LONGEST, pitch), sound, SR).astype(np.float32)


def _drums(song: Song, frames: int, rng: np.random.Generator) -> np.ndarray:
    track = np.zeros(frames)
    kit = {piece: _stroke(DRUM_KEYS[piece], rng) for piece in sorted({hit.piece for hit in song.drums})}
    for hit in song.drums:
        _add(track, kit[hit.piece] * hit.velocity**1.7, hit.onset)
    return track


def _stroke(key: int, rng: np.random.Generator) -> np.ndarray:
    """A drum like the synthesiser's, larger or smaller, duller or brighter, louder or softer."""
    known = synth.HITS.get(key, synth.STICK)
    tune, ring = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.3))
    varied = replace(
        known, start=known.start * tune, end=known.end * tune, ring=known.ring * ring, hiss=known.hiss * ring,
        noise=known.noise * np.exp(rng.normal(0, 0.4)), low=known.low * np.exp(rng.normal(0, 0.2)),
    )  # fmt: skip
    return np.asarray(synth.drum_hit(key, SR, seed=int(rng.integers(1000)), hit=varied) * desk.db(rng.normal(0, 3)))


def _add(track: np.ndarray, wave: np.ndarray, onset: float) -> None:
    start = round(onset * SR)
    stop = min(len(track), start + len(wave))
    if start < stop:
        track[start:stop] += wave[: stop - start]
