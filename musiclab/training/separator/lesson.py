"""Five minutes of training, for a class: a small network, two short songs, one processor core.

The full training (`train`) takes hours on hundreds of songs. This is the same trainer with the same loss, network and
examples, in a size at which one can watch it learn.

After five minutes of one core (about 1,400 steps) on two demo songs it scores 6.5 to 6.9 dB on the third,
``lantern-waltz``, over five seeds; the engine `hpss` scores 5.3. Drums and bass are 3 dB better than HPSS's in every
run, ``other`` is about 2 dB worse: a tenth of its energy goes to the vocals.
``tests/benchmarks/bench_training.py`` repeats that.

Notebook: 06
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from musiclab.separation.engines.embedded.network import Config
from musiclab.training.separator.mixing import Remix
from musiclab.training.separator.train import Trainer, TrainingSettings

SMALL = Config(widths=(16, 24, 32, 48), middle=1)
STEPS = 1400  # five minutes of a core with bfloat16 of its own
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
