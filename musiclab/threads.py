"""Work beside the rest: in threads, or, in a Python that has none (in a browser's page), in turns of its event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from os import cpu_count
from typing import Any, TypeVar

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a system without locks between processes, which has one process only
    from filelock import FileLock as FileLock
    from filelock import Timeout as Timeout

T = TypeVar("T")
Steps = Generator[threading.Event | None, None, None]
TURN = 0.02  # s between two looks at what is waited for, where there are no threads


def has_threads() -> bool:
    """Whether this Python can start threads. Pyodide's, in a browser, can't."""
    info: Any = getattr(sys, "_emscripten_info", None)
    return info is None or bool(info.pthreads)


def pool(workers: int = 0, *, name: str = "musiclab") -> Executor:
    """Threads that share work, one for each core if `workers` is 0; where there are none, each piece when it is due.

    Without threads a piece is done when its result is fetched, so that the first is there before the last is begun.
    """
    return ThreadPoolExecutor(workers or cpu_count() or 1, thread_name_prefix=name) if has_threads() else _Turns()


class _Later(Future[T]):
    """What is computed when it is asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work

    def result(self, timeout: float | None = None) -> T:
        if not self.done() and self.set_running_or_notify_cancel():
            try:
                self.set_result(self._work())
            except BaseException as error:
                self.set_exception(error)
        return super().result(timeout)


class _Turns(Executor):
    """A pool without threads."""

    def submit(self, work: Callable[..., T], /, *args: Any, **settings: Any) -> Future[T]:
        return _Later(lambda: work(*args, **settings))


class Background:
    """Work that goes on while its caller does other things.

    Parameters
    ----------
    steps : generator
        Does the work. It yields None where others may have a turn, and an event to wait until that is set.
    name : str
        Of the thread.
    """

    def __init__(self, steps: Steps, *, name: str) -> None:
        self.done = threading.Event()
        self._steps = steps
        self._thread = threading.Thread(target=self._run, daemon=True, name=name) if has_threads() else None
        if self._thread is not None:
            self._thread.start()
        else:
            self._task = asyncio.ensure_future(self._take_turns())  # held, or else it might be thrown away

    def join(self) -> None:
        """Wait until it is done. Where there are no threads to wait for, it ends here: set first what makes it end."""
        if self._thread is not None:
            self._thread.join()
        else:
            self._steps.close()
            self.done.set()

    def _run(self) -> None:
        try:
            for awaited in self._steps:
                if awaited is not None:
                    awaited.wait()
        finally:
            self.done.set()

    async def _take_turns(self) -> None:
        try:
            for awaited in self._steps:
                await asyncio.sleep(0)
                while awaited is not None and not (awaited.is_set() or self.done.is_set()):
                    await asyncio.sleep(TURN)
        finally:
            self.done.set()
