"""Note values, triplets and beams of one voice in one bar.

Beams show the beats: notes are beamed within a beat; plain eighths in one beam over two beats, or over a whole bar of
three, as is usual (Gould, "Behind Bars", 2011, chapter on grouping). A rest ends a beam.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from musiclab.grid import BeatGrid
from musiclab.notation.bars import Symbol

TYPES = {
    Fraction(8): "breve", Fraction(4): "whole", Fraction(2): "half", Fraction(1): "quarter", Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th", Fraction(1, 8): "32nd", Fraction(1, 16): "64th", Fraction(1, 32): "128th",
    Fraction(1, 64): "256th",
}  # fmt: skip
FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4, "128th": 5, "256th": 6}
EIGHTH = Fraction(1, 2)


@dataclass
class Appearance:
    """How a symbol is drawn: its value, dots, whether it is three in the time of two, its bracket and its beams."""

    type: str
    dots: int
    triplet: bool
    bracket: str = ""  # "start" and "stop" at the ends of a triplet
    bracketed: bool = False  # with a bracket, not the number alone
    beams: list[str] = field(default_factory=list)  # "begin", "continue", "end", "forward hook", "backward hook"

    @property
    def flags(self) -> int:
        return FLAGS.get(self.type, 0)


def value(duration: Fraction) -> Appearance:
    """The note value of a duration in quarter lengths: plain, dotted, or of a triplet."""
    triplet = duration.denominator % 3 == 0
    shown = duration * Fraction(3, 2) if triplet else duration
    if shown in TYPES:
        return Appearance(TYPES[shown], 0, triplet)
    if shown * Fraction(2, 3) in TYPES:
        return Appearance(TYPES[shown * Fraction(2, 3)], 1, triplet)
    return Appearance(TYPES[max(length for length in TYPES if length <= max(shown, min(TYPES)))], 0, triplet)


def looks(bar: Sequence[Symbol], grid: BeatGrid) -> list[Appearance]:
    """How each symbol of a bar is drawn."""
    drawn = [value(symbol.duration) for symbol in bar]
    triplets = _triplets(bar, drawn, grid)
    breaks = {triplet[0] for triplet in triplets}
    breaks |= {triplet[-1] + 1 for triplet in triplets if bar[triplet[0]].is_rest or bar[triplet[-1]].is_rest}
    for group in _beamed(bar, drawn, grid, breaks):
        _beam([drawn[i] for i in group], [bar[i] for i in group], grid)
    for triplet in triplets:
        _bracket([drawn[i] for i in triplet])
    return drawn


def _beamed(bar: Sequence[Symbol], drawn: Sequence[Appearance], grid: BeatGrid, breaks: set[int]) -> list[list[int]]:
    """Indices of the notes that share a beam; none goes over a break, such as from one triplet into the next."""
    groups: dict[tuple[int, int], list[int]] = {}
    wide = _wide_beams(bar, grid)
    run = 0  # counts the rests and long notes: no beam goes over them
    for i, (symbol, look) in enumerate(zip(bar, drawn, strict=True)):
        run += i in breaks
        if symbol.is_rest or not look.flags:
            run += 1
            continue
        stretch = int(symbol.start // _width(grid))
        window = -1 - stretch if stretch in wide else int(symbol.start // grid.beat_quarters)
        groups.setdefault((run, window), []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def _width(grid: BeatGrid) -> Fraction:
    """Quarters that a wide beam may cover: a bar of 3/4, else half a bar of 4/4."""
    return (3 if grid.beats_per_bar == 3 else 2) * grid.beat_quarters


def _wide_beams(bar: Sequence[Symbol], grid: BeatGrid) -> set[int]:
    """The stretches of a bar in which one beam may go over several beats: plain eighths, no syncopation."""
    if grid.is_compound or grid.beat_quarters != 1:
        return set()
    width = _width(grid)
    inside: dict[int, list[Symbol]] = {}
    for symbol in bar:
        inside.setdefault(int(symbol.start // width), []).append(symbol)
    return {
        stretch
        for stretch, symbols in inside.items()
        if (stretch + 1) * width <= grid.bar_quarters
        and all(symbol.duration == EIGHTH or symbol.duration >= 1 for symbol in symbols)
        and (width == 2 or all(symbol.duration == EIGHTH and not symbol.is_rest for symbol in symbols))
    }


def _beam(group: Sequence[Appearance], symbols: Sequence[Symbol], grid: BeatGrid) -> None:
    """The beams of notes that share one: a level for each flag, hooks where a level has one note alone."""
    for level in range(1, max(look.flags for look in group) + 1):
        at = 0
        for deep, run in itertools.groupby(group, key=lambda look: look.flags >= level):
            looks_here = list(run)
            if deep and len(looks_here) == 1:
                looks_here[0].beams.append(_hook(at, symbols, grid))
            elif deep:
                for k, look in enumerate(looks_here):
                    look.beams.append("begin" if k == 0 else "end" if k == len(looks_here) - 1 else "continue")
            at += len(looks_here)


def _hook(at: int, symbols: Sequence[Symbol], grid: BeatGrid) -> str:
    """A hook points to the note that it shares its place in the beat with."""
    if at in (0, len(symbols) - 1):
        return "forward hook" if at == 0 else "backward hook"
    symbol = symbols[at]
    return "forward hook" if (symbol.start % grid.beat_quarters) % (2 * symbol.duration) == 0 else "backward hook"


def _triplets(bar: Sequence[Symbol], drawn: Sequence[Appearance], grid: BeatGrid) -> list[list[int]]:
    """Indices of the symbols of each triplet."""
    found: list[list[int]] = []
    places = itertools.groupby(range(len(bar)), key=lambda i: (bar[i].start // grid.beat_quarters, drawn[i].triplet))
    for (_, is_triplet), group in places:
        if is_triplet:
            beat = list(group)
            found += [three for three in _threes([bar[i] for i in beat], beat, grid) if len(three) > 1]
    return found


def _threes(symbols: Sequence[Symbol], indices: list[int], grid: BeatGrid) -> list[list[int]]:
    """A beat of triplets as one, of eighths, or as two of sixteenths if only they explain its rhythm, or all are."""
    places = [(symbol.start / grid.beat_quarters) % 1 for symbol in symbols]
    thirds = {Fraction(1, 3), Fraction(2, 3)} <= set(places)
    half = places.index(Fraction(1, 2)) if Fraction(1, 2) in places and not (thirds and len(symbols) < 6) else 0
    return [indices[:half], indices[half:]] if half else [indices]


def _bracket(triplet: Sequence[Appearance]) -> None:
    """A number over a triplet; a bracket too where no beam shows how far it goes."""
    triplet[0].bracket, triplet[-1].bracket = "start", "stop"
    triplet[0].bracketed = (triplet[0].beams[:1], triplet[-1].beams[:1]) != (["begin"], ["end"])
