"""From written times to the symbols of a staff: chords, rests, ties, and where a long note has to be split.

A player reads rhythm by seeing the beats. So a note that hides a stronger place of the bar than it starts on is split
there with a tie, except for the common syncopations (eighth-quarter-eighth, quarter-half-quarter); rests hide nothing
(Gould, "Behind Bars", 2011, chapter on grouping). All times are in quarter lengths (`Fraction`), counted from a bar
line.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from musiclab.grid import BeatGrid
from musiclab.notation.quantise import Written

Piece = tuple[Fraction, Fraction]  # start and end, in quarter lengths from the bar line
WHOLE = Fraction(4)  # quarter lengths
BEAT = 2  # the level of a beat, see `level`


@dataclass(frozen=True)
class VoiceEvent:
    """Notes of one voice that start and end together; `notes` are indices into the part."""

    onset: Fraction
    duration: Fraction
    notes: tuple[int, ...]

    @property
    def end(self) -> Fraction:
        return self.onset + self.duration


@dataclass(frozen=True)
class Symbol:
    """One thing on the staff: a note, chord or rest (no `notes`) with a duration that one symbol can show."""

    start: Fraction  # from its bar line
    duration: Fraction
    notes: tuple[int, ...] = ()
    tied_from: bool = False  # it goes on from the symbol before
    tied_to: bool = False

    @property
    def is_rest(self) -> bool:
        return not self.notes


def voice_events(written: Sequence[Written]) -> list[VoiceEvent]:
    """One voice: notes with the same onset become a chord, and each chord ends where the next begins, at the latest.

    The chord lasts as long as its longest note: the others ring on under it, which no reader misses.
    """
    chords: dict[Fraction, list[Written]] = {}
    for note in written:
        chords.setdefault(note.onset, []).append(note)
    onsets = sorted(chords)
    events = []
    for onset, following in itertools.zip_longest(onsets, onsets[1:]):
        duration = max(note.duration for note in chords[onset])
        if following is not None:
            duration = min(duration, following - onset)
        events.append(VoiceEvent(onset, duration, tuple(note.index for note in chords[onset])))
    return events


def bars(events: Sequence[VoiceEvent], grid: BeatGrid, *, count: int | None = None) -> list[list[Symbol]]:
    """The symbols of each bar, rests included, for one voice whose events don't overlap.

    Parameters
    ----------
    events : sequence of VoiceEvent
        By onset.
    grid : BeatGrid
        For the metre alone.
    count : int
        How many bars to fill; default: up to the last event.

    Returns
    -------
    list of list of Symbol
        Each bar's durations add up to the bar.
    """
    length = grid.bar_quarters
    needed = -(-max((event.end for event in events), default=Fraction(0)) // length)
    filled: list[list[Symbol]] = [[] for _ in range(max(int(needed), count or 0, 1))]
    for event in events:
        _place(event, filled, grid)
    return [_with_rests(bar, grid) for bar in filled]


def _place(event: VoiceEvent, filled: list[list[Symbol]], grid: BeatGrid) -> None:
    """Put one event into its bars, split and tied as the metre wants it."""
    length = grid.bar_quarters
    pieces: list[tuple[int, Fraction, Fraction]] = []
    start = event.onset
    while start < event.end:
        bar = int(start // length)
        end = min(event.end, (bar + 1) * length)
        pieces += [(bar, a, b) for a, b in split(start - bar * length, end - bar * length, grid)]
        start = end
    for i, (bar, a, b) in enumerate(pieces):
        filled[bar].append(Symbol(a, b - a, event.notes, tied_from=i > 0, tied_to=i < len(pieces) - 1))


def _with_rests(bar: list[Symbol], grid: BeatGrid) -> list[Symbol]:
    """The bar with its gaps filled; an empty bar is one whole-bar rest."""
    length = grid.bar_quarters
    if not bar:
        return [Symbol(Fraction(0), length)]
    out: list[Symbol] = []
    now = Fraction(0)
    for symbol in [*sorted(bar, key=lambda s: s.start), None]:
        until = length if symbol is None else symbol.start
        if until > now:
            out += [Symbol(a, b - a) for a, b in split(now, until, grid, rest=True)]
        if symbol is not None:
            out.append(symbol)
            now = symbol.start + symbol.duration
    return out


def split(start: Fraction, end: Fraction, grid: BeatGrid, *, rest: bool = False) -> tuple[Piece, ...]:
    """Cut [start, end), inside one bar, into pieces that one symbol can show and that hide no beat.

    Notebook: 10
    """
    return _split(start, end, _plain(grid.metre), rest)


@functools.cache
def _plain(metre: tuple[int, int]) -> BeatGrid:
    """A grid of the metre alone, whose hash is quick: the same few pieces come again and again."""
    return BeatGrid((0.0, 1.0), 1, metre)


@functools.lru_cache(maxsize=4096)
def _split(start: Fraction, end: Fraction, grid: BeatGrid, rest: bool) -> tuple[Piece, ...]:
    inside = _boundaries(start, end, grid)
    if _one_symbol(start, end, grid, rest=rest) and _clear(start, end, inside, grid, rest=rest):
        return ((start, end),)
    if not inside:
        return ((start, end),)
    strongest = max(level(place, grid) for place in inside)
    places = [place for place in inside if level(place, grid) == strongest]
    # From a beat on, the first symbol reaches as far as one can (a half in 3/4); else up to the first strong place.
    at = places[0]
    if not rest and level(start, grid) >= BEAT:
        reached = (end for end in reversed(places) if len(_split(start, end, grid, rest)) == 1)
        at = next(reached, at)
    return _split(start, at, grid, rest) + _split(at, end, grid, rest)


def level(place: Fraction, grid: BeatGrid) -> int:
    """Strength of a place in the bar: 4 the bar line, 3 the middle of it, 2 a beat, 1 half a beat, 0 and less below."""
    if place % grid.bar_quarters == 0:
        return 4
    beats = place / grid.beat_quarters
    if beats.denominator == 1:
        middle = grid.beats_per_bar % 2 == 0 and beats == Fraction(grid.beats_per_bar, 2)
        return 3 if middle else 2
    if grid.is_compound:
        return {3: 1, 2: 0, 6: 0}.get(beats.denominator, -1)
    return {2: 1, 4: 0, 3: 0}.get(beats.denominator, -1)


def _boundaries(start: Fraction, end: Fraction, grid: BeatGrid) -> list[Fraction]:
    """Places strictly inside [start, end) where it could be cut: beats, and the divisions that its ends lie on."""
    beat = grid.beat_quarters
    steps = {beat, beat / 3, beat / 6} if grid.is_compound else {beat, beat / 2, beat / 4, beat / 8}
    if not grid.is_compound and any(_ternary(place, grid) for place in (start, end)):
        steps = {beat, beat / 3, beat / 6}
    places = set()
    for step in steps:
        first = start // step + 1
        places |= {step * k for k in range(int(first), int(-(-end // step)))}
    return sorted(place for place in places if start < place < end)


def _ternary(place: Fraction, grid: BeatGrid) -> bool:
    return (place / grid.beat_quarters).denominator % 3 == 0


def _one_symbol(start: Fraction, end: Fraction, grid: BeatGrid, *, rest: bool) -> bool:
    """Whether a single note value, plain or dotted, has this duration here."""
    duration = end - start
    if rest and duration == WHOLE and grid.bar_quarters != WHOLE:
        return False  # a whole rest inside a bar is read as a rest of the whole bar
    if not grid.is_compound and (_ternary(start, grid) or _ternary(end, grid)):
        beats = duration / grid.beat_quarters
        same_beat = start // grid.beat_quarters == (end - Fraction(1, 1000)) // grid.beat_quarters
        return same_beat and beats in (Fraction(1, 3), Fraction(2, 3), Fraction(1, 6))
    numerator, denominator = duration.numerator, duration.denominator
    if denominator & (denominator - 1):
        return False
    while numerator % 2 == 0:
        numerator //= 2
    if rest and numerator == 3 and not grid.is_compound:
        return False
    return numerator in (1, 3)


def _clear(start: Fraction, end: Fraction, inside: list[Fraction], grid: BeatGrid, *, rest: bool) -> bool:
    """Whether no place inside is so strong that it must be seen."""
    if not inside or ((_ternary(start, grid) or _ternary(end, grid)) and not grid.is_compound):
        return True  # one symbol within a triplet hides nothing
    strongest = max(level(place, grid) for place in inside)
    if grid.is_compound and strongest >= BEAT:
        # What hides a dotted-quarter beat has to start and end on beats.
        return min(level(start, grid), level(end, grid)) >= BEAT and level(start, grid) >= strongest
    if strongest <= level(start, grid):
        return True
    # A syncopation goes from one off-beat to another: eighth-quarter-eighth, and never a dotted eighth over a beat.
    syncopates = not rest and not grid.is_compound and strongest == level(start, grid) + 1
    return syncopates and level(end, grid) >= level(start, grid)
