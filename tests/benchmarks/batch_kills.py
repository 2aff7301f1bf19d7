"""Thousands of short songs through a batch, on dask workers of which one is killed again and again.

    python tests/benchmarks/batch_kills.py --songs 2000 --workers 4 --every 30
    python tests/benchmarks/batch_kills.py --songs 400 --alone 1      # the same in processes, for songs an hour
    python tests/benchmarks/batch_kills.py --songs 120 --alone 2 --seconds 15 --engine embedded

Prints JSON: whether each song was done exactly once and the report is complete, how many workers were killed, songs an
hour by the clock and by processor time, and the memory of the batch and of its workers through the run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile as sf

import musiclab as ml

SR = 44_100


def render(folder: Path, count: int, seconds: float) -> None:
    """Songs of so many seconds, each another, a hundred to an album."""
    time_s = np.arange(int(SR * seconds)) / SR
    for number in range(count):
        rng = np.random.default_rng(number)
        hz = 110 * 2 ** (rng.integers(0, 24) / 12)
        centre = 0.2 * np.sin(2 * np.pi * hz * time_s) + 0.02 * rng.standard_normal(time_s.size)
        sides = 0.05 * rng.standard_normal((2, time_s.size))
        path = folder / f"album {number // 100:02d}" / f"song {number:04d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, (centre + sides).T, SR)


class Memory:
    """Resident memory in MB of this process and of its children, looked at every few seconds."""

    def __init__(self) -> None:
        self.own: list[float] = []
        self.children: list[float] = []

    def look(self) -> None:
        me = psutil.Process()
        self.own.append(me.memory_info().rss / 1e6)
        found = []
        for child in me.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found.append(child.memory_info().rss / 1e6)
        self.children.append(max(found, default=0.0))

    def told(self) -> dict[str, list[float]]:
        """Of each quarter of the run: the largest."""
        quarters = {}
        for name, values in (("batch_mb", self.own), ("largest_worker_mb", self.children)):
            parts = [part for part in np.array_split(values, 4) if part.size]
            quarters[name] = [round(float(part.max())) for part in parts]
        return quarters


@contextmanager
def every(seconds: float, action: Any) -> Iterator[None]:
    """Do something again and again while the block runs."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(seconds):
            action()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def on_dask(songs: Path, out: Path, workers: int, seconds: float, options: dict[str, Any]) -> tuple[Any, int]:
    """The batch on workers of which one is killed every so many seconds; the report, and how many were."""
    from distributed import LocalCluster

    _start_from_warm()
    killed: list[int] = []
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:

        def kill() -> None:
            pids = [worker.pid for worker in list(cluster.scheduler.workers.values())]  # started: dask gives up on
            with suppress(psutil.NoSuchProcess):  # a worker that dies while it starts
                for victim in random.sample(pids, min(1, len(pids))):
                    psutil.Process(victim).kill()
                    killed.append(victim)

        with every(seconds, kill):
            made = ml.batch(songs, out=out, options=options, scheduler=cluster.scheduler_address, progress=_line())
    return made, len(killed)


def _start_from_warm() -> None:
    """Workers are forked from a server that has torch loaded: else, where cores are few, this measures imports."""
    import dask
    from distributed.utils import get_mp_context

    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(["distributed", "torch", "librosa", "soundfile", "musiclab.separation.run"])


def _line() -> Any:
    last = [time.monotonic()]

    def line(_fraction: float, text: str) -> None:
        if time.monotonic() - last[0] > 20:
            last[0] = time.monotonic()
            print(text, flush=True)

    return line


def checked(made: Any, songs: Path, out: Path) -> dict[str, Any]:
    """Whether each song was done exactly once, and is in the report once."""
    wanted = {str(path) for path in songs.rglob("*.wav")}
    lines = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
    times = Counter(line["song"] for line in lines)
    cards = [json.loads(path.read_text()) for path in out.rglob(".musiclab/job.json")]
    whole = sum(
        all((out / card["row"]["folder"] / name).stat().st_size == size for name, size in card["files"].items())
        for card in cards
    )
    return {
        "songs": len(wanted),
        "report_complete": set(times) == wanted and set(times.values()) == {1},
        "done_exactly_once": len({card["row"]["song"] for card in cards}) == len(cards) == whole == len(wanted),
        "failed": len(made.failed),
        "found_done_after_a_kill": sum(row.kept for row in made.rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a song")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two kills")
    parser.add_argument("--alone", type=int, default=0, help="processes instead of dask, a core for each; no kills")
    parser.add_argument("--engine", default="centre")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="musiclab-batch-kills-"))
    songs, out, memory = root / "songs", root / "out", Memory()
    render(songs, asked.songs, asked.seconds)
    began, before = time.perf_counter(), _cpu_s()
    options, killed = {"engine": asked.engine, "subtype": "16"}, 0
    with every(5.0, memory.look):
        if asked.alone:
            if hasattr(os, "sched_setaffinity"):  # else one process would compute on several cores
                os.sched_setaffinity(0, range(asked.alone))
            made = ml.batch(songs, out=out, options=options, workers=asked.alone, progress=_line())
        else:
            made, killed = on_dask(songs, out, asked.workers, asked.every, options)
    seconds, cpu = time.perf_counter() - began, _cpu_s() - before
    told = {
        "processor": platform.processor() or platform.machine(),
        "load": psutil.getloadavg()[1],
        "workers": asked.alone or asked.workers,
        "killed": killed,
        "seconds": round(seconds),
        "songs_per_hour": round(made.songs_per_hour),
        "cpu_seconds": round(cpu),
        **checked(made, songs, out),
        **memory.told(),
    }
    print(json.dumps(told, indent=1))
    shutil.rmtree(root)


def _cpu_s() -> float:
    """Processor time of this process and of all its children that have ended."""
    times = psutil.Process().cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
