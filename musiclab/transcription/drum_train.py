"""Train the drum network: ``python -m musiclab.transcription.drum_train`` (about fifteen minutes on one core).

The folder of recorded one-shots is named by MUSICLAB_SAMPLES. Kits under share-alike licences aren't trained on: they
are the kits by which the best epoch is told, since the network has never heard them.
Every number comes from the seed. Results: `drums.onnx`, and its checksum and delay in `calibration.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from musiclab.instruments import find
from musiclab.transcription.drum_network import DrumNetwork
from musiclab.transcription.drums import DRUMS, FRAME, MODEL, POSITIVE_WEIGHT, REFRACTORY, drum_features, pick_peaks
from musiclab.transcription.rendered.drumming import (
    Stroke,
    by_kind,
    play_kit,
    produce_drums,
    random_kit,
    random_pattern,
)
from musiclab.transcription.rendered.music import play_samples, random_chords
from musiclab.transcription.rendered.samples import Sample, find_samples, samples_root

log = logging.getLogger("musiclab")
SECONDS = 12.0  # of a clip
BATCH = 8
TOLERANCE = 0.03  # s, stricter than what others are judged by: thresholds should be chosen for exact times


@dataclass(frozen=True)
class Clip:
    """Rendered drumming: features, what the network should say, and the true strokes."""

    features: np.ndarray  # (frames, 64) float16
    target: np.ndarray  # (frames, 7) float16
    strokes: list[Stroke]


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


def render_clip(seed: list[int], kinds: dict[str, dict[str, list[Sample]]], bleeds: list[np.ndarray]) -> Clip:
    """One clip of random drumming on a random kit."""
    rng = np.random.default_rng(seed)
    strokes = random_pattern(rng, SECONDS)
    dry = play_kit(rng, strokes, random_kit(rng, kinds), SECONDS)
    bleed = bleeds[rng.integers(len(bleeds))][: len(dry)] if rng.random() < 0.5 else None
    features = drum_features(produce_drums(rng, dry, bleed))
    target = np.zeros((len(features), len(DRUMS)), dtype=np.float16)
    for stroke in strokes:
        if stroke.kind in DRUMS:
            frame = round(stroke.time / FRAME)
            for at, value in ((frame - 1, 0.5), (frame + 1, 0.5), (frame, 1.0)):
                if 0 <= at < len(target):
                    column = DRUMS.index(stroke.kind)
                    target[at, column] = max(value, target[at, column])
    return Clip(features.astype(np.float16), target, strokes)


def f_measures(chances: list[np.ndarray], clips: list[Clip], threshold: float) -> np.ndarray:
    """F-measure of each drum at one threshold [shape=(7,)]."""
    right, found, true = np.zeros(len(DRUMS)), np.zeros(len(DRUMS)), np.zeros(len(DRUMS))
    for chance, clip in zip(chances, clips, strict=True):
        for d, drum in enumerate(DRUMS):
            times = pick_peaks(chance[:, d], threshold) * FRAME
            truth = np.array([s.time for s in clip.strokes if s.kind == drum])
            found[d], true[d] = found[d] + len(times), true[d] + len(truth)
            if len(times) and len(truth):
                # A stroke counts once; two of one drum within the tolerance don't occur but by chance.
                right[d] += np.sum(np.abs(times[:, None] - truth).min(axis=0) <= TOLERANCE)
    return np.asarray(2 * right / np.maximum(found + true, 1))


def predict(network: DrumNetwork, clips: list[Clip]) -> list[np.ndarray]:
    """Chances for each clip."""
    network.eval()
    with torch.no_grad():
        return [torch.sigmoid(network(torch.tensor(c.features[None], dtype=torch.float32)))[0].numpy() for c in clips]


def train(clips: list[Clip], held_out: list[Clip], *, epochs: int, seed: int) -> DrumNetwork:
    """Adam with a one-cycle learning rate; the weights of the best epoch on the held-out kits."""
    torch.manual_seed(seed)
    network = DrumNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    steps = epochs * (len(clips) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps, pct_start=0.15)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(POSITIVE_WEIGHT))
    rng = np.random.default_rng(seed)
    best, best_state = -1.0, network.state_dict()
    for epoch in range(epochs):
        network.train()
        began, total = time.process_time(), 0.0
        order = rng.permutation(len(clips))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            batch = [clips[i] for i in order[at : at + BATCH]]
            x = torch.tensor(np.stack([c.features for c in batch]), dtype=torch.float32)
            y = torch.tensor(np.stack([c.target for c in batch]), dtype=torch.float32)
            loss = loss_of(network(augmented(x, rng)), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        scores = f_measures(predict(network, held_out), held_out, 0.5)
        mean = float(scores.mean())
        if mean > best:
            best, best_state = mean, {k: v.clone() for k, v in network.state_dict().items()}
        log.info("epoch %d: loss %.4f, F %s, %.0f s", epoch, total / (len(clips) // BATCH), np.round(scores, 2),
                 time.process_time() - began)  # fmt: skip
    network.load_state_dict(best_state)
    return network


def augmented(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A random tilt and level of each clip's spectrum, cheap and anew in each epoch (features are log magnitudes)."""
    bands = torch.linspace(-1, 1, x.shape[2])
    tilt = torch.tensor(rng.normal(0, 0.05, (len(x), 1, 1)), dtype=torch.float32)
    level = torch.tensor(rng.normal(0, 0.03, (len(x), 1, 1)), dtype=torch.float32)
    return (x + tilt * bands + level).clamp(min=0.0)


