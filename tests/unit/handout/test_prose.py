"""A teacher's words: Markdown that runs nothing, links to places in the song, pictures that lie beside the text."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from musiclab.errors import LessonError
from musiclab.handout import prose

BARS = (0.5, 2.5, 4.5, 6.5)  # s
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def html(text: str, folder: Path = Path()) -> str:
    return prose.Prose(text, folder, 9.0).html(BARS)


@pytest.mark.parametrize(
    ("link", "href"),
    [
        ("#t=7", "#t=7"),
        ("#t=0:07.5", "#t=7.5"),
        ("#t=0:00:02,0:07", "#t=2,7"),
        ("#bars=1", "#t=0.5,2.5"),
        ("#bars=2-3", "#t=2.5,6.5"),
        ("#bars=4", "#t=6.5,9"),  # the last bar ends with the song
    ],
)
def test_links_lead_to_seconds(link: str, href: str) -> None:
    assert f'<a href="{href}">here</a>' in html(f"[here]({link})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x](#t=9.5)", "no place in a song of 9.0 s"),
        ("[x](#t=5,2)", "no place"),
        ("[x](#t=soon)", "write seconds"),
        ("[x](#t=1,2,3)", "no place"),
        ("[x](other.html)", "leads nowhere from a single file"),
        ("[x](#elsewhere)", "leads nowhere"),
        ("![x](https://example.org/a.png)", "lies elsewhere"),
        ("![x](//example.org/a.png)", "lies elsewhere"),
        ("![x](missing.png)", "is not there"),
        ("![x](notes.pdf)", "none that pages show"),
    ],
)
def test_what_a_single_file_cannot_hold_is_said_at_once(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=said):
        prose.Prose(text, tmp_path, 9.0)


def test_bars_that_are_not_there_are_said() -> None:
    assert prose.Prose("Play.", Path(), 9.0).html(()) == "<p>Play.</p>\n"
    with pytest.raises(LessonError, match="the song has 4"):
        html("[x](#bars=5)")
    with pytest.raises(LessonError, match="could not be found"):
        prose.Prose("[x](#bars=1)", Path(), 9.0).html(())


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        'a <b onclick="alert(1)">b</b>',
        "[x](javascript:alert(1))",
        "[x](data:text/html,alert)",
        "![x](javascript:alert(1))",
    ],
)
def test_nothing_in_the_text_runs(text: str) -> None:
    made = html(text)
    for tag in ("<script", "<img", "<b ", "<a "):
        assert tag not in made


def test_pictures_are_inside_and_headings_stand_below_the_title(tmp_path: Path) -> None:
    (tmp_path / "my fingers.png").write_bytes(PIXEL)
    (tmp_path / "lesson.md").write_text("# Warm up\n\n![hands](my%20fingers.png)\n\n|a|b|\n|-|-|\n|1|2|\n", "utf-8")
    made = prose.read(tmp_path / "lesson.md", 9.0).html(BARS)
    assert "<h2>Warm up</h2>" in made
    assert f'src="data:image/png;base64,{base64.b64encode(PIXEL).decode()}" alt="hands"' in made
    assert "<table>" in made
    with pytest.raises(LessonError, match="can't be read as a text"):
        prose.read(tmp_path / "none.md", 9.0)


def test_links_to_other_pages_open_beside_the_lesson() -> None:
    assert 'href="https://example.org/" target="_blank" rel="noopener noreferrer"' in html("<https://example.org/>")
