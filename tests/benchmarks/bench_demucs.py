"""musiclab against Demucs's own API: the same weights, the same song, alternately in one process.

    python tests/benchmarks/bench_demucs.py [--seconds 30] [--runs 3] [--threads 1] [--device cpu] [--json out.json]

The weights are HTDemucs as published (42 million), random and seeded: time and equality don't depend on what they
learnt. Demucs runs at its API's defaults (overlap 0.25, one random shift), and once at the settings of ours, for the
difference. Printed are medians of processor time (on a GPU: of the clock), which other work on the machine disturbs
least; the ratio of neighbouring runs, with the lowest and the highest; and the share of the peak: the multiplications
that the network needs, against those of one large product of matrices of the same type in the same time, measured
here. Preparing (converting for OpenVINO, trying which form is fastest) is done before the clock starts: it is done
once per machine. Five runs take about ten minutes of an idle processor.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from demucs.api import Separator
from demucs.apply import BagOfModels
from demucs.htdemucs import HTDemucs
from tables import table
from torch.utils.flop_counter import FlopCounterMode

from musiclab.audio import Audio
from musiclab.separation import separate
from musiclab.separation.device import has_bfloat16
from musiclab.separation.engines.demucs.adapter import DemucsEngine
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.separation.engines.demucs.lean_layers import Linear
from musiclab.separation.settings import OVERLAPS

SOURCES = ["drums", "bass", "other", "vocals"]
SR = 44100


def network(seed: int = 0) -> HTDemucs:
    torch.manual_seed(seed)
    return HTDemucs(SOURCES, t_layers=5, bottom_channels=512, segment=Fraction(39, 5)).eval()


def music(seconds: float) -> Audio:
    """Noise with the spectrum and the ups and downs of music."""
    rng = np.random.default_rng(0)
    frames = int(seconds * SR)
    spectrum = np.fft.rfft(rng.standard_normal((2, frames))) / np.maximum(np.arange(frames // 2 + 1), 1) ** 0.5
    sound = np.fft.irfft(spectrum, frames) * (1 + np.sin(2 * np.pi * 2 * np.arange(frames) / SR))
    return Audio(0.2 * sound / np.abs(sound).max(), SR)


def demucs_api(model: HTDemucs, song: Audio, device: str, **settings: object) -> Callable[[], np.ndarray]:
    """Demucs's own `Separator`, given our weights instead of a name."""
    separator = Separator.__new__(Separator)
    separator._model, separator._audio_channels, separator._samplerate = BagOfModels([model]), 2, SR
    separator.update_parameter(
        device=device, shifts=1, overlap=0.25, split=True, segment=None, jobs=0, progress=False, callback=None,
        callback_arg=None,
    )  # fmt: skip
    separator.update_parameter(**settings)
    wav = torch.from_numpy(song.samples.copy())

    def run() -> np.ndarray:
        stems = separator.separate_tensor(wav.clone())[1]
        return torch.stack([stems[name] for name in SOURCES]).numpy()

    return run


def ours(engine: DemucsEngine, song: Audio, device: str, **settings: object) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
        stems = separate(song, engine=engine, device=device, cache=False, **settings)
        return np.stack([stems[name].samples for name in SOURCES])

    return run


def decibels(got: np.ndarray, wanted: np.ndarray) -> float:
    """Level of the difference against the level of what is wanted."""
    return float(10 * np.log10(np.square(got - wanted).mean() / np.square(wanted).mean() + 1e-20))


def candidates(song: Audio, device: str) -> dict[str, Callable[[], np.ndarray]]:
    """What is timed, Demucs first. Each of ours is prepared here."""
    model = network()
    runs = {"demucs API, its defaults": demucs_api(model, song, device)}
    ways = [("Demucs's network as it is", "plain"), ("torch", "torch")]
    ways += [("OpenVINO", "openvino")] if device == "cpu" and find_spec("openvino") else []
    for title, runtime in ways:
        engine = DemucsEngine([model], name="htdemucs", runtime=runtime)
        half = runtime != "plain" and has_bfloat16(torch.device(device))  # emulated, it would take hours
        for precision in ("float32", "bfloat16") if half else ("float32",):
            separate(song[:1], engine=engine, device=device, precision=precision, cache=False)
            runs[f"musiclab, {title}, {precision}"] = ours(engine, song, device, precision=precision)
    return runs


@cache
def work(seconds: float) -> float:
    """Floating-point operations that the segments of a song need, at our overlap."""
    model = network()
    with FlopCounterMode(display=False) as counter, flash_attention(), torch.inference_mode():
        model(torch.zeros(1, 2, int(model.segment * SR)))
    return counter.get_total_flops() * math.ceil(seconds / float(model.segment) / (1 - OVERLAPS["default"][0]))


def peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of one large product of matrices, the best of ten."""
    size = 2048 if device == "cpu" else 8192
    x = torch.randn(size, size, device=device, dtype=dtype)
    layer, best = Linear(x, x[0], dtype), math.inf
    with torch.inference_mode():
        for _ in range(10):
            start = clock(device)
            layer(x)
            best = min(best, clock(device) - start)
    return 2 * size**3 / best


def clock(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def processor(device: str) -> str:
    """What computes, and with what."""
    name = torch.backends.cpu.get_cpu_capability() + (", AMX" if torch.cpu._is_amx_tile_supported() else "")
    card = "" if device == "cpu" else f", {torch.cuda.get_device_name(device)}"
    return f"{platform.machine()} {name}{card}, torch {torch.__version__}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="", help="of ours, only the runs with this in their names")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def row(name: str, spent: list[float], reference: list[float], seconds: float, device: str) -> dict[str, object]:
    ratios = [a / b for a, b in zip(reference, spent, strict=True)]
    found: dict[str, object] = {
        "run": name,
        "seconds": statistics.median(spent),
        "times real time": seconds / statistics.median(spent),
        "faster than demucs API": statistics.median(ratios),
        "lowest to highest": f"{min(ratios):.2f} to {max(ratios):.2f}",
        "share of the peak": None,
    }
    if not name.startswith("demucs"):
        rate = work(seconds) / statistics.median(spent)
        found["share of the peak"] = rate / peak(device, torch.bfloat16 if "bfloat16" in name else torch.float32)
    return found


def main() -> None:
    asked = arguments()
    torch.set_num_threads(asked.threads)
    song = music(asked.seconds)
    runs = candidates(song, asked.device)
    runs = {name: run for name, run in runs.items() if name.startswith("demucs") or asked.only in name}
    times: dict[str, list[float]] = {name: [] for name in runs}
    made: dict[str, np.ndarray] = {}
    for _ in range(asked.runs):
        for name, run in runs.items():
            start = clock(asked.device)
            made[name] = run()
            times[name].append(clock(asked.device) - start)
            print(f"  {name}: {times[name][-1]:.2f} s", file=sys.stderr, flush=True)
    first = next(iter(runs))
    wanted = demucs_api(network(), song, asked.device, shifts=0, overlap=OVERLAPS["default"][0])()
    rows = [row(name, spent, times[first], asked.seconds, asked.device) for name, spent in times.items()]
    for line in rows:
        line["difference dB"] = None if line["run"] == first else decibels(made[str(line["run"])], wanted)
    title = f"{asked.seconds:.0f} s of sound, {asked.runs} runs, {asked.threads} threads, {asked.device}"
    print(f"{title}, {processor(asked.device)}")
    print(table(rows))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
