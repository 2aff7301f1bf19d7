"""Random lines as players play them: repeated notes without a gap, slurs, glides, vibrato, and their recorded sound.

What `random_line` of `music` leaves out is what makes the beginnings of notes hard to hear: a bass player strikes the
same string again while it still sounds, a singer changes the vowel's pitch without a consonant, a saxophone slurs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.instruments import Instrument
from musiclab.notes import Note, Part
from musiclab.theory import A4, midi_to_hz
from musiclab.training.studio.clips.music import RHYTHMS, SCALE, envelope
from musiclab.training.studio.clips.samples import SR, SUNG_PART, RecordedSound, singing

LEAPS = {1: 0.26, -1: 0.26, 2: 0.15, -2: 0.15, 3: 0.05, -3: 0.05, 4: 0.03, -5: 0.03, 7: 0.02}  # of the scale
SLURRING = ("voice", "winds", "brass", "strings")
FARTHEST = 5.0  # semitones that a sample is bent within a slur
MOST_BENT = 12.0  # semitones that a sample is transposed
DB = 2.5  # of velocity for a decibel
HELD = (0.4, 0.25, 0.2, 0.15)  # how often lines are tenuto, nearly so, detached, short


@dataclass(frozen=True)
class Line:
    """A line, and for each note whether it is slurred to the one before: no attack of its own."""

    part: Part
    slurred: tuple[bool, ...]


def random_melody(
    rng: np.random.Generator, known: Instrument, pitches: tuple[float, float], seconds: float, *, longest: float = 9.0
) -> Line:
    """A line in a random key, in a random manner: few or many repeats, detached, tenuto or slurred, human timing.

    No note is longer than `longest` (s).
    """
    low, high = max(known.low, pitches[0]), min(known.high, pitches[1])
    tonic = int(rng.integers(12))
    keys = [p for p in range(int(np.ceil(low)), int(high) + 1) if (p - tonic) % 12 in SCALE] or [int(low)]
    place = int(rng.uniform(0.25, 0.75) * len(keys))
    beat = 60 / rng.uniform(60, 150)
    repeating = rng.choice([0.05, 0.2, 0.4, 0.65], p=[0.2, 0.4, 0.25, 0.15])
    slurring = rng.uniform(0.2, 0.9) if known.family in SLURRING and rng.random() < 0.5 else 0.0
    held = (1.0, rng.uniform(0.85, 0.99), rng.uniform(0.6, 0.85), rng.uniform(0.25, 0.6))[rng.choice(4, p=HELD)]
    loud, uneven = rng.uniform(55, 110), rng.uniform(2, 14)
    notes: list[Note] = []
    slurred: list[bool] = []
    at = rng.uniform(0.2, 0.8)
    while at < seconds - 1:
        for length in RHYTHMS[rng.integers(len(RHYTHMS))]:
            step = 0 if rng.random() < repeating else int(rng.choice(list(LEAPS), p=list(LEAPS.values())))
            place = int(np.clip(place + step, 0, len(keys) - 1))
            onset = at + rng.normal(0, 0.008)
            end = onset + min(max(0.08, length * beat * held), longest)
            at += length * beat
            if rng.random() < 0.08 or end > seconds - 0.2:
                continue
            if notes:  # one at a time
                notes[-1] = replace(notes[-1], offset=min(notes[-1].offset, max(onset, notes[-1].onset + 0.05)))
                onset = max(onset, notes[-1].offset)
            near = bool(notes) and onset - notes[-1].offset < 0.6 * beat and keys[place] != notes[-1].semitone
            slurred.append(near and rng.random() < slurring)
            if slurred[-1]:
                notes[-1] = replace(notes[-1], offset=onset)
            velocity = round(np.clip(rng.normal(loud, uneven), 20, 127))
            notes.append(Note(onset, max(end, onset + 0.06), keys[place], velocity))
    return Line(Part(tuple(notes), known.name, duration=seconds), tuple(slurred))


def play_line(rng: np.random.Generator, line: Line, samples: Sequence[RecordedSound]) -> np.ndarray:
    """The line's sound at 44.1 kHz, mono: each slur is one sample, bent from note to note.

    Nothing sounds twice at once: a new attack ends what came before. Where a singer, wind or brass player repeats a
    note, tongue or consonant stops it for a moment, however short.
    """
    out = np.zeros(int((line.part.duration + 1) * SR), np.float32)
    sung, expressive = samples[0].family == "voice", samples[0].family in SLURRING
    manner = Manner(
        release=rng.uniform(0.02, 0.12),
        attack=rng.uniform(0.002, 0.04) if expressive else 0.002,
        depth=rng.uniform(0.1, 0.7) if expressive and rng.random() < 0.7 else 0.0,
        rate=rng.uniform(4.5, 6.5),
        scoops=expressive and rng.random() < 0.4,
    )
    known = np.array([s.pitch for s in samples])
    stopped = rng.uniform(0.015, 0.06)
    until = np.inf  # when the next attack comes: worked out from the last note to the first
    for notes in reversed(slurs(line, samples)):
        away = np.abs(known - notes[0].pitch)
        sample = samples[int(rng.choice(np.flatnonzero(away <= away.min() + 0.6)))]
        # A sung note is notated where its vowel begins: the consonant comes before.
        lead = min(singing(sample).lead, notes[0].onset, 0.25) if sung else 0.0
        end = min(notes[-1].offset, until)
        wave = slur(rng, notes, sample, lead, end, replace(manner, release=min(manner.release, until - end + 0.02)))
        start = int((notes[0].onset - lead) * SR)
        wave = wave[: len(out) - start]
        out[start : start + len(wave)] += wave
        until = max(notes[0].onset - lead - (stopped if expressive else 0.0), notes[0].onset - 0.3)
    return out[: int(line.part.duration * SR)]


def lasting(samples: Sequence[RecordedSound]) -> float:
    """How long a note of these samples may be (s): a sung string of syllables is used up to the second one."""
    if samples[0].articulation == "vcv-string":
        return 0.85 * SUNG_PART
    return 0.8 * float(np.quantile([len(s.load()) for s in samples], 0.2)) / SR


@dataclass(frozen=True)
class Manner:
    """How a line is played throughout: times in seconds, vibrato in semitones and Hz."""

    release: float
    attack: float
    depth: float
    rate: float
    scoops: bool  # notes are entered from a little below or above


@dataclass(frozen=True)
class Tone(RecordedSound):
    """A computed sound, as of a synthesiser: harmonics k ** -tilt, even ones weaker, dying away or held."""

    tilt: float = 1.2
    even: float = 1.0
    decay: float = 0.0  # s in which the fundamental falls by 60 dB; 0 holds it

    def load(self) -> np.ndarray:
        """Four seconds at 44.1 kHz, peak 1 [shape=(frames,)]."""
        t = np.arange(4 * SR) / SR
        hz = midi_to_hz(float(self.pitch or A4))
        wave = np.zeros(len(t))
        for k in range(1, max(2, min(20, int(8000 / hz)))):
            fade = np.exp(-6.9 * t * (1 + 0.25 * (k - 1)) / self.decay) if self.decay else 1.0
            wave += k**-self.tilt * (self.even if k % 2 == 0 else 1.0) * fade * np.sin(2 * np.pi * k * hz * t + k * k)
        return np.asarray(wave / np.abs(wave).max(), dtype=np.float32)


def random_tones(rng: np.random.Generator) -> list[RecordedSound]:
    """The sounds of one made-up synthesiser, an octave and a half apart in all: plucked low, or held anywhere."""
    plucked = rng.random() < 0.35
    low = int(rng.integers(30, 40) if plucked else rng.integers(46, 68))
    tilt, even = rng.uniform(0.8, 2.2), rng.uniform(0.1, 1.0)
    decay = rng.uniform(1.5, 6.0) if plucked else 0.0
    family = "bass" if plucked else "winds"
    return [
        Tone(Path(f"tone-{p}"), family, "synth", "computed", "", float(p), False, tilt=tilt, even=even, decay=decay)
        for p in range(low, low + 18, 3)
    ]


def slurs(line: Line, samples: Sequence[RecordedSound]) -> list[list[Note]]:
    """Runs of notes played with one attack, no longer than a sample lasts and not far from its pitch."""
    longest = lasting(samples)
    runs: list[list[Note]] = []
    for note, slurred in zip(line.part.notes, line.slurred, strict=True):
        first = runs[-1][0] if runs else note
        if slurred and note.offset - first.onset < longest and abs(note.pitch - first.pitch) <= FARTHEST:
            runs[-1].append(note)
        else:
            runs.append([note])
    return runs


def slur(
    rng: np.random.Generator, notes: Sequence[Note], sample: RecordedSound, lead: float, end: float, manner: Manner
) -> np.ndarray:
    """One sample bent through the notes of a slur that stops at `end` (s), with vibrato, and with their dynamics."""
    start = notes[0].onset - lead
    length = max(end - start, lead + 0.03)
    t = np.arange(int((length + manner.release) * SR)) / SR
    own = float(sample.pitch or 0)
    pitch = np.full(len(t), np.clip(notes[0].pitch - own, -MOST_BENT, MOST_BENT))
    if manner.scoops and rng.random() < 0.5:
        pitch += rng.normal(-0.7, 1.0) * np.exp(-np.maximum(t - lead, 0) / rng.uniform(0.02, 0.07))
    gain_db = np.full(len(t), (notes[0].velocity - 100) / DB)
    for before, after in itertools.pairwise(notes):
        width = rng.uniform(0.004, 0.02)
        step = 1 / (1 + np.exp(-np.clip((t - (after.onset - start)) / width, -40, 40)))
        pitch += (after.pitch - before.pitch) * step
        gain_db += (after.velocity - before.velocity) / DB * step
    for note in notes if manner.depth else ():
        since = t - (note.onset - start) - 0.15
        swing = np.clip(since / 0.3, 0, 1) * (t < note.offset - start)
        pitch += manner.depth * swing * np.sin(2 * np.pi * manner.rate * t + rng.uniform(0, 6.28))
    wave = sample.load()
    bent = np.interp(np.cumsum(2 ** (pitch / 12)), np.arange(len(wave)), wave, right=0.0)
    return np.asarray(bent * envelope(len(t), length, manner.attack) * 10 ** (gain_db / 20), dtype=np.float32)
