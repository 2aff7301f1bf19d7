"""Fit how likely notes are right: ``python -m musiclab.training.listeners confidences --songs SONGS``.

On rendered songs whose notes are known, heard in the mixture, in the stems that the embedded engine
separates, in stems of other mixes of it, and in the true stems (`musiclab.training.listeners.separated`), and on solo
clips, as the other trainers render them. Of chords and strokes few numbers are fitted. Lines get networks of few
units, one for basses, one for voices, one for all. The fits go into `calibration.json`: ``lines``, ``chords``,
``strokes``. The table that is logged is of songs that played no part in the fit: each fold of songs is judged by a fit
on the others.

References
----------
.. [1] Platt: "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
   in Advances in Large Margin Classifiers, MIT Press 2000
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize

from musiclab import instruments
from musiclab.metrics.notes import DRUM_CLASSES, by_class, reliability_of
from musiclab.notes import Note
from musiclab.training.listeners import fitting
from musiclab.training.listeners.separated import REMIXED, SEPARATED, SOLO, HeardStem
from musiclab.training.places import listeners_folder
from musiclab.transcription import drums, monophonic, note_creation
from musiclab.transcription.calibration import calibration
from musiclab.transcription.listening import Evidence
from musiclab.transcription.stem_confidence import bent, chance, log_odds

log = logging.getLogger("musiclab")
LINES, CHORDS, STROKES = "lines", "chords", "strokes"  # names in `calibration.json`
RIDGE = 10.0  # of regressions
UNITS, STEPS, BATCH, DECAY = (8,), 2250, 512, 0.1  # of the networks of lines
SHARES = {SEPARATED: 8.0, REMIXED: 8.0}  # how much a source counts, however many its notes; others count 1
OTHER_LINES = {SOLO: 8.0}  # the same for winds and brass, which no separated stem here is of
FOLDS = 6
SAMPLE = 600  # notes of a kind that tests look at
SLOPES = 0.05, 3.0  # that log-odds may be straightened by: surer notes always stay surer
AS_IT_IS = [1.0, 1.0, 1.0, 0.0]  # straightens nothing
STIFF = 1.0  # nats that a bend costs by which a slope changes by one
BENT = LINES, CHORDS  # of which there are notes enough at both ends
BY_THEMSELVES = "bass", "voice"  # families of lines that have separated stems, and networks of their own


@dataclass(frozen=True)
class JudgedNotes:
    """Notes of one stem of a song: of which kind, from which source, what each is judged by, and what is right."""

    of: str
    stem: str
    source: str
    described: np.ndarray
    right: np.ndarray
    song: str = ""

    @property
    def family(self) -> str:
        """That of the instrument that plays the stem."""
        return instruments.find(instruments.of_stem(self.stem)).family


def judged(stem: HeardStem) -> JudgedNotes:
    """The notes of a stem as they would be written, with all that their confidences are worked out from."""
    of, notes, described = _described(stem.evidence)
    truth = stem.truth
    if of == STROKES:
        classes = {key: float(keys[0]) for keys in DRUM_CLASSES.values() for key in keys}
        kept = [i for i, note in enumerate(notes) if note.semitone in classes]
        notes, described = [replace(notes[i], pitch=classes[notes[i].semitone]) for i in kept], described[kept]
        truth = by_class(truth)
    return JudgedNotes(of, stem.stem, stem.source, described, fitting.are_right(notes, truth), stem.song)


def _described(evidence: Evidence) -> tuple[str, list[Note], np.ndarray]:
    known, settings = evidence.instrument, evidence.defaults
    if evidence.strokes is not None:
        return STROKES, *drums.judged_notes(evidence.strokes, threshold=settings.onset_threshold)
    if evidence.track is not None:
        line = settings.for_lines()
        found = monophonic.judged_notes(
            evidence.track, evidence.gram, low=known.low, high=known.high, settings=line, family=known.family
        )
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


def fit(notes: Sequence[JudgedNotes]) -> dict[str, dict[str, Any]]:
    """How likely notes of one kind are right, by family: `chance` takes each, that of ``""`` is of all together."""
    if notes[0].of != LINES:
        return {"": fit_one(notes, SHARES)}
    apart = {family: [n for n in notes if n.family == family] for family in BY_THEMSELVES}
    alone = {family: fit_one(some, SHARES) for family, some in apart.items() if some}
    return {"": fit_one(notes, OTHER_LINES), **alone}


def fit_one(notes: Sequence[JudgedNotes], shares: Mapping[str, float]) -> dict[str, Any]:
    """What is learnt from these notes, straightened on other songs; sources count by their shares.

    What keeps weights small draws all chances towards the middle, what learns by heart drives them apart. So log-odds
    go through a line, fitted on what is said of songs that were not heard (the way of [1]_), in the sources that
    count most if there are any: it is there that the word is to be kept. It bends, since the ends differ most (see
    `stem_confidence`).
    """

    def learn(some: Sequence[JudgedNotes]) -> dict[str, Any]:
        return (network if notes[0].of == LINES else regression)(some, shares)

    fitted, words = learn(notes), of_other_songs(notes, lambda some: {"": learn(some)})
    if not words:
        return fitted
    counted = [i for i, n in enumerate(notes) if n.source in shares] or range(len(notes))
    odds = np.concatenate([log_odds(words[i]) for i in counted])
    right = np.concatenate([notes[i].right for i in counted])
    return {**fitted, "straight": straightened(odds, right, bends=notes[0].of in BENT)}


def straightened(odds: np.ndarray, right: np.ndarray, *, bends: bool) -> list[float]:
    """The slopes of a line below, between and above its bends, and its offset, so that log-odds keep their word.

    The likeliest line, if there are notes enough to bend it; without `bends` it has one slope.
    """
    parts = bent(odds) if bends else odds[:, np.newaxis]

    def cost(line: np.ndarray) -> float:
        told = parts @ line[:-1] + line[-1]
        return float((np.logaddexp(0.0, told) - right * told).sum() + STIFF * np.square(np.diff(line[:-1])).sum())

    count = parts.shape[1]
    found = optimize.minimize(cost, [1.0] * count + [0.0], bounds=[SLOPES] * count + [(None, None)]).x
    slopes = found[:-1] if bends else np.repeat(found[:-1], 3)
    return [round(float(value), 4) for value in (*slopes, found[-1])]


def regression(notes: Sequence[JudgedNotes], shares: Mapping[str, float]) -> dict[str, Any]:
    """Of one kind of notes, held small by its ridge, and not straightened."""
    fitted = fitting.fit_logistic(*_together(notes), _counting(notes, shares), ridge=RIDGE)
    return {**fitted, "straight": AS_IT_IS}


def network(notes: Sequence[JudgedNotes], shares: Mapping[str, float]) -> dict[str, Any]:
    """The same with a hidden layer."""
    described, right = _together(notes)
    epochs = -(-STEPS // -(-len(right) // BATCH))
    layers = fitting.train(
        described, right, weight=_counting(notes, shares), hidden=UNITS, epochs=epochs, batch=BATCH, decay=DECAY
    )
    return {
        "hidden": {"weights": _rounded(layers["weight0"]), "bias": _rounded(layers["bias0"])},
        "weights": _rounded(layers["weight1"][:, 0]),
        "bias": _rounded(layers["bias1"][0]),
        "straight": AS_IT_IS,
    }


def _together(notes: Sequence[JudgedNotes]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([n.described for n in notes]), np.concatenate([n.right for n in notes])


def _rounded(values: np.ndarray) -> Any:
    return np.round(values.astype(float), 4).tolist()


def _counting(notes: Sequence[JudgedNotes], shares: Mapping[str, float]) -> np.ndarray:
    """How much each note counts, 1 on average: each source as much as the others, but for its share.

    Confidences are there for separated stems above all: where it can't be told from a note that its stem is clean, the
    word that is kept is that of a separated one.
    """
    of = {n.source: sum(len(m.right) for m in notes if m.source == n.source) for n in notes}
    weight = np.concatenate([np.full(len(n.right), shares.get(n.source, 1.0) / max(of[n.source], 1)) for n in notes])
    return np.asarray(weight * len(weight) / weight.sum())


def said(fitted: dict[str, Any], notes: JudgedNotes) -> np.ndarray:
    """What each note says of itself (0–1) by the fits of its kind."""
    return chance(fitted.get(notes.family, fitted[""]), notes.described)


def of_other_songs(
    notes: Sequence[JudgedNotes], fit_on: Callable[[Sequence[JudgedNotes]], dict[str, Any]]
) -> list[np.ndarray]:
    """What notes of one kind say of themselves by fits on other songs, in `FOLDS` folds; nothing of one song alone."""
    songs = sorted({n.song for n in notes})
    if len(songs) < 2:
        return []
    fold = {song: i % FOLDS for i, song in enumerate(songs)}
    fits = {f: fit_on([n for n in notes if fold[n.song] != f]) for f in set(fold.values())}
    return [said(fits[fold[n.song]], n) for n in notes]


def fit_confidences(stems: Iterable[HeardStem], *, path: Path | None = None, sample: Path | None = None) -> None:
    """Fit lines, chords and strokes on what was heard, and write them into `calibration.json` (or to `path`).

    `sample` keeps some notes of separated stems, by which the tests tell whether what is shipped keeps its word.
    """
    notes = [found for found in map(judged, stems) if len(found.right)]
    path = path or listeners_folder() / "calibration.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    kinds = {of: some for of in (LINES, CHORDS, STROKES) if (some := [n for n in notes if n.of == of])}
    fitted = {of: fit(some) for of, some in kinds.items()}
    path.write_text(_written({**known, **fitted}), encoding="utf-8")
    calibration.cache_clear()
    if sample is not None:
        keep_some(kinds, sample)
    for some in kinds.values():
        log_reliability(some)


def _written(fits: dict[str, Any]) -> str:
    """As JSON, each row of numbers on a line of its own."""
    text = json.dumps(fits, indent=1)
    return re.sub(r"\[[^][{}]+\]", lambda row: "[" + " ".join(row[0][1:-1].split()) + "]", text) + "\n"


def keep_some(kinds: dict[str, list[JudgedNotes]], path: Path) -> None:
    """Write `SAMPLE` notes of each kind from separated stems: what they are judged by, and whether they are right."""
    arrays: dict[str, np.ndarray] = {}
    for of, notes in kinds.items():
        separated = [n for n in notes if n.source == SEPARATED]
        described, right = (np.concatenate([getattr(n, name) for n in separated]) for name in ("described", "right"))
        some = np.random.default_rng(0).permutation(len(right))[:SAMPLE]
        family = np.concatenate([np.full(len(n.right), n.family) for n in separated])
        arrays |= {of: described[some].astype(np.float16), f"{of}_right": right[some] > 0, f"{of}_family": family[some]}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def log_reliability(notes: Sequence[JudgedNotes]) -> None:
    """Log what notes of one kind say by a fit on other songs, and how many are right, by stem and source."""
    words = of_other_songs(notes, fit)
    if not words:
        log.info("%s: one song alone can't be held out", notes[0].of)
        return
    for stem, source in sorted({(n.stem, n.source) for n in notes}):
        some = [i for i, n in enumerate(notes) if (n.stem, n.source) == (stem, source)]
        right = np.concatenate([notes[i].right for i in some])
        bins = reliability_of(np.concatenate([words[i] for i in some]).tolist(), right.tolist())
        songs = len({notes[i].song for i in some})
        told = ", ".join(f"{s:.2f} → {r:.2f} ({n})" for s, r, n in bins)
        log.info("%s, %s, %d songs held out: %s", stem, source, songs, told)
