"""Assignments: of every lesson one that nbgrader takes, and points that are right, by nbgrader itself."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from musiclab.assignments import CONFIG, assignment, write
from musiclab.cli import app
from musiclab.errors import DatasetError, ExportError
from musiclab.exercises import BEGIN, END, GOES_ON, TAG, exercises

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WITH_EXERCISES = [path for path in LESSONS if exercises(json.loads(path.read_text("utf-8")))]
CELLS = [  # one exercise that asks for a number, one for a function; what they show is no number of points
    ("code", "tone = 440", []),
    ("markdown", "**Exercise.** An octave up?", []),
    (
        "code",
        "octave = ...  # Hz\n\nassert octave is not ..., 'Put it in.'\nassert octave == 2 * tone, 'No.'\n0.25",
        [TAG],
    ),
    ("markdown", "<details><summary>Solution</summary>\n\n```python\noctave = 880\n```\n\n</details>\n\nGo on.", []),
    (
        "code",
        "def fifth(hz):\n    return ...\n\n\nassert fifth(2) is not ..., 'Put it in.'\nassert fifth(2) == 3",
        [TAG],
    ),
    ("markdown", "<details><summary>Solution</summary>\n\n```python\nreturn hz * 3 / 2\n```\n\n</details>", []),
]
# The course as nbgrader's own commands run it, all in one process: Python takes its time to import them.
ROUND_TRIP = """
import json, sys
from pathlib import Path
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp

def nbgrader(*arguments):
    app = NbGraderApp.instance()
    app.initialize([*arguments])
    try:
        app.start()
    except NoStart:  # how it ends when a command within it is done
        pass
    app.clear_instance()

for command in ("generate_assignment", "release_assignment", "fetch_assignment"):
    nbgrader(command, "lesson")
sheet = Path("lesson/lesson.ipynb").read_text("utf-8")  # as a pupil gets it
for pupil, changes in json.loads(sys.argv[1]).items():
    filled = sheet
    for before, after in changes:
        assert before in filled, before
        filled = filled.replace(before, after)
    folder = Path("hand-ins", pupil, "lesson")
    folder.mkdir(parents=True)
    (folder / "lesson.ipynb").write_text(filled, encoding="utf-8")
    nbgrader("submit", str(folder), f"--student={pupil}")
for command in ("collect", "autograde"):
    nbgrader(command, "lesson")
