"""Fit what the transcribers know: ``python -m musiclab.transcription.calibrate [lines chords]``.

Music is rendered from recorded samples (the folder is named by MUSICLAB_SAMPLES) with its notes as exact truth, heard
by the models, and then:

- ``lines`` (some minutes on one core): two logistic regressions, where the notes of a line begin and how likely a note
  of a line is right, into `calibration.json`;
- ``chords`` (a quarter of an hour): the network that tells how likely a candidate of a posteriorgram is a note, into
  `chords.npz`.

Recordings that the project is tested with play no part in it. Every number comes from the seeds: a second run gives
the same files.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.instruments import Instrument, find
from musiclab.notes import Part
from musiclab.transcription import creation, judging, judging_train, monophonic
from musiclab.transcription.beginnings import cues, onset_posteriors
from musiclab.transcription.calibration import calibration, logistic, with_products
from musiclab.transcription.evaluation import matched_notes
from musiclab.transcription.monophonic import FRAME, PitchTrack
from musiclab.transcription.pitched import LOWEST, Posteriorgram, posteriorgram
from musiclab.transcription.rendered.keyboard import random_piano
from musiclab.transcription.rendered.music import play_samples, produce, random_chords, random_line
from musiclab.transcription.rendered.samples import SR, Sample, find_samples, samples_root, singing

log = logging.getLogger("musiclab")
SECONDS = 20.0  # of a clip
LINES = {"voice": 15, "bass": 10, "winds": 10, "brass": 10}  # clips of each family
CHORDS = {"keys": 260, "guitar": 90, "strings": 50}
FAMILIES = (*LINES, *CHORDS)
SOUND_OF = {"keys": "piano"}  # the instrument that stands for a family
SINGERS = ("vocobox-martin-M", "utau-yuki-F")  # sung samples that hold a pitch
ODD = ("ganjo", "karoryfer.horsepulse", "discord-gm.sitar", "karoryfer.ergo-arco")  # too short, or no clear pitch
FEWEST = 8  # samples that make an instrument
PIANOS, ACOUSTIC = ("upright-piano", "grand-piano"), 4  # they play so many times as often as other keys
TWO_HANDS = {"keys": 0.75, "strings": 0.3}  # how often a family plays as a piano does
DISTANT = 0.3  # share of the clips of chords that are recorded from afar


@dataclass(frozen=True)
class Heard:
    """A rendered clip: its true notes and what the models say."""

    family: str
    known: Instrument
    truth: Part
    gram: Posteriorgram
    track: PitchTrack | None


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


def hear_family(family: str, clips: int, groups: dict[str, list[list[Sample]]]) -> Iterator[Heard]:
    """Render and hear the clips of a family."""
    known = find(SOUND_OF.get(family, family))
    instruments = groups[family] + [g for g in groups[family] if g[0].kind in PIANOS] * (ACOUSTIC - 1)
    others = [samples for name, some in groups.items() if name != "voice" for samples in some]
    for i in range(clips):
        rng = np.random.default_rng([21, FAMILIES.index(family), i])
        samples = instruments[i % len(instruments)]
        truth = compose(rng, known)(rng, known, pitch_range(samples), SECONDS)
        dry = play_samples(rng, truth, samples, expressive=family in ("voice", "winds", "brass", "strings"))
        leak = others[rng.integers(len(others))]
        played = random_chords(rng, find("piano"), pitch_range(leak), SECONDS)
        bleed = play_samples(rng, played, leak, expressive=False) if rng.random() < 0.5 else None
        distant = not known.monophonic and rng.random() < DISTANT
        audio = Audio(produce(rng, dry, bleed=bleed, distant=distant), SR)
        track = monophonic.track_pitch(audio, low=known.low, high=known.high) if known.monophonic else None
        yield Heard(family, known, truth, posteriorgram(audio, twice=not known.monophonic), track)


def compose(rng: np.random.Generator, known: Instrument) -> Callable[..., Part]:
    """What music the instrument plays."""
    if known.monophonic:
        return random_line
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


def fit_line_onsets(heard: Sequence[Heard]) -> dict[str, object]:
    """Where the notes of lines begin. Frames beside an onset count half, those near it not at all."""
    xs, ys, weights = [], [], []
    for clip in (c for c in heard if c.track is not None):
        assert clip.track is not None
        frames = len(clip.track.pitch)
        times = np.arange(frames) * FRAME
        y, weight = np.zeros(frames), np.ones(frames)
        keys = sounding_keys(clip.track)
        for note in clip.truth.notes:
            apart = np.abs(times - note.onset)
            weight[apart < 0.056] = 0
            at = int(apart.argmin())
            first, last = max(0, at - 1), min(frames, at + 2)
            y[first:last], weight[first:last] = 1, 0.5
            weight[at] = 1
        grid = np.arange(LOWEST, LOWEST + 88)
        near_keys = [onset_posteriors(clip.gram, frames, grid + d)[np.arange(frames), keys] for d in (-1, 0, 1)]
        xs.append(np.column_stack([np.max(near_keys, axis=0), cues(clip.track)]))
        ys.append(y)
        weights.append(weight)
    return fit_logistic(with_products(np.concatenate(xs)), np.concatenate(ys), np.concatenate(weights), ridge=3.0)


def sounding_keys(track: PitchTrack) -> np.ndarray:
    """Column (0–87) of the key that sounds just after each frame [shape=(frames,)]."""
    padded = np.append(track.pitch, [track.pitch[-1]] * 6)
    after = np.median([padded[d : d + len(track.pitch)] for d in range(1, 6)], axis=0)
    return np.asarray(np.clip(np.rint(after).astype(int) - LOWEST, 1, 86))


def are_right(notes: Sequence[object], truth: Part) -> np.ndarray:
    """1 for each note that matches a true one, else 0, in the order given."""
    part = truth.with_notes(notes)  # type: ignore[arg-type]
    right = {id(part.notes[found]) for _, found in matched_notes(part, truth)}
    return np.array([float(id(note) in right) for note in notes])


def fit_lines(heard: Sequence[Heard]) -> dict[str, object]:
    """How likely the notes of lines are right."""
    xs, ys = [], []
    for clip in (c for c in heard if c.track is not None):
        assert clip.track is not None
        notes, x = monophonic.judged_notes(clip.track, clip.gram, low=clip.known.low, high=clip.known.high)
        xs.append(x)
        ys.append(are_right(notes, clip.truth))
    y = np.concatenate(ys)
    return fit_logistic(np.concatenate(xs), y, np.ones(len(y)), ridge=3.0)


def fit_lines_of(groups: dict[str, list[list[Sample]]]) -> None:
    """Fit in turn (the confidence of lines needs their onsets) and write each to `calibration.json`."""
    heard = [clip for family, clips in LINES.items() for clip in hear_family(family, clips, groups)]
    path = Path(__file__).parent / "calibration.json"
    for name, fit in (("line_onsets", fit_line_onsets), ("lines", fit_lines)):
        known = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**known, name: fit(heard)}, indent=1) + "\n", encoding="utf-8")
        calibration.cache_clear()
        log.info("fitted %s", name)


def fit_chords_of(groups: dict[str, list[list[Sample]]]) -> None:
    """Train the network of chords and write it to `chords.npz`."""
    described, right = [], []
    for family, clips in CHORDS.items():
        for clip in hear_family(family, clips, groups):
            some = creation.find_candidates(clip.gram)
            described.append(creation.described(clip.gram, some).astype(np.float16))
            right.append(judging_train.are_true(some, clip.truth))
        log.info("heard %s", family)
    network = judging_train.train(np.concatenate(described), np.concatenate(right))
    np.savez(Path(__file__).parent / judging.WEIGHTS, **network)  # type: ignore[arg-type]
    judging.layers.cache_clear()


def main() -> None:
    """Render, hear, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    fits = {"lines": fit_lines_of, "chords": fit_chords_of}
    parser.add_argument("what", nargs="*", metavar="|".join(fits), help="both, if left out")
    wanted = parser.parse_args().what or list(fits)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = sample_groups(samples_root())
    for what in wanted:
        fits[what](groups)


if __name__ == "__main__":
    main()
