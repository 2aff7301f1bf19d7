"""Whole jobs in a terminal: the same files as in Python, one document, one sentence for a mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import musiclab as ml
from musiclab.cli import app
from musiclab.recipes.result import Result as Made
from tests import sounds

# As typed, and as called; HPSS is exact and quick, and all it is asked for is to be the same twice.
JOBS: dict[str, tuple[list[str], Callable[[Path], Made]]] = {
    "karaoke": (["--key", "-2"], lambda song: ml.karaoke(song, key=-2, engine="hpss", progress=False)),
    "minus-one": (["drums"], lambda song: ml.minus_one(song, "drums", engine="hpss", progress=False)),
    "rebalance": (
        ["drums=-3", "other=+2"],
        lambda song: ml.rebalance(song, {"drums": -3, "other": 2}, engine="hpss", progress=False),
    ),
    "play-as": (
        ["other", "Church Organ"],
        lambda song: ml.play_as(song, "other", instrument=19, engine="hpss", progress=False),
    ),
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds and a half of a bundled song."""
    return ml.demo().mixture[4:6.5].save(tmp_path_factory.mktemp("song") / "a söng.wav")


@pytest.mark.parametrize("verb", JOBS)
def test_terminal_and_python_write_the_same_files_to_the_bit(song: Path, tmp_path: Path, verb: str) -> None:
    arguments, call = JOBS[verb]
    result = run(verb, song, *arguments, "-e", "hpss", "-o", tmp_path / "terminal", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    files = call(song).save(tmp_path / "python")
    assert [Path(path).name for path in told["files"]] == [path.name for path in files]
    for typed, called in zip(told["files"], files, strict=True):
        assert Path(typed).read_bytes() == called.read_bytes(), called.name
    assert told["engine"] == "hpss"
    assert told["gain_db"] == files.gain_db


def test_without_json_there_is_a_table_of_files_and_the_same_again_is_allowed(song: Path, tmp_path: Path) -> None:
    for _ in range(2):
        result = run("minus-one", song, "drums", "-e", "hpss", "-o", tmp_path, "-f", "flac")
        assert result.exit_code == 0, result.stderr
        assert "a söng (without drums).flac" in result.stdout
        assert "(by hpss)" in result.stdout
        assert "dBFS" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["karaoke", "{song}", "--key", "99"], "12 semitones"),
        (["karaoke", "{song}", "--lyrics", "none.lrc"], "none.lrc"),
        (["karaoke", "{song}", "--format", "doc"], "'doc'"),
        (["karaoke", "nowhere.mp3"], "nowhere.mp3"),
        (["minus-one", "{song}", "tuba"], "no tuba: it finds vocals, drums"),
        (["minus-one", "{song}", ","], "such as 'bass'"),
        (["rebalance", "{song}", "drums:3"], "'drums:3' is no gain"),
        (["play-as", "{song}", "bass", "kazoo"], "'kazoo'"),
        (["play-as", "{song}", "bass", "steel"], "did you mean"),
        (["play-as", "{song}", "bass", "128"], "0 to 127"),
    ],
)
def test_a_mistake_is_said_before_the_work(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("musiclab.separation.job.Job.fill", None)  # nothing may be separated
    result = run(*(word.format(song=song) for word in arguments), "-e", "hpss", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_in_the_way_is_said_before_the_work(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("musiclab.separation.job.Job.fill", None)
    mine = tmp_path / "a söng (rebalanced).wav"
    mine.write_text("mine")
    result = run("rebalance", song, "drums=1", "-e", "hpss", "-o", tmp_path)
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert mine.read_text() == "mine"


def test_mono_stays_mono(tmp_path: Path) -> None:
    path = sounds.recording(1.0, channels=1).save(tmp_path / "mono.wav")
    assert run("rebalance", path, "drums=-6", "-e", "hpss", "-o", tmp_path / "out").exit_code == 0
    assert ml.load(tmp_path / "out" / "mono (rebalanced).wav").channels == 1


def test_sizes_of_a_pack_s_files_are_flush_right(song: Path, tmp_path: Path) -> None:
    result = run("remix-pack", song, "-e", "hpss", "-o", tmp_path)
    assert result.exit_code == 0, result.stderr
    heading, *files = (line.rstrip() for line in result.stdout.splitlines() if line.endswith(("size", "MB")))
    assert heading.startswith("file")
    assert files
    assert {len(line) for line in files} == {len(heading)}
