"""Results of whole jobs: whole or not at all, and never in place of what isn't ours."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from musiclab.codecs import files
from musiclab.codecs.files import claim, delivered, is_ours, safe_name
from musiclab.errors import ExportError


def deliver(folder: Path, **files: str) -> None:
    with delivered(folder, list(files)) as scratch:
        for name, text in files.items():
            (scratch / name).write_text(text)


def visible(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_files_arrive_together_and_may_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    deliver(folder, a="1", b="2")
    deliver(folder, a="3", b="2")
    assert visible(folder) == {"a": "3", "b": "2"}


def test_a_file_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(ExportError, match="is there already"):
        deliver(tmp_path, a="1", b="2")
    assert visible(tmp_path) == {"b": "mine"}


def test_a_file_that_was_changed_since_is_somebodys(tmp_path: Path) -> None:
    deliver(tmp_path, a="1")
    (tmp_path / "a").write_text("1, and my own notes")
    with pytest.raises(ExportError, match="not as musiclab left it"):
        deliver(tmp_path, a="2")
    assert visible(tmp_path) == {"a": "1, and my own notes"}


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    try:
        (out / "a").symlink_to(other)
    except OSError:
        pytest.skip("this system has no links for everybody")
    with pytest.raises(ExportError):
        deliver(out, a="1")
    assert other.read_text() == "mine"


def test_when_the_work_fails_what_was_there_stays(tmp_path: Path) -> None:
    deliver(tmp_path, a="1")

    def fail() -> None:
        with delivered(tmp_path, ["a", "b"]) as scratch:
            (scratch / "a").write_text("2")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()
    assert visible(tmp_path) == {"a": "1"}
    assert not list(tmp_path.rglob("*.part"))


def test_a_kill_between_noting_and_moving_leaves_the_old_file_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path, a="1")

    real = os.replace

    def killed(source: Path, target: Path) -> None:
        if target == tmp_path / "a":
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("musiclab.codecs.files.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(tmp_path, a="2")
    assert visible(tmp_path) == {"a": "1"}
    deliver(tmp_path, a="3")
    assert visible(tmp_path) == {"a": "3"}


def test_names_may_lead_into_folders(tmp_path: Path) -> None:
    with delivered(tmp_path, ["pack/01.wav"]) as scratch:
        (scratch / "pack" / "01.wav").write_bytes(b"sound")
    assert (tmp_path / "pack" / "01.wav").read_bytes() == b"sound"
    claim(tmp_path, ["pack/01.wav"])


def test_a_file_or_folder_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="is a file: give the name of a folder"):
        claim(tmp_path / "file" / "out", ["a"])
    with pytest.raises(ExportError, match="is a folder"):
        claim(tmp_path, ["folder"])


@pytest.mark.parametrize(
    ("text", "name"), [("AC/DC: Live?", "AC_DC_ Live_"), ("..", "_"), ("né ", "né"), ("x" * 300, "x" * 200)]
)
def test_a_title_becomes_a_name_that_every_system_accepts(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_a_file_that_somebody_puts_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def deliver_late() -> None:
        with delivered(tmp_path, ["a"]) as scratch:
            (scratch / "a").write_text("1")
            (tmp_path / "a").write_text("mine")

    with pytest.raises(ExportError, match="is there already"):
        deliver_late()
    assert visible(tmp_path) == {"a": "mine"}


def test_a_file_that_goes_while_it_is_looked_at_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(tmp_path, a="1")
    digest = files._digest

    def late(path: Path) -> str:
        if path == tmp_path / "a":
            path.unlink(missing_ok=True)
        return digest(path)

    monkeypatch.setattr(files, "_digest", late)
    deliver(tmp_path, a="2")
    assert visible(tmp_path) == {"a": "2"}


def test_several_that_write_into_one_folder_take_turns(tmp_path: Path) -> None:
    """What stands there in the end is noted as ours, whoever came last; nobody is refused."""

    def work(who: int) -> None:
        for number in range(15):
            deliver(tmp_path, a=f"{who} {number}", b=f"{number} {who}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert is_ours(tmp_path, "a")
    assert is_ours(tmp_path, "b")
    a, b = visible(tmp_path)["a"].split(), visible(tmp_path)["b"].split()
    assert a == b[::-1]  # of one delivery
