"""Train the embedded network: ``python -m musiclab.training.separator.train --songs DIR --out DIR --minutes N``.

`OUT` then holds ``last.pt`` (everything needed to go on), ``steady.pt`` (the same, from before the learning rate was
lowered: the better place to go on from), ``log.csv`` and, with ``--dev``, ``dev.csv``. The learning rate is steady for
the first 80 % of the minutes and falls to zero in the rest, which is where much of the quality appears.

Notebook: 06
"""

from __future__ import annotations

import argparse
import csv
import logging
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from musiclab.errors import WeightsError
from musiclab.separation.engines.embedded import WEIGHTS, EmbeddedEngine
from musiclab.separation.engines.embedded.network import SR, STEMS, Config, MaskNetwork, features
from musiclab.training.separator.data import Remix, SongFolder
from musiclab.training.separator.development import dev_scores, load_dev
from musiclab.training.separator.loss import Muon, Target, mask_loss

log = logging.getLogger("musiclab")


@dataclass
class TrainingSettings:
    """How to train. Times in minutes, `seconds` is the length of one example."""

    songs: list[Path]
    out: Path
    minutes: float
    batch: int = 4
    seconds: float = 4.0
    muon_lr: float = 0.01
    adam_lr: float = 2e-3
    warm_up: int = 40  # steps
    tail: float = 0.2  # share of the minutes in which the learning rate falls to zero
    detail: float = 0.5
    seed: int = 0
    dev: Path | None = None
    dev_every: float = 8.0
    checkpoint_every: float = 3.0
    threads: int = 2
    max_steps: int | None = None
    network: Config = field(default_factory=Config)
    remix: Remix = field(default_factory=Remix)


