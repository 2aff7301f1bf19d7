"""Demucs's published weights: fetched, and kept if they are what they are called.

Notebook: 06
"""

from __future__ import annotations

import shutil
from pathlib import Path

from musiclab.errors import WeightsError
from musiclab.progress import Progress
from musiclab.separation import weights
from musiclab.separation.fetching import short

CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs")  # all that is ever made from a file


def fetch(name: str, *, progress: Progress | None = None) -> Path:
    """The folder with the weights of an engine: see `weights.fetch`."""
    return weights.fetch(name, keep=keep, progress=progress)


def keep(item: weights.Weights, source: Path, folder: Path) -> None:
    """Keep the files if they are what they are called: a bag that names its networks, and networks of Demucs.

    Raises
    ------
    WeightsError
        If one isn't. Nobody but their publisher can know more of them: see `musiclab.separation.weights`.
    """
    import yaml  # type: ignore[import-untyped]
    from safetensors import SafetensorError, safe_open

    for file in item.stored:
        path = source / file
        try:
            if path.suffix == ".yaml":
                named = {str(signature) for signature in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]}
                if missing := named - {Path(other).stem for other in item.stored}:
                    raise ValueError(f"it names networks that don't belong to it: {', '.join(sorted(missing))}")
            else:
                with safe_open(str(path), framework="np") as opened:  # its length fits what its head says, too
                    klass = (opened.metadata() or {}).get("klass")
                if klass not in CLASSES:
                    raise ValueError(f"a network of the class {klass!r}")
        except (OSError, ValueError, TypeError, KeyError, SafetensorError, yaml.YAMLError) as error:
            raise WeightsError(
                f"{path} is not {file} of {item.name!r} as the Demucs hub has it ({short(error)}): fetch it again."
            ) from error
        shutil.copyfile(path, folder / file)
