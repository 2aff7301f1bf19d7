"""Every widget in a real JupyterLab: its pixels and its contrast in both themes, its keys, and what is left of it."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]  # six widgets in one notebook

SONG = """
import numpy as np, musiclab as ml
from musiclab.notes import Note, Part
from musiclab.stems import Stems
t = np.arange(4 * 44100) / 44100
tone = lambda hz: 0.2 * np.sin(2 * np.pi * hz * t)
mixture = ml.Audio(tone(440) + tone(110), 44100)
stems = Stems({"vocals": ml.Audio(tone(440), 44100), "bass": ml.Audio(tone(110), 44100)}, mixture)
beats = tuple(np.arange(0, 4, 0.5))
notes = [Note(b, b + 0.4, 45 + i, 90, sure) for i, (b, sure) in enumerate(zip(beats, [0.9, 0.6, 0.3] * 3))]
part = Part(notes, "bass", title="Line", beats=beats, downbeats=beats[::4], key="G major", duration=4.0)
"""
CELLS = {
    "mixer": "mixer = ml.Mixer(stems)\nmixer",
    "masklab": "lab = ml.MaskLab(mixture, stems, truth=stems)\nlab",
    "explorer": "explorer = ml.SpectrogramExplorer(mixture)\nexplorer",
    "score": "view = ml.ScoreView(part, stems)\nview",
    "abx": "abx = ml.ListeningTest(stems['vocals'], mixture)\nabx",
    "rating": "rating = ml.RatingTest(mixture, {'voice': stems['vocals']}, excerpts=1, seconds=2)\nrating",
}
PICTURES = {  # what is drawn of each, and not only text
    "mixer": ".ml-lanes", "masklab": ".ml-masklab .ml-spec-box", "explorer": ".ml-explorer .ml-spec-box",
    "score": ".ml-page", "roll": ".ml-roll-scroll", "abx": ".ml-abx", "rating": ".ml-rating:not(.ml-abx)",
}  # fmt: skip
DRAWN = """() => document.querySelector(".ml-masklab")?.idle()
  && document.querySelector(".ml-explorer")?.pictures.tile?.done >= 1
  && document.querySelector(".ml-mixer")?.engine.complete && document.querySelector(".ml-score")?.engine.ready"""


def open_all(open_notebook: Callable[..., Any], name: str, *widgets: str) -> Any:
    notebook = open_notebook(
        name, cells=[SONG, *(CELLS[widget] for widget in widgets)], viewport={"width": 1366, "height": 768}
    )
    notebook.run_all(timeout_s=400)
    return notebook


def test_every_widget_in_both_themes(open_notebook: Callable[..., Any], looks: Any) -> None:
    notebook = open_all(open_notebook, "all-widgets.ipynb", *CELLS)
    page: Page = notebook.page
    page.wait_for_function(DRAWN)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        colour = looks.page_colour(page)
        assert (sum(colour) > 384) == (theme == "JupyterLab Light")
        for name, selector in PICTURES.items():
            element = notebook.output(selector).first
            element.scroll_into_view_if_needed()
            looks.assert_drawn(element, colour, f"{name}, {theme}")
        looks.assert_accessible(page)
    looks.assert_reachable(page)


def test_every_control_keeps_its_keys(open_notebook: Callable[..., Any]) -> None:
    notebook = open_all(open_notebook, "keys.ipynb", *CELLS)
    page: Page = notebook.page
    page.wait_for_function(DRAWN)
    cells = page.locator(".jp-CodeCell").count()
    hardness = page.get_by_role("slider", name="Hardness")
    for key in ("d", "d", "ArrowRight", "ArrowRight", "a", "x", "0", "0"):
        hardness.press(key)
    page.wait_for_function("document.querySelector('.ml-masklab').idle()")
    assert float(notebook.python("print(lab.hardness)")) == pytest.approx(2**0.2, abs=0.01)
    sure = page.get_by_role("slider", name="At least this sure")
    for key in ("d", "d", "PageUp", "PageUp", "PageUp", "PageUp"):
        sure.press(key)
    expect(page.locator(".ml-roll [data-note]")).to_have_count(6)  # of 8, two are less than 0.4 sure
    sure.press("Home")
    expect(page.locator(".ml-roll [data-note]")).to_have_count(8)

    score = page.locator(".ml-score")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):  # the second note, a semitone up
        score.press(key)
    expect(page.get_by_role("button", name="undo").last).to_be_enabled()
    assert notebook.python("print([note.semitone for note in view.part.notes][:3])") == "[45, 47, 47]"
    score.press("Control+z")
    score.press("Delete")
    expect(page.locator(".ml-roll [data-note]")).to_have_count(7)

    canvas = page.get_by_role("img", name="spectrogram with mask")
    for key in ("r", "e", "Enter", "ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowUp", "Enter"):
        canvas.press(key)
    page.wait_for_function("document.querySelector('.ml-masklab').idle()")
    assert notebook.python("print(lab._session.sheet.state.gestures[-1].shape)") == "rectangle"
    page.get_by_role("img", name="spectrogram", exact=True).press("Shift+ArrowRight")
    page.get_by_role("img", name="spectrogram", exact=True).press("Control+ArrowUp")
    expect(page.get_by_role("button", name="end the selection")).to_be_enabled()
    assert notebook.python("print(len(explorer.selection))") == "4"
    page.get_by_role("button", name="hear X").press("b")
    expect(page.get_by_role("button", name="hear B", exact=True).first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("slider", name="rating of A").press("ArrowRight")
    assert page.locator(".jp-CodeCell").count() == cells
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def stop_kernels(url: str) -> None:
    import json

    with urllib.request.urlopen(f"{url}/api/sessions") as answer:
        for session in json.load(answer):
            urllib.request.urlopen(urllib.request.Request(f"{url}/api/sessions/{session['id']}", method="DELETE"))


def test_a_saved_notebook_shows_pictures_without_its_kernel(
    lab: Any, open_notebook: Callable[..., Any], browser: Browser
) -> None:
    names = ("mixer", "masklab", "score")
    notebook = open_all(open_notebook, "saved.ipynb", *names)
    page: Page = notebook.page
    expect(notebook.output(".musiclab")).to_have_count(3)
    expect(notebook.output(".musiclab-still img").first).to_be_hidden()  # here the widget itself is
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    page.close()
    stop_kernels(lab.url)
    context = browser.new_context()  # Jupyter says in the console that it can't find the models
    again = context.new_page()
    again.goto(f"{lab.url}/lab/tree/saved.ipynb?reset")
    pictures = again.locator(".jp-OutputArea-output .musiclab-still img")
    expect(pictures).to_have_count(3, timeout=60_000)
    for number in range(3):
        expect(pictures.nth(number)).to_be_visible()
        assert pictures.nth(number).evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 500
    expect(again.get_by_text("Error displaying widget")).to_have_count(3)
    for number in range(3):
        expect(again.get_by_text("Error displaying widget").nth(number)).to_be_hidden()
    context.close()


def test_a_notebook_exported_from_the_menu_shows_pictures(open_notebook: Callable[..., Any], browser: Browser) -> None:
    """*Sanitize HTML* is ticked there; whoever leaves it so has a page to be read, too."""
    notebook = open_all(open_notebook, "exported.ipynb", "mixer", "abx")
    page: Page = notebook.page
    page.evaluate("window.open = (address) => { window.exported = address; }")
    page.evaluate("void jupyterapp.commands.execute('notebook:export-to-format', { format: 'html' })")
    expect(page.get_by_role("checkbox", name="Sanitize HTML output")).to_be_checked()
    page.get_by_role("button", name="Ok", exact=True).click()
    page.wait_for_function("window.exported")
    with urllib.request.urlopen(page.evaluate("window.exported")) as answer:
        html = answer.read().decode()
    context = browser.new_context(offline=True)
    lesson = context.new_page()
    lesson.set_content(html, wait_until="domcontentloaded")
    picture = lesson.locator("main img")
    expect(picture).to_have_count(1)
    expect(picture).to_be_visible()
    assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 500
    expect(lesson.get_by_role("img", name="Mixer of vocals, bass")).to_be_visible()
    expect(lesson.get_by_text("12 trials; run this notebook to take it")).to_be_visible()
    assert len(lesson.locator("main").inner_text()) < 5000  # and no letters of pictures
    context.close()


def test_a_notebook_saved_as_html_shows_pictures(tmp_path: Path, browser: Browser) -> None:
    """By plain nbconvert, which runs it too: Jupyter keeps the widgets' state then, but no page has asked for sound."""
    import nbformat

    cells = [nbformat.v4.new_code_cell(cell) for cell in (SONG, CELLS["mixer"], CELLS["explorer"], CELLS["abx"])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "lesson.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--log-level=ERROR", "lesson.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=600)
    html = tmp_path / "lesson.html"
    assert html.stat().st_size < 4_000_000
    context = browser.new_context(offline=True)  # and no other host is asked
    page = context.new_page()
    page.goto(html.as_uri(), wait_until="domcontentloaded")
    expect(page.locator(".musiclab-still img")).to_have_count(2)
    for number in range(2):
        expect(page.locator(".musiclab-still img").nth(number)).to_be_visible()
    expect(page.get_by_text("12 trials; run this notebook to take it")).to_be_visible()
    context.close()
