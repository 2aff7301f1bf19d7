"""Random piano music: two hands over chords of a key, as pieces for piano are written.

What makes a piano hard to hear is what this has: octaves in the bass, full chords in both hands, a melody doubled or
filled in, broken chords, repeated chords, a pedal that lets all of it ring on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musiclab.instruments import Instrument
from musiclab.notes import Note, Part
from musiclab.training.studio.clips.music import RHYTHMS, SCALE, single_strokes

LEFT = ("bass", "octaves", "octaves", "chord", "fifths", "broken", "stride", "rest")
RIGHT = ("melody", "melody", "octaves", "thirds", "filled", "filled", "chord", "broken", "rest")
FIGURES = ((0, 2, 1, 2), (0, 1, 2, 1), (0, 1, 2, 3), (0, 2, 3, 2))  # order in which a chord is broken
CHORD_DEGREES = ((0, 2, 4), (0, 2, 4), (0, 2, 4, 6), (0, 3, 4))  # of the scale: triads, a seventh, a suspension


def random_piano(rng: np.random.Generator, known: Instrument, pitches: tuple[float, float], seconds: float) -> Part:
    """Bars of two hands, whose ways of playing change every bar or two; human timing, loud and soft, pedal or none.

    Parameters
    ----------
    rng : np.random.Generator
        Everything is drawn from it.
    known : Instrument
        Whose range is kept.
    pitches : tuple[float, float]
        Lowest and highest that can be played.
    seconds : float
        Length of the part.
    """
    low, high = max(known.low, pitches[0]), min(known.high, pitches[1])
    tonic, beat = int(rng.integers(12)), 60 / rng.uniform(56, 150)
    scale = [p for p in range(int(np.ceil(low)), int(high) + 1) if (p - tonic) % 12 in SCALE]
    hands = _Hands(rng, scale, beat)
    at, bars = float(rng.uniform(0.2, 0.6)), 0
    while at < seconds - 0.5:
        if bars % int(rng.integers(1, 3)) == 0:
            hands.change()
        hands.play_bar(at)
        at, bars = at + 4 * beat, bars + 1
    notes = [n for n in hands.notes if low <= n.pitch <= high and n.onset < seconds - 0.3]
    if known.family == "keys" and rng.random() < 0.6:
        held = beat * float(rng.choice([1, 2, 4]))
        notes = [replace(n, offset=max(n.offset, ((n.onset - 0.25) // held + 1) * held + 0.2)) for n in notes]
    return Part(single_strokes(notes, seconds), known.name, duration=seconds)


class _Hands:
    """What the two hands are doing, and the notes that they have played."""

    def __init__(self, rng: np.random.Generator, scale: list[int], beat: float) -> None:
        self.rng, self.scale, self.beat = rng, scale, beat
        self.notes: list[Note] = []
        self.soft, self.loud = sorted(rng.uniform(35, 120, 2))
        self.place = int(len(scale) * rng.uniform(0.55, 0.75))  # of the melody
        self.spread = rng.uniform(0.002, 0.012)  # s by which the notes of a chord differ
        self.change()

    def change(self) -> None:
        """Other textures, another register for the left hand."""
        self.left, self.right = str(self.rng.choice(LEFT)), str(self.rng.choice(RIGHT))
        self.bottom = int(len(self.scale) * self.rng.uniform(0.05, 0.3))
        self.legato = self.rng.uniform(0.3, 1.0)

    def strike(self, at: float, degrees: list[int], length: float, accent: float = 0.0) -> None:
        """Keys (places in the scale) struck together."""
        for degree in dict.fromkeys(degrees):
            if 0 <= degree < len(self.scale):
                onset = max(0.0, at + self.rng.normal(0, self.spread))
                velocity = int(np.clip(self.rng.uniform(self.soft, self.loud) + accent, 15, 127))
                self.notes.append(Note(onset, onset + max(0.07, length), self.scale[degree], velocity))

    def play_bar(self, at: float) -> None:
        """A bar of four beats over one or two chords."""
        chords = 1 if self.rng.random() < 0.5 else 2
        for k in range(chords):
            root = int(self.rng.integers(7))
            stack = [root + d for d in CHORD_DEGREES[self.rng.integers(len(CHORD_DEGREES))]]
            start, beats = at + k * 4 / chords * self.beat, 4 / chords
            self._left(start, beats, stack)
            self._right(start, beats, stack)

    def _left(self, at: float, beats: float, stack: list[int]) -> None:
        base = self.bottom - self.bottom % 7
        low = [base + d for d in stack]
        step = float(self.rng.choice([0.5, 1, 1, 2]))
        if self.left == "broken":
            figure = FIGURES[self.rng.integers(len(FIGURES))]
            tones = [*low, low[0] + 7]
            for i in range(int(beats * 2)):
                place = tones[figure[i % 4] % len(tones)]
                self.strike(at + i * self.beat / 2, [place], self.beat / 2 * self.legato)
            return
        for i in range(max(1, int(beats / step))):
            shapes = {"bass": [low[0]], "octaves": [low[0], low[0] + 7], "fifths": [low[0], low[0] + 4, low[0] + 7],
                      "chord": [d + 7 for d in low],
                      "stride": [low[0], low[0] + 7] if i % 2 == 0 else [d + 14 for d in low]}  # fmt: skip
            if self.left in shapes and self.rng.random() > 0.1:
                self.strike(at + i * step * self.beat, shapes[self.left], step * self.beat * self.legato)

    def _right(self, at: float, beats: float, stack: list[int]) -> None:
        now = 0.0
        for length in RHYTHMS[self.rng.integers(len(RHYTHMS))]:
            if now + length > beats + 1e-6:
                break
            self.place += int(self.rng.choice([-4, -2, -1, -1, 0, 1, 1, 2, 4]))
            self.place = int(np.clip(self.place, 0.4 * len(self.scale), 0.9 * len(self.scale)))
            tones = [d for d in range(self.place - 6, self.place) if any((d - s) % 7 == 0 for s in stack)]
            shapes = {"melody": [], "octaves": [self.place - 7], "thirds": [self.place - 2], "filled": tones[-3:],
                      "chord": [*tones, self.place - 7], "broken": []}  # fmt: skip
            if self.right in shapes and self.rng.random() > 0.1:
                where = at + now * self.beat
                self.strike(where, [self.place], length * self.beat * self.legato, accent=8)
                self.strike(where, shapes[self.right], length * self.beat * self.legato)
            now += length
