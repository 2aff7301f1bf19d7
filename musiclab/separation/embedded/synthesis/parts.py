"""What each player plays in one bar: drum fills, bass lines, accompaniment figures, rhythms of sung phrases.

Everything is in steps of the bar's grid; `composition` turns steps into seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from musiclab.separation.embedded.synthesis.styles import Groove
from musiclab.separation.embedded.synthesis.theory import scale_pitches, tune

if TYPE_CHECKING:
    from musiclab.separation.embedded.synthesis.composition import Grid, Song

BassNote = tuple[float, float, float, float]  # step, length in steps, pitch, loudness
LayerNote = tuple[float, float, float, float, str]  # the same, and the touch


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


def fill(groove: Groove, grid: Grid, rng: np.random.Generator) -> Groove:
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


def bass_bar(
    kind: str, song: Song, bar: int, low: float, pattern: np.random.Generator, rng: np.random.Generator
) -> Iterator[BassNote]:
    """One bar of a bass line.

    Parameters
    ----------
    kind : str
        Name of the figure.
    low : float
        MIDI pitch where the lowest octave begins.
    pattern : Generator
        Seeded alike in every bar of a section: the figure that stays the same.
    rng : Generator
        What changes from bar to bar.
    """
    steps, beats, total = song.grid.steps, song.grid.beats, song.grid.bar_steps
    half = max(1, steps // 2)

    def root(step: float) -> int:
        return song.chord(bar, step).root_near(low)

    def fifth(step: float) -> int:
        r = root(step)
        return r + 7 if r + 7 <= low + 14 else r - 5

    if kind in ("roots", "waltz"):
        for beat in range(0, beats, 2 if kind == "roots" and steps > 3 else beats):
            length = steps * (2 if kind == "roots" else 1)
            yield beat * steps, length, root(beat * steps), 0.85
            if pattern.random() < 0.5 and total > length:
                yield beat * steps + length - half, half, root(beat * steps), 0.6
    elif kind == "long":
        yield 0, total * (0.95 if pattern.random() < 0.6 else 0.6), root(0), 0.85
    elif kind in ("eighths", "triplets"):
        every = half if kind == "eighths" else 1
        for step in range(0, total, every):
            note = root(step) + (12 if pattern.random() < 0.06 else 0)
            yield step, every * 0.92, note, 0.85 if step % steps == 0 else 0.7
    elif kind == "octaves":
        for step in range(0, total, half):
            yield step, half * 0.8, root(step) + (12 if (step // half) % 2 else 0), 0.8
    elif kind == "offbeat":
        for beat in range(beats):
            yield beat * steps + half, half * 0.9, root(beat * steps), 0.85
    elif kind == "walk":
        yield from _walk(song, bar, low, rng)
    elif kind == "boogie":
        figure = [0, 4, 7, 9, 10, 9, 7, 4]
        for i, step in enumerate(range(0, total, half)):
            yield step, half * 0.9, root(step) + figure[(i if half * 8 <= total else 2 * i) % 8], 0.8
    elif kind == "country":
        for beat in range(0, beats, 2 if beats > 2 else 1):
            yield beat * steps, steps * 1.2, (root if (beat // 2) % 2 == 0 else fifth)(beat * steps), 0.85
    elif kind == "reggae":
        spots = [s for s in (0, 3, 4, 6, 8, 10, 12, 14) if s < total and pattern.random() < 0.55] or [0]
        for i, step in enumerate(spots):
            stop = spots[i + 1] if i + 1 < len(spots) else total
            tones = song.chord(bar, step).intervals
            yield step, (stop - step) * 0.8, root(step) + int(pattern.choice([0, 0, *tones])), 0.9
    elif kind in ("funk", "riff"):
        spots = [s for s in range(0, total, 1 if kind == "funk" else half) if s == 0 or pattern.random() < 0.42]
        for i, step in enumerate(spots):
            gap = (spots[i + 1] if i + 1 < len(spots) else total) - step
            yield step, min(gap, 3) * 0.8, root(step) + int(pattern.choice([0, 0, 0, 12, 10, 7, -2, 3, 5])), 0.85
    elif kind == "latin":
        for step, fifths in ((0, False), (3 * half, True), (4 * half, True), (7 * half, False)):
            if step < total:
                yield step, half * 1.6, (fifth if fifths else root)(step), 0.8
    else:  # melodic
        scale = scale_pitches(song.tonic, "pentatonic" if "m" not in song.scale[:1] else "minor", low, low + 14)
        spots = [0] + [s for s in range(half, total, half) if pattern.random() < 0.5]
        for i, step in enumerate(spots):
            gap = (spots[i + 1] if i + 1 < len(spots) else total) - step
            note = root(step) if i == 0 else scale[int(rng.integers(len(scale)))]
            yield step, gap * 0.92, note, 0.8


def _walk(song: Song, bar: int, low: float, rng: np.random.Generator) -> Iterator[BassNote]:
    steps, beats = song.grid.steps, song.grid.beats
    following = song.chord((bar + 1) % len(song.chords), 0).root_near(low)
    for beat in range(beats):
        chord = song.chord(bar, beat * steps)
        root = chord.root_near(low)
        if beat == 0 or (beats == 4 and beat == 2 and len(song.chords[bar % len(song.chords)]) > 1):
            note = root
        elif beat == beats - 1:
            note = following + int(rng.choice([-1, 1, 2, -2]))
        else:
            note = root + int(rng.choice([*chord.intervals[1:], 2, 9, 12]))
        yield beat * steps, steps * 0.92, note, 0.85
        if rng.random() < 0.1:
            yield beat * steps + steps / 2, steps * 0.4, note, 0.55


def layer_bar(
    role: str, song: Song, bar: int, pattern: np.random.Generator, rng: np.random.Generator
) -> Iterator[LayerNote]:
    """One bar of what a player of `other` plays; arguments as in `bass_bar`."""
    steps, beats, total = song.grid.steps, song.grid.beats, song.grid.bar_steps
    half = max(1, steps // 2)
    if role in ("strum", "power", "chug", "boogie", "skank"):
        yield from _guitar(role, song, bar, pattern)
    elif role in ("solo", "line", "riff"):
        yield from _melody(role, song, bar, pattern, rng)
    elif role == "arpeggio":
        low = 48 + pattern.integers(0, 10)
        order = pattern.integers(0, 5, 16)
        for i, step in enumerate(range(0, total, half if pattern.random() < 0.8 else 1)):
            tones = song.chord(bar, step).voicing(low, 5)
            yield step, half * 2.5, tones[int(order[i % len(order)]) % len(tones)], 0.7, "ring"
    elif role == "pick":
        for step in range(total):
            tones = song.chord(bar, step).voicing(50, 5)
            yield step, 2, tones[int(pattern.integers(5))], 0.65 + 0.2 * (step % steps == 0), "ring"
    elif role == "pad":
        spots = [0] if len(song.chords[bar % len(song.chords)]) == 1 else [0, total // 2]
        low = 52 + pattern.integers(0, 8)
        for step in spots:
            for pitch in song.chord(bar, step).voicing(low, 4):
                yield step, total / len(spots), pitch, 0.6, ""
    elif role in ("offbeat", "waltz", "triplets"):
        low = 53 + pattern.integers(0, 7)
        if role == "offbeat":
            spots = [b * steps + half for b in range(beats)]
        else:
            spots = [b * steps for b in range(1, beats)] if role == "waltz" else list(range(total))
        for step in spots:
            for pitch in song.chord(bar, step).voicing(low, 3):
                yield step, half * (0.7 if role == "offbeat" else 1.6), pitch, 0.75, "strum-up"
    else:  # comp, stabs
        low = 50 + pattern.integers(0, 10)
        chance = 0.5 if role == "comp" else 0.25
        spots = [s for s in range(0, total, half) if pattern.random() < chance] or [0]
        for i, step in enumerate(spots):
            gap = (spots[i + 1] if i + 1 < len(spots) else total) - step
            for pitch in song.chord(bar, step).voicing(low, 4):
                yield step, gap * 0.9 if role == "comp" else half * 0.8, pitch, 0.75, ""


def _guitar(role: str, song: Song, bar: int, pattern: np.random.Generator) -> Iterator[LayerNote]:
    steps, total = song.grid.steps, song.grid.bar_steps
    half = max(1, steps // 2)
    long = pattern.random() < 0.3
    for step in range(0, total, 1 if role == "skank" else half):
        chance = pattern.random()
        chord = song.chord(bar, step)
        low = chord.root_near(40)
        if role in ("power", "chug"):
            if long and step % (total // 2):
                continue
            muted = role == "chug" and chance < 0.65
            for pitch in (low, low + 7, low + 12)[: 2 if muted else 3]:
                yield step, total / 2 if long else half * 0.95, pitch, 0.9 if step % steps == 0 else 0.7, "muted" if muted else ""
        elif role == "boogie":
            for pitch in (low, low + (9 if (step // half) % 2 else 7)):
                yield step, half * 0.9, pitch, 0.8, "muted" if chance < 0.3 else ""
        elif chance < (0.45 if role == "skank" else 0.72) or step == 0:
            up = (step // half) % 2 == 1
            short = role == "skank"
            for pitch in chord.voicing(55 if short else 43 + (chord.root % 5), 3 if short else 5):
                yield step, 0.7 if short else half * 2, pitch, 0.6 if up else 0.8, "strum-up" if up else "strum-down"


def _melody(
    role: str, song: Song, bar: int, pattern: np.random.Generator, rng: np.random.Generator
) -> Iterator[LayerNote]:
    low = {"riff": 45, "solo": 55, "line": 55}[role] + int(pattern.integers(0, 7))
    rhythm = phrase(song.grid.bar_steps // 2, song.grid.steps, 0.85 if role == "riff" else 0.75, pattern)
    pitches = scale_pitches(song.tonic, song.scale, low, low + (12 if role == "riff" else 19))
    chords = [song.chord(bar, step) for step, _ in rhythm]
    strong = [step % song.grid.steps == 0 for step, _ in rhythm]
    line = tune(chords, strong, pitches, float(pattern.choice(pitches)), pattern if role == "riff" else rng)
    for (step, length), pitch in zip(rhythm, line, strict=True):
        yield step, length * 0.95, pitch, 0.8, "lead"


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
