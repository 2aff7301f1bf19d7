"""Tablature: on which string and fret each note is played, with as little movement of the hand as possible.

A dynamic programme over the chords of a part [1]_: for each chord every way to finger it on different strings is a
state; going from one to the next costs the hand's way along the neck, and a fingering costs its stretch and height.

References
----------
.. [1] Sayegh: "Fingering for string instruments with the optimum path paradigm", Computer Music Journal 13(3), 1989,
   doi:10.2307/3680014
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from musiclab.errors import TranscriptionError

GUITAR = (64, 59, 55, 50, 45, 40)  # open strings from the first (highest) on, MIDI
BASS = (43, 38, 33, 28)
LAST_FRET = 24
STRETCH = 4  # frets that a hand spans with ease
HIGH = 14  # fret above which a hand holds no chord beside open strings, and hardly any
LEFT_OUT = 6.0  # what it costs to leave out a note of a chord, rather than to jump that high: see `Fingering.cost`
KEPT = 40  # fingerings kept for a chord: the easiest


@dataclass(frozen=True)
class Fingering:
    """String (1 is the highest) and fret for each pitch of a chord, in the order of the pitches."""

    strings: tuple[int, ...]
    frets: tuple[int, ...]

    @property
    def hand(self) -> float | None:
        """Fret where the hand is; None if only open strings sound."""
        pressed = [fret for fret in self.frets if fret > 0]
        return min(pressed) if pressed else None

    @property
    def cost(self) -> float:
        """How awkward it is by itself: stretch, height on the neck, and what is left out."""
        pressed = [fret for fret in self.frets if fret > 0]
        left_out = LEFT_OUT * self.strings.count(0)
        if not pressed:
            return left_out
        stretch = max(pressed) - min(pressed)
        return (
            left_out + 0.15 * min(pressed) + 0.2 * stretch + (10.0 * (stretch - STRETCH) if stretch > STRETCH else 0.0)
        )


def finger(
    chords: Sequence[Sequence[int]], *, tuning: Sequence[int] = GUITAR, frets: int = LAST_FRET
) -> list[Fingering]:
    """Strings and frets for a row of chords.

    Parameters
    ----------
    chords : sequence of sequences of int
        MIDI pitches of each chord (one pitch for a single note), in playing order.
    tuning : sequence of int
        Open strings (MIDI) from the first on; see `musiclab.tunings` for more than `GUITAR` and `BASS`.
    frets : int
        How many frets the neck has.

    Returns
    -------
    list of Fingering
        A pitch that can't be played beside the others of its chord (too low, too high, more notes than strings) is
        left out of the chord: its string is 0.

    Raises
    ------
    TranscriptionError
        If the tuning is empty.
    """
    if not tuning:
        raise TranscriptionError("A tuning needs at least one string.")
    options = [_options(tuple(chord), tuple(tuning), frets) for chord in chords]
    best: list[list[tuple[float, int]]] = []
    hands: list[float] = [0.0] * (len(options[0]) if options else 0)
    for i, row in enumerate(options):
        scores, where = [], []
        for option in row:
            if i == 0:
                scores.append((option.cost, -1))
                where.append(option.hand or 0.0)
                continue
            costs = [
                best[-1][j][0] + (0.0 if option.hand is None else 0.35 * abs(option.hand - hands[j]))
                for j in range(len(options[i - 1]))
            ]
            j = min(range(len(costs)), key=costs.__getitem__)
            scores.append((costs[j] + option.cost, j))
            where.append(hands[j] if option.hand is None else option.hand)
        best.append(scores)
        hands = where
    return _trace(options, best)


def _trace(options: list[list[Fingering]], best: list[list[tuple[float, int]]]) -> list[Fingering]:
    if not options:
        return []
    j = min(range(len(best[-1])), key=lambda k: best[-1][k][0])
    path = []
    for row, scores in zip(reversed(options), reversed(best), strict=True):
        path.append(row[j])
        j = scores[j][1]
    return path[::-1]


@functools.lru_cache(maxsize=4096)
def _options(pitches: tuple[int, ...], tuning: tuple[int, ...], frets: int) -> list[Fingering]:
    """Every way to play as many of the pitches as possible, each on a string of its own; the easiest first.

    Where that takes a hand high up beside open strings, also the ways without one of the pitches.
    """
    found: list[Fingering] = []
    for count in range(min(len(pitches), len(tuning)), 0, -1):
        more = [
            fingering
            for kept in itertools.combinations(range(len(pitches)), count)
            for fingering in _full([pitches[i] for i in kept], kept, len(pitches), tuning, frets)
        ]
        found += sorted(more, key=lambda f: (f.cost, f.frets))[:KEPT]
        if found and not all(_jumps(fingering) for fingering in found):
            break
    return found or [Fingering((0,) * len(pitches), (0,) * len(pitches))]


def _jumps(fingering: Fingering) -> bool:
    """Whether a chord is held high up beside open strings: it is one that no book has."""
    played = [fret for string, fret in zip(fingering.strings, fingering.frets, strict=True) if string]
    return len(played) > 1 and max(played) > HIGH and min(played) == 0


def _full(pitches: list[int], kept: tuple[int, ...], size: int, tuning: tuple[int, ...], last: int) -> list[Fingering]:
    places = [
        [(s, pitch - open_) for s, open_ in enumerate(tuning, 1) if 0 <= pitch - open_ <= last] for pitch in pitches
    ]
    out = []
    for choice in _apart(places, frozenset()):
        strings, frets = [0] * size, [0] * size
        for i, (s, fret) in zip(kept, choice, strict=True):
            strings[i], frets[i] = s, fret
        fingering = Fingering(tuple(strings), tuple(frets))
        if fingering.cost - LEFT_OUT * strings.count(0) < 30.0:
            out.append(fingering)
    return out


def _apart(places: list[list[tuple[int, int]]], taken: frozenset[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """One place (string, fret) for each pitch, no two on one string."""
    if not places:
        yield ()
        return
    for place in places[0]:
        if place[0] not in taken:
            for rest in _apart(places[1:], taken | {place[0]}):
                yield (place, *rest)
