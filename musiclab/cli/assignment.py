"""``musiclab assignment``: a lesson's exercises as an assignment of nbgrader."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.cli.lab import LESSONS, bundled_notebooks
from musiclab.cli.separate import JsonOption
from musiclab.errors import DatasetError


def assignment(
    notebook: Annotated[str, typer.Argument(help="A lesson (03), or the path of a notebook.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of the nbgrader course.")] = Path(
        "musiclab-course"
    ),
    points: Annotated[int, typer.Option(min=1, help="For each exercise.")] = 1,
    json: JsonOption = False,
) -> None:
    """Make a lesson's exercises an assignment for nbgrader: blank for the pupils, graded by the exercises' asserts."""
    from musiclab import assignments

    made = assignments.write(find(notebook), course=out, points=points)
    if json:
        console.print_json({**vars(made), "path": str(made.path)})
    else:
        typer.echo(f"{made.path}: {made.exercises} exercises, {made.points} points")
        typer.echo(f"Next: cd {out} && nbgrader generate_assignment {made.name}")
    if not made.settings:
        console.note(
            f"{out / assignments.CONFIG} is yours and was left alone; add these lines:\n{assignments.SETTINGS}"
        )


def find(name: str) -> Path:
    """The notebook at a path, or the lesson of that number or name."""
    if name.endswith(".ipynb") or "/" in name:
        return Path(name)
    lessons = sorted(bundled_notebooks().glob(LESSONS))
    found = next((path for path in lessons if name in (path.stem, path.stem[:2])), None)
    if found is None:
        known = ", ".join(path.stem[:2] for path in lessons)
        raise DatasetError(f"There is no lesson {name!r}: give one of {known}, or the path of a notebook.")
    return found
