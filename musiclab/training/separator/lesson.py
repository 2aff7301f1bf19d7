"""Five minutes of training, for a class: a small network, two short songs, one processor core.

The full training (`train`) takes hours on hundreds of songs. This is the same trainer with the same loss, network and
examples, in a size at which one can watch it learn.

After five minutes of one core (about 1,400 steps) on two demo songs it scores 6.5 to 6.9 dB on the third,
``lantern-waltz``, over five seeds; the engine `hpss` scores 5.3. Drums and bass are 3 dB better than HPSS's in every
run, ``other`` is about 2 dB worse: a tenth of its energy goes to the vocals.
``tests/benchmarks/bench_training.py`` repeats that.

``python -m musiclab.training.separator.lesson`` trains for 400 steps (three minutes of an AVX2 core) and keeps the
network on the way: that is what `learnt` gives to those who have no time for it.

Notebook: 06
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from musiclab.datasets import demo
from musiclab.separation.engines.embedded.network import Config, MaskNetwork
from musiclab.training.separator.data import pack
from musiclab.training.separator.mixing import Remix
from musiclab.training.separator.train import Trainer, TrainingSettings

SMALL = Config(widths=(16, 24, 32, 48), middle=1)
STEPS = 1400  # five minutes of a core with bfloat16 of its own
SONGS = ("paper-boats", "twelve-bars-home")  # that the notebook learns from
LEARNT = (25, 100, 400)  # steps after which `learnt` has the network
LEARNT_FILE = Path(__file__).with_name("lesson.safetensors")
TAIL = 0.4  # share of the steps in which the learning rate falls to zero: large steps find the way, small ones arrive


def settings(songs: Path, *, seed: int = 0) -> TrainingSettings:
    """How to train for minutes rather than hours, on a processor.

    Parameters
    ----------
    songs : Path
        Folder of packed songs (see `data.pack`).
    seed : int
        Of the weights and the examples.

    Notebook: 06
    """
    return TrainingSettings(
        songs=[songs],
        device="cpu",
        batch=2,
        seconds=3.0,
        warm_up=10,
        muon_lr=0.02,
        adam_lr=4e-3,
        seed=seed,
        network=SMALL,
        remix=Remix(strangers=0.8, voiceless=0.0, limited=0.0),
    )


def steps(trainer: Trainer, count: int) -> Iterator[tuple[int, float]]:
    """Train for a number of steps: counted, not timed, so that a slow machine learns as much as a quick one.

    Parameters
    ----------
    trainer : Trainer
        Is trained.
    count : int
        How many steps; the learning rate falls to zero in the last of them.

    Yields
    ------
    (int, float)
        How many steps are done (1 to `count`), and the loss of the latest.

    Notebook: 06
    """
    for done in range(count):
        loss = trainer.train_step(min(1.0, (1 - done / count) / TAIL))
        yield done + 1, loss


def learnt(step: int) -> MaskNetwork:
    """The small network after `step` steps (one of `LEARNT`) of a training of 400, as the notebook does it.

    Raises
    ------
    ValueError
        If it was not kept there.

    Notebook: 06
    """
    if step not in LEARNT:
        raise ValueError(f"The network was kept after {', '.join(map(str, LEARNT))} steps, not after {step}.")
    kept, start = load_file(LEARNT_FILE), f"{step}."
    network = MaskNetwork(SMALL)
    network.load_state_dict({name: kept[start + name] * kept[f"{start}{name}.scale"] for name in network.state_dict()})
    return network.eval()


def packed(state: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
    """Weights as they are kept: a byte each, and a scale for each row [shape=(rows, 1, ...)]."""
    tensors = {}
    for name, value in state.items():
        across = tuple(range(1, value.dim()))
        largest = value.abs().amax(dim=across, keepdim=True) if across else value.abs()
        scale = largest.clamp(min=1e-12) / 127
        tensors[f"{step}.{name}"] = torch.round(value / scale).to(torch.int8).contiguous()
        tensors[f"{step}.{name}.scale"] = scale.contiguous()
    return tensors


def keep(path: Path = LEARNT_FILE) -> None:
    """Train on the two bundled songs of the notebook, and write the network as it was after each of `LEARNT` steps."""
    weights: dict[str, Tensor] = {}
    with tempfile.TemporaryDirectory(prefix="musiclab-train-") as folder:
        for name in SONGS:
            pack(demo(name), Path(folder) / "songs")
        trainer = Trainer(settings(Path(folder) / "songs"))
        for done, _ in steps(trainer, LEARNT[-1]):
            if done in LEARNT:
                weights |= packed(trainer.averaged().state_dict(), done)
    save_file(weights, path)


if __name__ == "__main__":
    keep()
