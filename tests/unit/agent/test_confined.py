"""Names are data: whatever an agent asks for, nothing outside the folder is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mcp import Client
from mcp.shared import path_security

from musiclab.agent.confined import Confined
from musiclab.agent.jobs import Desk
from musiclab.agent.server import build, desk_for
from musiclab.agent.work import pathless
from musiclab.errors import RequestError

ATTACKS = [
    "", ".", "..", "/", "//", "../secret.flac", "../../etc/passwd", "live/../../secret.flac", "live/../boats.flac",
    "./boats.flac", "live/./boats again.flac", "live//boats again.flac", "/etc/passwd", "//etc/passwd", "live/",
    "/boats.flac", "~/secret.flac", "~root/.bashrc", "~", "boats.flac\0", "boats.flac\0.txt", "\0", "..\\secret.flac",
    "..\\..\\windows\\win.ini", "live\\boats again.flac", "C:\\Windows\\win.ini", "C:boats.flac", "c:/boats.flac",
    "boats.flac:stream", "boats.flac::$DATA", "\\\\server\\share\\a.flac", "\\\\?\\C:\\a.flac", "file:///etc/passwd",
    "http://example.org/a.flac", ".hidden.flac", "live/.git/config", "CON", "nul.flac", "live/aux.wav", "COM1",
    "boats.flac ", "boats.flac.", " boats.flac", "boats.flac\n", "boats.flac\r\nx", "\x1b[2J", "a" * 600, "a/" * 300,
    "%2e%2e/secret.flac", "..%2fsecret.flac", "....//secret.flac", "link.flac", "linked/secret.flac", "circle",
    "dangling.flac", "live", "pipe.flac", "|id", "<boats.flac", "*.flac", "boats?.flac", "nothing.flac",
]  # fmt: skip


@pytest.fixture
def traps(songs: Path, tmp_path: Path) -> Path:
    """The folder of songs with all that may lie in wait there."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "secret.flac").write_bytes(b"secret")
    (tmp_path / "secret.flac").write_bytes(b"secret")
    (songs / ".hidden.flac").write_bytes(b"hidden")
    if os.name != "nt":
        (songs / "link.flac").symlink_to(secret / "secret.flac")
        (songs / "linked").symlink_to(secret)
        (songs / "circle").symlink_to(songs / "circle")
        (songs / "dangling.flac").symlink_to(songs / "nothing.flac")
        os.mkfifo(songs / "pipe.flac")
    return songs


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_open_nothing(traps: Path, name: str) -> None:
    with pytest.raises(RequestError) as refused, Confined(traps).opened(name):
        pass
    assert str(traps.parent) not in str(refused.value)
    assert len(str(refused.value)) < 200  # it doesn't repeat what it was given


@pytest.mark.anyio
async def test_attacks_through_the_server_start_no_job_and_tell_no_path(traps: Path, tmp_path: Path) -> None:
    assert len(ATTACKS) >= 50
    desk = desk_for(traps, tmp_path / "out")
    async with Client(build(desk)) as client:
        for name in ATTACKS:
            for tool, arguments in (("describe", {}), ("karaoke", {"lyrics": name, "song": "boats.flac"})):
                if tool == "karaoke" and not name:
                    continue  # no lyrics
                told = await client.call_tool(tool, {"song": name, "wait_s": 0, **arguments})
                assert told.is_error, (tool, name)
                text = told.content[0].text  # type: ignore[union-attr]
                assert str(tmp_path) not in text
                assert "Traceback" not in text
        for name in ATTACKS:
            assert (await client.call_tool("job_status", {"job": name})).is_error
            assert (await client.call_tool("job_cancel", {"job": name})).is_error
    assert desk.records() == []
    assert [path.name for path in desk.out.root.iterdir()] == [".musiclab"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("swapped", ["boats.flac", "live"])
def test_what_is_swapped_for_a_link_after_the_check_is_refused(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "boats again.flac").write_bytes(b"secret")
    check = path_security.safe_join

    def swap(base: Path, *parts: str) -> Path:
        checked = check(base, *parts)
        (songs / swapped).rename(tmp_path / "away")
        (songs / swapped).symlink_to(outside / "boats again.flac" if swapped == "boats.flac" else outside)
        return checked

    monkeypatch.setattr(path_security, "safe_join", swap)
    name = "boats.flac" if swapped == "boats.flac" else "live/boats again.flac"
    with pytest.raises(RequestError, match="Links"), Confined(songs).opened(name):
        pass


def test_songs_are_listed_without_links_hidden_files_and_others(traps: Path) -> None:
    names = [name for name, size in Confined(traps).names(frozenset({".flac"})) if size]
    assert names == ["boats.flac", "live/boats again.flac"]
    for name in names:
        with Confined(traps).opened(name) as file:
            assert file.read(4) == b"fLaC"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "song").symlink_to(elsewhere)
    (out / "file").write_text("mine")
    for part in ("song", "file"):
        with pytest.raises(RequestError, match="no folder"):
            Confined(out).place(part, "karaoke-1")
    assert list(elsewhere.iterdir()) == []
    assert Confined(out).place("other", "karaoke-1").is_dir()


def test_the_two_folders_lie_apart(songs: Path, tmp_path: Path) -> None:
    for out in (songs, songs / "out", songs.parent):
        with pytest.raises(RequestError, match="apart"):
            desk_for(songs, out)
    with pytest.raises(RequestError, match="no folder"):
        Desk(tmp_path / "nothing", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("'/home/Jane Doe/My songs/a b.flac' is empty.", "'a b.flac' is empty."),
        ("No room in '/srv/out/Song/karaoke-1'.", "No room in 'Song/karaoke-1'."),
        ("No room in /srv/out: free some.", "No room in the output folder: free some."),
        ("Cache /var/cache/x/y can't be used", "Cache y can't be used"),
        (r"'C:\\Users\\me\\a.wav' and D:\\b\\c.wav", "'a.wav' and c.wav"),
        ("In 4/4 and 6/8, see https://example.org/a/b/c.", "In 4/4 and 6/8, see https://example.org/a/b/c."),
    ],
)
def test_messages_lose_their_paths(text: str, told: str) -> None:
    assert pathless(text, Path("/srv/out")) == told


def test_a_file_that_is_deleted_while_it_is_listed_hides_no_other(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).touch()
    found = Confined(tmp_path).names(frozenset({".wav"}))
    assert next(found)[0] == "a.wav"
    (tmp_path / "b.wav").unlink()
    assert [name for name, _ in found] == ["c.wav"]
