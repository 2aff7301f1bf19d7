"""Which tests are asked about a mutant, and asking them in a process of their own (see ``mutants.py``)."""

from __future__ import annotations

import ast
import compileall
import gc
import inspect
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ROOT = Path(__file__).parents[1]
MADE = ROOT / "build" / "mutants"
QUICK = ["-m", "not slow and not browser and not real and not notebook"]
PYTEST = [
    "-q",
    "-p",
    "no:cacheprovider",
    "--basetemp=scratch",
    "--benchmark-disable",
    "--tb=no",
    "-o",
    "timeout=0",
    *QUICK,
]
PYTEST += ["-p", "no:nbmake"]  # where it is installed: long to load, and of no use here
PYTEST += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of plug-ins that are loaded already: see HEAVY
MOST_SECONDS = 900  # for a mutant's tests, on a busy machine too
MOST_CPU = 150  # s of processor time, after which a test computes without end
# What takes long to load and is no part of us: once, in the process that all others are forked from.
WARM = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
HEAVY = [
    *["numpy", "scipy.signal", "scipy.ndimage", "scipy.optimize", "scipy.stats", "torch", "soundfile", "soxr", "av"],
    *["matplotlib.pyplot", "onnxruntime", "hypothesis", "mcp.server", "anywidget", "jsonschema", "scipy.fft"],
    *["scipy.linalg", "nbformat", "nbclient", "typer.testing", "music21", "mir_eval", "PIL.Image", "mido", "verovio"],
    *[plugin.module for plugin in entry_points(group="pytest11") if plugin.name != "nbmake"],
]
if hasattr(os, "fork"):
    WARM.set_forkserver_preload(["__main__", *HEAVY])


def copied(folder: Path) -> Path:
    """A copy of what git knows of, to be changed without fear."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    # Checked by the sources' contents: a mutant may have the size and, to the second, the time of the original.
    compileall.compile_dir(folder / "musiclab", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return folder


def environment(tree: Path) -> dict[str, str]:
    """This one, with the tree before all else that is imported, and without recordings that not everybody has."""
    settings = {
        "PYTHONPATH": os.pathsep.join([str(tree), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OMP_NUM_THREADS": "1",
    }
    return {name: value for name, value in os.environ.items() if name != "MUSICLAB_REAL_DATA"} | settings


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text) if len(word) > 2}


@cache
def text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def test_files() -> dict[str, set[str]]:
    """Every file of unit tests, with its words."""
    files = sorted((ROOT / "tests" / "unit").rglob("test_*.py"))
    return {path.relative_to(ROOT).as_posix(): words(text(path)) for path in files}


@cache
def names_in(path: Path) -> list[tuple[str, int, int]]:
    """What a module defines: name, first and last line."""
    found = []
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append((node.name, node.lineno, node.end_lineno or node.lineno))
        elif isinstance(node, ast.Assign) and node.col_offset == 0:
            names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            found += [(name, node.lineno, node.end_lineno or node.lineno) for name in names]
    return found


def users(path: Path) -> Iterator[Path]:
    """The modules that import from one."""
    pattern = re.compile(rf"^\s*(from|import) .*\b{path.stem}\b", re.MULTILINE)
    for other in (ROOT / "musiclab").rglob("*.py"):
        if other != path and other.name != "__init__.py" and pattern.search(text(other)):
            yield other


def weights(path: str, line: int) -> dict[str, float]:
    """The words by which tests of a line are known: what it stands in most, the module, and who uses it.

    A word says the more, the fewer files of tests have it.
    """
    module = ROOT / path
    found: Counter[str] = Counter()
    for user in users(module):
        found.update(dict.fromkeys({user.stem, *(name for name, *_ in names_in(user))} - set(found), 1))
    found.update(dict.fromkeys({module.stem, *(name for name, *_ in names_in(module))}, 3))
    found.update({name: 9 for name, first, last in names_in(module) if first <= line <= last})
    having = {word: sum(word in file for file in test_files().values()) for word in found}
    return {word: weight / having[word] for word, weight in found.items() if having[word]}


def nearest(path: str, line: int) -> list[str]:
    """The files of tests that have a line's words, nearest first; those of its package, and by name, are nearer."""
    known, (_, *folders, _) = weights(path, line), Path(path).parts
    names = {*folders, Path(path).stem}

    def near(file: str) -> float:
        package = bool(folders) and file.startswith(f"tests/unit/{folders[0]}/")
        named = Path(file).stem.removeprefix("test_") in names
        return sum(known.get(word, 0) for word in test_files()[file]) * (1 + package + named)

    return [file for file in sorted(test_files(), key=near, reverse=True) if near(file)]


