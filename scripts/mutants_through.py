"""Which tests run through a line: one run of all unit tests on a copy of the tree that has a mark before each line.

A mark says which test is on when Python comes by; it costs next to nothing, so all places are looked at in one run.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from mutants_asked import MADE, PYTEST, ROOT, Question, copied, environment, nearest, weights

MOST_FILES = 12  # the nearest of those that run through a place: what they all let pass is news enough
KEPT = MADE / "through.json"
Place = tuple[str, int]  # module and line
# Stands in the copy, for its modules and for pytest; a process that a test starts has the test's name from pytest too.
MARKS = '''
import os
import pytest

COME_BY = set()
FOLDER = os.path.dirname(__file__)

def mark(place):
    """Say that the test that is on runs through a place."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if test and (place, test) not in COME_BY:
        COME_BY.add((place, test))
        say("places.tsv", place, test)

def say(file, *words):
    with open(os.path.join(FOLDER, file), "a", encoding="utf-8") as log:
        log.write("\\t".join(map(str, words)).replace("\\n", " ") + "\\n")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    before = sum(os.times()[:4])
    result = yield
    say("seconds.tsv", item.nodeid, sum(os.times()[:4]) - before)
    return result
'''


@dataclass(frozen=True)
class Through:
    """What one run of all tests told: seconds of processor time of each test, and the tests of each place."""

    seconds: dict[str, float]
    tests: dict[Place, list[str]]

    def question(self, place: Place) -> Question:
        """What to ask about a place: the nearest files of the tests that run through it, and those tests alone."""
        files, near = {test.partition("::")[0] for test in self.tests[place]}, nearest(*place)
        ordered = sorted(files, key=lambda file: near.index(file) if file in near else len(near))
        return Question(ordered[:MOST_FILES], weights(*place), frozenset(self.tests[place]), self.seconds)


def through(places: list[Place], jobs: int) -> Through:
    """The tests that run through each place, from the last run if that had looked at them all, as they are now."""
    if KEPT.exists() and all((ROOT / path).stat().st_mtime < KEPT.stat().st_mtime for path, _ in places):
        kept = json.loads(KEPT.read_text("utf-8"))
        tests = {(path, line): tests for path, line, tests in kept["places"]}
        if set(places) <= set(tests):
            return Through(kept["seconds"], tests)
    found = _run(list(dict.fromkeys(places)), jobs)
    kept = [[path, line, tests] for (path, line), tests in found.tests.items()]
    KEPT.write_text(json.dumps({"seconds": found.seconds, "places": kept}), "utf-8")
    return found


def _run(places: list[Place], jobs: int) -> Through:
    of_module: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        of_module[place[0]].append(place)
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        (tree / "mutants_marks.py").write_text(MARKS, "utf-8")
        for path, those in of_module.items():
            code = (tree / path).read_text("utf-8")
            (tree / path).write_text(marked(code, {line: places.index((path, line)) for _, line in those}), "utf-8")
        command = [sys.executable, "-m", "pytest", *PYTEST, "-p", "mutants_marks", "-W", "default"]
        command += ["-n", str(jobs), "tests/unit"]
        subprocess.run(command, cwd=tree, env=environment(tree), check=False)
        tests: dict[Place, list[str]] = {place: [] for place in places}
        for number, test in _table(tree / "places.tsv"):
            tests[places[int(number)]].append(test)
        return Through({test: float(seconds) for test, seconds in _table(tree / "seconds.tsv")}, tests)


def _table(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def marked(code: str, lines: dict[int, int]) -> str:
    """A module with marks before lines; what runs at import is marked in every function of the module."""
    tree = ast.parse(code)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    marks: list[tuple[list[ast.stmt], ast.stmt, int]] = []
    for line, number in lines.items():
        around = [node for node in functions if node.lineno <= line <= (node.end_lineno or 0)]
        meant = [max(around, key=lambda node: node.lineno)] if around else functions
        marks += [(*_statement(function.body, line), number) for function in meant]
    for body, statement, number in marks:
        call = ast.parse(f"__import__('mutants_marks').mark({number})").body[0]
        at = body.index(statement)
        body.insert(at + (at == 0 and _is_text(statement)), call)
    return ast.unparse(ast.fix_missing_locations(tree))


def _statement(body: list[ast.stmt], line: int) -> tuple[list[ast.stmt], ast.stmt]:
    """The innermost statement at a line, with the list that it stands in; else the first."""
    for statement in body:
        if not statement.lineno <= line <= (statement.end_lineno or 0):
            continue
        for inner in _bodies(statement):
            if inner and inner[0].lineno <= line <= (inner[-1].end_lineno or 0):
                return _statement(inner, line)
        return body, statement
    return body, body[0]


def _bodies(statement: ast.stmt) -> list[list[ast.stmt]]:
    bodies = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    bodies += [part.body for name in ("handlers", "cases") for part in getattr(statement, name, [])]
    return [body for body in bodies if isinstance(body, list)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
