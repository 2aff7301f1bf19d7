"""Random music: lines and chords as notes, and their sound made of recorded samples.

It isn't beautiful, but it has what makes transcription hard: repeated notes, legato, vibrato, glides, human timing,
loud and soft, rooms, other instruments bleeding in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musiclab.instruments import Instrument
from musiclab.notes import Note, Part
from musiclab.training.studio.clips import effects
from musiclab.training.studio.clips.samples import SR, RecordedSound, singing

SCALE = (0, 2, 4, 5, 7, 9, 11)
RHYTHMS = ((1, 1, 1, 1), (0.5,) * 8, (1, 0.5, 0.5, 1, 1), (1.5, 0.5, 2), (0.25,) * 8 + (1, 1), (2, 1, 1), (3, 1),
           (0.75, 0.25, 1, 0.5, 0.5, 1), (1 / 3, 1 / 3, 1 / 3, 1, 2), (0.5, 1, 1, 1, 0.5))  # fmt: skip
STEPS = {0: 0.16, 1: 0.2, -1: 0.2, 2: 0.12, -2: 0.12, 3: 0.05, -3: 0.05, 4: 0.04, -5: 0.04, 7: 0.02}  # of the scale
STACKS = ((0,), (0, 7), (0, 12), (0, 12), (0, 4, 7), (0, 3, 7), (0, 4, 10), (0, 7, 12, 16), (0, 12, 19))  # over a bass


def random_line(rng: np.random.Generator, known: Instrument, pitches: tuple[float, float], seconds: float) -> Part:
    """A line in a random major or minor key: steps, leaps, repeats, rests, legato or detached, human timing."""
    low, high = max(known.low, pitches[0]), min(known.high, pitches[1])
    beat = 60 / rng.uniform(60, 150)
    tonic = int(rng.integers(12))
    keys = [p for p in range(int(np.ceil(low)), int(high) + 1) if (p - tonic) % 12 in SCALE] or [int(low)]
    place = len(keys) // 2
    legato = rng.uniform(0.25, 0.6) if rng.random() < 0.3 else rng.uniform(0.6, 1.0)
    soft, loud = sorted(rng.uniform(30, 120, 2))
    notes, at = [], rng.uniform(0.2, 0.8)
    while at < seconds - 1:
        for length in RHYTHMS[rng.integers(len(RHYTHMS))]:
            step = int(rng.choice(list(STEPS), p=list(STEPS.values())))
            place = int(np.clip(place + step, 0, len(keys) - 1))
            duration = max(0.07, length * beat * legato)
            if rng.random() > 0.12 and at + duration < seconds - 0.2:
                onset = at + rng.normal(0, 0.008)
                notes.append(Note(onset, onset + duration, keys[place], round(rng.uniform(soft, loud))))
            at += length * beat
    return Part(_apart(notes), known.name, duration=seconds)


def _apart(notes: list[Note]) -> tuple[Note, ...]:
    """The notes of a line, none longer than up to the next, none shorter than 60 ms."""
    kept: list[Note] = []
    for note in sorted(notes, key=lambda n: n.onset):
        if kept and note.onset < kept[-1].offset:
            last = kept.pop()
            if note.onset - last.onset > 0.06:
                kept.append(Note(last.onset, note.onset, last.pitch, last.velocity))
        kept.append(note)
    return tuple(kept)


def random_chords(rng: np.random.Generator, known: Instrument, pitches: tuple[float, float], seconds: float) -> Part:
    """Two hands: a melody above, sometimes in octaves or thirds, chords or broken chords below; at times with pedal."""
    low, high = max(known.low, pitches[0]), min(known.high, pitches[1])
    middle = low + rng.uniform(0.4, 0.65) * (high - low)
    melody = random_line(rng, known, (middle, min(high, middle + 24)), seconds).notes
    bottom = rng.uniform(low, max(low, middle - 20))
    below = random_line(rng, known, (bottom, max(bottom + 4, middle - 3)), seconds).notes
    double = int(rng.choice([0, 0, 0, -12, -4, -3, 12]))
    notes = list(melody)
    notes += [replace(n, pitch=n.pitch + double) for n in melody if double and low <= n.pitch + double <= high]
    for note in below:
        stack = STACKS[rng.integers(len(STACKS))]
        broken = rng.random() < 0.3
        for i, interval in enumerate(stack[: known.polyphony - 1]):
            onset = note.onset + (i * 0.12 if broken else abs(rng.normal(0, 0.006)))
            if note.pitch + interval <= high and onset + 0.08 < note.offset:
                notes.append(Note(onset, note.offset, note.pitch + interval, max(1, note.velocity - 10)))
    if known.family == "keys" and rng.random() < 0.5:
        held = rng.uniform(0.5, 2.0)
        notes = [replace(n, offset=(n.onset // held + 1) * held + 0.1) for n in notes]
    return Part(single_strokes(notes, seconds), known.name, duration=seconds)


def single_strokes(notes: list[Note], seconds: float) -> tuple[Note, ...]:
    """Notes of a keyboard: a key that is struck again has been let go; the same key at once is one note."""
    kept: dict[int, list[Note]] = {}
    for note in sorted(notes, key=lambda n: n.onset):
        key = kept.setdefault(note.semitone, [])
        note = replace(note, offset=min(note.offset, seconds))
        if key and note.onset - key[-1].onset < 0.06:
            continue
        if key and key[-1].offset > note.onset:
            key[-1] = replace(key[-1], offset=note.onset)
        if note.offset > note.onset + 0.04:
            key.append(note)
    return tuple(note for key in kept.values() for note in key)


def play_samples(
    rng: np.random.Generator, part: Part, samples: Sequence[RecordedSound], *, expressive: bool
) -> np.ndarray:
    """The part's sound at 44.1 kHz, mono, each note the sample nearest in pitch; `expressive` adds vibrato and glides.

    Every note begins to sound at its onset and dies away within 30–150 ms after its offset.
    """
    out = np.zeros(int((part.duration + 1) * SR), np.float32)
    known = np.array([s.pitch for s in samples])
    previous: Note | None = None
    release = rng.uniform(0.03, 0.15)
    depth = rng.uniform(0.1, 0.5) if expressive and rng.random() < 0.7 else 0.0
    for note in part.notes:
        near = np.flatnonzero(np.abs(known - note.pitch) <= np.abs(known - note.pitch).min() + 0.6)
        sample = samples[int(rng.choice(near))]
        legato = previous is not None and note.onset - previous.offset < 0.03
        glide = previous.pitch - note.pitch if previous and legato and expressive and rng.random() < 0.3 else 0.0
        # A sung note is notated where its vowel begins: the consonant comes before.
        lead = min(singing(sample).lead, note.onset, 0.25) if sample.family == "voice" else 0.0
        length = lead + note.duration
        wave = bend(sample.load(), note.pitch - float(sample.pitch or 0), length + release, rng, depth, glide)
        wave = wave * envelope(len(wave), length, rng.uniform(0.003, 0.03) if expressive else 0.002)
        start = int((note.onset - lead) * SR)
        wave = wave[: len(out) - start]
        out[start : start + len(wave)] += wave * 10 ** ((note.velocity - 100) / 50)
        previous = note
    return out[: int(part.duration * SR)]


def bend(
    wave: np.ndarray, shift: float, seconds: float, rng: np.random.Generator, depth: float, glide: float
) -> np.ndarray:
    """A sample transposed by `shift` semitones, with vibrato of `depth` semitones and a glide from `glide` in 60 ms."""
    t = np.arange(int(seconds * SR)) / SR
    curve = np.full(len(t), float(np.clip(shift, -12, 12)))
    if depth:
        curve += depth * np.minimum(t / 0.4, 1) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t + rng.uniform(0, 6.28))
    if abs(glide) < 5:
        curve += glide * np.exp(-t / 0.025)
    position = np.cumsum(2 ** (curve / 12))
    return np.asarray(np.interp(position, np.arange(len(wave)), wave, right=0.0), dtype=np.float32)


def envelope(length: int, sustain: float, attack: float) -> np.ndarray:
    """Rises within `attack` seconds, holds until `sustain` seconds, then falls to −60 dB by the end."""
    t = np.arange(length) / SR
    tail = max(length / SR - sustain, 1e-3)
    return np.asarray(np.minimum(1, t / attack) * np.exp(-6.9 * np.maximum(t - sustain, 0) / tail))


def produce(
    rng: np.random.Generator, dry: np.ndarray, *, bleed: np.ndarray | None = None, distant: bool = False
) -> np.ndarray:
    """The dry sound as a recording or a separated stem: colour, room, bleed of another sound, noise, level.

    `distant`: as much room as a hall gives to microphones in the audience, and more noise.
    """
    wet = effects.colour(dry, rng)
    if distant:
        wet = effects.room(wet, rng, seconds=rng.uniform(0.2, 2.5), wet=rng.uniform(0.3, 1.2))
    elif rng.random() < 0.7:
        wet = effects.room(wet, rng, seconds=rng.uniform(0.2, 1.6), wet=rng.uniform(0.03, 0.35))
    if bleed is not None:
        peak_db = 20 * np.log10(float(np.abs(wet).max()) + 1e-9)
        wet = wet + effects.normalise(bleed[: len(wet)], peak_db=peak_db - rng.uniform(22, 40))
    wet = effects.noise(wet, rng, below_db=rng.uniform(30 if distant else 40, 75))
    return effects.normalise(wet, peak_db=rng.uniform(-20, -1))
