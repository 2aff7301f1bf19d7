"""Another song is chosen: all that follows is made anew in its place, and nothing chosen is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import musiclab as ml
from musiclab.errors import AudioError
from musiclab.widgets.choice import choice as module
from tests.sounds import SR, song, tone


class Place:
    """A place on the page, as `display` gives it."""

    def __init__(self, shown: object) -> None:
        self.shown = [shown]

    def update(self, made: object) -> None:
        self.shown.append(made)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    found: list[Place] = []
    monkeypatch.setattr("IPython.display.display", lambda made, **_: found.append(Place(made)) or found[-1])
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
    assert [place.shown[-1] for place in places] == ["stems of mine", "mixer of mine"]
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
