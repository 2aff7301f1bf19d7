"""The separator that comes with musiclab: a small network, trained by us, that needs no download.

`network` is the network, `placing` filters what its masks say by where in the stereo picture each stem lies.
`musiclab.training.separator` trains it and writes ``weights.safetensors``, which `EmbeddedEngine` reads.
``docs/model-card.md`` tells what it was trained on, how good it is, and what it is bad at.

Notebook: 06
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from musiclab.errors import WeightsError
from musiclab.separation.engine import STEMS_4, Engine, Licence

if TYPE_CHECKING:
    import torch

    from musiclab.separation.engines.embedded.network import MaskNetwork

WEIGHTS = Path(__file__).with_name("weights.safetensors")


class EmbeddedEngine(Engine):
    """Four stems by masks on the mixture's spectrogram: 44.1 kHz, stereo, its phase is the mixture's.

    The masks of the network add up to one, and so do the filters made of them: the stems add up to the mixture. The
    weights are read at the first use.

    Parameters
    ----------
    weights : Path
        A file that `musiclab.training.separator.export` wrote; its SHA-256 stands in the ``.json`` beside it.

    Notebook: 06
    """

    name = "embedded"
    stems = STEMS_4
    sr = 44_100
    licence = Licence(code="MIT", weights="MIT", source="https://spdx.org/licenses/MIT.html")
    segment = 8.0  # trained on 4 to 6; from 6 s to the whole song all lengths score alike within 0.05 dB
    align = 2_048  # two hops: segments of one song see the same frames
    half = True

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.weights = weights

    @cached_property
    def description(self) -> dict[str, object]:
        """What the file beside the weights says: SHA-256, size of the network, steps and minutes of training."""
        try:
            found: dict[str, object] = json.loads(self.weights.with_suffix(".json").read_text())
        except OSError as error:
            raise WeightsError(f"{self.weights.with_suffix('.json')} can't be read: install musiclab again.") from error
        return found

    @cached_property
    def network(self) -> MaskNetwork:
        """The network with its weights.

        Raises
        ------
        WeightsError
            If the file is missing, or is not the one whose SHA-256 was written down.
        """
        import torch
        from safetensors.torch import load

        from musiclab.separation.engines.embedded.network import Config, MaskNetwork

        try:
            content = self.weights.read_bytes()
        except OSError as error:
            raise WeightsError(f"{self.weights} can't be read: install musiclab again.") from error
        if hashlib.sha256(content).hexdigest() != self.description["sha256"]:
            raise WeightsError(f"{self.weights} is not the file that was published: install musiclab again.")
        network = MaskNetwork(Config(**self.description["config"]))  # type: ignore[arg-type]
        network.load_state_dict({name: value.to(torch.float32) for name, value in load(content).items()})
        return network.eval()

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """Stems of a batch of pieces; see `Engine.separate`."""
        import torch

        from musiclab.separation.engines.embedded.network import spectrogram, waveform
        from musiclab.separation.engines.embedded.placing import placed

        network = self.network.to(mixture.device)
        mixture = mixture.float()
        D = spectrogram(mixture)
        estimates = placed(network(D), D)[:, :-1]
        # One stem after another: what is in flight fits the processor's cache. They add up: the last is what is left.
        stems = [waveform(estimate, mixture.shape[-1]) for estimate in estimates.unbind(1)]
        return torch.stack([*stems, mixture - sum(stems)], dim=1)
