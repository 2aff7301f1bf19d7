"""Workers of a dask cluster: one task a song, GPUs as resources, and a sentence instead of a wait for what isn't there.

Needs ``pip install musiclab[batch]``. A worker that dies takes down the tasks that it was given; dask gives them to
others, and after some deaths gives up on them, guilty or not. Those come back here as rows that may be tried again.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from musiclab.batches.perform import Row, Task, perform
from musiclab.batches.places import Target, local_path
from musiclab.errors import BatchError
from musiclab.store import key_of

AHEAD = 4  # tasks for each worker that the scheduler has at once: enough that none waits, few enough to steer
CONNECT_S = 10.0
CHECK_S = 30.0  # for the workers' first answers; later ones are waited for beside the work
LOOK_S = 5.0  # between two looks at who is there
GPU = "GPU"
SEEN = ".musiclab/seen-from-workers"


class Cluster:
    """The workers of a scheduler.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    target : str
        Where results go: it is looked at whether the workers see it.
    resources : mapping, optional
        What each song takes of a worker's resources; by default one GPU where workers offer that.
    patience_s : float
        How long to wait for a worker where there is none.

    Raises
    ------
    BatchError
        If there is no scheduler, no worker offers the resources, or workers lack musiclab or don't see the target.
    """

    def __init__(
        self,
        address: str,
        *,
        target: str,
        resources: Mapping[str, float] | None = None,
        patience_s: float = 300.0,
    ) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise BatchError("A scheduler needs dask's distributed: pip install 'musiclab[batch]'.") from None
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise BatchError(
                f"There is no scheduler at {address}: start one with `dask scheduler`, or check the address."
            ) from error
        self._address, self._target, self._patience = address, target, patience_s
        self._done: SimpleQueue[Any] = SimpleQueue()
        self._tasks: dict[str, tuple[Task, Any]] = {}
        self._alone_since: float | None = None
        self._looked = 0.0
        self._checked: set[str] = set()
        self._checks: dict[str, Any] = {}
        self._marks: dict[str, str] = {}
        self.room = AHEAD
        try:
            self._resources = self._chosen(resources)
            self._look()
            self._judge(wait_s=CHECK_S)
        except BaseException:
            self.close()
            raise

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return workers

    def _able(self) -> list[str]:
        """The workers that have what a song takes."""
        needed = self._resources.items()
        return [
            name
            for name, told in self._workers().items()
            if all(told.get("resources", {}).get(key, 0) >= amount for key, amount in needed)
        ]

    def _chosen(self, resources: Mapping[str, float] | None) -> dict[str, float]:
        offered = {name for told in self._workers().values() for name in told.get("resources", {})}
        if resources is None:
            return {GPU: 1} if GPU in offered else {}
        self._resources = dict(resources)
        if self._workers() and not self._able():
            asked = ", ".join(f"{name}={amount:g}" for name, amount in resources.items())
            raise BatchError(f"No worker of {self._address} offers {asked}: {self._what_there_is()}")
        return self._resources

    def _what_there_is(self) -> str:
        kinds = Counter(
            " ".join(f"{key}={value:g}" for key, value in told.get("resources", {}).items()) or "no resource"
            for told in self._workers().values()
        )
        there = ", ".join(f"{count} with {kind}" for kind, count in kinds.items()) or "there is none"
        example = next(iter(self._resources), GPU)
        return f"{there}. Start one with `dask worker {self._address} --nthreads 1 --resources {example}=1`."

    def _look(self) -> None:
        """Whether there is still somebody who can do it, and whether those who are new can."""
        self._looked = time.monotonic()
        if self._client.status != "running":
            raise BatchError(f"The scheduler at {self._address} is gone: start it again, and resume the batch.")
        able = self._able()
        self.room = AHEAD * max(1, len(able))
        if able:
            self._alone_since = None
            if new := [name for name in able if name not in self._checked]:
                self._check(new)
            self._judge(wait_s=0)
            return
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since >= self._patience:
            raise BatchError(
                f"For {self._patience:.0f} s no worker of {self._address} could take a song: {self._what_there_is()}"
            )

    def _check(self, workers: list[str]) -> None:
        """Ask new workers whether they have the same musiclab, and see the folder that results go to."""
        mark = next(iter(self._marks.values()), uuid.uuid4().hex)
        if local_path(self._target) is not None:
            Target(self._target).write(SEEN, mark.encode())
        self._checked.update(workers)
        for name in workers:
            self._checks[name] = self._client.submit(
                _seen, self._target, workers=[name], pure=False, priority=100, key=f"musiclab-check-{uuid.uuid4().hex}"
            )
        self._marks.update(dict.fromkeys(workers, mark))

    def _judge(self, *, wait_s: float) -> None:
        """What the new workers answered; who hasn't yet is asked about later, so that none can hold up the batch."""
        until = time.monotonic() + wait_s
        for name, future in list(self._checks.items()):
            while not future.done() and time.monotonic() < until:
                time.sleep(0.02)
            if future.done():
                del self._checks[name]
                self._judge_one(name, future, self._marks.pop(name))

    def _judge_one(self, name: str, future: Any, mark: str) -> None:
        from musiclab import __version__

        if future.status == "cancelled" or (future.status == "error" and _died(future.exception())):
            return
        if future.status == "error":
            raise BatchError(
                f"The worker {name} can't load musiclab ({future.exception()}): install musiclab {__version__} there."
            )
        answer = future.result()
        if answer["version"] != __version__:
            raise BatchError(
                f"The worker {name} has musiclab {answer['version']}, and this is {__version__}: install the same."
            )
        if local_path(self._target) is not None and answer["mark"] != mark:
            raise BatchError(
                f"The worker {name} doesn't see the folder {self._target}: give one that all machines share, "
                "or an address such as s3://bucket/folder."
            )

    def submit(self, task: Task) -> None:
        """See `Workers`."""
        key = f"musiclab-{key_of(task.song, task.request.digest)[:16]}-{uuid.uuid4().hex[:8]}"
        future = self._client.submit(
            _work, task.as_dict(), key=key, pure=False, resources=self._resources or None, retries=0
        )
        self._tasks[key] = (task, future)
        future.add_done_callback(self._done.put)

    def finished(self, *, wait_s: float) -> Sequence[tuple[Task, Row]]:
        """See `Workers`."""
        rows: list[tuple[Task, Row]] = []
        with suppress(Empty):
            while True:
                future = self._done.get(timeout=0 if rows else wait_s)
                task, _ = self._tasks.pop(future.key)
                rows.append((task, self._row(task, future)))
        if time.monotonic() - self._looked >= LOOK_S:
            self._look()
        return rows

    def _row(self, task: Task, future: Any) -> Row:
        if future.status == "finished":
            return Row.of(future.result())
        if future.status == "error":
            from distributed import KilledWorker

            error = future.exception()
            if isinstance(error, KilledWorker):
                said = "Workers died with it again and again: there may be too little memory for it."
                return Row(task.song, task.folder, "failed", said, attempts=task.attempt + 1, again=True)
            said = f"The worker couldn't do it ({type(error).__name__}: {error})."
            return Row(task.song, task.folder, "failed", said, attempts=task.attempt + 1, again=True)
        self._look()  # says so if the scheduler is gone
        return Row(task.song, task.folder, "failed", "It was cancelled.", attempts=task.attempt + 1, again=True)

    def close(self) -> None:
        """See `Workers`."""
        with suppress(Exception):  # whatever is wrong with the scheduler now, the batch is over
            self._client.cancel([future for _, future in self._tasks.values()], force=True)
        path = local_path(self._target)
        if path is not None:
            Path(path / SEEN).unlink(missing_ok=True)
        self._client.close()


def _work(told: dict[str, Any]) -> dict[str, Any]:
    """What a worker does."""
    from distributed import get_worker

    worker = get_worker()
    return perform(Task.of(told), worker=f"{socket.gethostname()} {worker.name}").as_dict()


def _died(error: Any) -> bool:
    """Whether it says that a worker is gone, which is no fault of what it has installed."""
    from distributed import KilledWorker

    return isinstance(error, (KilledWorker, OSError, TimeoutError)) or "NoValidWorker" in type(error).__name__


def _seen(target: str) -> dict[str, str]:
    """What a worker says of itself, and what it sees in the target."""
    from musiclab import __version__

    mark = Target(target).read(SEEN) if local_path(target) is not None else b""
    return {"version": __version__, "mark": (mark or b"").decode()}
