"""How good the drum transcriber is beside plain methods, and whether its confidences keep their word.

    MUSICLAB_SAMPLES=... [MUSICLAB_REAL_DATA=...] python tests/benchmarks/bench_drums.py [--clips 80]

prints the tables of docs/drum-model.md. Rendered clips are played on kits that nothing was trained or tuned on. The
plain methods are spectral flux in one band for each drum, and non-negative matrix factorisation with fixed templates
(of the kits that the network was trained on); their thresholds were chosen on the tuning kits, as the network's fits.

References
----------
.. [1] Dittmar, Gaertner: "Real-time transcription and separation of drum recordings based on NMF decomposition",
   DAFx 2014: fixed templates
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.evaluation import recordings
from musiclab.metrics import notes as note_metrics
from musiclab.metrics.notes import drum_scores
from musiclab.notes import Note, Part
from musiclab.training.listeners import drums as drum_train
from musiclab.training.studio.clips.kits import KINDS
from musiclab.training.studio.clips.samples import SR, samples_root
from musiclab.transcription import drums, transcribe

THREE = ("kick", "snare", "hi-hat")
PITCH = {"kick": 36, "snare": 38, "hi-hat": 42}
FLUX_HZ = {"kick": (30, 120), "snare": (300, 3000), "hi-hat": (7000, 16000)}
TEMPLATES = 5  # for each kind of drum
ROUNDS = 25  # of the NMF
TEST_SEED, TUNING_SEED = 2001, 1001

Curves = Callable[[Audio], np.ndarray]  # stem -> how much each of THREE begins in each frame [shape=(frames, 3)]
Song = tuple[str, Audio, Part]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=80)
    options = parser.parse_args()
    bleeds = drum_train.bleed_pool(samples_root(), 30)
    tuning = list(rendered("tuning", TUNING_SEED, 40, bleeds))
    test = list(rendered("test", TEST_SEED, options.clips, bleeds))
    real = list(recorded())
    methods: dict[str, Callable[[Audio], Part]] = {"network": partial(transcribe, instrument="drums")}
    for name, curves in (("flux in bands", flux), ("NMF, fixed templates", partial(nmf, templates()))):
        methods[name] = partial(picked, curves, best_thresholds(curves, tuning))
    print("| method | songs | kick | snare | hi-hat | all three |\n| --- | --- |" + " ---: |" * 4)
    for name, method in methods.items():
        for heap, songs in (("rendered, unheard kits", test), ("recorded", real)):
            if songs:
                print(f"| {name} | {heap} | {scores_row([(method(audio), truth) for _, audio, truth in songs])} |")
    found = {heap: [(methods["network"](a), t) for _, a, t in songs] for heap, songs in (("r", test), ("s", real))}
    print(f"\nRendered, unheard kits, each drum at {drum_train.TOLERANCE * 1000:.0f} ms:\n")
    print("\n".join(by_drum(found["r"])))
    for heap, pairs in found.items():
        if pairs:
            print(f"\nConfidences, {'rendered' if heap == 'r' else 'recorded'}:\n\n" + reliability(pairs, heap == "s"))


def rendered(heap: str, seed: int, count: int, bleeds: list[np.ndarray]) -> Iterator[Song]:
    """Clips on the kits of a heap, with their true strokes."""
    kinds = drum_train.kits_of(samples_root(), heap)
    for i in range(count):
        samples, strokes = drum_train.render_sound([seed, i], kinds, bleeds, with_computed=False)
        notes = [Note(s.time, s.time + 0.05, drums.KEYS[s.kind]) for s in strokes if s.kind in drums.KEYS]
        yield f"{heap} {i}", Audio(samples, SR), Part(tuple(notes), "drums")


def recorded() -> Iterator[Song]:
    """The drum stems of real songs with annotations, where there are any."""
    root = Path(os.environ.get("MUSICLAB_REAL_DATA", "nowhere"))
    for labels in sorted(root.glob("drums/*.onsets.txt")):
        truth = recordings.read_drum_truth(labels)
        yield truth.title, codecs.load(root / "multitracks" / truth.title / "drums.flac"), truth


def flux(audio: Audio) -> np.ndarray:
    """Rise of the log level in one band for each drum."""
    features = drums.drum_features(audio.mono().resampled(SR).samples[0])
    rise = np.maximum(features[2:] - features[:-2], 0.0)
    centres = drums.mel_edges()[1:-1]
    columns = [rise[:, (centres >= a) & (centres < b)].mean(axis=1) for a, b in FLUX_HZ.values()]
    return np.asarray(np.pad(np.stack(columns, axis=1), ((1, 1), (0, 0))))


def templates() -> dict[str, np.ndarray]:
    """Power spectra of the attacks of one-shots, by kind [each shape=(TEMPLATES, 64)]."""
    rng = np.random.default_rng(5)
    out = {}
    for kind, libraries in sorted(drum_train.kits_of(samples_root(), "train").items()):
        samples = [s for name in sorted(libraries) for s in libraries[name]]
        chosen = [samples[int(i)].load()[:4410] for i in rng.permutation(len(samples))[:TEMPLATES]]
        out[kind] = np.stack([mel_power(wave).mean(axis=0) for wave in chosen])
    return {kind: out[kind] / out[kind].sum(axis=1, keepdims=True) for kind in KINDS}


def mel_power(samples: np.ndarray) -> np.ndarray:
    return np.asarray(10 ** (3 * (drums.drum_features(samples).astype(np.float64) - 1)))  # magnitude, loudest about 1


def nmf(known: dict[str, np.ndarray], audio: Audio) -> np.ndarray:
    """Activations of fixed templates (Kullback-Leibler, multiplicative updates), and how they rise."""
    seen = mel_power(audio.mono().resampled(SR).samples[0]).T + 1e-9  # (64, frames)
    w = np.concatenate(list(known.values())).T
    h = np.full((w.shape[1], seen.shape[1]), seen.mean())
    for _ in range(ROUNDS):
        h *= (w.T @ (seen / (w @ h + 1e-12))) / w.sum(axis=0)[:, None]
    owner = np.repeat(list(known), [len(rows) for rows in known.values()])
    groups = (owner == "kick", owner == "snare", np.char.startswith(owner, "hihat"))
    power = np.stack([h[group].sum(axis=0) for group in groups], axis=1)
    rise = np.maximum(power[2:] - power[:-2], 0.0)
    rise /= np.maximum(np.quantile(rise, 0.995, axis=0), 1e-9)
    return np.asarray(np.pad(np.sqrt(rise), ((1, 1), (0, 0))))


def picked(curves: Curves, thresholds: dict[str, float], audio: Audio) -> Part:
    return strokes(curves(audio), thresholds)


def strokes(values: np.ndarray, thresholds: dict[str, float]) -> Part:
    """Peaks of the curves as strokes."""
    notes = [
        Note(frame * drums.COLUMN_S, frame * drums.COLUMN_S + 0.05, PITCH[name])
        for c, name in enumerate(THREE)
        for frame in drums.pick_peaks(values[:, c], thresholds[name])
    ]
    return Part(tuple(sorted(notes, key=lambda n: n.onset)), "drums")


def best_thresholds(curves: Curves, songs: list[Song]) -> dict[str, float]:
    """The threshold of each drum with the best F on the songs."""
    known = [(curves(audio), truth) for _, audio, truth in songs]
    chosen = {}
    for c, name in enumerate(THREE):
        grid = np.quantile(np.concatenate([values[:, c] for values, _ in known]), np.linspace(0.7, 0.995, 24))
        f = [pooled([(strokes(v, dict.fromkeys(THREE, float(t))), truth) for v, truth in known], name) for t in grid]
        chosen[name] = float(grid[int(np.argmax(f))])
    return chosen


def pooled(pairs: list[tuple[Part, Part]], name: str) -> float:
    """F over all songs together."""
    right = true = found = 0.0
    for part, truth in pairs:
        score = drum_scores(part, truth)[name]
        right, true, found = right + score.recall * score.true_notes, true + score.true_notes, found + score.found_notes
    return float(2 * right / max(true + found, 1))


def scores_row(pairs: list[tuple[Part, Part]]) -> str:
    """Drums pooled over the songs; all three as the mean over songs."""
    three = np.mean([drum_scores(part, truth)["all three"].f for part, truth in pairs])
    return " | ".join([*(f"{pooled(pairs, name):.2f}" for name in THREE), f"{three:.2f}"])


def by_drum(pairs: list[tuple[Part, Part]]) -> list[str]:
    """Precision, recall and F of each of the network's drums."""
    lines = ["| drum | P | R | F | strokes |", "| --- | ---: | ---: | ---: | ---: |"]
    for drum, key in drums.KEYS.items():
        right = true = found = 0
        for part, truth in pairs:
            mine, theirs = (np.array([n.onset for n in p.notes if n.semitone == key]) for p in (part, truth))
            right += int(drum_train.matched(mine, theirs).sum())
            true, found = true + len(theirs), found + len(mine)
        f = 2 * right / max(true + found, 1)
        lines.append(f"| {drum} | {right / max(found, 1):.2f} | {right / max(true, 1):.2f} | {f:.2f} | {true} |")
    return lines


def reliability(pairs: list[tuple[Part, Part]], coarse: bool) -> str:
    """What the confidences say and how many of these notes are right; `coarse`: only as exactly as annotations name."""
    if coarse:
        merge = {46: 42, 51: 49}
        known = {36, 38, 42, 45, 49}
        pairs = [(_named(part, merge, known), truth) for part, truth in pairs]
    rows = note_metrics.reliability(pairs)
    lines = ["| confidence | right | notes |", "| ---: | ---: | ---: |"]
    return "\n".join(lines + [f"| {sure:.2f} | {right:.2f} | {count} |" for sure, right, count in rows])


def _named(part: Part, merge: dict[int, int], known: set[int]) -> Part:
    notes = [replace(n, pitch=merge.get(n.semitone, n.semitone)) for n in part.notes]
    return part.with_notes(n for n in notes if n.semitone in known)


if __name__ == "__main__":
    main()