@dataclass(frozen=True)
class Question:
    """What is asked about a line: files of tests, nearest first, by words; tests that are known to run through it.

    Tests that are known to run elsewhere (`seconds` tells how long) are left out; after `enough` seconds of processor
    time no more are begun.
    """

    files: list[str]
    words: dict[str, float] = field(default_factory=dict)
    through: frozenset[str] = frozenset()
    seconds: dict[str, float] = field(default_factory=dict)
    enough: float = 60.0

    def elsewhere(self, test: str) -> bool:
        return test in self.seconds and test not in self.through


def by_words(path: str, line: int, files: int, enough: float) -> Question:
    return Question(nearest(path, line)[:files], weights(path, line), enough=enough)


def failing(tree: Path, question: Question) -> str | None:
    """The first test that fails in a tree; None if none does of those that are asked."""
    ours, theirs = WARM.Pipe(duplex=False)
    process = WARM.Process(target=ask, args=(tree, question, theirs))
    process.start()
    theirs.close()
    process.join(MOST_SECONDS)
    if process.is_alive():  # it waits for something that never comes; what only computes is ended by its limit
        process.kill()
        process.join()
    try:
        said = ours.recv() if ours.poll() else None
    except EOFError:
        said = None
    if process.exitcode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return None
    return said or f"exit {process.exitcode} (no end, or none of Python's)"


def ask(tree: Path, question: Question, answer: Connection) -> None:
    """Run tests of a tree in this process, and end it with what pytest says."""
    os.chdir(tree)
    os.environ.pop("MUSICLAB_REAL_DATA", None)
    os.environ.update(environment(tree))
    sys.path.insert(0, str(tree))
    gc.freeze()  # pytest collects at its end, and what is loaded already is no garbage
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.exit(pytest.main([*PYTEST, "-x", *question.files], plugins=[Asked(question, answer)]))


class Asked:
    """Puts the nearest tests first, a few of each file, then the next few; tells which one failed."""

    FEW = 5

    def __init__(self, question: Question, answer: Connection) -> None:
        self.question, self.answer = question, answer

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not self.question.elsewhere(item.nodeid)]
        files: dict[Path, list[pytest.Item]] = {}
        for item in items:
            files.setdefault(item.path, []).append(item)
        order = {}
        for number, those in enumerate(files.values()):
            for rank, item in enumerate(self.ranked(those)):
                order[item] = (rank // self.FEW, number, rank)
        items.sort(key=order.__getitem__)

    def ranked(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """One case of each test before the others; the nearest first, of these the quickest."""
        cases: Counter[str] = Counter()
        order = {}
        for item in items:
            function, known = getattr(item, "function", None), self.question.words
            near = sum(known.get(word, 0) for word in words(inspect.getsource(function))) if function else 0
            cases[case := getattr(item, "originalname", item.name)] += 1
            far = (0.5 + self.question.seconds.get(item.nodeid, 0.0)) / (0.01 + near)
            order[item] = (cases[case], far)
        return sorted(items, key=order.__getitem__)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        return True if sum(os.times()[:4]) > self.question.enough else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            why = getattr(getattr(report.longrepr, "reprcrash", None), "message", "").strip().partition("\n")[0]
            self.answer.send(f"{report.nodeid}: {why[:100]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.answer.send(f"{report.nodeid}: cannot be imported")
