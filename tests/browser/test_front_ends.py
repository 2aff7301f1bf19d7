"""Other front-ends of Jupyter, from the server that runs JupyterLab: Notebook 7, and Voila, which shows no code."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = [
    """
import numpy as np, ipywidgets, musiclab as ml
from musiclab.stems import Stems
t = np.arange(3 * 44100) / 44100
tone = lambda hz: ml.Audio(0.2 * np.sin(2 * np.pi * hz * t), 44100)
stems = Stems({"vocals": tone(440), "bass": tone(110)}, ml.Audio(tone(440).samples + tone(110).samples, 44100))
""",
    """
mixer = ml.Mixer(stems)
heard = ipywidgets.Label("Python has heard nothing")
mixer.observe(lambda _: setattr(heard, "value", f"Python has the bass at {mixer.gains_db['bass']:+.0f} dB"), "gains_db")
mixer
""",
    "heard",
]


def plays_and_follows(page: Page) -> None:
    """The mixer sounds, its slider moves, and Python knows."""
    expect(page.locator(".ml-mixer")).to_have_count(1, timeout=120_000)
    expect(page.locator(".musiclab-still")).to_be_hidden()  # the picture makes room for the desk itself
    page.wait_for_function("document.querySelector('.ml-mixer').engine.complete")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-mixer').engine.position > 0.2")
    expect(page.get_by_text("Python has heard nothing", exact=True)).to_be_visible()
    fader = page.get_by_role("slider", name="bass")
    for key in ("ArrowUp", "ArrowUp", "ArrowUp"):
        fader.press(key)
    expect(fader).to_have_attribute("aria-valuenow", "3")
    expect(page.get_by_text("Python has the bass at +3 dB")).to_be_visible()


def test_notebook_7(lab: Any, jupyter_files: Any, visitor: Page) -> None:
    pytest.importorskip("notebook")
    jupyter_files.write_notebook(lab, "classic.ipynb", CELLS)
    notebook = jupyter_files.OpenNotebook(visitor, lab, "classic.ipynb", front="notebooks")
    notebook.run_all()
    plays_and_follows(visitor)
    assert "/notebooks/" in visitor.url  # and this is not JupyterLab


def test_voila(lab: Any, jupyter_files: Any, visitor: Page) -> None:
    pytest.importorskip("voila")
    jupyter_files.write_notebook(lab, "voila.ipynb", CELLS)
    visitor.goto(f"{lab.url}/voila/render/voila.ipynb", timeout=180_000)
    plays_and_follows(visitor)
    expect(visitor.get_by_text("import numpy")).to_have_count(0)  # a pupil sees the desk, and no code
