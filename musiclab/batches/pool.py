"""Processes on this machine. Each has one song at a time; one that dies is replaced, and its song is told as failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from musiclab.batches.perform import Row, Task
from musiclab.errors import BatchError
from musiclab.fourier import has_torch

GRACE = 10.0  # s in which a process stops by itself before it is ended
EACH_BYTES = 3 * 10**9  # memory that a process with a large network and a long song takes
_THREADS, _WAITING, _VISIBLE = "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES"
_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # where Linux has a GPU: NVIDIA's, Windows's beneath, AMD's


def pool_here(count: int | None, *, most: int) -> Pool:
    """A pool that suits this machine: a process for each GPU, else for each core, fewer where the memory wouldn't do.

    Parameters
    ----------
    count : int, optional
        How many processes there are to be, if it isn't for the machine to say.
    most : int
        How many songs there are.
    """
    gpus = _gpus()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fitting = len(gpus) or max(1, min(cores, _memory_bytes() // EACH_BYTES))
    number = max(1, min(count or fitting, most))
    return Pool(number, gpus=gpus, threads=max(1, cores // number))


def _gpus() -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` calls each GPU, as far as they are to be seen; none on other devices."""
    named = os.environ.get(_VISIBLE)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    if not has_torch() or (sys.platform == "linux" and not any(Path(path).exists() for path in _DRIVERS)):
        return []  # else importing torch to ask it takes seconds, before the first song
    import torch

    return [str(number) for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []


def _memory_bytes() -> int:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 * 10**9  # Windows: what most have


@dataclass
class _Process:
    """A process, what it is doing, and what it says besides."""

    child: subprocess.Popen[bytes]
    errors: IO[bytes]
    task: Task | None = None
    listener: threading.Thread = field(init=False)


class Pool:
    """Processes that work side by side.

    Parameters
    ----------
    count : int
        How many.
    gpus : sequence of str
        Names of GPUs, dealt out in turn; none for none.
    threads : int
        How many threads each computes with.
    """

    def __init__(self, count: int, *, gpus: Sequence[str] = (), threads: int = 1) -> None:
        self.room = count
        self._gpus, self._threads = list(gpus), threads
        self._events: SimpleQueue[tuple[_Process, bytes]] = SimpleQueue()
        self._places: list[_Process | None] = [None] * count  # begun when there is something to do
        self._closing = False

    def submit(self, task: Task) -> None:
        """See `Workers`."""
        idle = next((i for i, process in enumerate(self._places) if process is None or process.task is None), None)
        if idle is None:
            raise RuntimeError("All processes have a song already.")
        process = self._places[idle] or self._begin(idle)
        self._places[idle], process.task = process, task
        with suppress(OSError):  # it just died: its listener tells
            assert process.child.stdin is not None
            process.child.stdin.write(json.dumps(task.as_dict()).encode() + b"\n")
            process.child.stdin.flush()

    def finished(self, *, wait_s: float) -> Sequence[tuple[Task, Row]]:
        """See `Workers`."""
        rows: list[tuple[Task, Row]] = []
        with suppress(Empty):
            while True:
                process, line = self._events.get(timeout=0 if rows else wait_s)
                task, process.task = process.task, None
                if not line:
                    self._places = [None if place is process else place for place in self._places]
                    _close_input(process)
                if task is not None:
                    rows.append((task, _row(line, task) if line else self._death(process, task)))
                elif not line:  # it died before it was asked anything: so would the next
                    raise BatchError(f"A process of the batch doesn't start: {_last_words(process) or 'it is silent'}.")
        return rows

    def close(self) -> None:
        """See `Workers`."""
        self._closing = True
        processes = [process for process in self._places if process is not None]
        for process in processes:
            _close_input(process)  # it stops soon, in the middle of a song too
        for process in processes:
            try:
                process.child.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.child.kill()
                process.child.wait()
            process.listener.join()
            process.errors.close()

    def _begin(self, number: int) -> _Process:
        errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "musiclab.batches.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=self._environment(number),
        )
        process = _Process(child, errors)
        process.listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        process.listener.start()
        return process

    def _environment(self, number: int) -> dict[str, str]:
        environment = {**os.environ, _THREADS: str(self._threads), "PYTHONUNBUFFERED": "1"}
        environment.setdefault(_WAITING, "PASSIVE")  # threads that spin while they wait take the cores of the others
        if self._gpus:
            environment[_VISIBLE] = self._gpus[number % len(self._gpus)]
        return environment

    def _listen(self, process: _Process) -> None:
        assert process.child.stdout is not None
        with process.child.stdout as answers:
            for line in answers:
                self._events.put((process, line))
        process.child.wait()
        if not self._closing:
            self._events.put((process, b""))

    def _death(self, process: _Process, task: Task) -> Row:
        code = process.child.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        said = _last_words(process)
        process.errors.close()
        why = "there may be too little memory: take fewer workers" + (f" (it said: {said})" if said else "")
        error = f"The process that worked on it {how}; {why}."
        return Row(task.song, task.folder, "failed", error, attempts=task.attempt + 1, again=True)


def _close_input(process: _Process) -> None:
    with suppress(OSError):  # what it was not told any more stays unsaid
        assert process.child.stdin is not None
        process.child.stdin.close()


def _row(line: bytes, task: Task) -> Row:
    try:
        return Row.of(json.loads(line))
    except (ValueError, TypeError):
        return Row(task.song, task.folder, "failed", "The process gave no answer that can be read.", again=True)


def _last_words(process: _Process) -> str:
    process.errors.seek(0)
    lines = process.errors.read()[-4000:].decode(errors="replace").strip().splitlines()
    return lines[-1][:200].rstrip(".") if lines else ""
