"""UltraStar files, read by a library and by a strict reader of the format's own description."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from ultrastarparser import Song

from musiclab.notes import Note, Part
from musiclab.recipes.lyrics import parse_lrc
from musiclab.recipes.ultrastar import write_ultrastar


class Line(NamedTuple):
    """A row of the body; seconds are the format's: a beat is a fifteenth of BPM's minute, after GAP."""

    kind: str
    start: float
    length: float = 0.0
    pitch: int = 0
    text: str = ""


def read_strictly(text: str) -> tuple[dict[str, str], list[Line]]:
    """By the letter of the format: anything it doesn't know is an assertion."""
    assert not text.startswith("\ufeff")
    assert "\r" not in text
    rows = text.removesuffix("\n").split("\n")
    header = dict(row[1:].split(":", 1) for row in rows if row.startswith("#"))
    beat = 60 / (float(header["BPM"].replace(",", ".")) * 4)
    gap = float(header["GAP"]) / 1000
    body = [row for row in rows if not row.startswith("#")]
    assert body[-1] == "E"
    lines = []
    for row in body[:-1]:
        if found := re.fullmatch(r"- (\d+)", row):
            lines.append(Line("-", gap + int(found[1]) * beat))
        else:
            found = re.fullmatch(r"([:*F]) (\d+) ([1-9]\d*) (-?\d+) (.+)", row)
            assert found, row
            times = gap + int(found[2]) * beat, int(found[3]) * beat
            lines.append(Line(found[1], *times, int(found[4]), found[5]))
    starts = [line.start for line in lines]
    assert starts == sorted(starts)
    for one, following in itertools.pairwise(lines):
        assert one.start + one.length <= following.start + 1e-9
    return header, lines


PART = Part(
    (Note(1.0, 1.4, 60), Note(1.5, 1.9, 69.4), Note(2.0, 2.5, 48, 80, 0.3), Note(4.0, 4.6, 72)), "voice", title="Boats"
)


def test_octave_and_times_are_right() -> None:
    _, lines = read_strictly(write_ultrastar(PART))
    notes = [line for line in lines if line.kind != "-"]
    assert [note.pitch for note in notes] == [0, 9, -12, 12]  # from C4
    assert [note.start for note in notes] == pytest.approx([1.0, 1.5, 2.0, 4.0], abs=0.007)
    assert [note.length for note in notes] == pytest.approx([0.4, 0.4, 0.5, 0.6], abs=0.013)
    assert [note.text for note in notes] == ["~"] * 4


def test_unsure_notes_are_not_scored_and_a_rest_ends_a_phrase() -> None:
    _, lines = read_strictly(write_ultrastar(PART))
    assert [line.kind for line in lines] == [":", ":", "F", "-", ":"]
    assert lines[3].start == pytest.approx(2.5, abs=0.007)


def test_a_library_reads_the_header(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes(write_ultrastar(PART, header={"MP3": "a.wav", "AUDIO": "a.wav"}).encode())
    song = Song(str(path))
    assert song.get_version() == "1.1.0"
    assert song.get_primary_audio() == "a.wav"
    assert song.get_attribute("title") == "Boats"
    assert len([row for row in song.get_songtext() if row[:1] in (":", "F")]) == 4


def test_words_lie_on_the_notes_of_their_line_in_order() -> None:
    lyrics = parse_lrc("[00:01.00]sail away\n[00:04.00]home")
    _, lines = read_strictly(write_ultrastar(PART, lyrics=lyrics))
    assert [line.text for line in lines if line.kind != "-"] == ["sail", " away", "~", "home"]
    assert [line.kind for line in lines].count("-") == 1


def test_words_with_times_of_their_own_go_to_the_nearest_note() -> None:
    lyrics = parse_lrc("[00:01.00]<00:01.00>sail <00:02.02>away\n[00:04.00]come home")
    _, lines = read_strictly(write_ultrastar(PART, lyrics=lyrics))
    assert [line.text for line in lines if line.kind != "-"] == ["sail", "~", " away", "come home"]


def test_a_title_cannot_break_the_header() -> None:
    header, _ = read_strictly(write_ultrastar(Part(PART.notes, "voice", title="a\n: 0 1 0 x")))
    assert header["TITLE"] == "a : 0 1 0 x"


def test_notes_closer_than_a_beat_do_not_overlap() -> None:
    crowd = Part(tuple(Note(1 + 0.005 * k, 1.2 + 0.005 * k, 60 + k) for k in range(20)), "voice")
    read_strictly(write_ultrastar(crowd))
