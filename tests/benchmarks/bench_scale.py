"""Time and memory against the length of a song and against the number of songs.

    python tests/benchmarks/bench_scale.py [--engines free embedded htdemucs] [--minutes 1 4 15 60 120]
                                           [--songs 1 4 16] [--longest MINUTES] [--json out.json]

``free`` is the loop around a network that costs nothing; ``htdemucs`` is HTDemucs as published with random weights, in
the fastest form that there is here. Each row is a process of its own, with one thread: processor seconds, and the most
memory of its own (not that of files, such as the song, that it maps) above what it held after a song of half a minute.
Lengths above ``--longest`` are left out for htdemucs. Linux only: memory is read from ``/proc``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SR = 44100


class Peak(threading.Thread):
    """Looks every 20 ms how much memory of its own this process holds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.done = 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            self.most = max(self.most, own_megabytes())

    def stop(self) -> float:
        self.done.set()
        self.join()
        return self.most


def own_megabytes() -> float:
    """Memory of this process that is no file's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1e3
    raise SystemExit("This system does not tell the memory of a process: run it on Linux.")


def song(file: Path, minutes: float) -> np.ndarray:
    """Ten seconds of pink noise, again and again, in a file that is mapped."""
    frames, piece = int(minutes * 60 * SR), 10 * SR
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal((2, piece))) / np.maximum(np.arange(piece // 2 + 1), 1) ** 0.5
    sound = np.fft.irfft(spectrum, piece)
    sound = (0.2 * sound / np.abs(sound).max()).astype(np.float32)
    out = np.lib.format.open_memmap(file, "w+", np.float32, (2, frames))
    for start in range(0, frames, piece):
        out[:, start : start + piece] = sound[:, : frames - start]
    out.flush()
    return np.load(file, mmap_mode="r")


def engine_named(name: str) -> object:
    import torch

    from musiclab.separation import Engine, Licence

    if name == "htdemucs":
        from bench_demucs import network

        from musiclab.separation.engines.demucs.adapter import DemucsEngine

        return DemucsEngine([network()], name=name)
    if name == "embedded":
        return name

    class Quarter(Engine):
        """Costs nothing, so that what remains is ours."""

        name, stems, sr = "quarter", ("vocals", "drums", "bass", "other"), SR
        licence, segment, normalise, fixed = Licence("MIT", "none needed"), 7.8, True, True

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.stack([mixture / 4] * 4, 1)

    return Quarter()


def one(name: str, minutes: float, songs: int) -> None:
    """Measure in this process, and print what was found."""
    import torch

    from musiclab.audio import Audio
    from musiclab.separation import separate

    torch.set_num_threads(1)
    engine = engine_named(name)
    with tempfile.TemporaryDirectory(prefix="musiclab-scale-") as folder:
        tempfile.tempdir = folder
        short, long = song(Path(folder, "short.npy"), 0.5), song(Path(folder, "long.npy"), minutes)
        separate(Audio.of_checked(short, SR), engine=engine, cache=False, progress=False)
        before, watch, start = own_megabytes(), Peak(), time.process_time()
        watch.start()
        for _ in range(songs):
            separate(Audio.of_checked(long, SR), engine=engine, cache=False, progress=False)
        seconds = time.process_time() - start
        print(json.dumps({"seconds": seconds, "memory": max(watch.stop() - before, 0.0)}))


def measured(name: str, minutes: float, songs: int) -> dict[str, object]:
    command = [sys.executable, __file__, "--one", name, str(minutes), str(songs)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    found = json.loads(run.stdout.splitlines()[-1])
    row = {
        "engine": name,
        "songs": songs,
        "minutes each": f"{minutes:g}",
        "processor seconds": found["seconds"],
        "seconds per minute of music": found["seconds"] / minutes / songs,
        "memory MB": f"{found['memory']:.0f}",
    }
    print(row, file=sys.stderr, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="+", default=["free", "embedded", "htdemucs"])
    parser.add_argument("--minutes", nargs="+", type=float, default=[1, 4, 15, 60, 120])
    parser.add_argument("--songs", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--longest", type=float, default=15.0, help="minutes of htdemucs")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        return one(asked.one[0], float(asked.one[1]), int(asked.one[2]))
    rows = []
    for name in asked.engines:
        longest = asked.longest if name == "htdemucs" else float("inf")
        rows += [measured(name, minutes, 1) for minutes in asked.minutes if minutes <= longest]
        rows += [measured(name, 1, songs) for songs in asked.songs if 1 < songs <= longest]
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))
    return None


if __name__ == "__main__":
    main()
