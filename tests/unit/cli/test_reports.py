"""Tables of songs: figures stand under each other, flush right."""

from __future__ import annotations

import pytest

from musiclab.cli.reports import level_text, tell, time_text
from musiclab.recipes.report import SongReport, StemLine


def test_several_songs_are_a_line_each_with_their_figures_flush_right(capsys: pytest.CaptureFixture[str]) -> None:
    songs = [
        SongReport("in/a.wav", engine="hpss", duration=61.9, seconds=9.26, folder="out/a", null_db=-91.0),
        SongReport("in/b.mp3", engine="embedded", duration=3600, seconds=123.4, folder="out/much longer"),
        SongReport("in/c.mp3", error="c.mp3 is damaged."),
    ]
    tell(songs)
    said = capsys.readouterr()
    assert "in/c.mp3: c.mp3 is damaged." in said.err
    title, heading, first, second = said.out.splitlines()
    assert title == "2 of 3 songs"
    for column, *cells in (("length", "1:01", "60:00"), ("took", "9.3 s", "123.4 s")):
        assert {line.index(cell) + len(cell) for line, cell in zip((first, second), cells, strict=True)} == {
            heading.index(column) + len(column)
        }
    end = heading.index("files minus song") + len("files minus song")
    assert first[:end].endswith(" -91.0 dBFS")
    assert first.index("out/a") == second.index("out/much longer") == heading.index("folder")


def test_how_good_a_stem_is_stands_beside_it_where_the_truth_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (StemLine("voice", "voice.wav", -20.0, -3.0, 8.26), StemLine("rest", "rest.wav", -30.0, -9.0))
    tell([SongReport("in/a.wav", engine="hpss", duration=61.9, seconds=9.26, folder="out/a", stems=lines)])
    _, heading, voice, rest, *_ = capsys.readouterr().out.splitlines()
    end = heading.index("SDR") + len("SDR")
    assert voice[:end].endswith(" 8.3 dB")
    assert rest[:end].rstrip().endswith("-9.0 dBFS")
    tell([SongReport("in/a.wav", engine="hpss", duration=61.9, seconds=9.26, folder="out/a", stems=lines[1:])])
    assert "SDR" not in capsys.readouterr().out


def test_levels_and_times_for_people() -> None:
    assert (level_text(-91.04), level_text(-400.0)) == ("-91.0 dBFS", "silent")
    assert [time_text(seconds) for seconds in (0, 59.9, 60, 754.2)] == ["0:00", "0:59", "1:00", "12:34"]
