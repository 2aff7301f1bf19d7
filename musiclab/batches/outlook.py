"""How much longer a batch takes, by what its songs have taken so far."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import PurePath

from musiclab.batches.perform import Row, Task

RECENT = 200  # songs that tell how much is done side by side just now


class Outlook:
    """Learns from finished songs: work per byte for each kind of file, and how much is done side by side.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # of each kind: songs and bytes to be done
        self._cost: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])  # songs, bytes and seconds of work
        self._recent: deque[tuple[float, float]] = deque([(clock(), 0.0)], maxlen=RECENT)

    def expect(self, task: Task) -> None:
        """A song that is still to be done."""
        left = self._left[_kind(task)]
        left[0] += 1
        left[1] += task.size

    def learn(self, task: Task, row: Row) -> None:
        """A song is over. What was there already says nothing of the others."""
        left = self._left[_kind(task)]
        left[0] -= 1
        left[1] -= task.size
        if row.kept:
            return
        cost = self._cost[_kind(task)]
        for place, amount in enumerate((1.0, float(task.size), row.seconds)):
            cost[place] += amount
        self._recent.append((self._clock(), row.seconds))

    @property
    def seconds(self) -> float | None:
        """How long the rest takes, in s; None as long as that can't be told: before two songs are done."""
        total = [sum(column) for column in zip(*self._cost.values(), strict=True)] if self._cost else [0.0, 0.0, 0.0]
        if len(self._recent) < 3 or total[0] < 2:
            return None
        work = 0.0
        for kind, (songs, size) in self._left.items():
            known = self._cost[kind] if kind in self._cost and self._cost[kind][0] else total
            work += known[2] * (size / known[1] if known[1] and size else songs / known[0])
        began, now = self._recent[0][0], self._clock()
        done = sum(seconds for _, seconds in list(self._recent)[1:])
        at_once = done / max(now - began, 1e-9)
        return work / max(at_once, 1e-9) if done else None


def _kind(task: Task) -> str:
    return PurePath(task.song.partition("::")[0]).suffix.lower()


def time_left(seconds: float | None) -> str:
    """For people, as exactly as it is known."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 90:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min left"
    return f"about {minutes // 60} h {minutes % 60 // 10 * 10} min left"
