"""Write a checkpoint's averaged weights as the engine reads them.

``python -m musiclab.separation.embedded.export CHECKPOINT`` writes ``weights.safetensors`` (fp16) into the package, and
``weights.json`` beside it: SHA-256, the network's size, and how long it was trained.

Notebook: 06
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from pathlib import Path

import torch
from safetensors.torch import save

from musiclab.separation.embedded import WEIGHTS


def export(checkpoint: Path, weights: Path = WEIGHTS) -> dict[str, object]:
    """Write the weights and their description; returns the description.

    Parameters
    ----------
    checkpoint : Path
        Written by `musiclab.separation.embedded.train`.
    weights : Path
        Where to; the description gets the same name with ``.json``.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    content = save({name: value.to(torch.float16).contiguous() for name, value in state["average"].items()})
    description = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "config": state["config"],
        "steps": state["step"],
        "minutes": round(state["minutes"], 1),
    }
    for path, data in ((weights, content), (weights.with_suffix(".json"), json.dumps(description, indent=2).encode())):
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    return description


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Export a checkpoint as the weights of the embedded engine.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="file to write")
    arguments = parser.parse_args()
    description = export(arguments.checkpoint, arguments.out)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("musiclab").info("%s: %s", arguments.out, description)


if __name__ == "__main__":
    main()
