"""Memory that was freed and is soon wanted again: held for a while, so that the system isn't asked for it each time.

glibc gives large blocks back to the system when they are freed. Arithmetic on sound takes and frees such blocks again
and again, and the system fills each page with zeros anew: a quarter of the embedded engine's time. Elsewhere (musl,
macOS, Windows) nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Names and numbers of malloc.h, and what glibc's own rule comes to after the largest block that it learns from.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
USUAL = {MMAP_THRESHOLD: 32 << 20, TRIM_THRESHOLD: 64 << 20}
HOLDING = {MMAP_THRESHOLD: 1 << 30, TRIM_THRESHOLD: 1 << 29}  # at most half a gigabyte is held

_lock = threading.Lock()
_holders = 0


@contextmanager
def kept() -> Iterator[None]:
    """Freed memory stays with this process inside, and goes back to the system when the last one leaves.

    Whoever has set glibc's ``MALLOC_`` variables or tunables has decided: then nothing is done.
    """
    global _holders
    libc = _libc()
    with _lock:
        _holders += 1
        if libc is not None and _holders == 1:
            _set(libc, HOLDING)
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if libc is not None and not _holders:
                _set(libc, USUAL)
                libc.malloc_trim(0)


def _set(libc: Any, values: dict[int, int]) -> None:
    for name, value in values.items():
        libc.mallopt(name, value)


@cache
def _libc() -> Any:
    """The C library, if it is one that can be told; else None."""
    decided = any(name.startswith("MALLOC_") for name in os.environ) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if decided or platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
