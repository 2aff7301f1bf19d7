"""The course as files: clean, complete in itself, named by whatever it teaches. (`tests.lessons` runs it.)"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest

import musiclab
from musiclab.errors import DatasetError
from musiclab.exercises import BEGIN, BLANK, END, GOES_ON, TAG, Exercise, exercises

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PACKAGE = Path(musiclab.__file__).parent
INDEX = PACKAGE / "__init__.pyi"
LINK = re.compile(r"\]\(([^)\s]+)\)")
TAUGHT = re.compile(r"^Notebook: (\d\d(?:, \d\d)*)\Z", re.MULTILINE)  # the last line of a docstring


def public() -> list[str]:
    """Functions and classes that the package's table of contents names."""
    tree = ast.parse(INDEX.read_text("utf-8"))
    return [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def notebook(path: Path) -> Any:
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    return found


def test_there_are_notebooks_and_public_names() -> None:
    assert len(NOTEBOOKS) >= 7
    assert {"load", "separate", "Mixer"} <= set(public())


def test_nothing_is_left_of_a_run(notebook: Any) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    for cell in code:
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in notebook.metadata


def test_kernel_is_named(notebook: Any) -> None:
    """Without it JupyterLab asks which kernel to take before it shows anything."""
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.display_name
    assert notebook.metadata.kernelspec.language == "python"


def test_links_lead_to_files_that_are_there(notebook: Any) -> None:
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    links = [link for text in prose for link in LINK.findall(text) if not re.match(r"[a-z]+:|#", link)]
    missing = [link for link in links if not (FOLDER / unquote(link.split("#")[0])).is_file()]
    assert missing == []


def test_it_begins_with_a_title_and_what_one_will_do_and_need(notebook: Any) -> None:
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "**You will**" in first.source
    assert "**You need**" in first.source


def test_hidden_answers_can_be_opened_and_shut(notebook: Any) -> None:
    for cell in notebook.cells:
        assert cell.source.count("<details>") == cell.source.count("</details>") == cell.source.count("</summary>")


def names(source: str, *kinds: type[ast.expr_context]) -> set[str]:
    """Names that a cell stores or loads."""
    nodes = ast.walk(ast.parse(source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, kinds)}


def test_exercises_ship_blank_with_a_sentence_for_it_and_a_folded_solution(notebook: Any) -> None:
    for exercise in exercises(notebook):
        assert notebook.cells[exercise.index].metadata.tags == [TAG, GOES_ON]
        lines = exercise.source.splitlines()
        blank = max(number for number, line in enumerate(lines) if BLANK.match(line))
        after = ast.parse("\n".join(lines[blank + 1 :])).body
        first = next(node for node in after if isinstance(node, ast.Assert))
        assert "..." in ast.unparse(first.test), f"The first assert is for a blank: {exercise.source}"
        assert isinstance(first.msg, ast.Constant | ast.JoinedStr)
        assert all(node.msg is not None for node in after if isinstance(node, ast.Assert))


def test_every_cell_that_is_to_be_filled_in_is_an_exercise(notebook: Any) -> None:
    asked = sum(cell.source.count("**Exercise.**") for cell in notebook.cells)
    assert len(exercises(notebook)) == asked
    for cell in notebook.cells:
        if cell.cell_type == "code" and TAG not in cell.metadata.get("tags", ()):
            assert not any(BLANK.match(line) for line in cell.source.splitlines())


def test_nothing_but_an_exercise_needs_its_answer(notebook: Any) -> None:
    """Who leaves one out, or lets all cells run at once, loses nothing of the rest."""
    open_names: set[str] = set()
    answers = {exercise.index for exercise in exercises(notebook)}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        stored, loaded = names(cell.source, ast.Store), names(cell.source, ast.Load)
        if index in answers:
            open_names |= stored
        else:
            assert not (loaded - stored) & open_names, f"Cell {index} needs what an exercise gives."
            open_names -= stored


def test_a_solved_cell_is_the_cell_with_the_solution_between_the_marks_of_nbgrader() -> None:
    source = "def f(x):\n    return ...\n\nassert f(1) is not ..., 'Put it in the place of the dots.'"
    solved = Exercise(3, source, "return x").solved
    assert solved == source.replace("    return ...", f"    {BEGIN}\n    return x\n    {END}")
    two = Exercise(0, "a = ...  # Hz\nb = ...\n\nassert ... not in (a, b)", "a = 1\nb = 2").solved
    assert two == f"{BEGIN}\na = 1\nb = 2\n{END}\n\nassert ... not in (a, b)"


@pytest.mark.parametrize("source", ["x = 1", "x = ...\ny = 1\nz = ..."])
def test_an_exercise_without_one_row_of_blanks_is_refused(source: str) -> None:
    with pytest.raises(DatasetError, match="Cell 7"):
        _ = Exercise(7, source, "x = 2").solved


def test_an_exercise_without_a_solution_is_refused() -> None:
    cell = {"metadata": {"tags": [TAG]}, "source": "x = ..."}
    with pytest.raises(DatasetError, match="folded solution"):
        exercises({"cells": [cell, {"metadata": {}, "source": "No."}]})


@pytest.mark.parametrize("name", public())
def test_public_names_say_which_notebook_teaches_them(name: str) -> None:
    taught = TAUGHT.findall(inspect.getdoc(getattr(musiclab, name)) or "")
    assert taught, f"The docstring of {name} needs a line such as 'Notebook: 03'."
    for number in ", ".join(taught).split(", "):
        assert list(FOLDER.glob(f"{number}-*.ipynb")), f"There is no notebook {number}, which {name} names."


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_name_notebooks_in_their_last_line(module: Path) -> None:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        text = (ast.get_docstring(node) or "") if isinstance(node, kinds) else ""
        if re.search(r"\bNotebooks?: ?\d", text):
            taught = TAUGHT.search(text)
            assert taught, f"Let 'Notebook: 03' be the last line of this docstring: {text!r}"
            assert text.count("Notebook:") == 1
            assert text[: taught.start()].endswith("\n\n")
            for number in taught[1].split(", "):
                assert list(FOLDER.glob(f"{number}-*.ipynb")), f"There is no notebook {number}."


def test_a_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """As `make docs` makes its pages, but not run: no scripts or styles of other hosts, and formulas that need none."""
    source = FOLDER / "07-evaluation.ipynb"
    order = [sys.executable, "-m", "nbconvert", "--log-level", "ERROR", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*order, "--config", "docs/pages.py", str(source)], check=True, cwd=FOLDER.parent)
    page = (tmp_path / "07-evaluation.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert "$e = " not in page
    assert not re.findall(r"""(?:src|href)=["']https?:[^"']*\.(?:js|css)""", page)
    assert "cdnjs" not in page
