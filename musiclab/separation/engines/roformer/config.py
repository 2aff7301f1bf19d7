"""What a Mel-Band RoFormer is like: its sizes, its stems, how much it hears at once.

Checkpoints travel with a YAML file, as the training code of the field writes it; without one, Kim's sizes are meant.

Notebook: 06
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from musiclab.errors import WeightsError
from musiclab.separation.fetching import short

UNKNOWN = ("linear_transformer_depth", "skip_connection", "stft_normalized")  # parts that are not built here
LARGEST = 1 << 20  # bytes of such a file: one of 2 kB is usual


@dataclass(frozen=True)
class Config:
    """Sizes, by the names that such files give them. The defaults are those of Kim's checkpoint for the voice.

    Parameters
    ----------
    dim : int
        Numbers of a token: of one band at one column.
    depth : int
        Pairs of transformers, one over time and one over bands, ...
    time_transformer_depth, freq_transformer_depth : int
        ... each with so many layers.
    num_stems : int
        That the network gives masks for.
    num_bands : int
        Mel bands.
    dim_head, heads : int
        Of the attention.
    mask_estimator_depth : int
        Hidden layers of a band's perceptron, ...
    mlp_expansion_factor : int
        ... each so many times `dim` wide.
    sample_rate : int
        Hz.
    stft_n_fft, stft_hop_length : int
        Frames of a window, and from one column to the next.
    stems : tuple of str
        What the engine gives: one more than `num_stems` if that is 1.
    frames : int
        That the network was trained on, and hears at once.
    """

    dim: int = 384
    depth: int = 6
    time_transformer_depth: int = 1
    freq_transformer_depth: int = 1
    num_stems: int = 1
    num_bands: int = 60
    dim_head: int = 64
    heads: int = 8
    mask_estimator_depth: int = 2
    mlp_expansion_factor: int = 4
    sample_rate: int = 44_100
    stft_n_fft: int = 2_048
    stft_hop_length: int = 441
    stems: tuple[str, ...] = ("vocals", "accompaniment")
    frames: int = 352_800  # 8 s

    def __post_init__(self) -> None:
        sizes = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "stems"}
        if wrong := [name for name, size in sizes.items() if type(size) is not int or not 1 <= size <= 1 << 22]:
            raise ValueError(f"{wrong[0]} is {sizes[wrong[0]]}")
        if self.dim_head % 2 or self.stft_n_fft % 2 or self.stft_hop_length > self.stft_n_fft // 2:
            raise ValueError("dim_head and stft_n_fft are even, a hop is half a window at most")
        if self.frames < self.stft_n_fft:
            raise ValueError("a chunk is shorter than a window")
        if len(set(self.stems)) != max(self.num_stems, 2):
            raise ValueError(f"{self.num_stems} stems can't be called {', '.join(self.stems)}")
        if wrong := [stem for stem in self.stems if not re.fullmatch(r"[\w-]+", stem)]:  # they name files
            raise ValueError(f"a stem can't be called {wrong[0]!r}")


def read(path: Path) -> Config:
    """What a YAML file says of the checkpoint beside it.

    Parameters
    ----------
    path : Path
        Has sections ``audio``, ``model`` and ``training``.

    Raises
    ------
    WeightsError
        If it is of another kind of network, or of one with parts that are not built here.
    """
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Knows tuples, which such files hold, and nothing else of Python's."""

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", yaml.SafeLoader.construct_sequence)
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        return _config(yaml.load(path.read_text(encoding="utf-8"), Loader))  # a safe one
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise WeightsError(
            f"{path.name} does not describe a Mel-Band RoFormer that can be used here ({short(error)})."
        ) from error


def _config(raw: Mapping[str, Any]) -> Config:
    model, training = raw["model"], raw["training"]
    if "freqs_per_bands" in model:
        raise ValueError("its bands are not those of the mel scale: a BS-RoFormer")
    if unknown := [name for name in UNKNOWN if model.get(name)]:
        raise ValueError(f"it has {unknown[0]}")
    if not model.get("stereo") or model.get("stft_win_length", model["stft_n_fft"]) != model["stft_n_fft"]:
        raise ValueError("it is mono, or its window is shorter than its FFT")
    # What a file leaves out is as in the published code, which is not always as in Kim's checkpoint.
    sizes = {"mask_estimator_depth": 1, "time_transformer_depth": 2, "freq_transformer_depth": 2} | {
        field.name: model[field.name] for field in fields(Config) if field.name in model
    }
    stems = _stems(training, sizes.get("num_stems", 1))
    return Config(**sizes, stems=stems, frames=raw["audio"]["chunk_size"])


def _stems(training: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The stems in the network's order; what one that gives a single stem leaves over comes last."""
    names = [str(name).lower() for name in training["instruments"]]
    if count > 1:
        return tuple(names)
    target = str(training.get("target_instrument") or names[0]).lower()
    pair = [target, next((name for name in names if name != target), "other")]
    return tuple("accompaniment" if name in ("other", "instrumental") and "vocals" in pair else name for name in pair)
