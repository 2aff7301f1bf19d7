"""The documentation, built without the lessons: opened as files, with no network, and its desk and score play."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import BrowserContext, expect

REPO = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "audio": "src", "source": "src", "link": "href", "iframe": "src"}

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(900)]  # it runs two pages of code


class Links(HTMLParser):
    """What a page loads, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADED and (address := given.get(LOADED[tag])):
            self.loaded.append(address)
        if tag == "a" and (address := given.get("href")):
            self.leads.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs")
    order = [sys.executable, str(REPO / "docs/build.py"), "--without-course", "--out", str(out)]
    done = subprocess.run(
        order, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(REPO)}
    )
    assert done.returncode == 0, done.stderr
    return out


def test_every_link_leads_somewhere_and_nothing_comes_from_elsewhere(site: Path) -> None:
    lessons = {f"{path.stem}.html" for path in (REPO / "notebooks").glob("*.ipynb")}  # which were left out here
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for path in pages:
        found = Links()
        found.feed(path.read_text("utf-8"))
        for address in found.loaded:
            assert not re.match(r"(https?:)?//", address), f"{path.name} loads {address}"
        for address in (*found.loaded, *found.leads):
            if re.match(r"[a-z]+:", address) or address.startswith("#"):
                continue
            file = unquote(address.partition("#")[0])
            assert file in lessons or (path.parent / file).is_file(), f"{path.relative_to(site)} leads to {address}"
    assert lessons <= set(re.findall(r"[\w-]+\.html", (site / "course.html").read_text("utf-8")))


def opened(new_context: Callable[..., BrowserContext], path: Path) -> Any:
    context = new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, asked


def test_the_desk_of_the_first_page_plays(site: Path, new_context: Callable[..., BrowserContext]) -> None:
    page, asked = opened(new_context, site / "index.html")
    expect(page.locator(".live[data-ready] .ml-mixer")).to_be_visible(timeout=60_000)
    page.wait_for_function("document.querySelector('.ml-mixer').engine.complete")
    page.get_by_role("button", name="play").click()
    page.wait_for_function("document.querySelector('.ml-mixer').engine.position > 0.3")
    fader = page.get_by_role("slider", name="bass")
    fader.press("ArrowUp")
    expect(fader).to_have_attribute("aria-valuenow", "1")
    loud = page.evaluate(
        """async () => {
          const sound = await document.querySelector(".ml-mixer").engine.render(5, 1);
          return Math.max(...sound.getChannelData(0));
        }"""
    )
    assert loud > 0.05
    assert not [address for address in asked if not address.startswith(("file:", "data:", "blob:"))]


def test_the_gallery_shows_every_widget_and_plot(site: Path, new_context: Callable[..., BrowserContext]) -> None:
    from musiclab import plots

    said = (site / "gallery.html").read_text("utf-8")
    plain = re.sub(r"<[^>]+>", "", said)
    index = (REPO / "musiclab/__init__.pyi").read_text("utf-8")
    widgets = re.findall(r"^from \.widgets\..* as (\w+)$", index, re.MULTILINE)
    assert "Mixer" in widgets
    for name in widgets:
        assert f"ml.{name}(" in plain
    drawn = [name for name in plots.__all__ if name not in ("follow_page", "picture")]
    assert [name for name in drawn if f"plots.{name}(" not in plain] == []
    page, _ = opened(new_context, site / "gallery.html")
    alone, desk = page.locator(".live").nth(1), page.locator(".live").nth(2)  # a score; the desk of mixer and score
    for place, widget in ((desk, ".ml-mixer"), (alone, ".ml-score")):
        place.scroll_into_view_if_needed()
        shown = place.locator(widget)
        expect(shown).to_be_visible(timeout=60_000)
        shown.get_by_role("button", name="play", exact=True).click()
        page.wait_for_function("(widget) => widget.engine.position > 0.3", arg=shown.element_handle())
    score = alone.locator(".ml-score")
    drawn_px, shown_px = (
        score.locator(name).bounding_box()["height"] for name in (".ml-roll-notes", ".ml-roll-scroll")
    )
    assert drawn_px > 0.9 * shown_px, "the style of texts has squeezed it"
    with page.expect_download() as download:
        score.get_by_role("button", name="save as MusicXML").click()
    assert "<score-partwise" in download.value.path().read_text("utf-8")
