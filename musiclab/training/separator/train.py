"""The trainer of the embedded network, the same on every device.

Notebook: 06
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from musiclab.errors import WeightsError
from musiclab.separation import device as devices
from musiclab.separation.engines.embedded import EmbeddedEngine
from musiclab.separation.engines.embedded.network import STEMS, Config, MaskNetwork
from musiclab.training.separator.data import SongPool
from musiclab.training.separator.loss import Target, mask_loss
from musiclab.training.separator.mixing import Batches, Remix
from musiclab.training.separator.muon import Muon

log = logging.getLogger("musiclab")

CLIP = 5.0  # the gradient's norm is brought down to it


@dataclass
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    songs : list of Path
        Folders of training songs.
    device : str
        As in `musiclab.separate`.
    batch, seconds
        Examples in a step, and the length of each.
    parts : int, optional
        In how many parts a batch goes through the network: by default one example at a time on a processor, whose
        cache holds no more, and all at once elsewhere. Doubled where memory runs out.
    half : bool, optional
        Whether the network computes in bfloat16; by default where that is faster on this device.
    muon_lr, adam_lr, warm_up
        Learning rates of matrices and of the rest, reached after so many steps.
    average : float
        How much of the running average of the weights a step keeps, once it is under way.
    detail
        See `loss.mask_loss`.
    hold, most
        See `data.SongPool`.
    """

    songs: list[Path]
    device: str = "auto"
    batch: int = 4
    seconds: float = 6.0
    parts: int | None = None
    half: bool | None = None
    muon_lr: float = 0.01
    adam_lr: float = 2e-3
    warm_up: int = 40
    average: float = 0.995
    detail: float = 0.5
    seed: int = 0
    hold: int = 0
    most: int | None = None
    network: Config = field(default_factory=Config)
    remix: Remix = field(default_factory=Remix)


class Trainer:
    """The network, its optimisers, its running average, its songs, and how far it has come.

    Parameters
    ----------
    settings : TrainingSettings
        How to train.
    resume : Path, optional
        A checkpoint that `save` wrote, to go on from. On a processor, with the same songs, the rest is the same bit
        for bit as without a stop.
    """

    def __init__(self, settings: TrainingSettings, *, resume: Path | None = None) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.device = devices.resolve(settings.device)
        state = torch.load(resume, map_location="cpu", weights_only=True) if resume else {}
        self.pool = SongPool(
            settings.songs, self.device, hold=settings.hold, most=settings.most, order=state.get("songs", ())
        )
        self.batches = Batches(
            self.pool, batch=settings.batch, seconds=settings.seconds, remix=settings.remix, seed=settings.seed
        )
        self.parts = settings.parts or (settings.batch if self.device.type == "cpu" else 1)
        half = settings.half
        self.half = devices.half_pays(EmbeddedEngine(), self.device) if half is None else half
        self.network = MaskNetwork(settings.network).to(self.device)
        self.average = [w.detach().clone() for w in self.network.parameters()]
        self.optimisers = self._optimisers()
        self.step = 0
        self.minutes = 0.0  # of training so far, all runs together
        self.left_out = 0  # steps whose gradient was not finite
        if state:
            self._restore(state)

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        weights = list(self.network.parameters())
        matrices = [w for w in weights if w.ndim >= 2 and 1 not in w.shape[:2]]
        chosen = {id(w) for w in matrices}
        rest = [w for w in weights if id(w) not in chosen]
        return [
            Muon(matrices, lr=self.settings.muon_lr),
            torch.optim.AdamW(rest, lr=self.settings.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    def loss(self, logits: Tensor, target: Target) -> Tensor:
        """What is to become small, of logits ``(examples, stems, 2, bins, columns)``."""
        return mask_loss(torch.softmax(logits.float(), dim=1), target, detail=self.settings.detail)

    def train_step(self, lr_factor: float) -> float:
        """One step; returns the loss, NaN where the step was left out since its gradient is not finite."""
        self.network.train()
        total = self._gradients(*self.batches.at(self.step))
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.step += 1
        if not torch.isfinite(norm):  # one bad example must not spoil the weights for good
            log.warning("step %d: the gradient is not finite; it is left out", self.step)
            self.left_out += 1
            total = float("nan")
        else:
            warm = min(1.0, self.step / self.settings.warm_up)
            rates = (self.settings.muon_lr, self.settings.adam_lr)
            for optimiser, lr in zip(self.optimisers, rates, strict=True):
                for group in optimiser.param_groups:
                    group["lr"] = lr * warm * lr_factor
                optimiser.step()
            self._update_average()
        self.network.zero_grad(set_to_none=True)
        return total

    def _gradients(self, inputs: Tensor, target: Target) -> float:
        """Add up the gradients of a batch, part by part; returns the loss."""
        while True:
            try:
                return sum(self._part(inputs, target, part) for part in self._slices(len(inputs)))
            except torch.OutOfMemoryError:
                if self.parts >= len(inputs):
                    raise
                self.parts *= 2
                log.warning("out of memory: a batch goes through the network in %d parts now", self.parts)
                self.network.zero_grad(set_to_none=True)
                torch.cuda.empty_cache()

    def _slices(self, examples: int) -> list[slice]:
        size = -(-examples // self.parts)
        return [slice(first, first + size) for first in range(0, examples, size)]

    def _part(self, inputs: Tensor, target: Target, part: slice) -> float:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits = self.network.logits(inputs[part])
        loss = self.loss(logits, target[part]) * (len(inputs[part]) / len(inputs))
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for average, weight in zip(self.average, self.network.parameters(), strict=True):
            average.lerp_(weight, 1 - keep)

    def averaged(self) -> MaskNetwork:
        """The network with the running average of its weights: better than the latest ones all along."""
        network = MaskNetwork(self.settings.network).to(self.device)
        network.load_state_dict(self._by_name())
        return network.eval()

    def _by_name(self) -> dict[str, Tensor]:
        names = [name for name, _ in self.network.named_parameters()]
        return dict(zip(names, self.average, strict=True))

    def save(self, path: Path) -> None:
        """Everything needed to go on, written beside and then moved into place."""
        state = {
            "config": self.network.config.to_dict(),
            "network": self.network.state_dict(),
            "average": self._by_name(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "minutes": self.minutes,
            "songs": list(self.pool.names),
            "seconds_of_audio": round(self.step * self.settings.batch * self.settings.seconds),
        }
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def _restore(self, state: dict[str, object]) -> None:
        if Config(**cast(dict[str, tuple[int, ...]], state["config"])) != self.settings.network:  # type: ignore[arg-type]
            raise WeightsError(f"The checkpoint holds a network of another size: {state['config']}.")
        self.network.load_state_dict(cast(dict[str, Tensor], state["network"]))
        saved = cast(dict[str, Tensor], state["average"])
        self.average = [saved[name].to(self.device) for name, _ in self.network.named_parameters()]
        for optimiser, content in zip(self.optimisers, cast(list[dict[str, object]], state["optimisers"]), strict=True):
            optimiser.load_state_dict(content)
        self.step, self.minutes = cast(int, state["step"]), cast(float, state["minutes"])

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
        self.average = [w.detach().clone() for w in self.network.parameters()]