def export(network: DrumNetwork, path: Path) -> None:
    """Write the network as ONNX, any number of frames."""
    network.eval()
    example = torch.zeros(1, 200, 64)
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the older exporter writes a smaller, plainer file
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


def calibrate(network: DrumNetwork, held_out: list[Clip]) -> dict[str, object]:
    """The median delay of the peaks in seconds, on kits that were not trained on; their F-measures are logged."""
    chances = predict(network, held_out)
    grid = np.round(np.arange(0.1, 0.9, 0.05), 2)
    table = np.array([f_measures(chances, held_out, float(t)) for t in grid])
    best = table.argmax(axis=0)
    log.info("held-out F %s at %s", np.round(table.max(axis=0), 3), grid[best])
    errors: list[float] = []
    for chance, clip in zip(chances, held_out, strict=True):
        for d, drum in enumerate(DRUMS):
            truth = np.array([s.time for s in clip.strokes if s.kind == drum])
            found = pick_peaks(chance[:, d], float(grid[best[d]])) * FRAME
            if len(truth) and len(found):
                apart = truth - found[:, np.newaxis]
                nearest = apart[np.arange(len(found)), np.abs(apart).argmin(axis=1)]
                errors.extend(nearest[np.abs(nearest) < REFRACTORY * FRAME].tolist())
    return {"delay": float(np.median(errors))}


def main() -> None:
    """Render, train, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=700)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    root = samples_root()
    drums = find_samples(root, lambda entry: entry["family"] == "drums")
    free = by_kind([s for s in drums if not s.share_alike])
    unheard = by_kind([s for s in drums if s.share_alike or s.kind == "percussion"])
    bleeds = bleed_pool(root, 30)
    clips = [render_clip([options.seed, i], free, bleeds) for i in range(options.clips)]
    held_out = [render_clip([options.seed + 1000, i], unheard, bleeds) for i in range(40)]
    log.info("rendered %d clips in %.0f s", len(clips), time.process_time())
    network = train(clips, held_out, epochs=options.epochs, seed=options.seed)
    export(network, options.out / MODEL)
    fitted = calibrate(network, held_out)
    fitted["sha256"] = hashlib.sha256((options.out / MODEL).read_bytes()).hexdigest()
    path = options.out / "calibration.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, "drums": fitted}, indent=1) + "\n", encoding="utf-8")
    log.info("%d parameters, %.0f s of CPU", sum(p.numel() for p in network.parameters()), time.process_time())


if __name__ == "__main__":
    main()
