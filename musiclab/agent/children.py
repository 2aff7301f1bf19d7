"""The processes that do jobs: one each, and a spare one that has loaded already what a job needs.

Loading takes seconds, a job from the store less than one. So a spare waits, with everything loaded (about 300 MB of
memory), for the name of a job's folder on its standard input; then it does that one job and ends, as any other. If
whoever keeps it ends first, its input ends, and so does it; a job that it has begun goes on.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from musiclab.agent.records import LOG

PROGRAM = ("-P", "-m", "musiclab.agent.work")


def spawn(folder: Path) -> subprocess.Popen[bytes]:
    """A process for the job of a folder."""
    with (folder / LOG).open("wb") as log:
        return _started(str(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)


def _started(*arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
    """In a session of its own, so that it outlives this process."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    return subprocess.Popen([sys.executable, *PROGRAM, *arguments], **streams, **apart)


class Spare:
    """The process that waits for the next job: at most one."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Of the process that waits; 0 if none does."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def prepare(self) -> None:
        """Have one that waits, or begins to load."""
        with self._lock:
            if not self.pid:
                self._child = _started(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def give(self, folder: Path) -> subprocess.Popen[bytes] | None:
        """Give it the job of a folder; None if none waits. If it still loads, it begins when it is ready."""
        with self._lock:
            child, self._child = self._child, None
            if child is None:
                return None
            if child.poll() is None:
                with suppress(OSError), cast("BinaryIO", child.stdin) as ask:
                    ask.write(f"{folder}\n".encode())
                    ask.flush()
                    return child
            _end(child)
            return None

    def end(self) -> None:
        """Have none."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(OSError):
        cast("BinaryIO", child.stdin).close()
    child.wait()
