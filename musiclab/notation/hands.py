"""Which hand plays which notes of a keyboard.

The lower notes of a chord are the left hand's, the higher ones the right one's; where they part is found for all chords
together, by a dynamic programme: a hand spans an octave with ease, stays where it was rather than leap, and is at home
on its side of middle C. So a run goes on in one hand, and a melody that dips below middle C stays with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from musiclab.notation.quantise import Written

MIDDLE_C = 60
HOMES = 48.0, 67.0  # where left and right hand are at the beginning, MIDI
SPAN = 12  # semitones that a hand reaches with ease
STRETCH = 4.0  # what each semitone more costs: as others here, in semitones of a hand's way
AWAY = 0.25  # for each semitone beyond middle C, on average of a hand's notes
CROWDED = 4.0  # for each note beyond five
STAYS = 0.5  # of where a hand was counts for where it is


@dataclass(frozen=True)
class Split:
    """A chord of which the `cut` lowest notes are the left hand's: what it costs by itself, and the hands' middles."""

    cut: int
    cost: float
    left: float | None
    right: float | None


def in_hands(written: Sequence[Written], pitches: Sequence[int]) -> tuple[list[Written], list[Written]]:
    """The notes of the right and of the left hand.

    Parameters
    ----------
    written : sequence of Written
        In any order.
    pitches : sequence of int
        MIDI, by the notes' `index`.
    """
    by_onset: dict[Fraction, list[Written]] = {}
    for note in sorted(written, key=lambda w: (w.onset, pitches[w.index])):
        by_onset.setdefault(note.onset, []).append(note)
    chords = list(by_onset.values())
    cuts = _easiest([_splits([pitches[note.index] for note in chord]) for chord in chords])
    right = [note for chord, cut in zip(chords, cuts, strict=True) for note in chord[cut:]]
    left = [note for chord, cut in zip(chords, cuts, strict=True) for note in chord[:cut]]
    return right, left


def _splits(chord: Sequence[int]) -> list[Split]:
    """Every way to share a chord, pitches from the lowest on."""
    return [
        Split(cut, _held(chord[:cut], 1) + _held(chord[cut:], -1), _middle(chord[:cut]), _middle(chord[cut:]))
        for cut in range(len(chord) + 1)
    ]


def _held(notes: Sequence[int], side: int) -> float:
    """How awkward notes are in a hand; `side` is 1 of the left one, which is at home below middle C."""
    if not notes:
        return 0.0
    beyond = sum(max(0.0, side * (note - MIDDLE_C)) for note in notes) / len(notes)
    return STRETCH * max(0, notes[-1] - notes[0] - SPAN) + AWAY * beyond + CROWDED * max(0, len(notes) - 5)


def _middle(notes: Sequence[int]) -> float | None:
    return (notes[0] + notes[-1]) / 2 if notes else None


def _easiest(chords: Sequence[Sequence[Split]]) -> list[int]:
    """The cut of each chord, so that all costs and ways of the hands are least."""
    before = [(0.0, *HOMES)]  # cost so far, where the hands are
    came: list[list[int]] = []
    for splits in chords:
        here, where = [], []
        for split in splits:
            costs = [cost + _way(split.left, left) + _way(split.right, right) for cost, left, right in before]
            best = min(range(len(costs)), key=costs.__getitem__)
            _, left, right = before[best]
            here.append((costs[best] + split.cost, _moved(left, split.left), _moved(right, split.right)))
            where.append(best)
        before = here
        came.append(where)
    at = min(range(len(before)), key=lambda i: before[i][0])
    cuts = []
    for where in reversed(came):
        cuts.append(at)  # splits are in the order of their cuts
        at = where[at]
    return cuts[::-1]


def _way(to: float | None, at: float) -> float:
    return 0.0 if to is None else abs(to - at)


def _moved(at: float, to: float | None) -> float:
    return at if to is None else STAYS * at + (1 - STAYS) * to
