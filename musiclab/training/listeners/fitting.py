"""What the trainers of lines and chords share: a small network, a logistic regression, which notes are right."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from musiclab.metrics.notes import ONSET_TOLERANCE, matched_notes
from musiclab.notes import Part
from musiclab.training.studio.clips.samples import RecordedSound
from musiclab.transcription.calibration import logistic
from musiclab.transcription.note_creation import COLUMN_S, Candidates
from musiclab.transcription.posteriorgram import LOWEST

HIDDEN = (64, 32)  # widths of the hidden layers
EPOCHS, BATCH, RATE, DECAY = 12, 2048, 2e-3, 1e-4


def are_true(candidates: Candidates, truth: Part) -> np.ndarray:
    """1 for the candidate nearest in time to each true note of its key, within 50 ms; else 0 [shape=(candidates,)]."""
    times, right = candidates.start * COLUMN_S, np.zeros(len(candidates), dtype=np.float32)
    for note in truth.notes:
        apart = np.where(candidates.key == note.semitone - LOWEST, np.abs(times - note.onset), np.inf)
        if len(apart) and apart.min() <= ONSET_TOLERANCE:
            right[apart.argmin()] = 1
    return right


def train(
    described: np.ndarray,
    right: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    hidden: tuple[int, ...] = HIDDEN,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    decay: float = DECAY,
) -> dict[str, np.ndarray]:
    """The network's ``weight0``, ``bias0``, ``weight1`` ... as `musiclab.transcription.calibration.layers` reads them.

    Parameters
    ----------
    described : np.ndarray [shape=(candidates, features)]
        From `musiclab.transcription.note_confidence.describe`.
    right : np.ndarray [shape=(candidates,)]
        1 where the candidate is a note, else 0.
    weight : np.ndarray [shape=(candidates,)]
        How much each counts.
    hidden : tuple[int, ...]
        Widths of the hidden layers.
    epochs : int
        How often each candidate is seen.
    batch : int
        Candidates of one step.
    decay : float
        What keeps weights small, as AdamW has it.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    x = described.astype(np.float32)
    mean = x.mean(axis=0, dtype=np.float64)
    x -= mean.astype(np.float32)
    std = np.sqrt(np.einsum("ij,ij->j", x, x, dtype=np.float64) / len(x)) + 1e-6
    x /= std.astype(np.float32)
    inputs = torch.from_numpy(x)
    y = torch.from_numpy(right.astype(np.float32))
    counts = torch.ones_like(y) if weight is None else torch.from_numpy(weight.astype(np.float32))
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise((x.shape[1], *hidden, 1))]
    network = nn.Sequential(layers[0], *(step for layer in layers[1:] for step in (nn.ReLU(), layer)))
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=decay)
    steps = epochs * -(-len(y) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(y)), batch):
            loss = nn.functional.binary_cross_entropy_with_logits(network(inputs[rows])[:, 0], y[rows], counts[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    weights = [layer.weight.detach().numpy().T.astype(np.float64) for layer in layers]
    biases = [layer.bias.detach().numpy().astype(np.float64) for layer in layers]
    # The standardisation goes into the first layer.
    biases[0] = biases[0] - (mean / std) @ weights[0]
    weights[0] = weights[0] / std[:, np.newaxis]
    named = {f"weight{i}": w for i, w in enumerate(weights)} | {f"bias{i}": b for i, b in enumerate(biases)}
    return {name: array.astype(np.float32) for name, array in named.items()}


def pitch_range(samples: Sequence[RecordedSound]) -> tuple[float, float]:
    """What the samples can play, a tone beyond their lowest and highest."""
    pitches = [float(s.pitch or 0) for s in samples]
    return min(pitches) - 2, max(pitches) + 2


def fit_logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray, *, ridge: float) -> dict[str, Any]:
    """Weights and bias of a logistic regression by Newton's method; the ridge acts on standardised columns.

    A column that is always the same tells nothing: its weight is 0.
    """
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.where(std > 1e-6, std, np.inf)
    columns = np.column_stack([(x - mean) / std, np.ones(len(x))])
    b = np.zeros(columns.shape[1])
    penalty = ridge * np.append(np.ones(x.shape[1]), 0.0)
    for _ in range(30):
        p = logistic(columns @ b)
        gradient = columns.T @ (weight * (y - p)) - penalty * b
        hessian = (columns * (weight * p * (1 - p))[:, np.newaxis]).T @ columns + np.diag(penalty + 1e-6)
        b += np.linalg.solve(hessian, gradient)
    scaled = b[:-1] / std
    return {"weights": np.round(scaled, 5).tolist(), "bias": round(float(b[-1] - scaled @ mean), 5)}


def are_right(notes: Sequence[object], truth: Part) -> np.ndarray:
    """1 for each note that matches a true one, else 0, in the order given."""
    part = truth.with_notes(notes)  # type: ignore[arg-type]
    right = {id(part.notes[found]) for _, found in matched_notes(part, truth)}
    return np.array([float(id(note) in right) for note in notes])
