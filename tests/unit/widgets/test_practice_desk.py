"""The practice desk: a mixer and a score that are one."""

from __future__ import annotations

import numpy as np
import pytest

import musiclab as ml
from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation.score import write
from musiclab.notes import Note, Part
from musiclab.stems import Stems
from tests.sounds import tone

SR = 22_050
GRID = BeatGrid.steady(120, 6.0)


@pytest.fixture
def stems() -> Stems:
    parts = {name: Audio(tone(hz, 8.0, level=0.2, sr=SR), SR) for name, hz in (("vocals", 440.0), ("bass", 110.0))}
    return Stems(parts, Audio(np.sum([part.samples for part in parts.values()], axis=0), SR))


def line() -> Part:
    notes = [Note(time, time + 0.4, 45) for time in GRID.times]
    return Part(notes, "bass", beats=GRID.times, downbeats=GRID.downbeats, key="A minor", duration=8.0)


def test_score_and_mixer_have_one_clock_and_one_chart(stems: Stems) -> None:
    desk = ml.PracticeDesk(stems, line(), tab=True)
    assert desk.score.clock == desk.mixer.clock
    assert desk.mixer.chart is not None
    assert (desk.mixer.chart.grid, desk.mixer.chart.key) == (GRID, "A minor")
    assert desk.score.writing.tab
    assert desk.score._bars[:3] == pytest.approx(GRID.downbeats[:3])
    assert desk.part.instrument == "bass"
    desk.close()


def test_an_instrument_by_its_name_is_listened_for() -> None:
    waltz = ml.demo("lantern-waltz")
    desk = ml.PracticeDesk(waltz.stems, "bass")
    assert len(desk.part) > 40
    assert desk.mixer.chart is not None
    assert desk.mixer.chart.grid == desk.part.grid
    desk.close()


def test_a_stem_that_is_none_is_named(stems: Stems) -> None:
    with pytest.raises(TranscriptionError, match="No stem is called 'tuba': there are vocals, bass"):
        ml.PracticeDesk(stems, "bass", stem="tuba")


def test_printed_bars_have_their_times_also_where_rests_are_counted_together() -> None:
    part = line()
    gap = part.with_notes([note for note in part.notes if not 1.9 < note.onset < 5.9])
    assert write(part).bars[:-1] == pytest.approx(GRID.downbeats[: len(write(part).bars) - 1])
    assert write(gap).bars == pytest.approx([0.0, 2.0, 6.0, 8.0])
