"""How much the tests would notice: small random changes of the code (mutants), each against the tests that cover it.

``make mutants`` installs what this needs (Cosmic Ray makes the changes, coverage.py says which tests run through a
line) and takes some minutes for each hundred. What survived is a line that no test would miss: read it, and write the
test, or say in ``tests/mutants-alike.txt`` why the change changes nothing. docs/tests.md has the last scores.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import Queue

import coverage
import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ROOT = Path(__file__).parents[1]
MADE = ROOT / "build" / "mutants"
ALIKE = ROOT / "tests" / "mutants-alike.txt"
QUICK = ["-m", "not slow and not browser and not real and not notebook", "tests/unit"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--benchmark-disable", "--tb=no"]
SOUND = "tests/unit/test_tunings.py"  # that tests can be run here at all is tried with these
MOST_TESTS = 60  # of those that run through a line, the nearest: what they all let pass is news enough
MOST_SECONDS = 900  # for a mutant's tests, on a busy machine too
MOST_CPU = 150  # s
# What takes long to load and is no part of us: once, in the process that all others are forked from.
WARM = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
HEAVY = ["numpy", "scipy.signal", "scipy.ndimage", "torch", "soundfile", "soxr", "av", "matplotlib", "onnxruntime"]
if hasattr(os, "fork"):
    WARM.set_forkserver_preload(["__main__", *HEAVY])
# No slips of a human hand, and found by any test that runs the line: they would flatter the score.
LEFT_OUT = re.compile(
    "RemoveDecorator|Variable|Exception|_(RShift|LShift|BitXor)|(Add|Sub|Mul|Div|Mod|Pow)_Bit|Bit.*_[AMSDFP]"
)


@dataclass(frozen=True)
class Mutant:
    """One small change: of `path`, line `line`, by Cosmic Ray's operator, at its `occurrence`-th place."""

    path: str
    line: int
    operator: str
    occurrence: int
    before: str
    after: str

    @property
    def package(self) -> str:
        return package_of(Path(self.path))


def package_of(path: Path) -> str:
    return path.parts[1] if len(path.parts) > 2 else "musiclab"


def changed(path: Path, operator: str, occurrence: int) -> tuple[str, str, str] | None:
    """The code after one change, and the line before and after; None if the change says nothing else to Python."""
    code = path.read_text("utf-8")
    mutated = mutate_code(code, plugins.get_operator(operator)(), occurrence)
    if mutated is None or meaning(mutated) in (None, meaning(code)):
        return None
    lines = zip(code.splitlines(), mutated.splitlines(), strict=False)
    before, after = next((one.strip(), other.strip()) for one, other in lines if one != other)
    return mutated, before, after


def meaning(code: str) -> str | None:
    """The code without what Python never evaluates (annotations are text to it here); None if it is no Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant("")
    return ast.dump(tree)


@cache
def places(path: Path) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Where a module can be changed: line and column, to the operators that fit there with their occurrences."""
    found: dict[tuple[int, int], list[tuple[str, int]]] = {}
    nodes = list(ast_nodes(get_ast_from_path(path)))
    for name in sorted(name for name in plugins.operator_names() if not LEFT_OUT.search(name)):
        operator = plugins.get_operator(name)()
        positions = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, *_) in enumerate(positions):
            found.setdefault(start, []).append((name, occurrence))
    return found


def sample(number: int, seed: int, package: str | None) -> Iterator[Mutant]:
    """Mutants over all modules in turn, in a random order that the seed settles; places are drawn, then changes."""
    rng = random.Random(seed)
    alike = [line.split("  # ")[0] for line in ALIKE.read_text("utf-8").splitlines() if line.strip()]
    modules = sorted(path for path in (ROOT / "musiclab").rglob("*.py") if path.name != "__init__.py")
    modules = [path for path in modules if package in (None, package_of(path.relative_to(ROOT)))]
    rng.shuffle(modules)
    found, seen = 0, set()
    while found < number:
        for path in modules:
            relative = path.relative_to(ROOT).as_posix()
            possible = places(path)
            if not possible or found >= number:
                continue
            (line, _), changes = rng.choice(sorted(possible.items()))
            operator, occurrence = rng.choice(changes)
            if (relative, operator, occurrence) in seen or not (made := changed(path, operator, occurrence)):
                continue
            seen.add((relative, operator, occurrence))
            mutant = Mutant(relative, line, operator, occurrence, *made[1:])
            if package not in (None, mutant.package) or any(
                re.fullmatch(one, f"{relative}: {mutant.after}") for one in alike
            ):
                continue
            found += 1
            yield mutant


