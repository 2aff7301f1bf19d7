"""What is played in one bar: drum fills, bass lines, rhythms of sung phrases (`layers` has the accompaniment).

Everything is in steps of the bar's grid; `composition` turns steps into seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from musiclab.training.studio.songs.grooves import Groove
from musiclab.training.studio.songs.theory import Harmony, scale_pitches
from musiclab.training.studio.songs.written import Song, StepGrid

BassNote = tuple[float, float, float, float]  # step, length in steps, pitch, loudness


def vary(groove: Groove, rng: np.random.Generator) -> Groove:
    """The groove with a stroke more or less."""
    out = dict(groove)
    for piece in ("kick", "snare", "hat"):
        if piece in out and rng.random() < 0.2:
            row = list(out[piece])
            at = int(rng.integers(1, len(row)))
            row[at] = "." if row[at] in "og" else ("g" if piece == "snare" else "x") if row[at] == "." else row[at]
            out[piece] = "".join(row)
    return out


def fill(groove: Groove, grid: StepGrid, rng: np.random.Generator) -> Groove:
    """The groove with its last beat or two given to snare and toms."""
    start = grid.bar_steps - grid.steps * int(rng.choice([1, 1, 2]))
    out = {piece: row[:start] + "." * (grid.bar_steps - start) for piece, row in groove.items()}
    drums = list(rng.permutation(["snare", "tom-high", "tom-mid", "tom-low"]))
    dense = rng.random() < 0.6
    for step in range(start, grid.bar_steps):
        if dense or (step - start) % 2 == 0 or rng.random() < 0.3:
            piece = str(drums[min(3, (step - start) * 4 // (grid.bar_steps - start))])
            row = out.get(piece, "." * grid.bar_steps)
            out[piece] = row[:step] + str(rng.choice(["X", "x", "x"])) + row[step + 1 :]
    return out


@dataclass(frozen=True)
class Bar:
    """One bar to be filled, and the dice.

    Attributes
    ----------
    pattern : Generator
        Seeded alike in every bar of a section: the figure that stays the same.
    rng : Generator
        What changes from bar to bar.
    """

    song: Song
    number: int
    pattern: np.random.Generator
    rng: np.random.Generator

    @property
    def beats(self) -> int:
        """Beats in the bar."""
        return self.song.grid.beats

    @property
    def beat(self) -> int:
        """Steps in a beat."""
        return self.song.grid.steps

    @property
    def half(self) -> int:
        """Steps in half a beat, at least one."""
        return max(1, self.beat // 2)

    @property
    def steps(self) -> int:
        """Steps in the bar."""
        return self.song.grid.bar_steps

    def chord(self, step: float) -> Harmony:
        """The chord that sounds there."""
        return self.song.chord(self.number, step)

    def root(self, step: float, low: float) -> int:
        """Its root, in the octave above `low`."""
        return self.chord(step).root_near(low)

    def gaps(self, spots: list[int]) -> list[tuple[int, int]]:
        """Each spot with the steps to the next one, or to the end of the bar."""
        return [(a, b - a) for a, b in pairwise([*spots, self.steps])]


def bass_bar(kind: str, bar: Bar, low: float) -> Iterator[BassNote]:
    """One bar of a bass line of a `kind` of `BASS_LINES`, from MIDI pitch `low` upward."""
    return BASS_LINES.get(kind, _bass_melodic)(bar, low)


def _bass_roots(bar: Bar, low: float) -> Iterator[BassNote]:
    every = 2 if bar.beats == 4 and bar.beat > 3 else 1 if bar.beats == 4 else bar.beats
    length = bar.beat * min(every, 2)
    for at in range(0, bar.steps, every * bar.beat):
        yield at, length, bar.root(at, low), 0.85
        if bar.pattern.random() < 0.5 and bar.steps > length:
            yield at + length - bar.half, bar.half, bar.root(at, low), 0.6


def _bass_long(bar: Bar, low: float) -> Iterator[BassNote]:
    yield 0, bar.steps * (0.95 if bar.pattern.random() < 0.6 else 0.6), bar.root(0, low), 0.85


def _bass_pulse(bar: Bar, low: float, every: int) -> Iterator[BassNote]:
    for step in range(0, bar.steps, every):
        octave = 12 if bar.pattern.random() < 0.06 else 0
        yield step, every * 0.92, bar.root(step, low) + octave, 0.85 if step % bar.beat == 0 else 0.7


def _bass_octaves(bar: Bar, low: float) -> Iterator[BassNote]:
    for i, step in enumerate(range(0, bar.steps, bar.half)):
        yield step, bar.half * 0.8, bar.root(step, low) + 12 * (i % 2), 0.8


def _bass_offbeat(bar: Bar, low: float) -> Iterator[BassNote]:
    for step in range(0, bar.steps, bar.beat):
        yield step + bar.half, bar.half * 0.9, bar.root(step, low), 0.85


def _bass_walk(bar: Bar, low: float) -> Iterator[BassNote]:
    following = bar.song.chord((bar.number + 1) % len(bar.song.chords), 0).root_near(low)
    for i, step in enumerate(range(0, bar.steps, bar.beat)):
        root = bar.root(step, low)
        if i == 0 or (step * 2 == bar.steps and bar.chord(0) != bar.chord(step)):
            note = root
        elif i == bar.beats - 1:
            note = following + int(bar.rng.choice([-1, 1, 2, -2]))
        else:
            note = root + int(bar.rng.choice([*bar.chord(step).intervals[1:], 2, 9, 12]))
        yield step, bar.beat * 0.92, note, 0.85
        if bar.rng.random() < 0.1:
            yield step + bar.beat / 2, bar.beat * 0.4, note, 0.55


def _bass_boogie(bar: Bar, low: float) -> Iterator[BassNote]:
    figure = (0, 4, 7, 9, 10, 9, 7, 4)
    stride = 1 if bar.half * 8 <= bar.steps else 2
    for i, step in enumerate(range(0, bar.steps, bar.half)):
        yield step, bar.half * 0.9, bar.root(step, low) + figure[(i * stride) % 8], 0.8


def _bass_country(bar: Bar, low: float) -> Iterator[BassNote]:
    stride = 2 if bar.beats > 2 else 1
    for i, step in enumerate(range(0, bar.steps, stride * bar.beat)):
        yield step, bar.beat * 1.2, _fifth(bar.root(step, low), low) if i % 2 else bar.root(step, low), 0.85


def _fifth(root: int, low: float) -> int:
    return root + 7 if root + 7 <= low + 14 else root - 5


def _bass_reggae(bar: Bar, low: float) -> Iterator[BassNote]:
    spots = [s for s in (0, 3, 4, 6, 8, 10, 12, 14) if s < bar.steps and bar.pattern.random() < 0.55] or [0]
    for step, gap in bar.gaps(spots):
        yield step, gap * 0.8, bar.root(step, low) + int(bar.pattern.choice([0, 0, *bar.chord(step).intervals])), 0.9


def _bass_riff(bar: Bar, low: float, every: int) -> Iterator[BassNote]:
    spots = [s for s in range(0, bar.steps, every) if s == 0 or bar.pattern.random() < 0.42]
    for step, gap in bar.gaps(spots):
        tone = int(bar.pattern.choice([0, 0, 0, 12, 10, 7, -2, 3, 5]))
        yield step, min(gap, 3) * 0.8, bar.root(step, low) + tone, 0.85


def _bass_latin(bar: Bar, low: float) -> Iterator[BassNote]:
    for eighth in (0, 3, 4, 7):
        if (step := eighth * bar.half) < bar.steps:
            root = bar.root(step, low)
            yield step, bar.half * 1.6, _fifth(root, low) if eighth in (3, 4) else root, 0.8


def _bass_melodic(bar: Bar, low: float) -> Iterator[BassNote]:
    minor = bar.song.scale in ("minor", "dorian", "minor pentatonic")
    scale = scale_pitches(bar.song.tonic, "minor pentatonic" if minor else "pentatonic", low, low + 14)
    spots = [0] + [s for s in range(bar.half, bar.steps, bar.half) if bar.pattern.random() < 0.5]
    for step, gap in bar.gaps(spots):
        note = bar.root(step, low) if step == 0 else scale[int(bar.rng.integers(len(scale)))]
        yield step, gap * 0.92, note, 0.8


BASS_LINES: dict[str, Callable[[Bar, float], Iterator[BassNote]]] = {
    "roots": _bass_roots,
    "waltz": _bass_roots,
    "long": _bass_long,
    "eighths": lambda bar, low: _bass_pulse(bar, low, bar.half),
    "triplets": lambda bar, low: _bass_pulse(bar, low, 1),
    "octaves": _bass_octaves,
    "offbeat": _bass_offbeat,
    "walk": _bass_walk,
    "boogie": _bass_boogie,
    "country": _bass_country,
    "reggae": _bass_reggae,
    "funk": lambda bar, low: _bass_riff(bar, low, 1),
    "riff": lambda bar, low: _bass_riff(bar, low, bar.half),
    "latin": _bass_latin,
    "melodic": _bass_melodic,
}


def phrase(bar_steps: int, steps: int, busy: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """The rhythm of a phrase of two bars: (step, length) pairs, with a rest at the end.

    `busy` (0 to 1) is how many short notes there are.
    """
    half = max(1, steps // 2)
    end = 2 * bar_steps - int(rng.integers(0, bar_steps // 2 + 1))
    at = float(rng.choice([0, half, steps, half, 0]))
    out: list[tuple[float, float]] = []
    while at < end - half:
        length = float(rng.choice([half, steps, 2 * steps, 3 * half], p=_weights(busy)))
        if steps == 4 and rng.random() < 0.08 * busy:
            length = 1.0
        out.append((at, min(length, end - at)))
        at += length
        if rng.random() < 0.08:
            at += half
    return out or [(0.0, float(steps))]


def _weights(busy: float) -> list[float]:
    raw = np.array([0.15 + 0.6 * busy, 0.35, 0.35 * (1 - busy) + 0.05, 0.12])
    return list(raw / raw.sum())
