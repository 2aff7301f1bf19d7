"""LRC files: what is read, and which line is named when it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from musiclab.errors import LyricsError
from musiclab.recipes.lyrics import parse_lrc, read_lrc

TEXT = """[ti:Boats]
[ar: Nobody ]
[offset:+500]

[00:01.00][01:10.50]Hello big world
[00:05.20]<00:05.20>one <00:06.00>two three
[00:08:25]
"""


def test_lines_come_by_time_with_their_words_and_the_offset_taken_off() -> None:
    lyrics = parse_lrc(TEXT)
    assert (lyrics.title, lyrics.artist) == ("Boats", "Nobody")
    assert [line.time for line in lyrics.lines] == pytest.approx([0.5, 4.7, 7.75, 70.0])
    assert [line.text for line in lyrics.lines] == ["Hello big world", "one two three", "", "Hello big world"]
    assert [word.time for word in lyrics.lines[1].words] == [pytest.approx(4.7), pytest.approx(5.5), None]


def test_what_is_written_reads_back_the_same() -> None:
    lyrics = parse_lrc(TEXT)
    again = parse_lrc(lyrics.to_lrc())
    assert again == lyrics


def test_at_another_speed_all_times_move() -> None:
    slow = parse_lrc(TEXT).at_speed(0.5, later=1.0)
    assert slow.lines[0].time == pytest.approx(2.0)
    assert slow.lines[1].words[1].time == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no lyrics"),
        ("[ti:only a title]", "holds no lyrics"),
        ("[00:01.00]one\ntwo", "Line 2"),
        ("[00:01.00]<00:02.00>one <00:01.50>two", "Line 1"),
        ("[offset:soon]\n[00:01.00]one", "'soon'"),
        ("[03:00.00]too late", "another song"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(LyricsError, match=said):
        parse_lrc(text, duration=100.0)


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.lrc").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LyricsError, match="UTF-8"):
        read_lrc(tmp_path / "x.lrc")
    with pytest.raises(LyricsError, match=r"missing\.lrc"):
        read_lrc(tmp_path / "missing.lrc")
    (tmp_path / "bom.lrc").write_bytes(b"\xef\xbb\xbf[00:01.00]one")
    assert read_lrc(tmp_path / "bom.lrc").lines[0].text == "one"
