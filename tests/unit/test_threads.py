"""Work in the background: in threads, and, as in a browser's page, without any."""

from __future__ import annotations

import asyncio
import sys
import threading
from types import SimpleNamespace

import pytest

from musiclab import threads
from musiclab.threads import Background, Steps, has_threads, pool


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_emscripten_info", SimpleNamespace(pthreads=False), raising=False)

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)


def raising() -> None:
    raise ValueError("no")


def test_this_python_has_threads() -> None:
    assert has_threads()
    with pool(2) as workers:
        assert list(workers.map(abs, [-1, -2])) == [1, 2]


@pytest.mark.usefixtures("no_threads")
def test_without_threads_work_is_done_when_it_is_due() -> None:
    assert not has_threads()
    begun: list[int] = []
    with pool() as workers:
        jobs = [workers.submit(begun.append, number) for number in range(3)]
        assert begun == []
        jobs[1].result()
        jobs[1].result()
        assert begun == [1]
        jobs[0].cancel()
        assert jobs[0].cancelled()
        with pytest.raises(ValueError, match="no"):
            workers.submit(raising).result()
        assert list(workers.map(abs, [-1, -2])) == [1, 2]


def steps(told: list[str], event: threading.Event) -> Steps:
    told.append("begun")
    yield event
    told.append("waited")
    yield None
    told.append("done")


def test_background_in_a_thread() -> None:
    told: list[str] = []
    event = threading.Event()
    work = Background(steps(told, event), name="test")
    assert not work.done.wait(0.05)
    assert told == ["begun"]
    event.set()
    work.join()
    assert work.done.is_set()
    assert told == ["begun", "waited", "done"]


@pytest.mark.usefixtures("no_threads")
def test_background_without_threads() -> None:
    told: list[str] = []

    async def main() -> None:
        event = threading.Event()
        work = Background(steps(told, event), name="test")
        await asyncio.sleep(3 * threads.TURN)
        assert told == ["begun"]
        event.set()
        while not work.done.is_set():
            await asyncio.sleep(0)

    asyncio.run(main())
    assert told == ["begun", "waited", "done"]


@pytest.mark.usefixtures("no_threads")
def test_what_is_joined_without_threads_ends() -> None:
    told: list[str] = []

    async def main() -> None:
        event = threading.Event()
        work = Background(steps(told, event), name="test")
        await asyncio.sleep(3 * threads.TURN)
        work.join()
        assert work.done.is_set()
        event.set()
        await asyncio.sleep(3 * threads.TURN)

    asyncio.run(main())
    assert told == ["begun"]
