"""Mel-Band RoFormer as an engine: 44.1 kHz, stereo, a complex mask for the voice; the rest is what the voice leaves.

Notebook: 06
"""

from __future__ import annotations

import torch
from torch import Tensor

from musiclab.separation.engine import Engine, Licence
from musiclab.separation.engines.roformer.network import MelBandRoformer


class RoformerEngine(Engine):
    """A Mel-Band RoFormer.

    A piece is always as long as those that it was trained on: a shorter end is heard with more of the song around it.

    Parameters
    ----------
    network : MelBandRoformer
        With its weights.
    name : str
        What to call it.
    licence : Licence, optional
        Of the weights.
    version : str
        Changes with the weights; empty if results should not be kept.

    Notebook: 06
    """

    fixed = True
    # Published figures put its voice some 3 dB above those of the engines of four stems: a mean would lose by them.
    voice_share = 1.0

    def __init__(
        self, network: MelBandRoformer, *, name: str, licence: Licence | None = None, version: str = ""
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.name, self.version = name, version
        self.stems, self.sr = network.config.stems, network.config.sample_rate
        self.segment = network.config.frames / self.sr
        self.licence = licence or Licence(code="MIT", weights="not stated")

    def separate(self, mixture: Tensor) -> Tensor:
        """Stems of a batch of pieces: see `Engine.separate`."""
        mixture = mixture.float()
        estimates: Tensor = self.network.to(mixture.device)(mixture)
        if estimates.shape[1] == len(self.stems):
            return estimates
        return torch.cat([estimates, mixture[:, None] - estimates], dim=1)
