"""Keys, chords, tunes: the little music theory that composing needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "p": (0, 7),
    ":7": (0, 4, 7, 10),  # in a progression, where "07" would be a number
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7b5": (0, 3, 6, 10),
    "sus": (0, 5, 7),
}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "blues": (0, 3, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
}


@dataclass(frozen=True)
class Harmony:
    """A chord with the pitch class of its root (0 = C) and its intervals."""

    root: int
    intervals: tuple[int, ...]
    quality: str = ""

    @property
    def name(self) -> str:
        """As written above a staff, such as `Am7`."""
        return NAMES[self.root] + {"p": "5", "sus": "sus4"}.get(self.quality, self.quality)

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes."""
        return tuple((self.root + i) % 12 for i in self.intervals)

    def voicing(self, low: float, size: int) -> list[int]:
        """The chord's `size` lowest tones from MIDI pitch `low` upward."""
        out = [p for p in range(round(low), round(low) + 12 * size) if p % 12 in self.tones]
        return out[:size]

    def root_near(self, pitch: float) -> int:
        """The root, in the octave that begins at MIDI `pitch`."""
        low = round(pitch)
        return low + (self.root - low) % 12


def progression(text: str, tonic: int) -> list[list[Harmony]]:
    """Read a progression of `styles.PROGRESSIONS`: bars of one or two chords."""
    return [[_chord(part, tonic) for part in bar.split("/")] for bar in text.split()]


def _chord(text: str, tonic: int) -> Harmony:
    match = re.fullmatch(r"(\d+)(\D.*)?", text)
    if match is None:
        raise ValueError(f"not a chord: {text!r}")
    quality = match.group(2) or ""
    return Harmony((tonic + int(match.group(1))) % 12, QUALITIES[quality], quality.lstrip(":"))


def scale_for(bars: list[list[Harmony]], tonic: int, rng: np.random.Generator) -> str:
    """A scale that suits the progression: minor where its tonic chord is minor, blues over sevenths."""
    first = next((c for bar in bars for c in bar if c.root == tonic), bars[0][0])
    if 3 in first.intervals:
        return str(rng.choice(["minor", "minor", "dorian", "minor pentatonic"]))
    if 4 not in first.intervals:
        return str(rng.choice(["minor", "minor pentatonic", "minor"]))
    if 10 in first.intervals:
        return str(rng.choice(["blues", "minor pentatonic"]))
    return str(rng.choice(["major", "major", "pentatonic"]))


def tune(
    chords: list[Harmony], strong: list[bool], pitches: list[int], start: float, rng: np.random.Generator
) -> list[int]:
    """A line over one chord for each note: steps mostly, leaps that turn back, chord tones where the beat is strong.

    `pitches` are the tones of the scale within the range, ascending.
    """
    at = int(np.argmin([abs(p - start) for p in pitches]))
    out: list[int] = []
    last = 0
    for chord, beat in zip(chords, strong, strict=True):
        move = int(rng.choice([-3, -2, -1, 0, 1, 2, 3, 4], p=[0.06, 0.14, 0.25, 0.15, 0.2, 0.12, 0.05, 0.03]))
        if abs(last) >= 3:
            move = -int(np.sign(last))
        middle = (len(pitches) - 1) / 2
        move += int(np.sign(middle - at)) if abs(at - middle) > 0.36 * len(pitches) else 0
        at = int(np.clip(at + move, 0, len(pitches) - 1))
        if beat and pitches[at] % 12 not in chord.tones:
            near = [i for i, p in enumerate(pitches) if p % 12 in chord.tones]
            at = min(near, key=lambda i: abs(i - at)) if near else at
        last = move
        out.append(pitches[at])
    return out


def scale_pitches(tonic: int, scale: str, low: float, high: float) -> list[int]:
    """MIDI pitches of a scale between two limits, inclusive."""
    return [p for p in range(round(low), round(high) + 1) if (p - tonic) % 12 in SCALES[scale]]
