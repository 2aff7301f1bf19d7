"""Write a song: form, harmony, groove, bass line, accompaniment and tunes, as events in seconds.

Nothing sounds here; `players` and `voice` play what is written.
"""

from __future__ import annotations

import numpy as np

from musiclab.training.studio.songs import layers, parts
from musiclab.training.studio.songs.grooves import GROOVES, LOUDNESS
from musiclab.training.studio.songs.styles import PROGRESSIONS, STYLES, Style
from musiclab.training.studio.songs.theory import Harmony, progression, scale_for, scale_pitches, tune
from musiclab.training.studio.songs.written import Event, Hit, Layer, Song, StepGrid

METRES = {"4/4": (4, 4), "3/4": (3, 4), "6/8": (2, 6), "12/8": (4, 3), "2/4": (2, 4), "5/4": (5, 4), "7/8": (7, 1)}
"""Beats, steps in a beat."""
SLOWING = 0.8  # share of a song after which its ritardando begins, if it has one


def compose(rng: np.random.Generator, *, duration: float, style: Style | None = None) -> Song:
    """Write a song that fills `duration` seconds; every choice is drawn from `rng`, the style too if none is given."""
    if style is None:
        weights = np.array([s.weight for s in STYLES])
        style = STYLES[int(rng.choice(len(STYLES), p=weights / weights.sum()))]
    song = _frame(style, rng, duration)
    rests = {stem: rng.random() < p for stem, p in {"vocals": 0.1, "drums": 0.04, "bass": 0.04, "other": 0.03}.items()}
    if not rests["drums"]:
        song.drums = _drums(song, rng)
    if not rests["bass"]:
        song.bass = _bass(song, rng)
    if not rests["other"]:
        song.layers = _layers(song, rng)
    if not rests["vocals"]:
        song.vocal_style = str(rng.choice(style.vocal_styles.split()))
        song.vocals = _vocals(song, rng)
    return song


def _frame(style: Style, rng: np.random.Generator, duration: float) -> Song:
    beats, steps = METRES[style.metre]
    tempo = float(rng.uniform(*style.tempo))
    count = int(duration * tempo / 60) + 3 * beats + 2
    drift = 0.0 if style.kits == "machine" else float(rng.uniform(0.001, 0.008))
    lengths = 60 / tempo * (1 + drift * np.cumsum(rng.standard_normal(count)) / np.sqrt(np.arange(1, count + 1)))
    lengths = _paced(lengths, style, duration)
    times = np.concatenate([[0.0], np.cumsum(lengths)]) + float(rng.uniform(0, 0.4))
    grid = StepGrid(beats, steps, times, float(rng.uniform(*style.swing)))
    tonic = int(rng.integers(12))
    names = rng.permutation(style.progressions.split())
    verse, chorus = progression(PROGRESSIONS[names[0]], tonic), progression(PROGRESSIONS[names[-1]], tonic)
    scale = scale_for(verse, tonic, rng)
    chords: list[list[Harmony]] = []
    sections: list[tuple[str, int, int]] = []
    order = rng.permutation(["verse", "chorus", "verse", "bridge"]).tolist()
    order = ["intro", *order] if rng.random() < 0.25 else order
    length = 8 if tempo > 130 else 4
    while float(grid.time(len(chords), 0)) < duration and len(chords) * beats < count - beats:
        name = order[len(sections) % len(order)]
        bars = chorus if name in ("chorus", "bridge") else verse
        take = min(len(bars), 12) if len(bars) == 12 else length
        sections.append((name, len(chords), take))
        chords += [bars[i % len(bars)] for i in range(take)]
    return Song(style, style.metre, tempo, tonic, scale, grid, chords, sections)


def _paced(lengths: np.ndarray, style: Style, duration: float) -> np.ndarray:
    """Lengths of beats in seconds [shape=(beats,)], slower or quicker towards the end as the style has it."""
    at = np.cumsum(lengths) / duration
    lengths = lengths * np.interp(at, [0, 1], [1, style.course])
    return np.asarray(lengths * np.interp(np.cumsum(lengths) / duration, [SLOWING, 1], [1, style.ending]))


def _human(rng: np.random.Generator, song: Song) -> tuple[float, float]:
    """How far a player is off the beat on average, and how much he wavers, seconds."""
    if song.style.kits == "machine" and rng.random() < 0.6:
        return 0.0, 0.001
    return float(rng.normal(0, 0.006)), float(rng.uniform(0.002, 0.01))


