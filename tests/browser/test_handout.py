"""The hand-out opened from a file, with every host out of reach: heard, read, kept, printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

import musiclab as ml
from musiclab.audio import Audio
from musiclab.notes import Note, Part
from musiclab.stems import Stems
from tests.sounds import SR, tone

pytestmark = pytest.mark.browser

SECONDS, CLICK = 8.0, 2.0  # the bass begins with a step at CLICK
READY = "html[data-ready]"
OUTPUT = """async () => {
  const { engine } = document.querySelector(".ml-mixer");
  window.tap ??= new AnalyserNode(engine.context, { fftSize: 8192 });
  engine.output.connect(tap);
  const bins = new Float32Array(tap.frequencyBinCount);
  tap.getFloatFrequencyData(bins);
  const loudest = bins.indexOf(Math.max(...bins));
  return { hz: loudest * engine.context.sampleRate / tap.fftSize, db: bins[loudest] };
}"""


def make_page(format: str = "mp3") -> ml.Page:
    bass = np.where(np.arange(round(SECONDS * SR)) < CLICK * SR, 0, tone(110, SECONDS, level=0.3))
    stems = {"bass": Audio(bass, SR), "vocals": Audio(tone(880, SECONDS, level=0.1), SR)}
    song = Stems(stems, Audio(bass + stems["vocals"].samples[0], SR, title="Line"))
    beats = tuple(np.arange(0, SECONDS, 0.5).tolist())
    notes = [Note(b, b + 0.4, 40 + i % 7, 90, (0.9, 0.6, 0.3)[i % 3]) for i, b in enumerate(beats)]
    about = {"beats": beats, "downbeats": beats[::4], "key": "G major", "duration": SECONDS}
    parts = [Part(notes, "bass", title="Line", **about), Part(notes[:4], "voice", title="Line", **about)]
    words = "Loop [bar 2](#bars=2), then go [on](#t=5). <img src='https://example.org/x.png'>"
    return ml.page(
        song, parts=parts, notes=words, tasks=["Play it", "Sing it"], format=format, tab=True, progress=False
    )


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> str:
    [path] = make_page().save(tmp_path_factory.mktemp("stick") / "lesson.html")
    return path.as_uri()


@pytest.fixture
def offline(new_context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Opens an address in a browser without a network; whatever else is asked for fails the test."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            asked.append(request.url)

    def open(address: str, **options: Any) -> Page:
        context = new_context(offline=True, **options)
        context.on("request", note)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(READY, state="attached")
        _until(page, "() => document.querySelector('.ml-mixer').engine.complete")
        return page

    yield open
    assert not asked, asked


def _until(page: Page, asked: str) -> Any:
    """What the page answers, once that is true. (Playwright's own way is text run as code, which the page forbids.)"""
    for _ in range(400):
        if answer := page.evaluate(asked):
            return answer
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {asked}")


def _heard(page: Page, hz: float) -> None:
    """Wait until the loudest partial that is heard lies at `hz`."""
    _until(page, "Boolean(document.querySelector('.ml-mixer').engine.output)")  # a busy page starts late
    found = {}
    for _ in range(400):
        found = page.evaluate(OUTPUT)
        if abs(found["hz"] - hz) < 12 and found["db"] > -60:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{hz} Hz is not heard, but {found}")


@pytest.mark.parametrize("format", ["mp3", "opus"])
def test_what_is_heard_is_the_song_in_time(format: str, offline: Callable[..., Page], tmp_path: Path) -> None:
    [path] = make_page(format).save(tmp_path / "lesson.html")
    page = offline(path.as_uri())
    begins = page.evaluate(
        """() => { const sound = document.querySelector(".ml-mixer").engine.buffers[0].getChannelData(0);
          return sound.findIndex((sample) => Math.abs(sample) > 0.05) / 44100; }"""
    )
    assert begins == pytest.approx(CLICK, abs=0.003)  # a sine from zero, and what a codec does before a step
    page.get_by_role("button", name="Vocals", exact=True).click()
    page.locator("#desk").get_by_role("button", name="play", exact=True).click()
    _heard(page, 880)


def test_another_key_is_heard_too(lesson: str, offline: Callable[..., Page]) -> None:
    page = offline(lesson)
    page.get_by_role("button", name="Vocals", exact=True).click()
    key = page.get_by_role("group", name="key", exact=True).first
    for _ in range(2):
        key.get_by_role("button", name="higher").click()
    page.locator("#desk").get_by_role("button", name="play", exact=True).click()
    _heard(page, 880 * 2 ** (2 / 12))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (1920, 1080)])
