"""Fit how likely notes are right: ``python -m musiclab.training.listeners confidences --songs SONGS``.

On rendered songs whose notes are known, heard in the mixture, in the stems that the embedded engine
separates, and in the true stems (`musiclab.training.listeners.separated`), and on solo clips, as the other
trainers render them. Each kind of source counts for as much as the true stems. The fits go into
`calibration.json`: ``lines``, ``chords``, ``strokes``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.metrics.notes import DRUM_CLASSES, by_class, reliability_of
from musiclab.notes import Note
from musiclab.training.listeners import fitting
from musiclab.training.listeners.separated import HeardStem
from musiclab.training.places import listeners_folder
from musiclab.transcription import drums, monophonic, note_creation
from musiclab.transcription.calibration import calibration, logistic
from musiclab.transcription.listening import Evidence

log = logging.getLogger("musiclab")
RIDGE = 10.0
LINES, CHORDS, STROKES = "lines", "chords", "strokes"  # names in `calibration.json`


@dataclass(frozen=True)
class JudgedNotes:
    """Notes of one stem: of which kind, from which source, what each is judged by, and whether it is right."""

    of: str
    stem: str
    source: str
    described: np.ndarray
    right: np.ndarray


def judged(stem: HeardStem) -> JudgedNotes:
    """The notes of a stem as they would be written, with all that their confidences are worked out from."""
    of, notes, described = _described(stem.evidence)
    truth = stem.truth
    if of == STROKES:
        classes = {key: float(keys[0]) for keys in DRUM_CLASSES.values() for key in keys}
        kept = [i for i, note in enumerate(notes) if note.semitone in classes]
        notes, described = [replace(notes[i], pitch=classes[notes[i].semitone]) for i in kept], described[kept]
        truth = by_class(truth)
    return JudgedNotes(of, stem.stem, stem.source, described, fitting.are_right(notes, truth))


def _described(evidence: Evidence) -> tuple[str, list[Note], np.ndarray]:
    known, settings = evidence.instrument, evidence.defaults
    if evidence.strokes is not None:
        return STROKES, *drums.judged_notes(evidence.strokes, threshold=settings.onset_threshold)
    if evidence.track is not None:
        line = settings.for_lines()
        found = monophonic.judged_notes(evidence.track, evidence.gram, low=known.low, high=known.high, settings=line)
        return LINES, *found
    if evidence.gram is None:
        return CHORDS, [], np.zeros((0, 3))
    chords, described = note_creation.judged_notes(
        evidence.gram,
        onset_threshold=settings.onset_threshold,
        low=known.low,
        high=known.high,
        polyphony=known.polyphony,
    )
    return CHORDS, note_creation.as_notes(chords), described


def fit(notes: Sequence[JudgedNotes]) -> dict[str, object]:
    """The regression of one kind of notes; each source counts as much as the others."""
    share = {source: sum(len(n.right) for n in notes if n.source == source) for source in {n.source for n in notes}}
    described, right = (np.concatenate([getattr(n, name) for n in notes]) for name in ("described", "right"))
    weight = np.concatenate([np.full(len(n.right), 1 / max(share[n.source], 1)) for n in notes])
    return fitting.fit_logistic(described, right, weight * len(right) / weight.sum(), ridge=RIDGE)


def fit_confidences(stems: Iterable[HeardStem], *, path: Path | None = None) -> None:
    """Fit lines, chords and strokes on what was heard, and write them into `calibration.json` (or to `path`)."""
    notes = [found for found in map(judged, stems) if len(found.right)]
    path = path or listeners_folder() / "calibration.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    fitted = {of: fit(some) for of in (LINES, CHORDS, STROKES) if (some := [n for n in notes if n.of == of])}
    path.write_text(json.dumps({**known, **fitted}, indent=1) + "\n", encoding="utf-8")
    calibration.cache_clear()
    log_reliability(notes, fitted)


def log_reliability(notes: Sequence[JudgedNotes], fitted: dict[str, dict[str, object]]) -> None:
    """Log what is said, and how much of it is right, by stem and source."""
    for stem, source in sorted({(n.stem, n.source) for n in notes}):
        some = [n for n in notes if (n.stem, n.source) == (stem, source)]
        said = [logistic(n.described @ np.array(fitted[n.of]["weights"]) + fitted[n.of]["bias"]) for n in some]
        bins = reliability_of(np.concatenate(said).tolist(), np.concatenate([n.right for n in some]).tolist())
        log.info("%s, %s: %s", stem, source, ", ".join(f"{s:.2f} → {r:.2f} ({n})" for s, r, n in bins))
