"""The exercises of the course: what is left blank, and what belongs there.

An exercise is a code cell with the tag ``exercise``. What the learner fills in is a row of lines such as ``x = ...``;
each ``assert`` after them says in a sentence what is wrong and what to do, the first of them for a blank. The cell
below it is text, and holds a solution that a click unfolds: the lines that belong in place of the blank ones. The cell
also carries the tag ``raises-exception``, with which Jupyter goes on to the next one when all cells run at once.

A solved cell has its solution between the marks that nbgrader reads, so that an assignment can be made of it [1]_.

References
----------
.. [1] Jupyter et al., "nbgrader: a tool for creating and grading assignments in the Jupyter Notebook", JOSE 2019,
   doi:10.21105/jose.00032
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Any

from musiclab.errors import DatasetError

TAG, GOES_ON = "exercise", "raises-exception"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

BLANK = re.compile(r"^(?P<margin> *)(?:[\w, ]+ = |return )?\.\.\.(?:, \.\.\.)*(?: +#.*)?$")
SOLUTION = re.compile(r"<details><summary>Solution</summary>\s+```python\n(.+?)\n```", re.DOTALL)
FOLDED = re.compile(r"<details><summary>Solution</summary>.+?</details>\s*", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Attributes
    ----------
    index : int
        Which cell of the notebook it is.
    source : str
        The cell as the learner gets it.
    solution : str
        What belongs in place of its blank lines.
    """

    index: int
    source: str
    solution: str

    @property
    def solved(self) -> str:
        """The cell with its solution, between nbgrader's marks."""
        return self._filled(keep_blank=False)

    @property
    def assigned(self) -> str:
        """The cell solved, its blank lines kept: they are left when nbgrader takes the solution out."""
        return self._filled(keep_blank=True)

    def _filled(self, *, keep_blank: bool) -> str:
        lines = self.source.splitlines()
        blank = self._blank(lines)
        margin = BLANK.match(lines[blank.start])["margin"]  # type: ignore[index]
        answer = indent(f"{BEGIN}\n{dedent(self.solution)}\n{END}", margin)
        kept = lines[blank] if keep_blank else []
        returns = lines[blank.start].lstrip().startswith("return")  # nothing after it would run
        middle = [answer, *kept] if returns else [*kept, answer]
        return "\n".join([*lines[: blank.start], *middle, *lines[blank.stop :]])

    def _blank(self, lines: Sequence[str]) -> slice:
        """The row of blank lines."""
        found = [number for number, line in enumerate(lines) if BLANK.match(line)]
        if not found or found != list(range(found[0], found[-1] + 1)):
            raise DatasetError(f"Cell {self.index} is an exercise: it needs one row of lines such as 'x = ...'.")
        return slice(found[0], found[-1] + 1)


def exercises(notebook: Mapping[str, Any]) -> list[Exercise]:
    """All exercises of a notebook, as `nbformat` or `json` reads it.

    Raises
    ------
    DatasetError
        If one has no solution in the cell below it.
    """
    cells = notebook["cells"]
    found = []
    for index, cell in enumerate(cells):
        if TAG in cell["metadata"].get("tags", ()):
            below = "".join(cells[index + 1]["source"]) if index + 1 < len(cells) else ""
            solution = SOLUTION.search(below)
            if solution is None:
                raise DatasetError(f"Cell {index} is an exercise: the cell below it needs a folded solution.")
            found.append(Exercise(index, "".join(cell["source"]), solution[1]))
    return found
