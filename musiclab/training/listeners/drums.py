"""Train the drum network: ``python -m musiclab.training.listeners.drums`` (docs/drum-model.md gives the command).

The folder of recorded one-shots is named by MUSICLAB_SAMPLES. The kits fall into three heaps that share no sound: those
trained on, those by which the confidences are fitted (`TUNING_KITS`), and those that the figures are reported for
(`TEST_KITS`). Kits under share-alike licences aren't trained on.
Every number comes from the seed. Results: `drums.onnx`, and its checksum, delay and fits in `calibration.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from musiclab.instruments import find
from musiclab.training.listeners.drum_network import DrumNetwork
from musiclab.training.places import listeners_folder
from musiclab.training.studio.clips.drumming import play_kit, produce_drums
from musiclab.training.studio.clips.kits import by_kind, random_kit
from musiclab.training.studio.clips.music import play_samples, random_chords
from musiclab.training.studio.clips.patterns import Stroke, random_pattern
from musiclab.training.studio.clips.samples import RecordedSound, find_samples, samples_root
from musiclab.transcription.calibration import logistic
from musiclab.transcription.drums import BANDS, COLUMN_S, DRUMS, MODEL, drum_features, peaks_of_each

log = logging.getLogger("musiclab")
SECONDS = 12.0  # of a clip
BATCH = 8
POSITIVE_WEIGHT = 2.0  # of strokes in the loss: there are so few of them
TOLERANCE = 0.03  # s, stricter than what others are judged by
TUNING_KITS = ("avl-drumkits", "oramics-TR-505")
TEST_KITS = ("SamsSonor", "oramics-LM-2")
FEWEST = 0.03  # how sure of a peak the network has to be for the fit to look at it

Kinds = dict[str, dict[str, list[RecordedSound]]]


@dataclass(frozen=True)
class DrumClip:
    """Rendered drumming: features, what the network should say, and the true strokes."""

    features: np.ndarray  # (columns, 64) float16
    target: np.ndarray  # (columns, 9) float16
    strokes: list[Stroke]


def kits_of(root: Path, heap: str) -> Kinds:
    """The one-shots of a heap: ``train``, ``tuning`` or ``test``."""
    drums = find_samples(root, lambda entry: entry["family"] == "drums")
    if heap == "train":
        return by_kind(s for s in drums if not s.share_alike and s.library not in TUNING_KITS + TEST_KITS)
    return by_kind(s for s in drums if s.library in {"tuning": TUNING_KITS, "test": TEST_KITS}[heap])


def bleed_pool(root: Path, count: int) -> list[np.ndarray]:
    """Music of other instruments, to leak into the drum stems."""
    samples = [s for s in find_samples(root, lambda e: not e.get("share_alike")) if s.pitch is not None]
    libraries = sorted({s.library for s in samples if s.family in ("bass", "guitar", "keys", "winds", "strings")})
    pool = []
    for i in range(count):
        rng = np.random.default_rng([11, i])
        chosen = [s for s in samples if s.library == libraries[rng.integers(len(libraries))]]
        pitches = (min(s.pitch or 0 for s in chosen), max(s.pitch or 0 for s in chosen))
        part = random_chords(rng, find("piano"), pitches, SECONDS)
        pool.append(play_samples(rng, part, chosen, expressive=False))
    return pool


def render_sound(
    seed: Sequence[int], kinds: Kinds, bleeds: list[np.ndarray], *, with_computed: bool
) -> tuple[np.ndarray, list[Stroke]]:
    """Random drumming on a random kit, mono at 44.1 kHz, and its strokes."""
    rng = np.random.default_rng(seed)
    kit = random_kit(rng, kinds, with_computed=with_computed)
    dry, strokes = play_kit(rng, random_pattern(rng, SECONDS), kit, SECONDS)
    bleed = bleeds[rng.integers(len(bleeds))][: len(dry)] if rng.random() < 0.5 else None
    return produce_drums(rng, dry, bleed), strokes


def render_clips(
    seed: int, count: int, kinds: Kinds, bleeds: list[np.ndarray], *, with_computed: bool
) -> list[DrumClip]:
    """Clips of random drumming, ready to train on; `with_computed`: whether recorded kits have computed drums too."""
    clips = []
    for i in range(count):
        samples, strokes = render_sound([seed, i], kinds, bleeds, with_computed=with_computed)
        features = drum_features(samples)
        clips.append(DrumClip(features.astype(np.float16), targets(strokes, len(features)), strokes))
    return clips


def targets(strokes: Sequence[Stroke], columns: int) -> np.ndarray:
    """What the network should say: 1 at each stroke, a half in the columns beside it [shape=(columns, 9)]."""
    target = np.zeros((columns, len(DRUMS)), dtype=np.float16)
    for stroke in strokes:
        if stroke.kind in DRUMS:
            column, drum = round(stroke.time / COLUMN_S), DRUMS.index(stroke.kind)
            for at, value in ((column - 1, 0.5), (column + 1, 0.5), (column, 1.0)):
                if 0 <= at < columns:
                    target[at, drum] = max(value, target[at, drum])
    return target


def matched(times: np.ndarray, truth: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """Which of the times belong to a true one, each of which is taken once [shape=(times,) bool]."""
    from mir_eval.util import match_events

    right = np.zeros(len(times), dtype=bool)
    if len(times) and len(truth):
        right[[found for _, found in match_events(truth, times, tolerance)]] = True
    return right


def predict(network: DrumNetwork, clips: Sequence[DrumClip]) -> list[np.ndarray]:
    """Chances for each clip."""
    network.eval()
    with torch.no_grad():
        return [torch.sigmoid(network(torch.tensor(c.features[None], dtype=torch.float32)))[0].numpy() for c in clips]


def train(clips: list[DrumClip], *, epochs: int, seed: int) -> DrumNetwork:
    """Adam with a learning rate that rises and falls to nothing: the last weights are as good as any before them."""
    torch.manual_seed(seed)
    network = DrumNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    steps = epochs * (len(clips) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps, pct_start=0.15)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(POSITIVE_WEIGHT))
    rng = np.random.default_rng(seed)
    network.train()
    for epoch in range(epochs):
        began, total = time.process_time(), 0.0
        order = rng.permutation(len(clips))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            batch = [clips[i] for i in order[at : at + BATCH]]
            x = torch.tensor(np.stack([c.features for c in batch]), dtype=torch.float32)
            y = torch.tensor(np.stack([c.target for c in batch]), dtype=torch.float32)
            with torch.autocast("cpu", torch.bfloat16):  # several times as fast on processors that have it
                logits = network(augmented(x, rng))
            loss = loss_of(logits.float(), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        mean = total / (len(clips) // BATCH)
        log.info("epoch %d: loss %.5f, %.0f s", epoch, mean, time.process_time() - began)
    return network


def augmented(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A random smooth equaliser and level for each clip, cheap and anew in each epoch: features are log magnitudes."""
    knots = rng.normal(0, 0.06, (len(x), 8)) + rng.normal(0, 0.03, (len(x), 1))  # 0.06: 3.6 dB
    places = np.linspace(0, 7, BANDS)
    curves = np.stack([np.interp(places, np.arange(8), row) for row in knots])
    curve = torch.tensor(curves, dtype=torch.float32)[:, None]
    return torch.where(x > 0, (x + curve).clamp(min=0.0), x)  # digital silence stays silent


