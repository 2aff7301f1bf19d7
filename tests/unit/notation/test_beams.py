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
    drawn = looks([*bar, Symbol(F(1), F(3))], FOUR)[:-1]
    assert [look.bracket for look in drawn] == expected
    inside = [sum(look.bracket == "start" for look in drawn[: i + 1]) for i in range(len(drawn))]
    for i, look in enumerate(drawn):  # no beam goes from one triplet into the next
        assert "begin" not in look.beams or inside[i] == inside[i + 1]


def test_a_beam_from_inside_a_triplet_ends_with_it():
    """Rest, note; note, rest: the notes in the middle of the beat stand in two triplets, which no beam may cross."""
    bar = [
        Symbol(F(0), F(1, 3)),
        Symbol(F(1, 3), F(1, 6), (0,)),
        Symbol(F(1, 2), F(1, 3), (1,)),
        Symbol(F(5, 6), F(1, 6)),
    ]
    drawn = looks([*bar, Symbol(F(1), F(3))], FOUR)
    assert [look.beams for look in drawn] == [[]] * 5
    assert [look.bracket for look in drawn] == ["start", "stop", "start", "stop", ""]
    before = [*bar[:2], Symbol(F(1, 2), F(1, 2), (1,)), Symbol(F(1), F(3))]
    assert [look.beams for look in looks(before, FOUR)] == [[]] * 4


@pytest.mark.parametrize(
    ("lengths", "expected"),  # of the symbols of one beat, in sixteenths
    [
        ([2, 2], [["begin"], ["end"]]),
        ([1, 1, 1, 1], [["begin"] * 2, ["continue"] * 2, ["continue"] * 2, ["end"] * 2]),
        ([2, 1, 1], [["begin"], ["continue", "begin"], ["end", "end"]]),
        ([1, 1, 2], [["begin", "begin"], ["continue", "end"], ["end"]]),
        ([3, 1], [["begin"], ["end", "backward hook"]]),
        ([1, 3], [["begin", "forward hook"], ["end"]]),
    ],
)
def test_flags_of_a_beat_are_joined_level_by_level(lengths, expected):
    places = [F(sum(lengths[:i]), 4) for i in range(len(lengths))]
    bar = [Symbol(place, F(length, 4), (i,)) for i, (place, length) in enumerate(zip(places, lengths, strict=True))]
    assert [look.beams for look in looks([*bar, Symbol(F(1), F(3))], FOUR)] == [*expected, []]
