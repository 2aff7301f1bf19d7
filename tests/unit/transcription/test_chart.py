"""What is known of a song's time, as one value: it keeps what is given, finds the rest, and travels as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.notes import Chord, Note, Part
from musiclab.transcription.chart import Chart, find_chart
from musiclab.transcription.form import Section


@pytest.fixture(scope="module")
def found() -> Chart:
    return find_chart(datasets.demo("lantern-waltz").stems)


def test_a_song_s_chart_is_found(found: Chart) -> None:
    assert found.grid is not None
    assert found.grid.metre == (3, 4)
    assert found.key == "D minor"
    assert [found.sections[0].start, found.sections[-1].end] == [
        found.grid.downbeats[0],
        pytest.approx(30.88, abs=0.01),
    ]
    assert found.chords[0].symbol.startswith("D")


def test_it_travels_as_json_and_comes_back_to_the_bit(found: Chart) -> None:
    assert Chart.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    nothing = Chart(None, "C major")
    assert Chart.from_dict(json.loads(json.dumps(nothing.as_dict()))) == nothing


def test_what_is_known_stays_and_the_rest_follows_from_it() -> None:
    song = datasets.demo("lantern-waltz").stems.mixture
    grid = BeatGrid.steady(100, song.duration, start=0.3, metre=(4, 4))
    chart = find_chart(song, known=Chart(grid, "E minor", (Chord(0, 4, "Em"),), ()))
    assert (chart.grid, chart.key, [c.symbol for c in chart.chords]) == (grid, "E minor", ["Em"])
    assert all(min(abs(section.start - time) for time in grid.downbeats) < 1e-9 for section in chart.sections)


def test_silence_has_no_beats() -> None:
    assert find_chart(Audio(np.zeros(4 * 22050), 22050)) == Chart(None, "")


@pytest.mark.parametrize(
    ("metre", "first", "numbers"),
    [
        ((4, 4), 1, [1, 1, 1, 1, 2, 2]),
        ((4, 4), 2, [1, 1, 1, 2, 2, 2]),  # the tracker missed a beat: no pick-up is so long
        ((4, 4), 4, [0, 1, 1, 1, 1, 2]),
        ((3, 4), 3, [0, 1, 1, 1, 2, 2]),
        ((6, 8), 2, [0, 1, 1, 2, 2, 3]),
    ],
)
def test_bars_are_numbered_as_in_a_score(metre: tuple[int, int], first: int, numbers: list[int]) -> None:
    grid = BeatGrid((0.0, 0.5, 1.0, 1.5, 2.0, 2.5), first, metre)
    assert Chart(grid).as_dict()["bars"] == numbers


def test_a_part_s_chart_is_what_was_decided_for_it() -> None:
    beats = tuple(np.arange(0, 8, 0.5).tolist())
    part = Part([Note(0, 1, 40)], "bass", beats=beats, downbeats=beats[::4], chords=[Chord(0, 8, "C")], duration=8)
    chart = Chart.of_part(part.decide(tempo="half", key="F major", metre=(3, 4), chords=False))
    assert chart.grid is not None
    assert chart.grid.tempo == pytest.approx(60)
    assert (chart.grid.metre, chart.key, chart.chords) == ((3, 4), "F major", ())


def test_a_chart_of_a_file_has_its_sections_bars() -> None:
    grid = BeatGrid.steady(120, 20.0)
    chart = Chart(grid, "C major", (), (Section(0.0, 8.0, "A", 4), Section(8.0, 20.0, "B", 6)))
    assert [section.bars for section in Chart.from_dict(chart.as_dict()).sections] == [4, 6]
