"""The process that reads mutants: ``python -m tests.fuzz.worker KIND FIRST COUNT``; a line of JSON for each.

Its own limits: 10 s of processor time for a mutant (then it is ended by a signal), 2 GB beyond what its modules take.
"""

from __future__ import annotations

import json
import logging
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

from tests.fuzz import mutants, seeds, targets

SECONDS = 10
ROOM = 2 * 10**9  # bytes of addresses, beyond what is there at the start


def _status(field: str) -> int:
    """A line of the system's account of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def mutant(
    kind: str, cases: list[tuple[str, seeds.Files]], number: int
) -> tuple[str, seeds.Files, np.random.Generator]:
    """The mutant of this number: always the same. The cases themselves come first."""
    name, files = cases[number % len(cases)]
    rng = np.random.default_rng([seeds.KINDS.index(kind), number])
    return name, files if number < len(cases) else mutants.damaged(files, rng), rng


def main(kind: str, first: int, count: int) -> None:
    logging.getLogger("musiclab").setLevel(logging.CRITICAL)
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    cases = seeds.cases(kind)
    folder = Path(tempfile.mkdtemp(prefix="musiclab-fuzz-"))
    for number in range(first, first + count):
        if number == first + 1:  # the first loads what is loaded late
            resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize:") + ROOM,) * 2)
        name, files, rng = mutant(kind, cases, number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _forget_peak()
        before, start = _status("VmRSS:"), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS + (30 if number == first else 0))
        try:
            said = targets.run(kind, files, folder, rng)
        except Exception:  # whatever it is, it is a finding
            said = traceback.format_exc(limit=-6)
        signal.setitimer(signal.ITIMER_PROF, 0)
        told = {"number": number, "seed": name, "said": said, "seconds": time.process_time() - start}
        print(json.dumps({**told, "bytes": _status("VmHWM:") - before}), flush=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
