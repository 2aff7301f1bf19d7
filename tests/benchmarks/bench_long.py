"""Memory of a process's own for what people do with a long recording: noise, as FLAC.

    python tests/benchmarks/bench_long.py [--minutes 30]

Each row is a process of its own: the most memory that is no file's, above what it held after a sound of three seconds.
Linux only: memory is read from ``/proc``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from bench_scale import Peak, own_megabytes

import musiclab as ml
from musiclab import plots
from musiclab.metrics.loudness import loudness

SR = 44100
mpl.use("agg")
DONE: dict[str, Callable[..., object]] = {
    "load": lambda song, folder: song,
    "save as WAV": lambda song, folder: song.save(folder / "out.wav"),
    "level, peak, digest": lambda song, folder: (song.rms_db, song.peak_db, song.digest),
    "loudness": lambda song, folder: loudness(song),
    "waveform": lambda song, folder: plots.waveform(song),
    "spectrogram": lambda song, folder: plots.spectrogram(song),
}


def write(path: Path, minutes: float) -> Path:
    import soundfile as sf

    piece = np.random.default_rng(0).normal(0, 0.1, (10 * SR, 2))
    with sf.SoundFile(path, "w", SR, 2, subtype="PCM_16") as file:
        for number in range(max(1, round(minutes * 6))):
            file.write(np.roll(piece, 101 * number, axis=0))
    return path


def one(what: str, path: Path) -> None:
    """Measure in this process, and print what was found."""
    DONE[what](ml.load(path, duration=3.0), path.parent)
    before, watch, start = own_megabytes(), Peak(), time.process_time()
    watch.start()
    DONE[what](ml.load(path), path.parent)
    print(f"{what:20} {watch.stop() - before:6.0f} MB {time.process_time() - start:6.1f} s of processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], Path(asked.one[1]))
        return
    with tempfile.TemporaryDirectory(prefix="musiclab-long-") as folder:
        song = write(Path(folder, "song.flac"), asked.minutes)
        for what in DONE:
            subprocess.run([sys.executable, __file__, "--one", what, str(song)], check=True)


if __name__ == "__main__":
    main()
