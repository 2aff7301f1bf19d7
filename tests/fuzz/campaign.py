"""A run of many mutants: workers one after another, begun again behind each mutant that ends one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import seeds

SHARES = {"sound": 0.6, "weights": 0.1}  # of the time; the others share what is left alike
MEMORY = 10**9  # bytes that a mutant may take
SECONDS = 10.0  # of processor time that it may take
STUCK = 120  # seconds without an answer: even a busy machine gives one


@dataclass
class Tally:
    """What came of the mutants of one kind."""

    kind: str
    said: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        return sum(self.said.values())

    def add(self, line: dict[str, object]) -> None:
        said, seconds, size = str(line["said"]), float(str(line["seconds"])), int(str(line["bytes"]))
        self.said[said if said in ("read", "refused") else "exception"] += 1
        self.slowest, self.largest = max(self.slowest, seconds), max(self.largest, size)
        where = f"{self.kind} {line['number']} ({line['seed']})"
        if said not in ("read", "refused"):
            self.findings.append(f"{where}:\n{said}")
        if size > MEMORY:
            self.findings.append(f"{where}: took {size / 1e9:.2f} GB")
        if seconds > SECONDS:
            self.findings.append(f"{where}: took {seconds:.1f} s")


def campaign(kind: str, *, seconds: float, mutants: int, first: int = 0, least: int = 1) -> Tally:
    """Read mutants of a kind until the time is up or there are enough, whichever comes first; but `least` anyway."""
    tally, end = Tally(kind), time.monotonic() + seconds
    while tally.mutants < mutants and (tally.mutants < least or time.monotonic() < end):
        start = first + tally.mutants
        for line in _worker(kind, start, mutants - tally.mutants):
            if line is None:
                continue
            tally.add(line)
            if time.monotonic() > end and tally.mutants >= least:
                break
    return tally


def _worker(kind: str, first: int, count: int) -> Iterator[dict[str, object]]:
    """The answers of one worker; of a mutant that ended it, an answer in its place."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.worker", kind, str(first), str(count)]
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        answered = 0
        try:
            for line in child.stdout:
                answered += 1
                yield json.loads(line)
            if answered < count:
                said = f"ended with {child.wait(STUCK)}: {child.stderr.read()[-2000:]}"
                yield {"number": first + answered, "seed": "?", "said": said, "seconds": 0.0, "bytes": 0}
        finally:
            child.kill()


def shares(kinds: tuple[str, ...], seconds: float) -> dict[str, float]:
    """The seconds for each kind."""
    rest = [kind for kind in kinds if kind not in SHARES]
    left = 1.0 - sum(SHARES[kind] for kind in kinds if kind in SHARES)
    return {kind: seconds * (SHARES[kind] if kind in SHARES else left / len(rest)) for kind in kinds}


KINDS = seeds.KINDS
