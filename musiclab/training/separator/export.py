"""Write a checkpoint's averaged weights as the engine reads them.

``python -m musiclab.training.separator export CHECKPOINT`` writes ``weights.safetensors`` (fp16) into the package, and
``weights.json`` beside it: SHA-256, the network's size, and how long it was trained and on how much sound.

Notebook: 06
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save

from musiclab.separation.engines.embedded import WEIGHTS
from musiclab.separation.engines.embedded.network import STEMS


def export(checkpoint: Path, weights: Path = WEIGHTS, *, bias: Mapping[str, float] | None = None) -> dict[str, object]:
    """Write the weights and their description; returns the description.

    Parameters
    ----------
    checkpoint : Path
        Written by `train.Trainer.save`.
    weights : Path
        Where to; the description gets the same name with ``.json``.
    bias : Mapping[str, float], optional
        What to add to the logits of a stem, before the softmax: 0.7 doubles its share against another's where both
        are in doubt. Real songs hold sounds that no rendered song had; they belong to ``other`` more often than the
        network believes. See the model card for how it was found.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    average = state["average"]
    for name, value in (bias or {}).items():
        first = 2 * STEMS.index(name)  # two channels for each stem
        average["merge.place"][:, first : first + 2] += value
    content = save({name: value.to(torch.float16).contiguous() for name, value in average.items()})
    description = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "config": state["config"],
        "bias": dict(bias or {}),
        "steps": state["step"],
        "minutes": round(state["minutes"], 1),
        "seconds_of_audio": state["seconds_of_audio"],
    }
    for path, data in ((weights, content), (weights.with_suffix(".json"), json.dumps(description, indent=2).encode())):
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    return description
