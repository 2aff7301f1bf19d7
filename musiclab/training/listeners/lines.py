"""Train what tells the notes of lines: called by `musiclab.training.listeners`; needs torch and the samples.

Lines are rendered from recorded samples (and some from computed tones) with exact onsets. Three clips of four
train the network of `musiclab.transcription.onsets`; on the others, which it has not heard, the F-measures are
taken that are logged, and `musiclab.training.listeners.confidences` fits how likely notes are right. The files
that are shipped were made with these functions on 281 clips of other seeds: a new run gives similar numbers,
not the same.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.instruments import Instrument, find
from musiclab.metrics.notes import note_score
from musiclab.notes import Part
from musiclab.training.listeners import fitting
from musiclab.training.listeners.fitting import pitch_range
from musiclab.training.places import listeners_folder
from musiclab.training.studio.clips import effects
from musiclab.training.studio.clips.lines import lasting, play_line, random_melody, random_tones
from musiclab.training.studio.clips.music import play_samples, produce, random_chords
from musiclab.training.studio.clips.samples import SR, RecordedSound
from musiclab.transcription.calibration import layers
from musiclab.transcription.monophonic import line_notes, track_pitch
from musiclab.transcription.onsets import WEIGHTS, described
from musiclab.transcription.pitch_track import COLUMN_S, PitchTrack
from musiclab.transcription.posteriorgram import Posteriorgram, posteriorgram

log = logging.getLogger("musiclab")
CLIPS = {"voice": 80, "bass": 70, "winds": 77, "brass": 20, "tones": 40}
SECONDS = 20.0  # of a clip
KEPT = 4  # every fourth clip is not trained on
DEAF = 10  # every tenth clip is trained on without its posteriorgram: there may be none
HIDDEN, EPOCHS = (32,), 24
NEAR = 0.056  # s around an onset where columns neither count as one nor against one


@dataclass(frozen=True)
class HeardLine:
    """A rendered line: its true notes and what the models say."""

    family: str
    known: Instrument
    truth: Part
    gram: Posteriorgram
    track: PitchTrack


def hear_lines(groups: dict[str, list[list[RecordedSound]]], *, every: int = 1) -> Iterator[HeardLine]:
    """Render and hear all clips, or every so many, the families in turn."""
    others = [samples for name, kits in groups.items() if name != "voice" for samples in kits]
    clips = [(i, family) for i in range(max(CLIPS.values())) for family, count in CLIPS.items() if i < count]
    for i, family in clips[::every]:
        rng = np.random.default_rng([22, list(CLIPS).index(family), i])
        samples = random_tones(rng) if family == "tones" else groups[family][i % len(groups[family])]
        yield hear_line(rng, family, samples, others[rng.integers(len(others))])


def hear_line(
    rng: np.random.Generator, family: str, samples: list[RecordedSound], leak: list[RecordedSound]
) -> HeardLine:
    """Render a line of these samples, half of the time with another instrument bleeding in, and hear it."""
    known = find(samples[0].family)
    line = random_melody(rng, known, pitch_range(samples), SECONDS, longest=lasting(samples))
    dry = play_line(rng, line, samples)
    if rng.random() < 0.4:
        dry = effects.compress(dry, rng)
    bleed = None
    if rng.random() < 0.5:
        chords = random_chords(rng, find("piano"), pitch_range(leak), SECONDS)
        bleed = play_samples(rng, chords, leak, expressive=False)
    audio = Audio(produce(rng, dry, bleed=bleed), SR)
    track = track_pitch(audio, low=known.low, high=known.high)
    return HeardLine(family, known, line.part, posteriorgram(audio, twice=False), track)


def onset_labels(columns: int, truth: Part) -> tuple[np.ndarray, np.ndarray]:
    """1 at each column where a note begins and beside it, and how much each column counts [shapes=(columns,)]."""
    times = np.arange(columns) * COLUMN_S
    begins, weight = np.zeros(columns, dtype=np.float32), np.ones(columns, dtype=np.float32)
    for note in truth.notes:
        weight[np.abs(times - note.onset) < NEAR] = 0
    for note in truth.notes:
        at = int(np.abs(times - note.onset).argmin())
        first, last = max(0, at - 1), min(columns, at + 2)
        begins[first:last] = 1
        weight[first:last] = np.maximum(weight[first:last], 0.5)
        weight[at] = 1
    return begins, weight


def train_beginnings(heard: list[HeardLine], path: Path) -> None:
    """Train the network of beginnings and write it."""
    rows = []
    for i, clip in enumerate(heard):
        gram = None if i % DEAF == DEAF - 1 else clip.gram
        rows.append((described(clip.track, gram), *onset_labels(len(clip.track.pitch), clip.truth)))
    x, y, weight = (np.concatenate(column) for column in zip(*rows, strict=True))
    network = fitting.train(x, y, weight=weight, hidden=HIDDEN, epochs=EPOCHS)
    np.savez(path, **network)  # type: ignore[arg-type]
    layers.cache_clear()


def log_scores(heard: list[HeardLine]) -> None:
    """Log how good the notes are, by family."""
    scores = defaultdict(list)
    for clip in heard:
        notes = line_notes(clip.track, clip.gram, low=clip.known.low, high=clip.known.high)
        scores[clip.family].append(note_score(clip.truth.with_notes(notes), clip.truth).f)
    for family, values in scores.items():
        log.info("%s: F %.3f over %d clips that were not trained on", family, np.mean(values), len(values))


def fit_lines(groups: dict[str, list[list[RecordedSound]]]) -> None:
    """Train the network into `lines.npz`."""
    heard = list(hear_lines(groups))
    log.info("heard %d lines", len(heard))
    train_beginnings([clip for i, clip in enumerate(heard) if i % KEPT], listeners_folder() / WEIGHTS)
    log_scores([clip for i, clip in enumerate(heard) if i % KEPT == 0])
