"""What a batch tells of itself: counts, pace, and a line for each song that failed."""

from __future__ import annotations

import csv

import pytest

from musiclab.batches.perform import Row
from musiclab.batches.report import BatchReport, _table

ROWS = (
    Row("a.mp3", "a", "done"),
    Row("b.mp3", "b", "done", kept=True),
    Row("c.mp3", "c", "failed", error="'c.mp3' is <empty>."),
    Row("d.mp3", "d", "done"),
)


def test_the_pace_is_of_what_this_run_did() -> None:
    report = BatchReport("out", "karaoke", ROWS, seconds=90.0)
    assert report.songs_per_hour == pytest.approx(80)
    assert (report.done, report.kept, len(report.failed)) == (3, 1, 1)
    assert BatchReport("out", "karaoke", ROWS, seconds=0.0).songs_per_hour == 0
    told = report.as_dict()
    assert {name: told[name] for name in ("songs", "done", "kept", "failed", "songs_per_hour")} == {
        "songs": 4, "done": 3, "kept": 1, "failed": 1, "songs_per_hour": pytest.approx(80),
    }  # fmt: skip


def test_it_says_what_failed_and_why() -> None:
    report = BatchReport("out", "karaoke", ROWS, seconds=1.0)
    assert report.summary == "karaoke: 3 of 4 songs are done (1 of them before), 1 failed"
    assert ">c.mp3</td>" in report._repr_html_()
    assert "&lt;empty&gt;" in report._repr_html_()
    assert BatchReport("out", "karaoke", ROWS[:1], seconds=1.0).summary == "karaoke: 1 of 1 songs are done"


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@x", "=", "-- live --"])
def test_no_name_of_a_file_is_a_formula_in_a_spreadsheet(name: str) -> None:
    table = _table([Row(name, "folder", "done"), Row("a=b.mp3", "", "done")]).decode("utf-8-sig").splitlines()
    songs = [row["song"] for row in csv.DictReader(table)]
    assert songs == [f"'{name}", "a=b.mp3"]
