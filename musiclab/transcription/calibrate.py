"""Fit what the transcribers know: ``python -m musiclab.transcription.calibrate [lines chords measure]``.

Music is rendered from recorded samples (the folder is named by MUSICLAB_SAMPLES) with its notes as exact truth, heard
by the models, and then:

- ``lines`` (ten minutes on one core): the network that tells where the notes of a line begin, into `lines.npz`, and on
  clips that it has not heard a logistic regression, how likely a note of a line is right, into `calibration.json`;
- ``chords`` (a quarter of an hour): the network that tells how likely a candidate of a posteriorgram is a note, into
  `chords.npz`;
- ``measure`` (a minute or two): the F-measures of chords on clips that it has not heard.

Recordings that the project is tested with play no part in it. Every number comes from the seeds: a second run gives
the same files (of lines see `musiclab.transcription.lines_train`).
"""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.instruments import Instrument, find
from musiclab.notes import Part
from musiclab.transcription import creation, judging, judging_train
from musiclab.transcription.calibration import layers, logistic
from musiclab.transcription.evaluation import matched_notes, note_score
from musiclab.transcription.pitched import Posteriorgram, posteriorgram
from musiclab.transcription.rendered.keyboard import random_piano
from musiclab.transcription.rendered.music import play_samples, produce, random_chords
from musiclab.transcription.rendered.samples import SR, Sample, find_samples, samples_root, singing

log = logging.getLogger("musiclab")
SECONDS = 20.0  # of a clip
LINES = ("voice", "bass", "winds", "brass")
CHORDS = {"keys": 260, "guitar": 90, "strings": 50}  # clips of each family
FAMILIES = (*LINES, *CHORDS)
SOUND_OF = {"keys": "piano"}  # the instrument that stands for a family
SINGERS = ("vocobox-martin-M", "utau-yuki-F")  # sung samples that hold a pitch
ODD = ("ganjo", "karoryfer.horsepulse", "discord-gm.sitar", "karoryfer.ergo-arco")  # too short, or no clear pitch
FEWEST = 8  # samples that make an instrument
PIANOS, ACOUSTIC = ("upright-piano", "grand-piano"), 4  # they play so many times as often as other keys
TWO_HANDS = {"keys": 0.75, "strings": 0.3}  # how often a family plays as a piano does
DISTANT = 0.3  # share of the clips of chords that are recorded from afar
MEASURED, THRESHOLDS = 12, (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Heard:
    """A rendered clip: its true notes and what the models say."""

    family: str
    known: Instrument
    truth: Part
    gram: Posteriorgram


def sample_groups(root: Path) -> dict[str, list[list[Sample]]]:
    """For each family, the instruments that samples make: those of one library, kind and articulation."""
    groups: dict[tuple[str, ...], list[Sample]] = defaultdict(list)
    for s in find_samples(root, lambda e: e["pitch"] is not None and e.get("pitch_verified", True)):
        if s.family in FAMILIES and s.family != "voice" and s.library not in ODD:
            groups[s.family, s.library, s.kind, s.articulation if s.family == "winds" else ""].append(s)
    for s in find_samples(root, lambda e: e.get("mode") == "sung" and e.get("voice_id") in SINGERS):
        sung = singing(s)
        if sung.spread < 0.8 and sung.voiced > 0.25:
            groups["voice", s.voice].append(replace(s, pitch=sung.pitch))
    families: dict[str, list[list[Sample]]] = defaultdict(list)
    for key, samples in sorted(groups.items()):
        if len(samples) >= FEWEST:
            families[key[0]].append(samples)
    return families


def hear_family(family: str, clips: range, groups: dict[str, list[list[Sample]]]) -> Iterator[Heard]:
    """Render and hear clips of a family, by their numbers."""
    known = find(SOUND_OF.get(family, family))
    instruments = groups[family] + [g for g in groups[family] if g[0].kind in PIANOS] * (ACOUSTIC - 1)
    others = [samples for name, some in groups.items() if name != "voice" for samples in some]
    for i in clips:
        rng = np.random.default_rng([21, FAMILIES.index(family), i])
        samples = instruments[i % len(instruments)]
        truth = compose(rng, known)(rng, known, pitch_range(samples), SECONDS)
        dry = play_samples(rng, truth, samples, expressive=family == "strings")
        leak = others[rng.integers(len(others))]
        played = random_chords(rng, find("piano"), pitch_range(leak), SECONDS)
        bleed = play_samples(rng, played, leak, expressive=False) if rng.random() < 0.5 else None
        distant = rng.random() < DISTANT
        audio = Audio(produce(rng, dry, bleed=bleed, distant=distant), SR)
        yield Heard(family, known, truth, posteriorgram(audio, twice=True))


def compose(rng: np.random.Generator, known: Instrument) -> Callable[..., Part]:
    """What music the instrument plays."""
    return random_piano if rng.random() < TWO_HANDS.get(known.family, 0.0) else random_chords


def pitch_range(samples: Sequence[Sample]) -> tuple[float, float]:
    """What the samples can play, a tone beyond their lowest and highest."""
    pitches = [float(s.pitch or 0) for s in samples]
    return min(pitches) - 2, max(pitches) + 2


def fit_logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray, *, ridge: float) -> dict[str, object]:
    """Weights and bias of a logistic regression by Newton's method; the ridge acts on standardised columns."""
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-9
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


def fit_chords_of(groups: dict[str, list[list[Sample]]]) -> None:
    """Train the network of chords and write it to `chords.npz`."""
    described, right = [], []
    for family, clips in CHORDS.items():
        for clip in hear_family(family, range(clips), groups):
            some = creation.find_candidates(clip.gram)
            described.append(creation.described(clip.gram, some).astype(np.float16))
            right.append(judging_train.are_true(some, clip.truth))
        log.info("heard %s", family)
    network = judging_train.train(np.concatenate(described), np.concatenate(right))
    np.savez(Path(__file__).parent / judging.WEIGHTS, **network)  # type: ignore[arg-type]
    layers.cache_clear()


def measure_chords(groups: dict[str, list[list[Sample]]]) -> None:
    """Log the mean F-measure on clips after those that were trained on, at several thresholds."""
    for family, clips in CHORDS.items():
        known = find(SOUND_OF.get(family, family))
        heard = list(hear_family(family, range(clips, clips + MEASURED), groups))
        for threshold in THRESHOLDS:
            limits = {"low": known.low, "high": known.high, "polyphony": known.polyphony}
            found = [clip.truth.with_notes(clip.gram.notes(onset_threshold=threshold, **limits)) for clip in heard]
            scores = [note_score(part, clip.truth).f for part, clip in zip(found, heard, strict=True)]
            log.info("%s, notes likelier than %.1f: F %.3f", family, threshold, np.mean(scores))


def main() -> None:
    """Render, hear, fit, write."""
    from musiclab.transcription import lines_train

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {"lines": lines_train.fit_lines, "chords": fit_chords_of, "measure": measure_chords}
    parser.add_argument("what", nargs="*", metavar="|".join(tasks), help="all, if left out")
    wanted = parser.parse_args().what or list(tasks)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = sample_groups(samples_root())
    for what in wanted:
        tasks[what](groups)


if __name__ == "__main__":
    main()
