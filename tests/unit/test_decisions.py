"""What a person decides goes before what was found, and travels with the part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musiclab.decisions import Decisions
from musiclab.errors import ExportError, MusiclabError, TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.midi import read_midi
from musiclab.notation.reading import read_musicxml
from musiclab.notes import Note, Part

GRID = BeatGrid(tuple(0.25 + 0.5 * np.arange(33)), 3)  # 120 a minute, the first downbeat at 1.25 s


def part(**more) -> Part:
    notes = [Note(t, t + 0.4, 60 + i % 5) for i, t in enumerate(GRID.times[:-1])]
    return Part(notes, "guitar", "Song", key="C major", **more).with_grid(GRID)


@pytest.mark.parametrize(
    ("tempo", "found"), [("half", 60), ("double", 240), (61, 60), (80, 80), (180, 180), (120.5, 120), (99, 99)]
)
def test_a_tempo_is_the_found_one_counted_otherwise_and_bar_lines_stay(tempo, found):
    decided = part().decide(tempo=tempo)
    assert decided.tempo == pytest.approx(found, rel=1e-6)
    assert min(abs(t - GRID.downbeats[0]) for t in decided.downbeats) < 1e-9
    assert decided.notes == part().notes
    assert decided.beats[0] >= GRID.times[0] - 0.5
    assert decided.beats[-1] <= GRID.times[-1] + 0.7


def test_half_keeps_the_beats_that_were_found_where_they_drift():
    drifting = BeatGrid(tuple(np.cumsum(np.linspace(0.3, 0.4, 40))), 2)
    halved = drifting.halved()
    assert set(halved.times) <= set(drifting.times)
    assert set(halved.downbeats) <= set(drifting.downbeats)
    assert drifting.doubled().halved().times == pytest.approx(drifting.times)


def test_tempo_is_the_line_through_all_beats_not_the_grain_of_single_ones():
    rough = np.round(0.5 + np.arange(64) * 60 / 128 / 0.0116) * 0.0116
    assert BeatGrid(tuple(rough)).tempo == pytest.approx(128, rel=5e-4)
    assert Part(beats=rough).tempo == BeatGrid(tuple(rough)).tempo


def test_metre_and_bar_one():
    waltz = part().decide(metre=(3, 4), bar_one=1.8)
    assert waltz.time_signature == (3, 4)
    assert 1.75 in waltz.downbeats
    assert np.diff(waltz.downbeats) == pytest.approx(1.5)


def test_the_part_before_is_the_way_to_undo():
    before = part()
    after = before.decide(tempo="half", metre=(6, 8), bar_one=3.0, key="D minor", chords=False, capo=2)
    assert before == part()
    assert (after.key, after.decisions.capo, after.decisions.chords) == ("D minor", 2, False)
    assert after.decide(capo=0).decisions.capo == 0
    assert after.decide(capo=0).decisions.key == "D minor"


def test_what_is_decided_before_beats_are_known_holds_when_they_are():
    unmeasured = Part(part().notes).decide(tempo="half", metre=(3, 4))
    assert unmeasured.decisions.tempo == "half"
    assert unmeasured.decisions.grid(GRID).tempo == pytest.approx(60)
    assert unmeasured.decisions.settled(unmeasured.decisions.grid(GRID)).tempo == pytest.approx(60)


DECIDED = {"tempo": "half", "metre": (3, 4), "bar_one": 1.3, "key": "Eb major", "chords": False, "pitch": "Bb",
           "tuning": "drop D", "capo": 3}  # fmt: skip


@pytest.mark.parametrize("suffix", ["json", "mid", "musicxml"])
def test_decisions_travel_into_files_and_back(tmp_path: Path, suffix: str):
    decided = part(lyrics="one two-three").decide(**DECIDED)
    path = decided.save(tmp_path / f"part.{suffix}")
    readers = {"json": lambda p: Part.from_json(p.read_text("utf-8")), "mid": read_midi,
               "musicxml": lambda p: read_musicxml(p)[0]}  # fmt: skip
    back = readers[suffix](path)
    assert back.decisions == decided.decisions
    assert (back.key, back.time_signature) == ("Eb major", (3, 4))
    assert back.tempo == pytest.approx(decided.tempo, rel=1e-3)
    assert back.lyrics.split() == ["one", "two-three"]
    assert [note.semitone for note in back.notes] == [note.semitone for note in decided.notes]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"tempo": 0}, "tempo"), ({"tempo": "fast"}, "tempo"), ({"metre": (3, 5)}, "3/5"), ({"key": "H major"}, "H"),
     ({"pitch": "D"}, "Bb"), ({"capo": 20}, "capo"), ({"bar_one": -1}, "bar one")],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(wrong, word):
    with pytest.raises(TranscriptionError, match=word):
        part().decide(**wrong)


def test_a_later_version_may_have_decided_more():
    assert Decisions.from_dict({"capo": 1, "colour": "blue"}) == Decisions(capo=1)
    assert Decisions(metre=(6, 8)).as_dict() == {"metre": [6, 8]}
    assert not Decisions()


@pytest.mark.parametrize("suffix", ["json", "mid", "musicxml", "svg"])
def test_unknown_options_of_files_are_refused(tmp_path: Path, suffix: str):
    with pytest.raises(ExportError, match=r"musicxml|transposition"):
        part().save(tmp_path / f"x.{suffix}", no_such=3)
    assert not list(tmp_path.iterdir())


def test_options_of_a_page_are_none_of_what_was_played(tmp_path: Path):
    with pytest.raises(MusiclabError, match="tab"):
        part().save(tmp_path / "x.mid", tab=True)
