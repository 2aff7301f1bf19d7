"""Who does the work of a batch: what `run` asks of a pool of processes, of a cluster, or of this very process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from musiclab.batches.perform import Row, Task, perform
from musiclab.progress import Cancel


class Workers(Protocol):
    """Something that takes tasks and gives rows, in any order."""

    room: int  # how many tasks it wants to have at once

    def submit(self, task: Task) -> None:
        """Take a task."""
        ...

    def finished(self, *, wait_s: float) -> Sequence[tuple[Task, Row]]:
        """What was finished since the last call; waits for something, but no longer than `wait_s` seconds."""
        ...

    def close(self) -> None:
        """Stop what is being done, and leave nothing running."""
        ...


class Inline:
    """This very process: for places that no other can see, and for a look at what goes wrong.

    Parameters
    ----------
    cancel : Cancel, optional
        Who may stop it.
    """

    room = 1

    def __init__(self, cancel: Cancel | None = None) -> None:
        self._cancel = cancel
        self._waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        """See `Workers`."""
        self._waiting.append(task)

    def finished(self, *, wait_s: float) -> Sequence[tuple[Task, Row]]:  # noqa: ARG002  # it works as long as it takes
        """See `Workers`."""
        tasks, self._waiting = self._waiting, []
        return [(task, perform(task, cancel=self._cancel)) for task in tasks]

    def close(self) -> None:
        """See `Workers`."""
