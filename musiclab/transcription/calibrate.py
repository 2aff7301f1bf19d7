"""Fit the numbers in `calibration.json`: ``python -m musiclab.transcription.calibrate`` (some minutes on one core).

Music is rendered from recorded samples (the folder is named by MUSICLAB_SAMPLES) with its notes as exact truth, heard
by the models, and three logistic regressions are fitted: where the notes of a line begin, how likely a candidate of a
posteriorgram is a note, and how likely a note of a line is right. Recordings that the project is tested with play no
part in it. Every number comes from the seeds; the file that
is shipped was made with these functions on other clips and seeds, so a new run gives similar numbers, not the same.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.instruments import Instrument, find
from musiclab.notes import Part
from musiclab.transcription import creation, monophonic
from musiclab.transcription.beginnings import cues, onset_posteriors
from musiclab.transcription.calibration import logistic, with_products
from musiclab.transcription.evaluation import matched_notes
from musiclab.transcription.monophonic import FRAME, PitchTrack
from musiclab.transcription.pitched import LOWEST, Posteriorgram, posteriorgram
from musiclab.transcription.rendered.music import play_samples, produce, random_chords, random_line
from musiclab.transcription.rendered.samples import SR, Sample, find_samples, samples_root, singing

log = logging.getLogger("musiclab")
SECONDS = 20.0  # of a clip
CLIPS = {"voice": 15, "bass": 10, "winds": 10, "brass": 10, "keys": 20, "guitar": 8, "strings": 4}
SOUND_OF = {"keys": "piano"}  # the instrument that stands for a family
SINGERS = ("vocobox-martin-M", "utau-yuki-F")  # sung samples that hold a pitch
ODD = ("ganjo", "karoryfer.horsepulse", "discord-gm.sitar", "karoryfer.ergo-arco")  # too short, or no clear pitch
FEWEST = 8  # samples that make an instrument


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
        if s.family in CLIPS and s.family != "voice" and s.library not in ODD:
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


def hear_family(family: str, groups: dict[str, list[list[Sample]]]) -> list[Heard]:
    """Render and hear the clips of a family."""
    known = find(SOUND_OF.get(family, family))
    others = [samples for name, some in groups.items() if name != "voice" for samples in some]
    heard = []
    for i in range(CLIPS[family]):
        rng = np.random.default_rng([21, list(CLIPS).index(family), i])
        samples = groups[family][i % len(groups[family])]
        music = random_line if known.monophonic else random_chords
        truth = music(rng, known, pitch_range(samples), SECONDS)
        dry = play_samples(rng, truth, samples, expressive=family in ("voice", "winds", "brass", "strings"))
        leak = others[rng.integers(len(others))]
        played = random_chords(rng, find("piano"), pitch_range(leak), SECONDS)
        bleed = play_samples(rng, played, leak, expressive=False) if rng.random() < 0.5 else None
        audio = Audio(produce(rng, dry, bleed=bleed), SR)
        track = monophonic.track_pitch(audio, low=known.low, high=known.high) if known.monophonic else None
        heard.append(Heard(family, known, truth, posteriorgram(audio, twice=not known.monophonic), track))
    return heard


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


def fit_notes(heard: Sequence[Heard]) -> dict[str, object]:
    """How likely candidates of a posteriorgram are notes."""
    xs, ys = [], []
    for clip in (c for c in heard if c.track is None):
        for frame_threshold in (0.2, 0.3):
            some = creation.find_candidates(clip.gram, creation.CANDIDATE_ONSET, frame_threshold, 5, True)
            if len(some):
                xs.append(with_products(creation.features(clip.gram, some)))
                ys.append(are_right(creation.as_notes(some, np.ones(len(some))), clip.truth))
    y = np.concatenate(ys)
    return fit_logistic(np.concatenate(xs), y, np.ones(len(y)), ridge=10.0)


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


def fit_all(heard: Sequence[Heard], path: Path) -> None:
    """Fit in turn (the confidence of lines needs their onsets) and write each to `path`."""
    from musiclab.transcription.calibration import calibration

    for name, fit in (("line_onsets", fit_line_onsets), ("notes", fit_notes), ("lines", fit_lines)):
        known = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**known, name: fit(heard)}, indent=1) + "\n", encoding="utf-8")
        calibration.cache_clear()
        log.info("fitted %s", name)


def main() -> None:
    """Render, hear, fit, write."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = sample_groups(samples_root())
    heard = []
    for family in CLIPS:
        heard += hear_family(family, groups)
        log.info("heard %s", family)
    fit_all(heard, Path(__file__).parent / "calibration.json")


if __name__ == "__main__":
    main()
