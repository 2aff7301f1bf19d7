"""Several parts of one song on one page, each by itself, and the lead sheet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import musiclab as ml
from musiclab.errors import ExportError, TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation import engrave, score
from musiclab.notes import Chord, Note, Part
from musiclab.transcription.form import Section

GRID = BeatGrid.steady(120, 16, start=4.0, first=4)  # one beat of pick-up


def line(instrument: str, beats: list[float], pitch: int, **more) -> Part:
    times = GRID.seconds_at([*beats])
    return Part([Note(t, t + 0.45, pitch) for t in times], instrument, **more).with_grid(GRID)


SONG = [
    line("bass", [1, 2, 3, 4, 9], 40, title="Tide", key="G major"),
    line("drums", [1.0, 2, 3, 4, 5, 6, 7, 8], 38),
    line("voice", [0, 1, 2], 67, chords=(Chord(4.5, 6.5, "G"), Chord(6.5, 9, "D7"))),
    line("piano", [1, 5], 60),
]


def measures(written: score.Score) -> list[list[ET.Element]]:
    return [list(part.iter("measure")) for part in ET.fromstring(written.musicxml.encode()).iter("part")]


def test_all_parts_have_the_same_bars():
    full = ml.score(SONG)
    rows = measures(full.full)
    assert [part.instrument for part in full.parts] == ["voice", "piano", "bass", "drums"]
    assert len({len(row) for row in rows}) == 1
    for together in zip(*rows, strict=True):
        assert len({measure.get("number") for measure in together}) == 1
        assert len({measure.get("implicit") for measure in together}) == 1
    assert all(row[0].get("implicit") == "yes" for row in rows)  # the pick-up, in parts that are silent there too
    assert "multiple-rest" not in full.full.musicxml


def test_a_part_without_beats_has_those_of_the_others():
    full = ml.score([SONG[0], Part((Note(4.5, 4.95, 60),), "piano")])
    assert [part.grid for part in full.parts] == [GRID, GRID]
    piano, bass = measures(full.full)
    assert len(piano) == len(bass)


@pytest.mark.parametrize("early", [-6.0, -1.2, -0.03])
def test_a_part_that_begins_before_the_others_moves_all_bar_lines(early):
    first = line("bass", [early, 1, 2, 3], 40)
    rows = measures(ml.score([first, SONG[1]]).full)
    assert len(rows[0]) == len(rows[1])
    places = [[i for i, bar in enumerate(row) if sounds(bar)] for row in rows]
    assert places[1][0] in places[0]  # beat 1 of the drums is in the bar of the bass's beat 1
    assert places[0][0] == 0


def sounds(bar: ET.Element) -> bool:
    return any(note.find("rest") is None for note in bar.iter("note"))


def test_chord_symbols_stay_on_their_beat_when_bars_come_before():
    with_chord = line("voice", [-6.0, 0, 1], 67, chords=(Chord(4.5, 6.5, "G"),))
    bars = measures(score.write(with_chord))[0]
    at = next(i for i, bar in enumerate(bars) if bar.find("harmony") is not None)
    onsets = [bar for bar in bars[at].iter("note") if bar.find("pitch") is not None]
    assert onsets  # the note of beat 1, under the symbol


def test_each_part_is_for_its_player(tmp_path: Path):
    full = ml.score(SONG, tab=True)
    files = full.save(tmp_path, formats=("musicxml", "mid", "svg"))
    assert {path.name for path in files} == {
        "Tide.mid",
        *(f"Tide{name}.{kind}" for name in ("", " - voice", " - piano", " - bass", " - drums")
          for kind in ("musicxml", "svg")),
    }  # fmt: skip
    bass = (tmp_path / "Tide - bass.musicxml").read_text("utf-8")
    assert "<sign>TAB</sign>" in bass
    assert bass.count("<harmony>") == 2  # the song's, though only the voice came with some
    assert "<harmony>" not in (tmp_path / "Tide - drums.musicxml").read_text("utf-8")


def test_two_of_one_instrument_have_numbers():
    assert ml.score([SONG[2], SONG[2]]).names() == ["voice", "voice 2"]


def test_a_lead_sheet_has_tune_chords_words_and_form():
    form = (Section(4.5, 8.5, "A", 2), Section(8.5, 12.0, "B", 2))
    sheet = ml.lead_sheet(line("voice", [1, 2, 3, 9], 67), chords=SONG[2].chords, form=form, lyrics="O-ver the sea")
    root = ET.fromstring(sheet.musicxml.encode())
    assert [mark.text for mark in root.iter("rehearsal")] == ["A", "B"]
    bars = list(root.iter("measure"))
    marked = [int(bar.get("number", "")) for bar in bars if bar.find(".//rehearsal") is not None]
    assert marked == [1, 3]
    assert [text.text for text in root.iter("text")] == ["O", "ver", "the", "sea"]
    assert len(list(root.iter("harmony"))) == 2
    ringing = (*form[:1], Section(8.5, 10.5, "B", 1))  # the last chord alone
    again = ml.lead_sheet(line("voice", [1, 2, 3, 9], 67), form=ringing)
    assert again.musicxml.count("<rehearsal>") == 1


def test_wrong_wishes():
    with pytest.raises(TranscriptionError, match="one part"):
        ml.score([])
    with pytest.raises(ExportError, match="transposition"):
        ml.score(SONG, colour="red")
    with pytest.raises(ExportError, match="pdf"):
        ml.score(SONG).save("never", formats=["doc"])


def test_staves_of_a_score_are_smaller_than_a_players():
    """As publishers have them: more bars on a page, fewer turns."""

    def width(written: score.Score) -> int:
        """Of the page, in the units of which a staff has always as many."""
        return int(re.search(r'class="definition-scale"[^>]*viewBox="0 0 (\d+)', engrave.svg(written)[0])[1])

    alone, two, all_four = (width(score.write(SONG[:count])) for count in (1, 2, 4))
    assert alone == two
    assert all_four == pytest.approx(alone / 0.8, rel=0.01)
    strings = width(score.write([line("violin", [0, 1, 2], 67) for _ in range(8)]))
    assert strings > 1.4 * alone
