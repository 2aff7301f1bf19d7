"""Memory is asked of the system once while work goes on, and given back after it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from musiclab import heap

pytestmark = pytest.mark.skipif(heap._libc() is None, reason="only glibc can be told to hold memory")

# Takes and frees blocks of 5 to 80 MB; prints how many pages the second time asks for, and the megabytes that are held
# inside and after.
PROGRAM = """
import resource, sys
import numpy as np
from musiclab import heap

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def megabytes():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20

def work():
    for _ in range(10):
        blocks = [np.ones(size << 18, np.float32) for size in (5, 40, 80)]

before = megabytes()
with heap.kept():
    with heap.kept():
        work()
    counted = pages()
    work()
    print(pages() - counted)
    print(megabytes() - before)
print(megabytes() - before)
"""


def printed(**environment: str) -> list[int]:
    root = Path(heap.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PATH": "", "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [int(word) for word in run.stdout.split()]


def test_what_was_freed_is_used_again_and_given_back_at_the_end() -> None:
    asked, inside, after = printed()
    assert asked < 3_000  # of the 320,000 pages of 4 kB that are written to
    assert inside > 100
    assert after < 20


def test_who_has_set_malloc_otherwise_has_decided() -> None:
    _asked, inside, _after = printed(MALLOC_MMAP_THRESHOLD_="131072")
    assert inside < 20
