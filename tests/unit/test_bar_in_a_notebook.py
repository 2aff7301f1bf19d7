"""A bar of progress in a notebook: it is seen while work goes on, and nothing of it is kept."""

from __future__ import annotations

import re
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from musiclab.progress import GONE

WORK = """
from musiclab import progress
progress.DELAY = {delay}
with progress.watching(None) as watch:
    watch(0.25, "listening")
    watch(0.75, "writing")
{end}
"""
SEEN = """
from unittest.mock import patch
import IPython.display
with patch("IPython.display.display", wraps=IPython.display.display) as display:
    with progress.watching(None) as watch:
        watch(0.25, "listening")
        (call,) = display.call_args_list
        print(*(str(child.value).replace("\\u2007", " ") for child in call.args[0].children))
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def notebook() -> Any:
    cells = [WORK.format(delay=-1, end=""), SEEN, WORK.format(delay=60, end=""),
             WORK.format(delay=-1, end="    raise ValueError")]  # fmt: skip
    ran = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(ran, timeout=300, allow_errors=True).execute()
    return ran


def kept(cell: Any) -> list[dict[str, str]]:
    return [output.data for output in cell.outputs if output.output_type == "display_data"]


@pytest.mark.slow
def test_nothing_of_a_bar_is_kept(notebook: Any) -> None:
    done, _, quick, failed = notebook.cells
    for cell in (done, failed):
        (left,) = kept(cell)
        assert left == {"text/html": GONE, "text/plain": ""}
        assert re.sub(r"<style>.*</style>|<[^>]*>", "", GONE) == ""
    assert kept(quick) == []  # what is done at once needs none
    assert failed.outputs[-1].ename == "ValueError"


@pytest.mark.slow
def test_it_says_what_is_done_and_how_far(notebook: Any) -> None:
    (told,) = [output.text for output in notebook.cells[1].outputs if output.output_type == "stream"]
    assert told.split() == ["listening", "0.25", "25", "%"]
