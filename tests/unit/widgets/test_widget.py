"""What a widget leaves in a notebook: a picture and itself, of which a page shows one."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from anywidget import AnyWidget

from musiclab.errors import AudioError
from musiclab.stems import Stems
from musiclab.widgets.blind.listening_test import ListeningTest
from musiclab.widgets.blind.rating_test import RatingTest
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from musiclab.widgets.masklab.masklab import MaskLab
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView
from musiclab.widgets.shared.widget import Widget
from tests.sounds import song, tone

WIDGET = "application/vnd.jupyter.widget-view+json"


def make_stems() -> Stems:
    return song({"vocals": tone(440, 0.5, level=0.2), "bass": tone(110, 0.5, level=0.2)})


@pytest.mark.parametrize("kind", [ListeningTest, RatingTest, SpectrogramExplorer, MaskLab, Mixer, ScoreView])
def test_what_a_program_sets_and_reads_is_that_of_the_page(kind: type[Widget]) -> None:
    """Every public property goes to the page and comes back from it; a folder is Python's alone."""
    theirs = set(AnyWidget.class_traits()) | {"folder"}
    public = {name: trait for name, trait in kind.class_traits().items() if not name.startswith("_")}
    assert [name for name, trait in public.items() if name not in theirs and not trait.metadata.get("sync")] == []


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was displayed, by type; it says its types itself, or Jupyter would show it as a dictionary."""
    outputs: list[dict[str, Any]] = []

    def display(data: dict[str, Any], *, raw: bool, metadata: object = None) -> None:
        assert raw
        outputs.append(data)

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


@pytest.mark.parametrize("widget", [Mixer, ListeningTest, RatingTest, SpectrogramExplorer, MaskLab, ScoreView])
def test_whatever_the_page_asks_the_kernel_for_gets_there(widget: type[Widget]) -> None:
    """A trait that the page names, and that is not synced, would be empty there for ever."""
    page, traits = str(widget._esm), widget.class_traits()
    asked = set(re.findall(r'model\.[gs]et\("(\w+)"|"change:(\w+)"', page))
    assert len(asked) > 5
    ours = {name for one in widget.__mro__ if one.__module__.startswith("musiclab.") for name in vars(one)}
    named = {name for name in ours & set(traits) if re.search(rf"[\"'`:]{name}[\"'` ]", page)}
    for name in named | {either for pair in asked for either in pair if either}:
        assert traits[name].metadata.get("sync"), name


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