class Trainer:
    """The network, its optimisers, its running average, and how far it has come."""

    def __init__(self, settings: TrainingSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.network = MaskNetwork(settings.network)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        matrices = [w for w in self.network.parameters() if w.ndim >= 2 and 1 not in w.shape[:2]]
        chosen = {id(w) for w in matrices}
        rest = [w for w in self.network.parameters() if id(w) not in chosen]
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices, lr=settings.muon_lr),
            torch.optim.AdamW(rest, lr=settings.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.base_lr = [settings.muon_lr, settings.adam_lr]
        self.songs = SongFolder(settings.songs)
        self.workers = ThreadPoolExecutor(settings.threads)  # gradients add up under a lock of PyTorch's own
        self.step = 0
        self.minutes = 0.0  # of training so far, all runs together

    def example(self, index: int) -> tuple[Tensor, Target]:
        """Features of one mixture and what the loss needs; the same for the same seed, step and index."""
        rng = np.random.default_rng((self.settings.seed, self.step, index))
        frames = int(self.settings.seconds * SR)
        D = torch.from_numpy(self.settings.remix.example(self.songs, rng, frames))[None]
        return features(D.sum(dim=1)), Target.of(D)

    def gradient(self, index: int) -> float:
        """Add one example's gradient to the network's; returns its share of the loss."""
        inputs, target = self.example(index)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network.logits(inputs)
        loss = mask_loss(torch.softmax(logits.float(), dim=1), target, detail=self.settings.detail)
        loss = loss / self.settings.batch
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def train_step(self, lr_factor: float) -> float:
        """One step; returns the loss.

        Each example runs on one thread: that fits a core's cache and needs no waiting for each other, which took a
        third less processor time than two threads sharing every operation of one big batch.
        """
        self.network.train()
        total = sum(self.workers.map(self.gradient, range(self.settings.batch)))
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        if not torch.isfinite(norm):  # one bad example must not spoil the weights for good
            log.warning("step %d: the gradient is not finite; it is left out", self.step)
            for optimiser in self.optimisers:
                optimiser.zero_grad(set_to_none=True)
            self.step += 1
            return float("nan")
        warm = min(1.0, (self.step + 1) / self.settings.warm_up)
        for optimiser, lr in zip(self.optimisers, self.base_lr, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = lr * warm * lr_factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._update_average()
        return total

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(0.995, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)

    def averaged(self) -> MaskNetwork:
        """The network with the running average of its weights: better than the latest ones all along."""
        network = MaskNetwork(self.settings.network)
        network.load_state_dict(self.average)
        return network.eval()

    def save(self, path: Path) -> None:
        """Everything needed to go on, written beside and then moved into place."""
        state = {
            "config": self.network.config.to_dict(),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "minutes": self.minutes,
        }
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that `save` wrote."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.minutes = state["step"], state["minutes"]

    def start_from(self, weights: Path) -> None:
        """Begin with published weights (as `export` wrote them) in place of random ones; optimisers begin anew."""
        engine = EmbeddedEngine(weights)
        if engine.network.config != self.network.config:
            raise WeightsError(f"{weights} holds a network of another size: {engine.network.config}.")
        state = engine.network.state_dict()
        for name, value in cast(dict[str, float], engine.description.get("bias", {})).items():
            first = 2 * STEMS.index(name)
            state["merge.place"][:, first : first + 2] -= value
        self.network.load_state_dict(state)
        self.average = {name: value.clone() for name, value in state.items()}


def append(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file, with the header if it is new."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        if new:
            writer.writeheader()
        writer.writerow(row)


def train(settings: TrainingSettings, *, resume: Path | None = None, start: Path | None = None) -> Trainer:
    """Train for `settings.minutes` (or `max_steps`), writing checkpoints and logs into `settings.out`.

    `resume` is a checkpoint to go on from; `start` holds weights to begin with.
    """
    torch.set_num_threads(1)  # see `Trainer.train_step`
    settings.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(settings)
    if resume is not None:
        trainer.load(resume)
    elif start is not None:
        trainer.start_from(start)
    dev = load_dev(settings.dev) if settings.dev else []
    try:
        _run(trainer, dev)
    finally:  # also when stopped by Ctrl-C or a signal: no step is lost
        trainer.save(settings.out / "last.pt")
    if dev:
        report(trainer, dev)
    return trainer


def _run(trainer: Trainer, dev: list[tuple[str, Tensor]]) -> None:
    settings = trainer.settings
    began, before, first = time.monotonic(), trainer.minutes, trainer.step
    saved = scored = 0.0
    steady_saved, losses = False, []
    while True:
        spent = (time.monotonic() - began) / 60
        if spent >= settings.minutes or (settings.max_steps and trainer.step - first >= settings.max_steps):
            return
        left = 1 - spent / settings.minutes
        if left < settings.tail and not steady_saved:
            trainer.save(settings.out / "steady.pt")
            steady_saved = True
        losses.append(trainer.train_step(min(1.0, left / settings.tail)))
        trainer.minutes = before + (time.monotonic() - began) / 60
        if trainer.step % 20 == 0:
            row = {"step": trainer.step, "minutes": round(trainer.minutes, 2), "loss": round(float(np.mean(losses)), 4)}
            append(settings.out / "log.csv", row | {"songs": trainer.songs.refresh()})
            losses.clear()
        if spent - saved >= settings.checkpoint_every:
            saved = spent
            trainer.save(settings.out / "last.pt")
        if dev and spent - scored >= settings.dev_every:
            scored = spent
            report(trainer, dev)


def report(trainer: Trainer, dev: list[tuple[str, Tensor]]) -> None:
    """Score the averaged weights on the development songs, to watch, not to learn from."""
    scores = dev_scores(trainer.averaged(), dev)
    row = {"step": trainer.step, "minutes": round(trainer.minutes, 2)}
    append(trainer.settings.out / "dev.csv", row | {name: round(value, 3) for name, value in scores.items()})
    log.info("step %d, %.1f min: %s", trainer.step, trainer.minutes, {k: round(v, 2) for k, v in scores.items()})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the embedded separator.")
    parser.add_argument("--songs", type=Path, action="append", required=True, help="folder of .npy songs (repeatable)")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--minutes", type=float, required=True, help="how long to train, from now")
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from")
    parser.add_argument("--published", action="store_true", help="begin with the weights that come with musiclab")
    parser.add_argument("--dev", type=Path, help="folder of multitracks to score while training")
    for name in ("batch", "threads", "seed", "max_steps"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(TrainingSettings, name, None))
    for name in ("seconds", "muon_lr", "adam_lr", "tail", "detail", "dev_every"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(TrainingSettings, name))
    arguments = vars(parser.parse_args())
    resume, published = arguments.pop("resume"), arguments.pop("published")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    train(TrainingSettings(**arguments), resume=resume, start=WEIGHTS if published else None)


if __name__ == "__main__":
    main()
