"""Notebooks as tests: each runs from top to bottom, and each of its exercises first blank, then solved."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell

from docs.running import Client
from musiclab.exercises import GOES_ON, exercises

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CELL_SECONDS = 600  # on a busy machine


def with_solutions(notebook: Any) -> Any:
    """Each exercise as it ships, and after it the same cell solved."""
    both = deepcopy(notebook)
    for exercise in reversed(exercises(notebook)):
        both.cells.insert(exercise.index + 1, new_code_cell(exercise.solved))
    return both


def failure(cell: Any) -> tuple[str, str]:
    """Name and sentence of what a cell ended with; empty if it went well."""
    ends = [output for output in cell.outputs if output.output_type == "error"]
    return (ends[0].ename, ends[0].evalue) if ends else ("", "")


class UnhelpfulError(Exception):
    """A blank exercise that doesn't say what to do."""


class Lesson(pytest.Item):
    """One notebook."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for mark in (pytest.mark.notebook, pytest.mark.slow, pytest.mark.timeout(3000)):
            self.add_marker(mark)

    def runtest(self) -> None:
        notebook = with_solutions(nbformat.read(self.path, as_version=4))
        os.environ.setdefault("MUSICLAB_CACHE", str(self.config.rootpath / "build" / "test-cache"))
        if sys.platform == "win32":
            asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
        folder = {"metadata": {"path": str(self.config._tmp_path_factory.mktemp(self.path.stem))}}
        Client(notebook, timeout=CELL_SECONDS, resources=folder).execute()
        for cell in notebook.cells:
            if GOES_ON in cell.metadata.get("tags", ()):
                name, sentence = failure(cell)
                if name != "AssertionError" or len(sentence.split()) < 5:
                    raise UnhelpfulError(f"Blank, this cell gives {name or 'nothing'}: {sentence!r}\n\n{cell.source}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if excinfo.errisinstance((CellExecutionError, UnhelpfulError)):
            return COLOURS.sub("", str(excinfo.value))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}, exercises blank and solved"


class LessonFile(pytest.File):
    """A file for each, so that they run beside each other."""

    def collect(self) -> list[Lesson]:
        return [Lesson.from_parent(self, name="exercises blank and solved")]
