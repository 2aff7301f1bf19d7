"""Symbols on the staff: every bar is full, and no symbol hides a beat."""

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.grid import BeatGrid
from musiclab.notation.bars import VoiceEvent, bars, level, split

METRES = [(4, 4), (3, 4), (2, 4), (6, 8), (12, 8), (5, 4)]


def grid(metre: tuple[int, int]) -> BeatGrid:
    return BeatGrid((0.0, 0.5), 1, metre)


def pieces(start: str, end: str, metre: tuple[int, int] = (4, 4), *, rest: bool = False) -> list[str]:
    return [f"{a} {b}" for a, b in split(F(start), F(end), grid(metre), rest=rest)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("0", "4", ["0 4"]),
        ("1", "3", ["1 3"]),  # quarter-half-quarter is read at a glance
        ("1/2", "3/2", ["1/2 3/2"]),  # so is eighth-quarter-eighth
        ("3/2", "5/2", ["3/2 2", "2 5/2"]),  # but the middle of the bar must be seen
        ("0", "5/2", ["0 2", "2 5/2"]),
        ("1/4", "5/4", ["1/4 1", "1 5/4"]),
        ("1/2", "5/4", ["1/2 1", "1 5/4"]),  # no dotted eighth over a beat: what follows would stand nowhere
        ("1", "5/2", ["1 2", "2 5/2"]),
        ("1/2", "2", ["1/2 2"]),
        ("1/4", "3/4", ["1/4 3/4"]),
        ("1/3", "1", ["1/3 1"]),  # a triplet quarter
        ("2/3", "5/3", ["2/3 1", "1 5/3"]),  # tied out of a triplet
    ],
)
def test_notes_are_split_as_players_read_them(start, end, expected):
    assert pieces(start, end) == expected


def test_rests_hide_no_beat():
    assert pieces("1", "3", rest=True) == ["1 2", "2 3"]
    assert pieces("0", "3", rest=True) == ["0 2", "2 3"]


def test_compound_metre_shows_its_middle():
    assert pieces("0", "3", (6, 8)) == ["0 3"]
    assert pieces("0", "2", (6, 8)) == ["0 3/2", "3/2 2"]
    assert pieces("1", "2", (6, 8)) == ["1 3/2", "3/2 2"]


@given(st.data(), st.sampled_from(METRES))
def test_bars_are_full_and_symbols_simple(data, metre):
    """Whatever is played, each bar adds up, ties are paired, and each symbol is a plain or dotted value."""
    g = grid(metre)
    count = data.draw(st.integers(1, 12))
    now, events = F(0), []
    for i in range(count):
        unit = g.beat_quarters / data.draw(st.sampled_from([1, 2, 3, 4]))
        now = -(-now // unit) * unit  # to the next tick of this subdivision
        duration = unit * data.draw(st.integers(1, 6))
        events.append(VoiceEvent(now, duration, (i,)))
        now += duration
    made = bars(events, g)
    for bar in made:
        assert sum((symbol.duration for symbol in bar), F(0)) == g.bar_quarters
        assert [symbol.start for symbol in bar] == sorted(symbol.start for symbol in bar)
    symbols = [symbol for bar in made for symbol in bar]
    for i, event in enumerate(events):
        mine = [symbol for symbol in symbols if symbol.notes == (i,)]
        assert sum((symbol.duration for symbol in mine), F(0)) == event.duration
        assert [symbol.tied_from for symbol in mine] == [k > 0 for k in range(len(mine))]
        assert [symbol.tied_to for symbol in mine] == [k < len(mine) - 1 for k in range(len(mine))]


def test_levels_of_a_bar():
    assert [level(F(k, 2), grid((4, 4))) for k in range(8)] == [4, 1, 2, 1, 3, 1, 2, 1]
    assert [level(F(k, 2), grid((6, 8))) for k in range(6)] == [4, 1, 1, 3, 1, 1]
