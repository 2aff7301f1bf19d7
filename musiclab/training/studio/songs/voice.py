"""The vocal stem: who sings, which lines, doubled, harmonised, and the chain that a voice goes through.

Wholly synthetic voices teach a network nothing about real ones, so every voice here was once sung or spoken by someone.
Some lines are sung through a vocoder (`singer`), some are clips as they were recorded, strung together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.signal import lfilter

from musiclab.theory import hz_to_midi
from musiclab.training.studio.songs import clips as recordings
from musiclab.training.studio.songs import desk, singer
from musiclab.training.studio.songs.library import SR, Library, Sample, Wave
from musiclab.training.studio.songs.players import add
from musiclab.training.studio.songs.theory import scale_pitches
from musiclab.training.studio.songs.written import Event, Song

FULL_BAND = 16.0  # kHz: voices recorded with all their treble
_FULL_SHARE = 0.7  # how often such a voice sings
_PERFORMED = 0.7  # how often a sung line is performed; else its clips sound as recorded
Phrases = list[list[Event]]


def choose_voice(library: Library, style: str, rng: np.random.Generator) -> list[Sample]:
    """The clips of one voice: by voice and not by file, the full-band ones more often."""
    voices = library.voices()
    if not voices:
        return []
    full = {v: c for v, c in voices.items() if np.median([s.bandwidth for s in c]) >= FULL_BAND}
    narrow = {v: c for v, c in voices.items() if v not in full and not any(s.row.get("narrowband") for s in c)}
    pool = full if full and (rng.random() < _FULL_SHARE or not narrow) else narrow or full or voices
    if style == "rap":
        pool = {v: c for v, c in (full | narrow).items() if any(s.mode == "spoken" for s in c)} or pool
    weights = np.array([min(60.0, sum(s.seconds for s in c)) ** 0.5 for c in pool.values()])
    return list(pool.values())[int(rng.choice(len(pool), p=weights / weights.sum()))]


def sing(song: Song, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """The vocal stem `(2, frames)`: a lead, perhaps doubled, harmonised, answered, or with others behind.

    The tune in `song.vocals` is moved by octaves to where the singer is at ease.
    """
    clips = choose_voice(library, song.vocal_style, rng)
    if not clips or not song.vocals:
        return np.zeros((2, frames), dtype=np.float32)
    performed = recordings.available() and song.vocal_style != "rap" and rng.random() < _PERFORMED
    if not performed:
        mix = desk.pan(raw_line(song.vocals, clips, library, frames, rng), 0.0)
        if rng.random() < 0.3:
            mix = mix + _others(song, library, frames, rng)
        return chain(mix, song, rng)
    song.tune_is_sung = True
    lead = singer.Singer.cast(clips, rng)
    song.vocals = _at_ease(song.vocals, lead, library, rng)
    mix = desk.pan(line(song.vocals, lead, library, frames, rng), float(rng.choice([0.0, rng.uniform(-0.25, 0.25)])))
    if rng.random() < 0.2:
        for side in (-1.0, 1.0):
            double = line(_loosely(song.vocals, rng), lead, library, frames, rng)
            mix = mix + desk.pan(double, side * rng.uniform(0, 0.9)) * np.float32(desk.db(rng.uniform(-12, -4)))
    if rng.random() < 0.35:
        mix = mix + _harmony(song, lead, library, frames, rng)
    if rng.random() < 0.12:
        mix = mix + _others(song, library, frames, rng)
    return chain(mix, song, rng)


def line(phrases: Phrases, who: singer.Singer, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """Phrases performed by one singer; gives `(frames,)`."""
    track = np.zeros(frames, dtype=np.float32)
    analyser = recordings.analyser_of(library)
    for phrase in phrases:
        if phrase[0].onset * SR < frames:
            add(track, singer.perform(phrase, who, analyser, rng) * np.float32(rng.uniform(0.7, 1)), phrase[0].onset)
    return _whole(track, who.clips, rng) if who.method == "psola" else track


def _whole(track: Wave, clips: Sequence[Sample], rng: np.random.Generator) -> Wave:
    """With treble, if the voice was recorded without (WORLD gives it its own)."""
    bandwidth = 1000 * float(np.median([c.bandwidth for c in clips]))
    return air(track, bandwidth, rng) if 0 < bandwidth < 1000 * FULL_BAND and rng.random() < 0.7 else track


def _at_ease(phrases: Phrases, who: singer.Singer, library: Library, rng: np.random.Generator) -> Phrases:
    middle = float(np.mean([e.pitch for phrase in phrases for e in phrase]))
    ease = singer.comfortable(who, recordings.analyser_of(library), rng)
    return _moved(phrases, 12 * round((ease - middle) / 12))


def _moved(phrases: Phrases, semitones: float) -> Phrases:
    return [[replace(e, pitch=e.pitch + semitones) for e in phrase] for phrase in phrases]


def _loosely(phrases: Phrases, rng: np.random.Generator) -> Phrases:
    """The same once more, not quite together."""
    return [[replace(e, onset=max(0.0, e.onset + rng.normal(0, 0.02))) for e in phrase] for phrase in phrases]


def _harmony(song: Song, lead: singer.Singer, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """One or two voices a third or more above or below some phrases."""
    scale = scale_pitches(song.tonic, song.scale, 24, 108)
    mix = np.zeros((2, frames), dtype=np.float32)
    chosen = [p for p in song.vocals if rng.random() < 0.6]
    for side in rng.permutation([-1.0, 1.0])[: int(rng.integers(1, 3))]:
        steps = int(rng.choice([2, -2, -3, 4, 3]))
        moved = []
        for phrase in _loosely(chosen, rng):
            places = [min(range(len(scale)), key=lambda i: abs(scale[i] - e.pitch)) for e in phrase]
            pitches = [scale[min(max(i + steps, 0), len(scale) - 1)] for i in places]
            moved.append([replace(e, pitch=float(p)) for e, p in zip(phrase, pitches, strict=True)])
        clips = lead.clips if rng.random() < 0.5 else choose_voice(library, "sung", rng)
        who = singer.Singer.cast(clips, rng)
        mix += desk.pan(line(moved, who, library, frames, rng), side * rng.uniform(0.1, 0.9)) * np.float32(
            desk.db(rng.uniform(-12, -3))
        )
    return mix


def _others(song: Song, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """People in the background: chord tones held, or the lead's words from someone else."""
    mix = np.zeros((2, frames), dtype=np.float32)
    held = recordings.available() and rng.random() < 0.6
    for side in (-0.8, 0.8, 0.1)[: int(rng.integers(2, 4))]:
        clips = choose_voice(library, "sung", rng)
        if held:
            who = singer.Singer.cast(clips, rng)
            tones = _at_ease(_chord_tones(song, int(rng.integers(3)), rng), who, library, rng)
            track = line(tones, who, library, frames, rng)
        else:
            track = raw_line([p for p in song.vocals if rng.random() < 0.4], clips, library, frames, rng)
        mix += desk.pan(track, side * rng.uniform(0.2, 1)) * np.float32(desk.db(rng.uniform(-14, -5)))
    return mix


