"""Does a short training beat median filters on a song that it never saw, whatever the seed?

    python tests/benchmarks/bench_training.py [--unseen lantern-waltz] [--seeds 5] [--steps 1400] [--json out.json]

The network of notebook 06 is trained on the other demo songs, once for each seed, on one thread and by processor time:
what else the machine does makes no difference. Then it separates the whole unseen song, and so does the engine `hpss`,
which has learnt nothing. SDR over the whole song, in dB.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch

import musiclab as ml
from musiclab import metrics
from musiclab.datasets import Multitrack
from musiclab.separation.engines.embedded.network import STEMS, MaskNetwork, spectrogram, waveform
from musiclab.training.separator import lesson
from musiclab.training.separator.data import pack
from musiclab.training.separator.train import Trainer


def trained(songs: Path, seed: int, steps: int) -> Trainer:
    """A network after so many steps."""
    trainer = Trainer(lesson.settings(songs, seed=seed))
    for _ in lesson.steps(trainer, steps):
        pass
    return trainer


def scores(network: MaskNetwork, song: Multitrack) -> dict[str, float]:
    """SDR of each stem of a whole song."""
    D = spectrogram(torch.from_numpy(song.mixture.samples.copy())[None])
    with torch.inference_mode():
        sounds = waveform(network(D)[0] * D, song.mixture.frames).numpy()
    return {name: metrics.sdr(song.stems[name].samples, sounds[STEMS.index(name)]) for name in song.stems}


def hpss_scores(song: Multitrack) -> dict[str, float]:
    """What the network has to beat."""
    stems = ml.separate(song.mixture, engine="hpss", cache=False, progress=False)
    return {name: metrics.sdr(song.stems[name], stems[name]) for name in song.stems}


def row(name: str, values: dict[str, float], steps: object = "") -> str:
    mean = statistics.fmean(values.values())
    return f"{name:>8} {steps!s:>6}" + "".join(f"{value:9.2f}" for value in values.values()) + f"{mean:9.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The five-minute training against HPSS.")
    parser.add_argument("--unseen", default="lantern-waltz", choices=ml.demo_songs())
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--steps", type=int, default=lesson.STEPS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    unseen = ml.demo(arguments.unseen)
    beaten = hpss_scores(unseen)
    print(f"{unseen.name}, SDR in dB\n{'seed':>8} {'steps':>6}" + "".join(f"{n:>9}" for n in beaten) + f"{'mean':>9}")
    print(row("HPSS", beaten), flush=True)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ml.demo_songs():
            if name != unseen.name:
                pack(ml.demo(name), Path(folder) / "songs")
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            trainer = trained(Path(folder) / "songs", seed, arguments.steps)
            found.append(scores(trainer.averaged(), unseen) | {"seed": seed, "steps": trainer.step})
            print(row(str(seed), {n: found[-1][n] for n in beaten}, trainer.step), flush=True)
    gains = {n: [result[n] - beaten[n] for result in found] for n in beaten}
    gains["mean"] = list(np.mean(list(gains.values()), axis=0))
    for name, values in gains.items():
        print(f"{name:>8}: {statistics.fmean(values):+.2f} dB against HPSS, {min(values):+.2f} at the worst seed")
    if arguments.json:
        arguments.json.write_text(json.dumps({"unseen": unseen.name, "hpss": beaten, "runs": found}, indent=2))


if __name__ == "__main__":
    main()
