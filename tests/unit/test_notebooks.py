"""The course as files: clean, complete in itself, and named by whatever it teaches. (That it runs, nbmake tests.)"""

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
    """As `make docs` makes it, but not run: no scripts or styles of other hosts, and formulas that need none."""
    source = FOLDER / "07-evaluation.ipynb"
    order = [sys.executable, "-m", "nbconvert", "--log-level", "ERROR", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*order, "--config", "docs/pages.py", str(source)], check=True, cwd=FOLDER.parent)
    page = (tmp_path / "07-evaluation.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert "$e = " not in page
    assert not re.findall(r"""(?:src|href)=["']https?:[^"']*\.(?:js|css)""", page)
    assert "cdnjs" not in page
