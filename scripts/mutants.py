"""How much the tests would notice: small random changes of the code (mutants), each against the tests that cover it.

``make mutants`` installs what this needs (Cosmic Ray makes the changes). Each mutant meets the tests nearest to it by
their words first: most end there. For those that are left, all tests run once on a copy that has a mark before each of
their lines, and what came by it is asked.
What survived is a line that no test would miss: read it, and write the test, or say in ``tests/mutants-alike.txt`` why
the change changes nothing. Run again, it tries what was not killed yet. docs/tests.md has the last scores.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from queue import Queue

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from mutants_asked import MADE, ROOT, Question, by_words, copied, failing
from mutants_through import through

ALIKE = ROOT / "tests" / "mutants-alike.txt"
# How many files of tests are asked in each round, by nearness, and the seconds of processor time until no more begin.
ROUNDS = (1, 10.0), (4, 30.0)
SOUND = "tests/unit/test_tunings.py"  # that tests can be run here at all is tried with these
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
    def place(self) -> tuple[str, int]:
        return self.path, self.line

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


class Trier:
    """Tries mutants one after another in a copy of the tree."""

    def __init__(self) -> None:
        self.tree = copied(Path(tempfile.mkdtemp(prefix="musiclab-mutants-")))

    def noticed(self, mutant: Mutant, question: Question) -> str | None:
        """The test that fails with the mutant; None if all pass."""
        path = self.tree / mutant.path
        original = path.read_text("utf-8")
        made = changed(path, mutant.operator, mutant.occurrence)
        assert made is not None, "it was sampled from the same file"
        try:
            path.write_text(made[0], "utf-8")
            return failing(self.tree, question)
        finally:
            path.write_text(original, "utf-8")


def table(mutants: list[Mutant], killers: dict[Mutant, str]) -> str:
    """The score of each package, as Markdown."""
    rows = ["| package | mutants | killed | share |", "|---|---|---|---|"]
    packages = sorted({mutant.package for mutant in mutants})
    for package in [*packages, "all"]:
        those = [mutant for mutant in mutants if package in (mutant.package, "all")]
        killed = sum(mutant in killers for mutant in those)
        rows.append(f"| {package} | {len(those)} | {killed} | {killed / len(those):.0%} |")
    return "\n".join(rows)


class Log:
    """Which test noticed which mutant, kept from run to run as long as the mutant's module is the same."""

    def __init__(self) -> None:
        MADE.mkdir(parents=True, exist_ok=True)
        self.path = MADE / "killers.jsonl"
        kept = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        self.killers: dict[Mutant, str] = {}
        for record in map(json.loads, kept):
            mutant, module = Mutant(**record["mutant"]), ROOT / record["mutant"]["path"]
            if module.exists() and record["module"] == digest(module):
                self.killers[mutant] = record["killer"]

    def add(self, mutant: Mutant, killer: str) -> None:
        self.killers[mutant] = killer
        record = {"mutant": asdict(mutant), "module": digest(ROOT / mutant.path), "killer": killer}
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def ask_all(asked: dict[Mutant, Question], log: Log, triers: list[Trier]) -> None:
    """Try mutants, each with its tests, as many at a time as there are trees."""
    free: Queue[Trier] = Queue()
    for trier in triers:
        free.put(trier)

    def tried(mutant: Mutant, question: Question) -> str | None:
        trier = free.get()
        try:
            return trier.noticed(mutant, question)
        finally:
            free.put(trier)

    with ThreadPoolExecutor(len(triers)) as pool:
        waiting = {pool.submit(tried, *asking): asking[0] for asking in asked.items()}
        for number, done in enumerate(as_completed(waiting), start=1):
            mutant, killer = waiting[done], done.result()
            told = killer or f"passed: {mutant.before} -> {mutant.after}"
            print(f"{number} of {len(waiting)}  {mutant.path}:{mutant.line}  {told}", flush=True)
            if killer:
                log.add(mutant, killer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--package", help="only of this package")
    wanted = parser.parse_args()
    mutants = list(sample(wanted.number, wanted.seed, wanted.package))
    log = Log()
    triers = [Trier() for _ in range(wanted.jobs)]
    if failing(triers[0].tree, Question([SOUND])):
        raise SystemExit(f"{SOUND} fails without any change: mend that first.")

    def left() -> list[Mutant]:
        return [mutant for mutant in mutants if mutant not in log.killers]

    for files, enough in ROUNDS:
        ask_all({mutant: by_words(*mutant.place, files, enough) for mutant in left()}, log, triers)
    if left():
        run = through([mutant.place for mutant in left()], wanted.jobs)
        ask_all({mutant: run.question(mutant.place) for mutant in left()}, log, triers)
    for mutant in left():
        print(f"survived: {mutant.path}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}")
    print(table(mutants, log.killers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
