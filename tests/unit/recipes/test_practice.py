"""What follows what when a passage is practised: counts, rests, rungs. No sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.grid import BeatGrid
from musiclab.recipes.click import BEAT, STRONG, WEAK
from musiclab.recipes.practice import Practice, beat_from, counted, heard_ticks, ladder

STEADY = BeatGrid(tuple(1.0 + 0.5 * np.arange(16)))  # four bars of 2 s, from 1 s on
TRAINER = {"start": 0.6, "end": 1.0, "step": 0.05, "rounds": 2}


def test_a_ladder_ends_at_its_last_rung_whatever_the_step() -> None:
    assert ladder(TRAINER) == [s for s in (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0) for _ in range(2)]
    assert ladder({"start": 0.5, "end": 0.8, "step": 0.2, "rounds": 1}) == [0.5, 0.7, 0.8]
    assert ladder({"start": 1.2, "end": 1.0, "step": 0.1, "rounds": 1}) == [1.2, 1.1, 1.0]
    assert ladder({"start": 1.0, "end": 1.0, "step": 0.1, "rounds": 3}) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("place", "bars", "lead", "first"),
    [
        (1.0, 1, 2.0, -2.0),  # on a downbeat: exactly a bar
        (1.0, 2, 4.0, -4.0),
        (2.0, 1, 3.0, -3.0),  # on the third beat: one, two, three, four, one, two
        (0.0, 1, 1.0, -1.0),  # a second of the song before the first beat: it sounds while it is counted
        (0.75, 1, 1.75, -1.75),
        (1.01, 1, 2.01, -2.01),  # a hair after the beat is on it
        (9.5, 1, 2.5, -2.5),  # after the last beat the tempo goes on: that is the second beat of a bar
    ],
)
def test_a_count_in_ends_on_the_beat(place: float, bars: int, lead: float, first: float) -> None:
    found, ticks = counted(STEADY, place, bars)
    assert found == pytest.approx(lead)
    assert ticks[0] == (pytest.approx(first), STRONG)
    assert np.diff([time for time, _ in ticks]) == pytest.approx(0.5)
    assert [kind for _, kind in ticks[:5]] == [STRONG, BEAT, BEAT, BEAT, STRONG][: len(ticks)]


@given(place=st.floats(0, 9), bars=st.integers(1, 2), first=st.integers(1, 3))
def test_a_count_in_leads_into_the_metre_from_anywhere(place: float, bars: int, first: int) -> None:
    grid = BeatGrid(STEADY.times, first, (3, 4))
    lead, ticks = counted(grid, place, bars)
    time, position, beat = beat_from(grid, place)
    assert len(ticks) == 3 * bars + position
    assert place + ticks[-1][0] + beat == pytest.approx(time)
    assert lead >= -ticks[0][0] - 1e-9


def test_ticks_divide_each_beat() -> None:
    practice = Practice(grid=BeatGrid((0.0, 1.0, 1.5), 1, (2, 4)), click=True, division=2)
    assert practice.ticks() == [(0.0, STRONG), (0.5, WEAK), (1.0, BEAT), (1.25, WEAK), (1.5, STRONG), (1.75, WEAK)]
    assert Practice(grid=STEADY).ticks() == []
    assert Practice(click=True, count_in=1).courses(0, 4)[0].lead == 0  # without beats nothing can be counted


def test_rounds_of_a_trainer_with_rest_and_count_in() -> None:
    practice = Practice(grid=STEADY, click=True, count_in=1, every_round=True, rest=1, trainer=TRAINER)
    courses = practice.courses(1.0, 5.0)
    assert [course.speed for course in courses] == ladder(TRAINER)
    assert [course.lead for course in courses] == pytest.approx(
        [2 / 0.6] + [4 / course.speed for course in courses[1:]]
    )
    assert not any(course.follows or course.is_followed for course in courses)
    ticks = heard_ticks(courses, practice.ticks())
    assert len(ticks) == 18 * 12  # four counted and eight in each round
    assert np.all(np.diff([time for time, _ in ticks]) > 0.2)

    joined = Practice(trainer=TRAINER).courses(1.0, 5.0)
    assert [course.follows for course in joined] == [False] + [True] * 17
    assert sum(course.duration for course in joined) == pytest.approx(sum(4 / s for s in ladder(TRAINER)))
