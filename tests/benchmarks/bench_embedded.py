"""How fast is the embedded engine, and how much memory does it take?

    python tests/benchmarks/bench_embedded.py [--seconds 60] [--runs 3] [--threads 1] [--json out.json]

The whole path is measured, decoding excluded: `separate` cuts the song, makes spectrograms, runs the network, applies
the masks, goes back to samples and writes the stems. Processor time is given beside wall time, since other programs
that keep the machine busy change the second only. Memory is the process's peak above what it held with the weights
loaded.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from musiclab.audio import Audio
from musiclab.separation import separate
from musiclab.separation.engines.embedded import WEIGHTS, EmbeddedEngine

SR = 44_100


def music(seconds: float) -> Audio:
    """Noise with the spectrum and the ups and downs of music."""
    rng = np.random.default_rng(0)
    frames = int(seconds * SR)
    spectrum = np.fft.rfft(rng.standard_normal((2, frames))) / np.maximum(np.arange(frames // 2 + 1), 1) ** 0.5
    sound = np.fft.irfft(spectrum, frames) * (1 + np.sin(2 * np.pi * 2 * np.arange(frames) / SR))
    return Audio(0.2 * sound / np.abs(sound).max(), SR)


def timed(work: Callable[[], object], runs: int) -> dict[str, float]:
    """Medians of wall and processor time, in seconds, after one run that doesn't count."""
    work()
    wall, processor = [], []
    for _ in range(runs):
        began = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {"wall_s": statistics.median(wall), "cpu_s": statistics.median(processor)}


def peak_mb() -> float:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def measure(seconds: float, runs: int, threads: int) -> dict[str, object]:
    """All figures of this machine."""
    torch.set_num_threads(threads)
    song, engine = music(seconds), EmbeddedEngine()
    piece = torch.from_numpy(song.samples[:, : int(engine.segment * SR)].copy())[None]
    with torch.inference_mode():
        engine.separate(piece[..., :SR])
        before = peak_mb()
        results: dict[str, object] = {"engine.separate": timed(lambda: engine.separate(piece), runs)}
        results["separate()"] = timed(lambda: separate(song, engine=engine, cache=False, progress=False), runs)
    for name, length in (("engine.separate", piece.shape[-1] / SR), ("separate()", seconds)):
        row = results[name]
        row["times_real_time"] = length / row["cpu_s"]  # type: ignore[index]
    return results | {
        "peak_memory_mb": peak_mb() - before,
        "weights_mb": WEIGHTS.stat().st_size / 1e6,
        "threads": threads,
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of the embedded engine.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = measure(arguments.seconds, arguments.runs, arguments.threads)
    for name in ("engine.separate", "separate()"):
        row = results[name]
        print(f"{name:16} {row['times_real_time']:.1f}× real time in processor time ({row['wall_s']:.2f} s wall)")
    print(f"memory           {results['peak_memory_mb']:.0f} MB at the peak; weights {results['weights_mb']:.2f} MB")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
