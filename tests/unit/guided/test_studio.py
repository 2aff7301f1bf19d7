"""The studio without a page: a song comes in pieces, is taken apart, written, handed out; what goes wrong is said."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import musiclab as ml
from musiclab.cli import app
from musiclab.cli.studio import TEMPLATE, command, notebook, serve, template
from musiclab.guided import costs, drop
from musiclab.guided.studio import Studio


def bring(studio: Studio, name: str, data: bytes) -> None:
    """As the page sends a file."""
    place = studio._drop
    place._on_piece(place, {"order": "begin", "number": 1, "name": name, "size": len(data)}, [])
    for start in range(0, len(data), drop.PIECE):
        piece = [memoryview(data[start : start + drop.PIECE])]
        place._on_piece(place, {"order": "piece", "number": 1, "from": start}, piece)
    done(studio)


def done(studio: Studio) -> str:
    """What is said once the work is over."""
    if studio._working:
        studio._working.join()
    return re.sub(r"<[^>]+>", "", studio._said.value)


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr("musiclab.guided.studio.choices", lambda *_: [("quick", "hpss"), ("auto", "auto")])
    return ml.studio()


def test_from_a_file_to_a_desk_a_part_and_a_hand_out(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = ml.demo("paper-boats").mixture[:8]
    bring(studio, "boats.wav", song.save(tmp_path / "boats.wav").read_bytes())  # more than one piece
    assert studio.song is not None
    assert studio.song.frames == song.frames
    studio._engine.value = "hpss"
    studio._separate()
    assert "Taken apart by hpss" in done(studio)
    assert studio._desk.children == (studio.mixer,)
    studio._write("drums")
    assert "draft" in done(studio)
    assert studio._score.children == (studio.view,)
    assert studio.view.clock == studio.mixer.clock
    given: list[tuple[str, bytes]] = []
    monkeypatch.setattr(studio._drop, "give", lambda name, data: given.append((name, data)))
    studio._hand_out()
    done(studio)
    assert given[0][0] == "boats.html"
    assert given[0][1].startswith(b"<!doctype html>")
    data = re.search(rb'id="lesson-data">(.*?)</script>', given[0][1], re.DOTALL)
    assert data is not None
    assert [part["name"] for part in json.loads(data[1])["parts"]] == ["drums"]


@pytest.mark.parametrize(("name", "data"), [("notes.txt", b"no sound at all " * 99), ("empty.wav", b"")])
def test_what_is_no_song_is_said_and_nothing_is_lost(studio: Studio, name: str, data: bytes) -> None:
    bring(studio, name, data)
    assert name in done(studio)
    assert studio.song is None
    assert studio._go.disabled is False


def test_work_can_be_stopped(studio: Studio) -> None:
    def work(watch: Any) -> None:
        studio._stop.set()
        watch(0.5, "half")

    studio._run("Working", work)
    assert "Stopped" in done(studio)


def test_engines_say_what_they_cost() -> None:
    offered = costs.choices(3.0, {"embedded": 10.0})
    assert offered[0][1] == "auto"
    [embedded] = [sentence for sentence, name in offered if name == "embedded"]
    assert "about 30 s" in embedded  # as measured here
    [elsewhere] = [sentence for sentence, name in offered if name == "htdemucs"]
    assert " · 84 MB to fetch · no licence stated" in elsewhere
    assert re.search(r"4 stems .* \d\.\d dB · ready · MIT", embedded)


def test_voila_shows_one_cell_to_this_machine_alone(tmp_path: Path) -> None:
    assert "ml.studio()" in notebook()
    said = command(tmp_path / "s.ipynb", port=1234, browser=False, options=["--debug"])
    assert "--Voila.ip=127.0.0.1" in said
    assert "--strip_sources=True" in said
    assert said[-2:] == ["--no-browser", "--debug"]
    dark = command(tmp_path / "s.ipynb", port=1234, browser=False, options=["--theme=dark"])
    assert [option for option in dark if option.startswith("--theme")] == ["--theme=dark"]  # Voila takes one only


@pytest.mark.skipif(os.name == "nt", reason="there a signal ends whom it is sent to")
def test_a_server_that_is_stopped_ended_well_and_one_that_fails_did_not() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopped = "import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()"
    assert serve([sys.executable, "-c", stopped], dict(os.environ)) == 0
    assert serve([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ)) == 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_studio_ends_as_its_server_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musiclab.cli.studio.serve", lambda run, environment: 3)
    assert CliRunner().invoke(app, ["studio", "--no-browser"]).exit_code == 3


def test_the_page_loads_nothing_from_another_host(tmp_path: Path) -> None:
    template(tmp_path)
    page = (tmp_path / "voila/templates" / TEMPLATE / "index.html.j2").read_text("utf-8")
    assert "rendered_cells" in page
    assert not re.search(r"""(?:href|src)=["']https?://""", page)