def _chord_tones(song: Song, which: int, rng: np.random.Generator) -> Phrases:
    out = []
    for bar in range(len(song.chords)):
        if rng.random() < 0.5:
            continue
        tones = song.chord(bar, 0).voicing(60, 3)
        onset, stop = song.grid.time(bar, 0), song.grid.time(bar + 1, 0)
        out.append([Event(onset, 0.95 * (stop - onset), float(tones[which % len(tones)]), 0.6)])
    return out or [[Event(0.0, 1.0, 60.0, 0.6)]]


def raw_line(phrases: Phrases, clips: list[Sample], library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """Clips as recorded, only resampled: sung ones to the nearest note of the tune, spoken ones by one shift."""
    track = np.zeros(frames, dtype=np.float32)
    shift = float(rng.uniform(-3, 3))
    for phrase in phrases:
        at, end = phrase[0].onset, phrase[-1].onset + phrase[-1].seconds
        while at < end - 0.1:
            clip = clips[int(rng.integers(len(clips)))]
            target = min(phrase, key=lambda e: abs(e.onset - at)).pitch
            x = trim(library.retuned(clip, _tuning(clip, target, shift)))
            offset = int(rng.integers(0, max(1, len(x) // 3))) if len(x) > 3 * SR else 0
            x = fade(x[offset : offset + int((end - at + 0.15) * SR)])
            if len(x) < SR // 20:
                break
            add(track, x * np.float32(0.5 / max(desk.rms(x) * 4, 0.15)), at)
            at += len(x) / SR - 0.03
    return _whole(track, clips, rng)


def air(x: Wave, bandwidth: float, rng: np.random.Generator) -> Wave:
    """Treble for a voice `(frames,)` that ends at `bandwidth` Hz: noise that follows its highest octave."""
    top = desk.equalise(x, desk.cut(0.5 * bandwidth, "high"), desk.cut(0.9 * bandwidth, "low"))
    envelope = np.asarray(lfilter([0.01], [1, -0.99], np.abs(top)), dtype=np.float32)
    noise = rng.standard_normal(len(x), dtype=np.float32) * envelope
    high = desk.equalise(noise, desk.cut(0.85 * bandwidth, "high", 4), desk.cut(1.6 * bandwidth, "low", 1))
    return x + high * np.float32(rng.uniform(0.6, 1.4))


def _tuning(clip: Sample, target: float, shift: float) -> float:
    if clip.mode != "sung" or not clip.f0:
        return shift
    pitch = hz_to_midi(clip.f0)
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


def chain(x: Wave, song: Song, rng: np.random.Generator) -> Wave:
    """EQ, compression, saturation, delay and reverb for a vocal `(2, frames)`."""
    x = desk.equalise(
        x,
        desk.cut(rng.uniform(70, 180), "high"),
        desk.shelf(rng.uniform(350, 700), rng.uniform(-9, 1), high=False),  # loud singing has a weak fundamental
        desk.peak_filter(rng.uniform(800, 1700), rng.uniform(0, 8), 0.8),
        desk.peak_filter(rng.uniform(1800, 4000), rng.uniform(-4, 4)),
        desk.shelf(rng.uniform(6000, 10000), rng.uniform(-6, 5), high=True),
    )
    x = desk.compress(x, threshold_db=rng.uniform(-28, -12), ratio=rng.uniform(2, 8), release=rng.uniform(0.06, 0.25))
    if rng.random() < (0.7 if song.vocal_style == "shout" else 0.2):
        gain = rng.uniform(-2, 14)
        x = np.stack([desk.drive(side, gain, bias=0.1) for side in x])
    if rng.random() < 0.3:
        x = desk.echo(x, 60 / song.tempo * float(rng.choice([0.25, 0.5, 0.75, 1.0])), wet_db=rng.uniform(-22, -9))
    if rng.random() < 0.7:
        space = desk.room(rng, rng.uniform(0.4, 2.6), bright=rng.uniform(0.2, 0.8), pre_delay=rng.uniform(0, 0.06))
        x = desk.reverberate(x, space, rng.uniform(-26, -9))
    return x
