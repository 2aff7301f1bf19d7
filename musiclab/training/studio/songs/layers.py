"""What the players of `other` play in one bar: strummed and broken chords, pads, stabs, riffs and tunes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from musiclab.training.studio.songs.parts import Bar, phrase
from musiclab.training.studio.songs.theory import scale_pitches, tune

LayerNote = tuple[float, float, float, float, str]  # step, length in steps, pitch, loudness, touch


def layer_bar(role: str, bar: Bar) -> Iterator[LayerNote]:
    """One bar of a `role` of `ROLES`."""
    return ROLES[role](bar)


def _chords(
    bar: Bar, spots: list[tuple[int, float]], low: int, size: int, loud: float, touch: str = ""
) -> Iterator[LayerNote]:
    for step, length in spots:
        for pitch in bar.chord(step).voicing(low, size):
            yield step, length, pitch, loud, touch


def _strum(bar: Bar) -> Iterator[LayerNote]:
    for step in range(0, bar.steps, bar.half):
        if bar.pattern.random() < 0.72 or step == 0:
            chord, up = bar.chord(step), (step // bar.half) % 2 == 1
            for pitch in chord.voicing(40 + (chord.root % 8), 6):
                yield step, bar.half * 2, pitch, 0.6 if up else 0.8, "strum-up" if up else "strum-down"


def _skank(bar: Bar) -> Iterator[LayerNote]:
    for step in range(bar.steps):
        if bar.pattern.random() < 0.45:
            up = step % 2 == 1
            for pitch in bar.chord(step).voicing(55, 3):
                yield step, 0.7, pitch, 0.6 if up else 0.8, "strum-up" if up else "strum-down"


def _power(bar: Bar, damped: float) -> Iterator[LayerNote]:
    long = bar.pattern.random() < 0.3
    for step in range(0, bar.steps, bar.half):
        muted = bar.pattern.random() < damped
        if long and step % (bar.steps // 2):
            continue
        low, loud = bar.root(step, 40), 0.9 if step % bar.beat == 0 else 0.7
        for pitch in (low, low + 7) if muted else (low, low + 7, low + 12):
            yield step, bar.steps / 2 if long else bar.half * 0.95, pitch, loud, "muted" if muted else ""


def _boogie(bar: Bar) -> Iterator[LayerNote]:
    for i, step in enumerate(range(0, bar.steps, bar.half)):
        low, touch = bar.root(step, 40), "muted" if bar.pattern.random() < 0.3 else ""
        for pitch in (low, low + (9 if i % 2 else 7)):
            yield step, bar.half * 0.9, pitch, 0.8, touch


def _arpeggio(bar: Bar) -> Iterator[LayerNote]:
    low = 48 + int(bar.pattern.integers(0, 10))
    order = bar.pattern.integers(0, 5, 16)
    for i, step in enumerate(range(0, bar.steps, bar.half if bar.pattern.random() < 0.8 else 1)):
        tones = bar.chord(step).voicing(low, 5)
        yield step, bar.half * 2.5, tones[int(order[i % len(order)])], 0.7, "ring"


def _pick(bar: Bar) -> Iterator[LayerNote]:
    for step in range(bar.steps):
        tones = bar.chord(step).voicing(50, 5)
        yield step, 2, tones[int(bar.pattern.integers(5))], 0.65 + 0.2 * (step % bar.beat == 0), "ring"


def _pad(bar: Bar) -> Iterator[LayerNote]:
    spots = [0] if bar.chord(0) == bar.chord(bar.steps - 1) else [0, bar.steps // 2]
    length = bar.steps / len(spots)
    return _chords(bar, [(s, length) for s in spots], 52 + int(bar.pattern.integers(0, 8)), 4, 0.6)


def _short(bar: Bar, spots: list[int], length: float) -> Iterator[LayerNote]:
    low = 53 + int(bar.pattern.integers(0, 7))
    return _chords(bar, [(s, bar.half * length) for s in spots], low, 3, 0.75, "strum-up")


def _comp(bar: Bar, chance: float, *, short: bool) -> Iterator[LayerNote]:
    low = 50 + int(bar.pattern.integers(0, 10))
    spots = [s for s in range(0, bar.steps, bar.half) if bar.pattern.random() < chance] or [0]
    if not short and bar.pattern.random() < 0.5:  # the left hand: roots below the chords, perhaps in octaves
        root, octaves = bar.root(0, 33 + int(bar.pattern.integers(0, 8))), bar.pattern.random() < 0.5
        for pitch in (root, root + 12) if octaves else (root,):
            yield 0, bar.steps * 0.95, pitch, 0.7, ""
    yield from _chords(bar, [(s, bar.half * 0.8 if short else gap * 0.9) for s, gap in bar.gaps(spots)], low, 4, 0.75)


def _tune(bar: Bar, low: int, reach: int, busy: float, *, fixed: bool) -> Iterator[LayerNote]:
    """A tune; a `fixed` one (a riff) is the same in every bar but for its chords."""
    low += int(bar.pattern.integers(0, 7))
    rhythm = phrase(bar.steps // 2, bar.beat, busy, bar.pattern)
    pitches = scale_pitches(bar.song.tonic, bar.song.scale, low, low + reach)
    chords = [bar.chord(step) for step, _ in rhythm]
    strong = [step % bar.beat == 0 for step, _ in rhythm]
    start = float(bar.pattern.choice(pitches))
    line = tune(chords, strong, pitches, start, bar.pattern if fixed else bar.rng)
    for (step, length), pitch in zip(rhythm, line, strict=True):
        yield step, length * 0.95, pitch, 0.8, "lead"


ROLES: dict[str, Callable[[Bar], Iterator[LayerNote]]] = {
    "strum": _strum,
    "skank": _skank,
    "power": lambda bar: _power(bar, 0.0),
    "chug": lambda bar: _power(bar, 0.65),
    "boogie": _boogie,
    "arpeggio": _arpeggio,
    "pick": _pick,
    "pad": _pad,
    "offbeat": lambda bar: _short(bar, [b * bar.beat + bar.half for b in range(bar.beats)], 0.7),
    "waltz": lambda bar: _short(bar, [b * bar.beat for b in range(1, bar.beats)], 1.6),
    "triplets": lambda bar: _short(bar, list(range(bar.steps)), 1.6),
    "comp": lambda bar: _comp(bar, 0.5, short=False),
    "stabs": lambda bar: _comp(bar, 0.25, short=True),
    "solo": lambda bar: _tune(bar, 55, 19, 0.75, fixed=False),
    "line": lambda bar: _tune(bar, 55, 19, 0.75, fixed=False),
    "riff": lambda bar: _tune(bar, 45, 12, 0.85, fixed=True),
}