def export(network: DrumNetwork, path: Path) -> None:
    """Write the network as ONNX, any number of columns."""
    network.eval()
    example = torch.zeros(1, 200, BANDS)
    with warnings.catch_warnings():  # the older exporter, which warns of its age, writes a smaller, plainer file
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=["features"],
            output_names=["logits"],
            dynamic_axes={"features": {0: "batch", 1: "frames"}, "logits": {0: "batch", 1: "frames"}},
            opset_version=17,
            dynamo=False,
        )


def calibrate(chances: Sequence[np.ndarray], clips: Sequence[DrumClip]) -> dict[str, object]:
    """Fit what makes notes of peaks, on kits that were not trained on: delay (s), slope and offset for each drum."""
    slopes, offsets, delays = [], [], []
    peaks = [peaks_of_each(chance, FEWEST) for chance in chances]
    for d, drum in enumerate(DRUMS):
        heights, right = [], []
        for chance, found, clip in zip(chances, peaks, clips, strict=True):
            truth, times = np.array([s.time for s in clip.strokes if s.kind == drum]), found[d] * COLUMN_S
            hits = matched(times, truth)
            heights.append(chance[found[d], d])
            right.append(hits)
            delays += [float(truth[np.abs(truth - t).argmin()] - t) for t in times[hits]]
        slope, offset = fit_logistic(np.concatenate(heights), np.concatenate(right))
        slopes.append(round(slope, 4))
        offsets.append(round(offset, 4))
    return {"delay": float(np.median(delays)), "slopes": slopes, "offsets": offsets}


def fit_logistic(chance: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and offset on log-odds that make chances keep their word (Platt's scaling), by Newton's method."""
    safe = np.clip(np.asarray(chance, dtype=np.float64), 1e-6, 1 - 1e-6)
    x = np.stack([np.log(safe / (1 - safe)), np.ones(len(safe))], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(30):
        p = logistic(x @ weights)
        slack = x.T @ (x * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2)
        weights = weights + np.linalg.solve(slack, x.T @ (right - p) - 1e-3 * (weights - [1.0, 0.0]))
    return float(weights[0]), float(weights[1])


def main() -> None:
    """Render, train, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1400)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=listeners_folder())
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    root = samples_root()
    bleeds = bleed_pool(root, 30)
    clips = render_clips(options.seed, options.clips, kits_of(root, "train"), bleeds, with_computed=True)
    held_out = render_clips(options.seed + 1000, 80, kits_of(root, "tuning"), bleeds, with_computed=False)
    log.info("rendered %d clips in %.0f s", len(clips), time.process_time())
    network = train(clips, epochs=options.epochs, seed=options.seed)
    export(network, options.out / MODEL)
    fitted = calibrate(predict(network, held_out), held_out)
    fitted["sha256"] = hashlib.sha256((options.out / MODEL).read_bytes()).hexdigest()
    path = options.out / "calibration.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, "drums": fitted}, indent=1) + "\n", encoding="utf-8")
    log.info("%d parameters, %.0f s of CPU", sum(p.numel() for p in network.parameters()), time.process_time())


if __name__ == "__main__":
    main()
