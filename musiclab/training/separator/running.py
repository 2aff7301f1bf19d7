"""A training from its first step to its last: the clock, the learning rate, checkpoints, logs and scores.

`out` then holds ``last.pt`` (everything needed to go on), ``steady.pt`` (the same, from before the learning rate was
lowered: the better place to go on from), ``log.csv``, and where there are songs to score, ``held.csv`` (rendered ones
that are not trained on) and ``dev.csv`` (real ones).

Notebook: 06
"""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from musiclab.training.separator.development import dev_scores, load_dev
from musiclab.training.separator.train import Trainer

log = logging.getLogger("musiclab")

LOG_EVERY = 10.0  # seconds, or steps where those take longer


@dataclass(frozen=True)
class Plan:
    """How long to train, and what to write on the way.

    Parameters
    ----------
    out : Path
        Folder, made if need be.
    minutes : float, optional
        From now.
    steps : int, optional
        In all, with those of the checkpoint that is gone on from. One of the two is given, or both: the first to be
        over ends the training.
    tail : float
        Share of the training in which the learning rate falls to zero, which is where much of the quality appears.
    dev : Path, optional
        Folder of real multitracks to score: to watch and to stop, never to learn from.
    score_every, save_every : float
        Minutes.
    """

    out: Path
    minutes: float | None = None
    steps: int | None = None
    tail: float = 0.4
    dev: Path | None = None
    score_every: float = 8.0
    save_every: float = 3.0

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise ValueError("Say how long to train: minutes, steps, or both.")

    def done(self, step: int, minutes: float) -> float:
        """The share of the training that is over, after so many steps in all and minutes of this run."""
        by_clock = minutes / self.minutes if self.minutes else float(self.minutes is not None)
        by_steps = step / self.steps if self.steps else float(self.steps is not None)
        return max(by_clock, by_steps)


class Run:
    """A trainer at work."""

    def __init__(self, trainer: Trainer, plan: Plan) -> None:
        self.trainer, self.plan = trainer, plan
        self.real = load_dev(plan.dev) if plan.dev else []
        plan.out.mkdir(parents=True, exist_ok=True)
        self.began, self.before = time.monotonic(), trainer.minutes
        self.saved = self.scored = self.logged = 0.0  # minutes
        self.losses: list[float] = []
        self.steady = False

    def train(self) -> None:
        """Train to the plan's end; a stop (Ctrl-C, a signal) loses no step."""
        try:
            while (done := self.plan.done(self.trainer.step, self.spent)) < 1:
                if done > 1 - self.plan.tail and not self.steady:
                    self.trainer.save(self.plan.out / "steady.pt")
                    self.steady = True
                self.losses.append(self.trainer.train_step(min(1.0, (1 - done) / self.plan.tail)))
                self.trainer.minutes = self.before + self.spent
                self._look()
            self._log()
        finally:
            self.trainer.save(self.plan.out / "last.pt")
        self._score()

    @property
    def spent(self) -> float:
        """Minutes of this run."""
        return (time.monotonic() - self.began) / 60

    def _look(self) -> None:
        now = self.spent
        if (now - self.logged) * 60 >= LOG_EVERY:
            self._log()
            self.logged = now
        if now - self.saved >= self.plan.save_every:
            self.trainer.save(self.plan.out / "last.pt")
            self.saved = now
        if now - self.scored >= self.plan.score_every:
            self._score()
            self.scored = now

    def _log(self) -> None:
        if not self.losses:
            return
        trainer, settings = self.trainer, self.trainer.settings
        heard = len(self.losses) * settings.batch * settings.seconds
        fine = [loss for loss in self.losses if math.isfinite(loss)]
        row = {
            "step": trainer.step,
            "minutes": round(trainer.minutes, 2),
            "loss": round(float(np.mean(fine)), 4) if fine else math.nan,
            "left_out": len(self.losses) - len(fine),
            "songs": trainer.pool.refresh(),
            "times_real_time": round(heard / max((self.spent - self.logged) * 60, 1e-3), 1),
        }
        append(self.plan.out / "log.csv", row)
        log.info("%s", ", ".join(f"{name} {value}" for name, value in row.items()))
        self.losses.clear()

    def _score(self) -> None:
        """Score the averaged weights, to watch, not to learn from."""
        held = [(str(number), song.float() / 32_768) for number, song in enumerate(self.trainer.pool.held)]
        songs: dict[str, list[tuple[str, Tensor]]] = {"held": held, "dev": self.real}
        for name, found in songs.items():
            if found:
                scores = dev_scores(self.trainer.averaged(), found)
                row = {"step": self.trainer.step, "minutes": round(self.trainer.minutes, 2)}
                append(self.plan.out / f"{name}.csv", row | {stem: round(value, 3) for stem, value in scores.items()})
                log.info("step %d, SDR, %s: %s", self.trainer.step, name, {k: round(v, 2) for k, v in scores.items()})


def append(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file, with the header if it is new."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        if new:
            writer.writeheader()
        writer.writerow(row)
