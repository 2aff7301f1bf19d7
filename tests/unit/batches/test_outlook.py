"""The time left is told by what songs have taken, not by how many there are."""

from __future__ import annotations

import pytest

from musiclab.batches.outlook import Outlook, time_left
from musiclab.batches.perform import Row, Task
from musiclab.batches.request import Request


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def task(size: int, suffix: str = "wav") -> Task:
    return Task(f"{size}.{suffix}", "out", "x", Request("separate"), size=size)


def row(seconds: float, *, kept: bool = False) -> Row:
    return Row("x", "x", "done", seconds=seconds, kept=kept)


def test_long_songs_take_longer_and_two_workers_half_as_long() -> None:
    clock = Clock()
    outlook = Outlook(clock)
    songs = [task(10), task(10), task(10), task(10), task(100), task(100)]
    for song in songs:
        outlook.expect(song)
    assert outlook.seconds is None
    for now, done in ((1.0, 2), (2.0, 2)):  # two side by side, 1 s each
        clock.now = now
        for _ in range(done):
            outlook.learn(songs.pop(0), row(1.0))
    assert outlook.seconds == pytest.approx(10.0)  # 200 bytes at 10 bytes/s, two at a time


def test_what_was_kept_says_nothing_of_the_rest() -> None:
    clock = Clock()
    outlook = Outlook(clock)
    for _ in range(100):
        outlook.expect(task(10))
    for _ in range(90):
        outlook.learn(task(10), row(1.0, kept=True))
    assert outlook.seconds is None
    for _ in range(2):
        clock.now += 3.0
        outlook.learn(task(10), row(3.0))
    assert outlook.seconds == pytest.approx(24.0)


def test_kinds_of_files_are_told_apart() -> None:
    clock = Clock()
    outlook = Outlook(clock)
    for kind in ("mp3", "wav"):
        for _ in range(3):
            outlook.expect(task(10, kind))
    for kind, seconds in (("mp3", 10.0), ("mp3", 10.0), ("wav", 1.0), ("wav", 1.0)):
        clock.now += seconds
        outlook.learn(task(10, kind), row(seconds))
    assert outlook.seconds == pytest.approx(11.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "not known yet"), (31.0, "about 30 s"), (119.0, "about 2 min"), (3 * 3600 + 25 * 60, "about 3 h 20 min")],
)
def test_it_is_told_as_exactly_as_it_is_known(seconds: float | None, said: str) -> None:
    assert said in time_left(seconds)