def _drums(song: Song, rng: np.random.Generator) -> list[Hit]:
    lag, waver = _human(rng, song)
    names = [str(rng.choice(song.style.grooves.split())) for _ in range(2)]
    hits: list[Hit] = []
    shaker = "".join(rng.choice(list("xo.."), song.grid.steps)) * song.grid.beats if rng.random() < 0.2 else ""
    for name, first, bars in song.sections:
        if name == "intro" and rng.random() < 0.4:
            continue
        groove = dict(GROOVES[names[name == "chorus"]])
        if shaker and (name == "chorus" or rng.random() < 0.5):
            groove.setdefault("perc", shaker)
        if name == "chorus" and "hat" in groove and rng.random() < 0.4:
            groove[str(rng.choice(["open", "ride", "crash"]))] = groove.pop("hat")
        for bar in range(first, first + bars):
            fill = bar == first + bars - 1 and rng.random() < 0.6
            rows = parts.fill(groove, song.grid, rng) if fill else parts.vary(groove, rng)
            if bar == first and rng.random() < 0.7:
                rows = {**rows, "crash": "X" + rows.get("crash", "." * song.grid.bar_steps)[1:]}
            for piece, row in rows.items():
                for step, mark in enumerate(row):
                    if mark in LOUDNESS:
                        at = song.grid.time(bar, step) + lag + rng.normal(0, waver)
                        loud = float(np.clip(LOUDNESS[mark] + rng.normal(0, 0.06), 0.1, 1))
                        hits.append(Hit(max(0.0, at), piece, loud))
    return sorted(hits, key=lambda h: h.onset)


def _bass(song: Song, rng: np.random.Generator) -> list[Event]:
    lag, waver = _human(rng, song)
    kinds = [str(rng.choice(song.style.bass.split())) for _ in range(2)]
    low = float(rng.choice([rng.uniform(27, 31), rng.uniform(31, 37), rng.uniform(37, 42)], p=[0.6, 0.3, 0.1]))
    events = []
    seed = int(rng.integers(2**31))
    for name, first, bars in song.sections:
        if name == "intro" and rng.random() < 0.3:
            continue
        for bar in range(first, first + bars):
            pattern = np.random.default_rng(seed + (name == "chorus"))  # the figure stays, the chord changes
            for step, length, pitch, loud in parts.bass_bar(
                kinds[name == "chorus"], parts.Bar(song, bar, pattern, rng), low
            ):
                events.append(_event(song, bar, step, length, pitch, loud, rng, lag, waver))
    return events


def _event(song: Song, bar: int, step: float, length: float, pitch: float, loud: float,
           rng: np.random.Generator, lag: float, waver: float, touch: str = "") -> Event:  # fmt: skip
    onset = song.grid.time(bar, step)
    seconds = song.grid.time(bar, step + length) - onset
    at = max(0.0, onset + lag + float(rng.normal(0, waver)))
    return Event(at, max(0.05, seconds), pitch, float(np.clip(loud + rng.normal(0, 0.06), 0.1, 1)), touch)


def _layers(song: Song, rng: np.random.Generator) -> list[Layer]:
    choices = song.style.layers.split()
    count = min(len(choices), int(rng.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.35, 0.15])))
    picked = rng.permutation(len(choices))[:count]
    out = []
    for number, index in enumerate(sorted(picked.tolist())):
        role, sound = choices[index].split("/")
        lag, waver = _human(rng, song)
        seed = int(rng.integers(2**31))
        events: list[Event] = []
        for name, first, bars in song.sections:
            if number > 0 and rng.random() < {"intro": 0.4, "verse": 0.35, "bridge": 0.3}.get(name, 0.12):
                continue
            if role in ("solo", "line") and name in ("verse", "chorus") and rng.random() < 0.45:
                continue
            for bar in range(first, first + bars):
                free = 1000 * (bar - first) if role in ("solo", "line") else 0  # a figure stays, a tune goes on
                pattern = np.random.default_rng(seed + (name == "chorus") + free)
                for step, length, pitch, loud, touch in layers.layer_bar(role, parts.Bar(song, bar, pattern, rng)):
                    events.append(_event(song, bar, step, length, pitch, loud, rng, lag, waver, touch))
        out.append(Layer(role, sound, events))
    return out


def _vocals(song: Song, rng: np.random.Generator) -> list[list[Event]]:
    """Phrases of one or two bars, pauses between them; the second of a pair repeats the rhythm of the first."""
    low = float(rng.uniform(45, 60))
    pitches = scale_pitches(song.tonic, song.scale, low, low + rng.uniform(10, 15))
    lag, waver = float(rng.normal(0.01, 0.015)), 0.012
    phrases: list[list[Event]] = []
    busy = float(rng.uniform(0.35, 0.85))
    for name, first, bars in song.sections:
        if name == "intro" or (name == "bridge" and rng.random() < 0.35):
            continue
        rhythm: list[tuple[float, float]] = []
        for bar in range(first, first + bars, 2):
            if not rhythm or rng.random() < 0.35:
                rhythm = parts.phrase(song.grid.bar_steps, song.grid.steps, busy, rng)
            if rng.random() < 0.07:
                continue
            places = [divmod(step, song.grid.bar_steps) for step, _ in rhythm]
            chords = [song.chord(min(bar + int(b), len(song.chords) - 1), s) for b, s in places]
            beat = song.grid.steps
            strong = [s % beat == 0 or length >= beat for (_, s), (_, length) in zip(places, rhythm, strict=True)]
            line = tune(chords, strong, pitches, float(rng.choice(pitches)), rng)
            phrases.append([
                _event(song, bar, step, length * 0.97, pitch, 0.7 + 0.2 * (name == "chorus"), rng, lag, waver)
                for (step, length), pitch in zip(rhythm, line, strict=True)
            ])  # fmt: skip
    return phrases