nbgrader("export", "--to=grades.csv")
"""
HAND_INS = {
    "right": [("octave = ...", "octave = 2 * tone"), ("return ...", "return 1.5 * hz")],
    "half": [  # who makes the question easier gains nothing
        ("octave = ...", "octave = 220"), ("tone = 440", "tone = 110"), ("2 * tone, 'No.'", "220, 'No.'"),
        ("return ...", "return 1.5 * hz"),
    ],
    "empty": [],
}  # fmt: skip


def notebook() -> dict[str, Any]:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [
        {"cell_type": kind, "id": f"c{number}", "source": source, "metadata": {"tags": tags} if tags else {}}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for number, (kind, source, tags) in enumerate(CELLS)
    ]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def with_marks(cells: list[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    marked = [cell for cell in cells if "nbgrader" in cell["metadata"]]
    return [cell for cell in marked if wanted.items() <= cell["metadata"]["nbgrader"].items()]


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda path: path.stem)
def test_each_lesson_becomes_an_assignment(path: Path) -> None:
    lesson = json.loads(path.read_text("utf-8"))
    made = assignment(lesson, points=2)
    nbformat.validate(nbformat.from_dict(made))  # type: ignore[no-untyped-call]
    assert lesson == json.loads(path.read_text("utf-8"))
    answers, tests = with_marks(made["cells"], solution=True), with_marks(made["cells"], grade=True, points=2)
    assert len(answers) == len(tests) == len(exercises(lesson))
    for answer, test in zip(answers, tests, strict=True):
        assert BEGIN in answer["source"]
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(answer["source"])))
        assert END not in test["source"]
        assert test["metadata"]["nbgrader"]["locked"]
        assert GOES_ON in answer["metadata"]["tags"]
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    names = [cell["metadata"]["nbgrader"]["grade_id"] for cell in code]
    assert len(set(names)) == len(names)
    assert not any("<summary>Solution" in cell["source"] for cell in made["cells"])
    prose = "".join(cell["source"] for cell in made["cells"] if cell["cell_type"] == "markdown")
    assert prose.count("**Exercise.**") == len(exercises(lesson))


def test_what_stands_below_a_solution_stays_and_a_value_is_shown_by_name() -> None:
    cells = assignment(notebook())["cells"]
    assert "Go on." in [cell["source"] for cell in cells]
    assert with_marks(cells, grade=True)[0]["source"].endswith("display(0.25)")


@pytest.mark.slow
@pytest.mark.timeout(900)  # nine commands and three kernels, on a busy machine
def test_a_right_a_wrong_and_an_empty_hand_in_get_their_points(tmp_path: Path) -> None:
    """Generated, released, fetched, filled in, submitted, collected and graded by nbgrader."""
    pytest.importorskip("nbgrader")
    (tmp_path / "lesson.ipynb").write_text(json.dumps(notebook()))
    course = tmp_path / "course"
    made = write(tmp_path / "lesson.ipynb", course=course, points=3)
    assert (made.exercises, made.points, made.settings) == (2, 6, True)
    with (course / CONFIG).open("a") as config:
        config.write(f"c.CourseDirectory.course_id = 'music'\nc.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    order = [sys.executable, "-c", ROUND_TRIP, json.dumps(HAND_INS)]
    programs = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # nbgrader calls alembic by name
    environment = os.environ | {"PATH": programs}
    done = subprocess.run(order, cwd=course, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    released = (course / "lesson" / "lesson.ipynb").read_text("utf-8")
    assert "880" not in released
    assert "hz * 3" not in released
    rows = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    column = {name: number for number, name in enumerate(rows[0])}
    points = {row[column["student_id"]]: float(row[column["score"]]) for row in rows[1:]}
    assert points == {"right": 6, "half": 3, "empty": 0}
    assert {row[column["max_score"]] for row in rows[1:]} == {"6.0"}


def test_a_course_and_a_notebook_of_the_teachers_own_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps(notebook()))
    (tmp_path / "course").mkdir()
    config = tmp_path / "course" / CONFIG
    config.write_text("c = get_config()\n")
    made = write(path, course=tmp_path / "course")
    assert not made.settings
    assert config.read_text() == "c = get_config()\n"
    write(path, course=tmp_path / "course", points=2)  # our own may be made anew
    made.path.write_text("{}")
    with pytest.raises(ExportError, match="not as musiclab left it"):
        write(path, course=tmp_path / "course")
    assert made.path.read_text() == "{}"


def test_what_can_be_no_assignment_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lesson.ipynb"
    path.write_text("no notebook")
    with pytest.raises(DatasetError, match=r"\.ipynb"):
        write(path, course=tmp_path)
    path.write_text(json.dumps({**notebook(), "cells": notebook()["cells"][:1]}))
    with pytest.raises(DatasetError, match="no exercises"):
        write(path, course=tmp_path)
    without = notebook()
    without["cells"][2]["source"] = "octave = ..."
    with pytest.raises(DatasetError, match="needs an assert"):
        assignment(without)


def test_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["assignment", "02", "--out", str(tmp_path / "course"), "--points", "5"])
    assert done.exit_code == 0, done.output
    assert "4 exercises, 20 points" in done.output
    assert (tmp_path / "course/source/02-sound-and-spectrogram/02-sound-and-spectrogram.ipynb").is_file()
    asked = CliRunner().invoke(app, ["assignment", "77", "--out", str(tmp_path / "course")])
    assert asked.exit_code == 1
