"""What a widget leaves in a notebook: a picture and itself, of which a page shows one."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from musiclab.errors import AudioError
from musiclab.stems import Stems
from musiclab.widgets.masklab.masklab import MaskLab
from musiclab.widgets.mixer.mixer import Mixer
from tests.sounds import song, tone

WIDGET = "application/vnd.jupyter.widget-view+json"


def make_stems() -> Stems:
    return song({"vocals": tone(440, 0.5, level=0.2), "bass": tone(110, 0.5, level=0.2)})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was displayed, by type."""
    outputs: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    return outputs


def test_a_widget_stands_in_a_notebook_as_its_picture_and_itself(shown: list[dict[str, Any]]) -> None:
    mixer = Mixer(make_stems())
    mixer._ipython_display_()
    picture, itself = shown
    assert set(picture) == {"image/png", "text/html", "text/plain"}
    assert 'class="musiclab-still"' in picture["text/html"]
    assert picture["image/png"] in picture["text/html"]
    assert set(itself) == {WIDGET, "text/plain"}
    assert itself["text/plain"] == ""
    mixer.close()


def test_a_page_saved_as_html_shows_the_picture(shown: list[dict[str, Any]]) -> None:
    """Jupyter's own way to HTML, with what a saved notebook holds: no state, and so nothing that could live."""
    from nbconvert import HTMLExporter

    mixer = Mixer(make_stems())
    mixer._ipython_display_()
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in shown]
    cell = nbformat.v4.new_code_cell("mixer", outputs=outputs, execution_count=1)
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert page.count(shown[0]["image/png"]) == 1
    assert len(page) < 1_500_000
    mixer.close()


def test_an_order_that_fails_is_told_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    stems = make_stems()
    lab = MaskLab(stems.mixture, stems)

    def refuse() -> None:
        raise AudioError("There is nothing to take back.")

    monkeypatch.setattr(lab, "undo", refuse)
    lab._on_message(lab, {"order": "undo"}, [])
    assert lab._message == "There is nothing to take back."
    lab._on_message(lab, {"order": "more"}, [])
    assert lab._message == ""