def copied(folder: Path) -> Path:
    """A copy of what git knows of, to be changed without fear."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    return folder


def environment(tree: Path) -> dict[str, str]:
    """This one, with the tree before all else that is imported, and without recordings that not everybody has."""
    settings = {
        "PYTHONPATH": os.pathsep.join([str(tree), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return {name: value for name, value in os.environ.items() if name != "MUSICLAB_REAL_DATA"} | settings


def covered(jobs: int) -> Path:
    """Which tests run through which lines: a coverage file with the tests as contexts, made once for each commit."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
    target = MADE / f"{head.stdout.strip()}.coverage"
    if not target.exists():
        MADE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            tree = copied(Path(folder))
            options = ["--cov=musiclab", "--cov-context=test", "--cov-report=", "-W", "default", "-n", str(jobs)]
            command = [one for one in PYTEST if one != "-x"] + options + QUICK
            subprocess.run(command, cwd=tree, env=environment(tree), check=False)
            shutil.move(tree / ".coverage", target)
    return target


def tests_of(mutant: Mutant, data: coverage.CoverageData) -> list[str]:
    """The tests to be asked, nearest first: those that run the line, or for what runs at import, the module."""
    name = next((name for name in data.measured_files() if name.endswith("/" + mutant.path)), None)
    if name is None:
        return []
    lines = data.contexts_by_lineno(name)
    through = {context for context in lines.get(mutant.line, []) if context}
    through = through or {context for contexts in lines.values() for context in contexts if context}
    folder = "/".join(["tests/unit", *Path(mutant.path).parts[1:-1]])
    tests = {context.split("|")[0] for context in through}
    return sorted(tests, key=lambda test: (not test.startswith(folder), test))[:MOST_TESTS]


class Trier:
    """Tries mutants one after another in a copy of the tree: each in a process forked from one that is warm."""

    def __init__(self) -> None:
        self.tree = copied(Path(tempfile.mkdtemp(prefix="musiclab-mutants-")))
        # Checked by the sources' contents: a mutant may have the size and, to the second, the time of the original.
        compileall.compile_dir(self.tree / "musiclab", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)

    def fate(self, mutant: Mutant, tests: list[str]) -> str:
        """Whether the tests notice: ``killed``, ``survived``, or ``untested`` where none runs through it."""
        if not tests:
            return "untested"
        path = self.tree / mutant.path
        original = path.read_text("utf-8")
        made = changed(path, mutant.operator, mutant.occurrence)
        assert made is not None, "it was sampled from the same file"
        try:
            path.write_text(made[0], "utf-8")
            return "killed" if fails(self.tree, tests) else "survived"
        finally:
            path.write_text(original, "utf-8")


def fails(tree: Path, tests: list[str]) -> bool:
    """Whether one of the tests fails in a tree, or they don't end."""
    process = WARM.Process(target=ask, args=(tree, tests))
    process.start()
    process.join(MOST_SECONDS)
    if process.is_alive():  # it waits for something that never comes; what only computes is ended by its limit
        process.kill()
        process.join()
    return process.exitcode not in (0, pytest.ExitCode.NO_TESTS_COLLECTED)


def ask(tree: Path, tests: list[str]) -> None:
    """Run the tests of a tree in this process, and end it with what pytest says."""
    os.chdir(tree)
    os.environ.pop("MUSICLAB_REAL_DATA", None)
    os.environ.update(environment(tree))
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.exit(pytest.main(PYTEST[3:] + tests))


def table(fates: list[tuple[Mutant, str]]) -> str:
    """The score of each package, as Markdown."""
    rows = ["| package | mutants | killed | share |", "|---|---|---|---|"]
    packages = sorted({mutant.package for mutant, _ in fates})
    for package in [*packages, "all"]:
        those = [what for mutant, what in fates if package in (mutant.package, "all")]
        killed = those.count("killed")
        rows.append(f"| {package} | {len(those)} | {killed} | {killed / len(those):.0%} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--package", help="only of this package")
    wanted = parser.parse_args()
    data = coverage.CoverageData(str(covered(wanted.jobs)))
    data.read()
    fates = []
    mutants = list(sample(wanted.number, wanted.seed, wanted.package))
    free: Queue[Trier] = Queue()
    for _ in range(wanted.jobs):
        free.put(Trier())
    if fails(free.queue[0].tree, [SOUND]):
        raise SystemExit(f"{SOUND} fails without any change: mend that first.")

    def tried(mutant: Mutant) -> str:
        trier = free.get()
        try:
            return trier.fate(mutant, tests_of(mutant, data))
        finally:
            free.put(trier)

    with ThreadPoolExecutor(wanted.jobs) as pool, (MADE / "fates.jsonl").open("w") as log:
        waiting = {pool.submit(tried, mutant): mutant for mutant in mutants}
        for done in as_completed(waiting):
            mutant, what = waiting[done], done.result()
            fates.append((mutant, what))
            log.write(json.dumps(asdict(mutant) | {"fate": what}) + "\n")
            log.flush()
            if what != "killed":
                print(f"{what}: {mutant.path}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}", flush=True)
    print(table(fates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
