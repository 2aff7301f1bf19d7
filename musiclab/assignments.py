"""Lessons as assignments for nbgrader: blank for the pupils, with points, graded by the asserts of each exercise.

Of each exercise of a notebook (`musiclab.exercises`) two cells are made: one for the answer, with the solution between
the marks that nbgrader takes out, and one with the asserts, which gives the points if none of them fails. All other
code is locked, so that what a pupil changed there can't change the points: nbgrader puts it back before it grades. The
folded solutions are gone. See [1]_.

References
----------
.. [1] Jupyter et al., "nbgrader: a tool for creating and grading assignments in the Jupyter Notebook", JOSE 2019,
   doi:10.21105/jose.00032
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclab.codecs.files import delivered
from musiclab.errors import DatasetError
from musiclab.exercises import BLANK, END, FOLDED, GOES_ON, Exercise, exercises

CONFIG = "nbgrader_config.py"
SETTINGS = """\
# How nbgrader handles assignments that `musiclab assignment` made.
c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"python": "# Your answer goes in the place of the three dots."}
c.Execute.timeout = 600  # seconds for a cell: some take a song apart
"""


@dataclass(frozen=True)
class Assignment:
    """What `write` has written.

    Attributes
    ----------
    path : Path
        The notebook in the course's ``source`` folder.
    name : str
        The assignment's name, for nbgrader's commands.
    exercises, points : int
        How many, and what they give together.
    settings : bool
        Whether nbgrader will take musiclab's settings: the course had none, or had these.
    """

    path: Path
    name: str
    exercises: int
    points: int
    settings: bool


def assignment(notebook: Mapping[str, Any], *, points: int = 1) -> dict[str, Any]:
    """A notebook as the source of an nbgrader assignment.

    Parameters
    ----------
    notebook : mapping
        As `json` or `nbformat` reads it; it is not changed.
    points : int
        For each exercise, 1 or more.

    Returns
    -------
    dict
        A notebook of nbformat 4.5, for the folder ``source`` of an nbgrader course.

    Raises
    ------
    DatasetError
        If the notebook has no exercises, or one that can't be read.

    Notebook: 02
    """
    found = {exercise.index: exercise for exercise in exercises(notebook)}
    if not found:
        raise DatasetError("This notebook has no exercises: choose one with cells that have the tag 'exercise'.")
    cells: list[dict[str, Any]] = []
    for index, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if index in found:
            cells += _exercise_cells(found[index], f"exercise-{len(cells)}", points)
        elif cell["cell_type"] == "code":
            cells.append(_code(source, f"given-{index}", locked=True))
        else:
            shown = FOLDED.sub("", source).lstrip() if index - 1 in found else source
            cells.append({"cell_type": "markdown", "id": f"text-{index}", "metadata": {}, "source": shown})
    return {"cells": cells, "metadata": deepcopy(dict(notebook["metadata"])), "nbformat": 4, "nbformat_minor": 5}


def write(path: Path, *, course: Path, points: int = 1) -> Assignment:
    """Make the notebook at `path` an assignment of the nbgrader course in the folder `course`.

    A course that has no ``nbgrader_config.py`` gets one. Files that musiclab didn't write, or that were changed since,
    are never replaced.

    Raises
    ------
    DatasetError
        If it is no notebook, or has no exercises.
    ExportError
        If the folder can't be written, or holds another notebook of that name.
    """
    try:
        notebook = json.loads(path.read_text("utf-8"))
        made = assignment(notebook, points=points)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{str(path)!r} can't be read as a notebook: give the path of an .ipynb file.") from error
    name, config = path.stem, course / CONFIG
    files = {f"source/{name}/{path.name}": json.dumps(made, indent=1, ensure_ascii=False) + "\n"}
    if not config.exists():
        files[CONFIG] = SETTINGS
    with delivered(course, list(files)) as scratch:
        for file, text in files.items():
            (scratch / file).write_text(text, encoding="utf-8")
    count = len(exercises(notebook))
    settings = "ClearSolutions.code_stub" in config.read_text("utf-8")
    return Assignment(course / next(iter(files)), name, count, count * points, settings)


def _exercise_cells(exercise: Exercise, name: str, points: int) -> list[dict[str, Any]]:
    """Answer and asserts, each as a cell."""
    answer, tests = _parts(exercise)
    return [
        _code(answer, f"{name}-answer", solution=True),
        _code(_displayed(tests), f"{name}-tests", locked=True, points=points),
    ]


def _parts(exercise: Exercise) -> tuple[str, str]:
    """The solved cell in two, cut after the statement that holds the answer."""
    lines = exercise.assigned.splitlines()
    last = max(number for number, line in enumerate(lines, 1) if line.strip() == END or BLANK.match(line))
    statements = ast.parse(exercise.assigned).body
    cut = max((node.end_lineno or 0 for node in statements if node.lineno <= last), default=last)
    cut = max(cut, last)
    answer, tests = ("\n".join(piece).strip("\n") for piece in (lines[:cut], lines[cut:]))
    if not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(tests))):
        raise DatasetError(f"Cell {exercise.index} is an exercise: it needs an assert after its blank lines.")
    return answer, tests


def _displayed(source: str) -> str:
    """The cell, its last value shown by name: what a graded cell gives as its result, nbgrader takes for points."""
    last = ast.parse(source).body[-1]
    if not isinstance(last, ast.Expr) or ast.unparse(last).startswith(("print(", "display(")):
        return source
    lines = source.splitlines()
    shown = "\n".join(lines[last.lineno - 1 : last.end_lineno])
    return "\n".join([*lines[: last.lineno - 1], f"display({shown})"])


def _code(
    source: str, name: str, *, solution: bool = False, locked: bool = False, points: int | None = None
) -> dict[str, Any]:
    """A code cell as nbgrader wants it (schema 3). All cells can run at once where an exercise is unsolved, too."""
    marks: dict[str, Any] = {"grade": points is not None, "grade_id": name, "locked": locked, "schema_version": 3}
    marks |= {"solution": solution, "task": False, **({} if points is None else {"points": points})}
    tags = {"tags": [GOES_ON]} if name.startswith("exercise") else {}
    return {
        "cell_type": "code", "execution_count": None, "id": name, "metadata": {"nbgrader": marks, **tags},
        "outputs": [], "source": source,
    }  # fmt: skip
