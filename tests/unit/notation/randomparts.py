"""Random parts: any metre, any instrument, played as people play; for tests that hold for all of them."""

from __future__ import annotations

import numpy as np

from musiclab.decisions import READERS
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, INSTRUMENTS
from musiclab.notation.percussion import SIGNS
from musiclab.notation.writing import Writing
from musiclab.notes import Chord, Note, Part
from musiclab.tunings import FRETTED, TUNINGS

METRES = [
    (2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (7, 4), (9, 4), (1, 4), (2, 2), (3, 2), (4, 2), (6, 2), (2, 1), (3, 1),
    (3, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8), (9, 8), (10, 8), (11, 8), (12, 8), (13, 8), (15, 8), (18, 8),
    (3, 16), (5, 16), (6, 16), (7, 16), (9, 16), (12, 16), (15, 16), (3, 32), (6, 32), (7, 32),
]  # fmt: skip
KEYS = ["C major", "Gb major", "F# major", "Cb major", "Ab minor", "D# minor", "A minor", ""]
TEXT = "Twin-kle, twin-kle, lit-tle star _ how I won-der <what> you are & more "


def random_part(seed: int) -> tuple[Part, Writing]:
    """A part and how to write it, the same for the same seed; each metre comes as often as any other."""
    rng = np.random.default_rng([16, seed])
    metre = METRES[seed % len(METRES)]
    spec = INSTRUMENTS[int(rng.integers(len(INSTRUMENTS)))]
    grid = _grid(rng, metre)
    last = grid.times[-1]
    count = int(rng.integers(0, 60)) if rng.random() < 0.95 else 0
    notes = [_note(rng, grid, spec.low, spec.high, drums=spec is DRUMS) for _ in range(count)]
    if spec.polyphony > 1:  # chords
        notes += [
            Note(note.onset, note.offset, float(rng.uniform(spec.low, spec.high)))
            for note in notes
            if rng.random() < 0.4
        ]
    symbols = ("C", "F#m7", "Bbmaj7", "N", "Eb7", "G#m")
    chords = [
        Chord(t, t + 1.0, symbols[int(rng.integers(len(symbols)))]) for t in grid.times[::3] if rng.random() < 0.5
    ]
    part = Part(
        notes, spec.name, title="A <B> & 桜", beats=grid.times if rng.random() < 0.95 else (),
        downbeats=grid.downbeats, time_signature=metre, key=KEYS[int(rng.integers(len(KEYS)))], chords=chords,
        lyrics=TEXT if rng.random() < 0.3 else "", duration=last,
    )  # fmt: skip
    if spec.name in FRETTED:
        names = list(TUNINGS[spec.name])
        part = part.decide(tuning=names[int(rng.integers(len(names)))], capo=int(rng.integers(0, 5)))
    reader = str(rng.choice(["", *READERS]))
    return part, Writing(transposition=reader, tab=bool(rng.random() < 0.7), semitones=int(rng.integers(-3, 4)))


def _grid(rng: np.random.Generator, metre: tuple[int, int]) -> BeatGrid:
    bars = int(rng.integers(1, 7))
    shape = BeatGrid((0.0, 1.0), 1, metre)
    beats = max(2, bars * shape.beats_per_bar + int(rng.integers(0, shape.beats_per_bar)))
    lengths = 60 / rng.uniform(40, 240) * rng.uniform(0.97, 1.03, beats)
    return BeatGrid(
        tuple(rng.uniform(0, 1.5) + np.cumsum(lengths)), int(rng.integers(1, shape.beats_per_bar + 1)), metre
    )


def _note(rng: np.random.Generator, grid: BeatGrid, low: int, high: int, *, drums: bool) -> Note:
    beat = rng.uniform(-0.4, len(grid.times)) if rng.random() < 0.2 else rng.integers(len(grid.times) * 12) / 12
    onset = max(0.0, float(grid.seconds_at([beat])[0]) + rng.normal(0, 0.01))
    length = float(np.exp(rng.uniform(np.log(0.05), np.log(3.0))))
    pitch = float(rng.choice([*SIGNS, 60])) if drums else float(rng.uniform(low, high))
    return Note(onset, onset + length, pitch, int(rng.integers(1, 128)), float(rng.uniform()))
