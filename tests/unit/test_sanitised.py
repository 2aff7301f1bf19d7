"""A notebook's page, sanitised as JupyterLab does by itself: all of it can be read, and nothing runs or is fetched."""

from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from IPython.core.formatters import DisplayFormatter
from nbconvert import HTMLExporter
from traitlets.config import Config

import musiclab as ml
from musiclab import codecs, plots, sanitised
from musiclab.plots.canvas import drawing
from musiclab.sanitised import clean_html
from tests.sounds import song, tone

LESSON = """# Chorus
A **word** on `code`, a [link](02-more.ipynb), 3 < 4 and $a < b$.

| stem | dB |
| --- | --- |
| bass | -3 |

<details><summary>Solution</summary>two</details>
"""


@functools.cache
def stems() -> Any:
    made = song({"vocals": tone(440, 3, level=0.2), "bass": tone(110, 3, level=0.2)}, title="Song")
    return ml.Stems(made, made.mixture, engine="hpss")


def shown(value: Any) -> list[Any]:
    """What a notebook keeps of a value that a cell ends with."""
    if hasattr(value, "_ipython_display_"):
        with patch("IPython.display.display") as display:
            value._ipython_display_()
        return [nbformat.v4.new_output("display_data", call.args[0]) for call in display.call_args_list]
    data, _ = DisplayFormatter().format(value)
    return [nbformat.v4.new_output("display_data", {name: str(text) for name, text in data.items()})]


def exported(outputs: list[Any], markdown: str = LESSON) -> BeautifulSoup:
    """The page that Jupyter's server makes of a notebook, with the extension and *Sanitize HTML* on."""
    server = SimpleNamespace(config=Config())
    sanitised._load_jupyter_server_extension(server)
    exporter = HTMLExporter(config=server.config)
    exporter.sanitize_html = True
    cells = [nbformat.v4.new_markdown_cell(markdown), nbformat.v4.new_code_cell("x < 3", outputs=outputs)]
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    return BeautifulSoup(page, "html.parser").select_one("main")


def test_a_lesson_is_read_as_it_was_written() -> None:
    page = exported([])
    assert page.h1.get_text().startswith("Chorus")
    assert page.p.get_text() == "A word on code, a link, 3 < 4 and $a < b$."
    assert [cell.get_text() for cell in page.find_all(["th", "td"])] == ["stem", "dB", "bass", "-3"]
    assert page.details.summary.get_text() == "Solution"
    assert page.find("a", string="link")["href"] == "02-more.ipynb"
    assert "x < 3" in page.get_text()


@pytest.mark.parametrize("kind", ["Mixer", "MaskLab", "SpectrogramExplorer"])
def test_a_picture_stands_for_a_widget_and_has_words(kind: str) -> None:
    made = stems()
    widget = {"Mixer": lambda: ml.Mixer(made), "MaskLab": lambda: ml.MaskLab(made.mixture, made),
              "SpectrogramExplorer": lambda: ml.SpectrogramExplorer(made.mixture)}[kind]()  # fmt: skip
    page = exported(shown(widget))
    (picture,) = page.find_all("img")
    assert picture["alt"] == repr(widget)
    assert base64.b64decode(picture["src"].split(",")[1]) == widget._still()
    assert "jp-OutputArea" not in page.get_text()
    assert len(page.get_text()) < 1000


def test_sounds_keep_their_players_and_their_figures() -> None:
    made = stems()
    page = exported(shown(made))
    players = page.find_all("audio")
    assert [player["aria-label"] for player in players] == [f"Play {name}" for name in ("mixture", *made, "residual")]
    heard = codecs.load(base64.b64decode(players[1]["src"].split(",")[1]))
    np.testing.assert_allclose(heard.samples, made["vocals"].samples, atol=1e-3)
    assert [picture["alt"] for picture in page.find_all("img")][1] == "Waveform of vocals"
    assert f"{made['vocals'].rms_db:.1f}".replace("-", "−") in page.get_text()
    assert len(page.get_text()) < 2000  # and no letters of sounds


def test_figures_become_pictures() -> None:
    figure = plots.waveform(stems().mixture, title="Two tones").figure
    page = exported([nbformat.v4.new_output("display_data", {"text/html": drawing(figure), "text/plain": "figure"})])
    (picture,) = page.find_all("img")
    assert picture["alt"] == "Two tones"
    svg = base64.b64decode(picture["src"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    assert len(page.get_text()) < 1000


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>", "<p onclick='alert(1)'>x</p>", "<a href='javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<b>alert(1)'>x</a>", "<iframe src='https://a.example'></iframe>",
        "<img src=x onerror=alert(1)>", "<img src='https://a.example/alert.png'>", "<img src='//a.example/alert.png'>",
        "<img src='data:text/html;base64,alert'>", "<div style='background-image: url(alert)'>x</div>",
        "<style>p { background: url(alert) }</style>", "<form action='alert'><input></form>",
        "<svg onload='alert(1)'></svg>", "<svg></svg><svg><script>alert(1)</script>",
        "<audio src='https://alert'></audio>", "<math><mi xlink:href='alert'>",
        '<svg aria-label="a" style="color:red" onload="x"><image href="https://a.example/alert"/></svg>',
        "<svg aria-label=\"' onerror=alert(1) x='\"></svg>", "</svg><svg/onload=alert(1)>",
    ],
)  # fmt: skip
def test_nothing_runs_and_nothing_is_fetched(evil: str) -> None:
    cleaned = BeautifulSoup(clean_html(evil), "html.parser")
    allowed = {"src", "alt", "href", "rel", "style", "aria-label", "controls", "width", "height"}
    for element in cleaned.find_all(True):
        assert element.name in {"p", "a", "img", "div", "audio", "mi"}
        assert set(element.attrs) <= allowed
        place = element.attrs.get("src", element.attrs.get("href", "x"))
        assert place == "x" or place.startswith("data:image/svg+xml;base64,")
        assert "url" not in element.attrs.get("style", "")
    assert "alert" not in cleaned.get_text()


def test_a_keeper_of_a_server_who_has_chosen_another_filter_keeps_it() -> None:
    server = SimpleNamespace(config=Config({"HTMLExporter": {"filters": {"clean_html": "mine"}}}))
    sanitised._load_jupyter_server_extension(server)
    assert server.config.HTMLExporter.filters["clean_html"] == "mine"


def test_a_server_that_is_installed_with_musiclab_loads_it() -> None:
    (switched_on,) = json.loads((Path(ml.__file__).parent / "jupyter_server.json").read_text())["ServerApp"].values()
    assert switched_on == {point["module"]: True for point in sanitised._jupyter_server_extension_points()}
