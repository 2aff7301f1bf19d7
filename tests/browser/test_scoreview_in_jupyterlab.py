"""A score beside its mixer in a real JupyterLab: it follows, is corrected, and saved as corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    """
import numpy as np, musiclab as ml
from musiclab.stems import Stems
from musiclab.grid import BeatGrid
grid = BeatGrid.steady(120, 12)
pitches = [43, 47, 50, 52, 54, 50, 47, 45] * 3
sure = [0.95, 0.9, 0.6, 0.95, 0.3, 0.9, 0.9, 0.95] * 3
notes = [ml.Note(t, t + 0.45, p, 90, s) for t, p, s in zip(grid.times, pitches, sure)]
part = ml.Part(notes, "bass", title="Line", beats=grid.times, downbeats=grid.downbeats, key="G major", duration=12)
bass = part.audio()
bass = ml.Audio(np.pad(bass.samples, ((0, 0), (0, 12 * 44100)))[:, : 12 * 44100], 44100)
hiss = ml.Audio(0.02 * np.random.default_rng(0).standard_normal(bass.samples.shape), 44100)
stems = Stems({"drums": hiss, "bass": bass}, ml.Audio(bass.samples + hiss.samples, 44100))
mixer = ml.Mixer(stems)
mixer
""",
    """
view = ml.ScoreView(part, stems, mixer=mixer)
view
""",
]


DRAWN = """() => {
  const canvas = document.querySelector(".ml-lanes canvas");
  const box = document.querySelector(".ml-lanes");
  if (box.clientHeight < 100 || canvas.height < 100) return false;
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((value) => value > 0);
}"""


def lit(page: Page) -> list[int]:
    """The notes that the page shows as sounding."""
    return page.evaluate(
        "[...document.querySelectorAll('.ml-page .ml-playing')].map((head) => Number(head.dataset.note))"
    )


def test_the_score_follows_the_mixer_and_is_saved_as_corrected(
    open_notebook: Callable[..., Any], tmp_path: Path
) -> None:
    notebook = open_notebook("score.ipynb", cells=CELLS)
    notebook.run_all()
    page = notebook.page
    mixer = page.get_by_role("application", name="mixer")
    score = page.get_by_role("group", name="score of Line")
    expect(mixer.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    expect(score.locator(".ml-page [data-note]")).to_have_count(24)

    # side by side they keep their own looks, in another theme too
    undo = score.get_by_role("button", name="undo")
    undo.scroll_into_view_if_needed()
    expect(undo).to_be_in_viewport()
    notebook.theme("JupyterLab Dark")
    page.wait_for_function(DRAWN)

    # what is lit is what the mixer plays, as it goes and where it is sent
    mixer.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-page .ml-playing')?.dataset.note === '1'")
    expect(score.get_by_role("button", name="pause", exact=True)).to_be_visible()  # its own button is the mixer's
    page.wait_for_function("document.querySelector('.ml-page .ml-playing')?.dataset.note === '3'")
    assert 1.4 < page.evaluate("document.querySelector('.ml-mixer').engine.position") < 2.1
    score.get_by_role("button", name="pause", exact=True).click()
    expect(mixer.get_by_role("button", name="play", exact=True)).to_be_visible()
    notebook.python("mixer.position = 7.2")
    page.wait_for_function("document.querySelector('.ml-page .ml-playing')?.dataset.note === '14'")
    assert lit(page) == [14]

    # a threshold: fewer notes, on paper and in Python
    slider = score.get_by_role("slider", name="At least this sure")
    slider.fill("0.5")
    expect(score.locator(".ml-page [data-note]")).to_have_count(21)
    notebook.told("print(len(view.part))", "21")
    slider.fill("0")
    expect(score.locator(".ml-page [data-note]")).to_have_count(24)

    # a correction: gone from the page, from Python and from the file
    before = notebook.python("print(view.save('before.musicxml').read_text('utf-8').count('<pitch>'))")
    score.locator('.ml-page [data-note="4"]').click()
    score.get_by_role("button", name="delete note").click()
    expect(score.locator(".ml-page [data-note]")).to_have_count(23)
    with page.expect_download() as download:
        score.get_by_role("button", name="save as MusicXML").click()
    saved = tmp_path / "saved.musicxml"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "Line.musicxml"
    assert (before, saved.read_text("utf-8").count("<pitch>")) == ("24", 23)
    assert saved.read_text("utf-8").count("<step>F</step>") == 2  # of three
    notebook.told("print(view.part.notes[4].semitone)", "50")
