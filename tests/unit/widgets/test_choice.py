"""Another song is chosen: all that follows is made anew in its place, and nothing chosen is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import musiclab as ml
from musiclab.errors import AudioError
from musiclab.widgets.choice import choice as module
from musiclab.widgets.shared.widget import LIVE
from tests.sounds import SR, song, tone


class Place:
    """A place on the page: all that it has shown."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.shown = [data]

    def update(self, data: dict[str, Any], **_: object) -> None:
        self.shown.append(data)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    found: list[Place] = []
    monkeypatch.setattr(module, "_shown", lambda made: [({"text/plain": str(made)}, {})])
    monkeypatch.setattr(module, "_place", lambda data, _: found.append(Place(data)) or found[-1])
    monkeypatch.setattr(module._chosen, "song", None)
    here = song({"bass": tone(110, 0.5, level=0.2)}, title="Here")
    monkeypatch.setattr(module, "demo_song", lambda _: SimpleNamespace(stems=here))
    return found


def upload(choice: ml.SongChoice, content: bytes, name: str = "mine.wav") -> None:
    """What the page sends when somebody picks a file."""
    file = {"name": name, "type": "audio/wav", "size": len(content), "content": memoryview(content)}
    file["last_modified"] = datetime(2026, 1, 1, tzinfo=UTC)
    choice._upload.set_trait("value", (file,))


def wav(hz: float = 440) -> bytes:
    from musiclab.codecs import encode

    return encode(ml.Audio(tone(hz, 0.5, level=0.3), SR), format="wav")


def test_until_then_there_is_a_song(places: list[Place]) -> None:
    choice = ml.SongChoice()
    assert choice.song.title == "Here"
    assert "Until you choose one" in choice._said.value
    assert choice._back.disabled


def test_an_upload_runs_all_steps_in_order_and_shows_them_where_they_were(places: list[Place]) -> None:
    choice, ran = ml.SongChoice(), []

    @choice.show
    def stems(song: Any) -> str:
        ran.append("stems")
        return f"stems of {song.title}"

    @choice.show
    def mixer(song: Any) -> str:
        ran.append("mixer")
        return f"mixer of {song.title}"

    assert stems.startswith("stems of")
    upload(choice, wav())
    assert ran == ["stems", "mixer"] * 2
    assert [place.shown[-1]["text/plain"] for place in places] == ["stems of mine", "mixer of mine"]
    assert globals()["stems"] == "stems of mine"  # the notebook's own name
    assert choice._upload.value == ()


def test_running_the_cell_again_keeps_the_song(places: list[Place]) -> None:
    upload(ml.SongChoice(), wav())
    again = ml.SongChoice()
    assert again.song.title == "mine"
    assert "Your song" in again._said.value
    again._back.click()
    assert again.song.title == "Here"


def test_the_same_file_can_be_chosen_twice_and_another_after_it(places: list[Place]) -> None:
    choice = ml.SongChoice()
    for name in ("one.wav", "one.wav", "two.wav"):
        upload(choice, wav(), name)
        assert choice.song.title == name[:3]


def test_what_is_no_song_is_told_and_the_song_before_stays(places: list[Place]) -> None:
    choice = ml.SongChoice()
    upload(choice, wav())
    upload(choice, b"this is a letter, not a song", "letter.wav")
    assert choice.song.title == "mine"
    assert "letter.wav" in choice._said.value
    assert "<b>mine</b>" in choice._said.value


def test_a_path_will_do(places: list[Place], tmp_path: Path) -> None:
    choice = ml.SongChoice()
    (tmp_path / "there.wav").write_bytes(wav())
    choice.take(tmp_path / "there.wav")
    assert choice.song.title == "there"
    with pytest.raises(AudioError, match="none"):
        choice.take(tmp_path / "none.wav")
    assert choice.song.title == "there"


def test_names_can_not_inject_anything(places: list[Place]) -> None:
    choice = ml.SongChoice()
    upload(choice, wav(), "<img src=x onerror=alert(1)>.wav")
    assert "<img" not in choice._said.value


def test_where_nothing_runs_a_sentence_stands_for_the_button(places: list[Place]) -> None:
    choice = ml.SongChoice()
    with patch("IPython.display.display") as display:
        choice._ipython_display_()
    words, button = (call.args[0] for call in display.call_args_list)
    assert f"<div>{module.TO_RUN}</div>" in words["text/html"]
    assert button["application/vnd.jupyter.widget-view+json"]["model_id"] == choice.model_id
    assert LIVE in choice._dom_classes  # so that a page knows that it has come


def test_in_a_kernel_a_widget_is_replaced_where_it_stands(tmp_path: Path) -> None:
    """Its picture and itself are two outputs: both belong to the song that was chosen last."""
    (tmp_path / "mine.wav").write_bytes(wav())
    code = """
import musiclab as ml
choice = ml.SongChoice("lantern-waltz")

@choice.show
def explorer(song):
    return ml.SpectrogramExplorer(song)

first = explorer.model_id
"""
    cells = [code, f"choice.take({str(tmp_path / 'mine.wav')!r}); assert explorer.model_id != first; explorer.model_id"]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [output.data for output in notebook.cells[0].outputs]
    views = [data["application/vnd.jupyter.widget-view+json"]["model_id"] for data in shown if len(data) == 2]
    assert [repr(view) for view in views] == [notebook.cells[1].outputs[-1].data["text/plain"]]
    assert any("image/png" in data for data in shown)
