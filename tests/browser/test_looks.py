"""Every widget in a bare page, light and dark: drawn on the page's colour, readable, and worked by finger and keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pytest
from playwright.sync_api import Page

from musiclab.audio import Audio
from musiclab.notes import Chord, Note, Part
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.blind.listening_test import ListeningTest
from musiclab.widgets.blind.rating_test import RatingTest
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from musiclab.widgets.masklab.masklab import MaskLab
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView
from tests.sounds import tone

pytestmark = pytest.mark.browser

SECONDS = 4.0
THEMES = {  # as JupyterLab names its colours
    "light": "--jp-layout-color1: #fff; --jp-ui-font-color1: rgb(0 0 0 / 0.87); --jp-brand-color1: #1976d2",
    "dark": "--jp-layout-color1: #111; --jp-ui-font-color1: #fff; --jp-brand-color1: #2196f3",
}
PICTURES = {  # what is drawn of each, and not only text; when it is there
    "mixer": (".ml-lanes", "true"),
    "masklab": (".ml-spec-box", "document.querySelector('.ml-masklab').idle()"),
    "explorer": (".ml-spec-box", "document.querySelector('.ml-explorer').pictures.tile?.done >= 1"),
    "score": (".ml-page", "true"),
    "abx": (".ml-abx", "true"),
    "rating": (".ml-rating", "true"),
}


def make(name: str, folder: Path) -> anywidget.AnyWidget:
    voice, bass = (Audio(tone(hz, SECONDS, level=0.2), 44_100) for hz in (440, 110))
    mixture = Audio(voice.samples + bass.samples, 44_100)
    given = Stems({"vocals": Audio(voice.samples * 0.9, 44_100), "bass": bass}, mixture)
    truth = Stems({"vocals": voice, "bass": bass}, mixture)
    beats = tuple(np.arange(0, SECONDS, 0.5).tolist())
    notes = [Note(b, b + 0.4, 45 + i, 90, (0.9, 0.6, 0.3)[i % 3]) for i, b in enumerate(beats)]
    part = Part(notes, "bass", title="Line", beats=beats, downbeats=beats[::4], key="G major", duration=SECONDS)
    form = (Section(0, 2, "A", 1), Section(2, SECONDS, "B", 1))
    chart = Chart(part.grid, "G major", (Chord(0, 2, "G"), Chord(2, 4, "Am7")), form)
    keeps = [{"name": "Start", "note": "slowly", "loop": [0, 2], "speed": 0.7}]
    made: dict[str, Callable[[], anywidget.AnyWidget]] = {
        "mixer": lambda: Mixer(given, muted=["bass"], loop=(0, 2), chart=chart, keeps=keeps),
        "masklab": lambda: MaskLab(mixture, given, truth=truth),
        "explorer": lambda: SpectrogramExplorer(mixture),
        "score": lambda: ScoreView(part, given),
        "abx": lambda: ListeningTest(voice, mixture, folder=folder),
        "rating": lambda: RatingTest(mixture, {"voice": voice}, excerpts=1, seconds=2, folder=folder),
    }
    return made[name]()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PICTURES)
def test_it_is_drawn_and_readable(
    name: str, theme: str, page: Page, behind: Callable[..., Any], looks: Any, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1000, "height": 768})
    style = f"{THEMES[theme]}; background: var(--jp-layout-color1)"
    page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ document.body.style.cssText = `{style}` }})")
    widget = behind(make(name, tmp_path))
    selector, drawn = PICTURES[name]
    page.wait_for_function(drawn)
    for fold in page.locator(".ml-fold, .ml-ask, summary").all():
        fold.click()
    if name == "masklab":  # with figures that are better and worse, in their colours
        widget.widget.paint_rectangle(0, 2, 300, 600)
        widget.flush()
        page.wait_for_function(drawn)
        page.mouse.move(1, 1)
    looks.assert_drawn(page.locator(selector).first, looks.page_colour(page), f"{name}, {theme}")
    looks.assert_accessible(page)
    looks.assert_reachable(page)
