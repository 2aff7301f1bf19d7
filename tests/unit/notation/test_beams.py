"""Beams and brackets: what a player sees as one beat."""

from __future__ import annotations

from fractions import Fraction as F

import pytest

from musiclab.grid import BeatGrid
from musiclab.notation.bars import Symbol
from musiclab.notation.beams import looks

FOUR = BeatGrid((0.0, 0.5), 1, (4, 4))


@pytest.mark.parametrize(
    ("lengths", "expected"),  # of the symbols of one beat, in sixths of it
    [
        ([2, 2, 2], ["start", "", "stop"]),
        ([2, 2, 1, 1], ["start", "", "", "stop"]),  # eighths, one of them divided
        (
            [1, 1, 1, 1, 1, 1],
            ["start", "", "stop", "start", "", "stop"],
        ),  # two threes of sixteenths, not a three of six
        ([1, 2, 2, 1], ["start", "stop", "start", "stop"]),
        ([2, 1, 1, 2], ["start", "", "", "stop"]),
    ],
)
def test_a_three_stands_over_three(lengths, expected):
    places = [F(sum(lengths[:i]), 6) for i in range(len(lengths))]
    bar = [Symbol(place, F(length, 6), (i,)) for i, (place, length) in enumerate(zip(places, lengths, strict=True))]
    assert [look.bracket for look in looks([*bar, Symbol(F(1), F(3))], FOUR)][:-1] == expected