def test_it_fits_any_screen_and_can_be_read(
    size: tuple[int, int], theme: str, lesson: str, offline: Callable[..., Page], looks: Any
) -> None:
    page = offline(lesson, viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("html").get_attribute("data-theme") == theme
    looks.assert_accessible(page, "html")
    looks.assert_large_enough(page)
    staff = page.evaluate(  # four spaces, in px: what can be read at arm's length
        """() => { const lines = document.querySelectorAll(".ml-page .staff")[0].querySelectorAll(":scope > path");
          const tops = [...lines].map((line) => line.getBoundingClientRect().top);
          return Math.max(...tops) - Math.min(...tops); }"""
    )
    assert 22 < staff < 50


def test_loops_ticks_and_notes_are_there_again(lesson: str, offline: Callable[..., Page]) -> None:
    page = offline(lesson)
    page.get_by_role("link", name="bar 2").click()
    page.get_by_role("button", name="slower").first.click()
    page.get_by_label("Sing it").check()
    page.get_by_role("textbox", name="My notes").fill("Third finger!")
    page.get_by_role("textbox", name="My notes").blur()
    page.get_by_role("radio", name="Voice").click()
    page.get_by_role("button", name="dark page").click()
    page.reload()
    page.wait_for_selector(READY, state="attached")
    state = "() => { const { engine } = document.querySelector('.ml-mixer'); return [engine.loop, engine.speed]; }"
    assert page.evaluate(state) == [[2, 4], 0.95]
    expect(page.get_by_label("Sing it")).to_be_checked()
    expect(page.get_by_label("Play it")).not_to_be_checked()
    expect(page.get_by_role("textbox", name="My notes")).to_have_value("Third finger!")
    expect(page.get_by_role("radio", name="Voice")).to_be_checked()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("textbox", name="My notes")).to_have_value("")
    page.wait_for_selector(READY, state="attached")
    assert page.evaluate(state) == [None, 1]


def test_a_link_goes_to_its_place_and_the_score_follows(lesson: str, offline: Callable[..., Page]) -> None:
    page = offline(lesson)
    page.get_by_role("link", name="on", exact=True).click()
    assert page.evaluate("document.querySelector('.ml-mixer').engine.position") == pytest.approx(5)
    expect(page.locator("#parts .ml-page .ml-playing").first).to_be_visible()
    page.locator("#parts").get_by_role("button", name="play", exact=True).click()  # the desk plays
    _until(page, "() => document.querySelector('.ml-mixer').engine.sounding")


def test_what_needs_musiclab_is_not_shown_and_files_are_there(lesson: str, offline: Callable[..., Page]) -> None:
    page = offline(lesson)
    parts = page.locator("#parts")
    for name in ("undo", "redo", "delete note", "save as PNG"):
        expect(parts.get_by_role("button", name=name)).to_have_count(0)
    expect(parts.get_by_role("slider")).to_have_count(0)
    before = parts.locator("[data-note]").count()
    parts.locator(".ml-page [data-note]").first.click()
    page.keyboard.press("Delete")
    assert parts.locator("[data-note]").count() == before
    with page.expect_download() as download:
        parts.get_by_role("button", name="save as PDF").click()
    assert download.value.suggested_filename == "Line.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")


def test_paper_gets_the_lesson_and_the_score(lesson: str, offline: Callable[..., Page], tmp_path: Path) -> None:
    page = offline(lesson, color_scheme="dark")
    page.get_by_role("textbox", name="My notes").fill("Third finger!")
    page.get_by_role("textbox", name="My notes").blur()
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="Bass")).to_be_visible()
    expect(page.get_by_role("img", name="Bass, page 1")).to_be_visible()
    expect(page.locator("#own-notes-printed")).to_have_text("Third finger!")
    expect(page.get_by_text("Sing it")).to_be_visible()
    for hidden in ("#desk", "#parts", ".page-tools", "#own-notes"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("[...document.querySelectorAll('#paper img')].every((one) => one.naturalWidth > 0)")
    page.pdf(path=tmp_path / "paper.pdf", prefer_css_page_size=True)
    assert re.search(rb"/Type\s*/Page\b", (tmp_path / "paper.pdf").read_bytes())


def test_without_javascript_the_lesson_can_be_read(lesson: str, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(java_script_enabled=False, offline=True).new_page()
    page.goto(lesson)
    expect(page.get_by_role("heading", name="Line")).to_be_visible()
    expect(page.get_by_text("Loop bar 2")).to_be_visible()
    expect(page.get_by_text("need JavaScript")).to_be_visible()
