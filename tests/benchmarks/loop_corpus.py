"""Closed loops over melodies of music21's corpus: chorale sopranos, fiddle tunes, folk songs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from loop import Result, Score, Written, drifting, through_sound

from musiclab.grid import BeatGrid
from musiclab.instruments import find

if TYPE_CHECKING:
    from music21.stream import Score as Sheet

QUICK = ("bach/bwv66.6", "bach/bwv269", "ryansMammoth/CatInTheHopperJig")
LONGEST = 24.0  # s that are played of each melody
KNOWN_METRES = ((2, 2), (2, 4), (3, 4), (4, 4), (6, 8), (9, 8), (12, 8))


def names(quick: bool) -> list[str]:
    """Every melody to try: a spread over the corpus, in alphabetical order."""
    from music21 import corpus

    if quick:
        return list(QUICK)
    out = []
    for composer, count in (("bach", 20), ("ryansMammoth", 20), ("oneills1850", 5), ("airdsAirs", 2)):
        paths = sorted(p for p in corpus.getComposer(composer) if p.suffix in (".mxl", ".abc", ".krn", ".xml"))
        out += [str(p) for p in paths[:: max(1, len(paths) // count)][:count]]
    return out


def sheet(name: str) -> Sheet:
    from music21 import corpus, stream

    found = corpus.parse(name)
    return found.scores[0] if isinstance(found, stream.Opus) else found


def melody(music: Sheet) -> tuple[list[Written], tuple[int, int], Fraction] | None:
    """Notes of the top part in quarter lengths, its metre, and how much its first bar lacks; None if it is no plain
    line: several metres, several voices at once, grace notes alone."""
    part = music.parts[0].stripTies()
    signatures = {(s.numerator, s.denominator) for s in part.recurse().getElementsByClass("TimeSignature")}
    bars = list(part.getElementsByClass("Measure"))
    if len(signatures) != 1 or not bars or not signatures <= set(KNOWN_METRES):
        return None
    (metre,) = signatures
    metre = (4, 4) if metre == (2, 2) else metre  # counted in quarters
    full = Fraction(4 * metre[0], metre[1])
    missing = full - Fraction(bars[0].duration.quarterLength)
    notes = [n for n in part.flatten().notes if n.duration.quarterLength > 0]
    if any(not n.isNote for n in notes) or not 0 <= missing < full:
        return None
    out = [(Fraction(n.offset), Fraction(n.duration.quarterLength), n.pitch.midi) for n in notes]
    out = [
        (a, min(d, b - a) if b is not None else d, p)
        for (a, d, p), b in zip(out, [*(x[0] for x in out[1:]), None], strict=True)
    ]
    return out, metre, missing


def score(name: str, instrument: str, tempo: float) -> Score | None:
    """The melody as a score of its first bars, a pick-up bar included."""
    found = melody(sheet(name))
    if found is None:
        return None
    notes, metre, missing = found
    unit = BeatGrid.steady(tempo, 2, metre=metre).beat_quarters
    # A pick-up of less than a beat lies at the end of the grid's first beat.
    whole, rest = divmod(missing / unit, 1)
    grid = drifting(tempo, LONGEST + 4, metre=metre, first=int(whole) + 1)
    within = [(a / unit + rest, d / unit, p) for a, d, p in notes if float(a / unit) * 60 / tempo < LONGEST]
    higher = 0  # an inner part may lie too low for the instrument: some octaves up
    while within and min(pitch for _, _, pitch in within) + higher < find(instrument).low:
        higher += 12
    within = [(a, d, p + higher) for a, d, p in within]
    return Score(f"{name.rpartition('/')[2]}, {instrument}", instrument, grid, within)


def rows(quick: bool) -> Iterator[Result]:
    instruments = ("flute", "voice", "clarinet")
    for i, name in enumerate(names(quick)):
        rng = np.random.default_rng([i, 21])
        tune = score(name, instruments[i % 3], float(rng.uniform(66, 104)))
        if tune is not None:
            yield through_sound(rng, tune)
