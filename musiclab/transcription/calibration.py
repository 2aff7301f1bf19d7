"""The few fitted numbers of the transcribers, from `calibration.json` (made by `musiclab.training.listeners`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np


@cache
def calibration() -> dict[str, Any]:
    """All fitted numbers, read once."""
    text = resources.files(__package__).joinpath("calibration.json").read_text(encoding="utf-8")
    fitted: dict[str, Any] = json.loads(text)
    return fitted


@cache
def layers(name: str) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Weights (inputs, outputs) and biases of each layer of the network in this file, read once."""
    with resources.files(__package__).joinpath(name).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        return tuple((file[f"weight{i}"], file[f"bias{i}"]) for i in range(len(file.files) // 2))


def perceptron(x: np.ndarray, name: str) -> np.ndarray:
    """Log-odds [shape=(rows,)] by the network in this file, for inputs [shape=(rows, inputs)]."""
    return through(x, layers(name))[:, 0]


def through(x: np.ndarray, weighed: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """What the last of these layers gives, each weights and biases, for inputs [shape=(rows, inputs)]."""
    for i, (weight, bias) in enumerate(weighed):
        x = (np.maximum(x, 0) if i else x) @ weight + bias
    return np.asarray(x)


def logistic(z: np.ndarray) -> np.ndarray:
    """Probabilities from log-odds, without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))
