"""musiclab against Demucs's own API: the same weights, the same song, alternately in one process.

    python tests/benchmarks/bench_demucs.py [--seconds 30] [--runs 3] [--threads 1] [--device cpu] [--json out.json]

The weights are HTDemucs as published (42 million), random and seeded: time and equality don't depend on what they
learnt. Demucs runs at its API's defaults (overlap 0.25, one random shift) and at the settings of ours (no shift, our
overlap). Printed are medians of processor time (on a GPU: of the clock), which other work on the machine disturbs
least; the ratio of neighbouring runs; and the difference from Demucs at the same settings. Preparing (converting for
OpenVINO, trying half precision) is done before the clock starts: it is done once per machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from demucs.api import Separator
from demucs.apply import BagOfModels
from demucs.htdemucs import HTDemucs

from musiclab.audio import Audio
from musiclab.separation import separate
from musiclab.separation.demucs import DemucsEngine

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
    model = network()
    torch_only = DemucsEngine([model], name="htdemucs", runtime="torch")
    runs = {
        "demucs API, its defaults": demucs_api(model, song, device),
        "demucs API, no shift, overlap 0.1": demucs_api(model, song, device, shifts=0, overlap=0.1),
        "demucs API, no shift": demucs_api(model, song, device, shifts=0),
        "musiclab, Demucs's overlap, torch float32": ours(torch_only, song, device, overlap=0.25, precision="float32"),
        "musiclab default, torch float32": ours(torch_only, song, device, precision="float32"),
        "musiclab default, torch bfloat16": ours(torch_only, song, device, precision="bfloat16"),
    }
    if device == "cpu" and find_spec("openvino"):
        engine = DemucsEngine([model], name="htdemucs")
        for precision in ("float32", "bfloat16"):
            run = ours(engine, song, device, precision=precision)
            separate(song[:1], engine=engine, device=device, precision=precision, cache=False)  # prepared here
            runs[f"musiclab default, OpenVINO {precision}"] = run
    return runs


def same_settings(name: str) -> str | None:
    """Which run of Demucs has the settings of one of ours."""
    if name.startswith("demucs"):
        return None
    return "demucs API, no shift" if "Demucs's overlap" in name else "demucs API, no shift, overlap 0.1"


def processor() -> str:
    """What computes, and with what."""
    name = torch.backends.cpu.get_cpu_capability() + (", AMX" if torch.cpu._is_amx_tile_supported() else "")
    return f"{platform.machine()} {name}, torch {torch.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="", help="of ours, only the runs with this in their names")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    song = music(asked.seconds)
    runs = candidates(song, asked.device)
    runs = {name: run for name, run in runs.items() if name.startswith("demucs") or asked.only in name}
    times: dict[str, list[float]] = {name: [] for name in runs}
    made: dict[str, np.ndarray] = {}
    clock = time.process_time if asked.device == "cpu" else time.perf_counter
    for _ in range(asked.runs):
        for name, run in runs.items():
            start = clock()
            made[name] = run()
            times[name].append(clock() - start)
            print(f"  {name}: {times[name][-1]:.2f} s", file=sys.stderr, flush=True)
    first = next(iter(runs))
    rows = [
        {
            "run": name,
            "seconds": statistics.median(spent),
            "times real time": asked.seconds / statistics.median(spent),
            "faster than demucs API": statistics.median(a / b for a, b in zip(times[first], spent, strict=True)),
            "difference dB": decibels(made[name], made[other]) if (other := same_settings(name)) else None,
        }
        for name, spent in times.items()
    ]
    print(f"{asked.seconds:.0f} s of sound, {asked.runs} runs, {asked.threads} threads, {asked.device}, {processor()}")
    print(f"{'':44}{'seconds':>9}{'× real time':>13}{'× demucs API':>14}{'difference':>14}")
    for row in rows:
        level = f"{row['difference dB']:.0f} dB" if row["difference dB"] is not None else "–"
        speed, ratio = row["times real time"], row["faster than demucs API"]
        print(f"{row['run']:44}{row['seconds']:9.2f}{speed:13.2f}{ratio:14.2f}{level:>14}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
