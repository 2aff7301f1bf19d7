"""How good a transcription is: note F-measures by mir_eval, drum F-measures, and tables over a folder of recordings.

Conventions (mir_eval's): a note is found when its onset lies within 50 ms of a true onset and its pitch within half a
semitone; "with offsets" its end must fit too, to 50 ms or a fifth of the note's length. Each true note is matched at
most once. Precision is the share of the found notes that are right, recall the share of the true ones that are found,
F their harmonic mean.

References
----------
.. [1] Raffel, McFee, Humphrey, Salamon, Nieto, Liang, Ellis: "mir_eval: a transparent implementation of common MIR
   metrics", ISMIR 2014

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musiclab.errors import DatasetError
from musiclab.midi import read_midi
from musiclab.notes import Note, Part

if TYPE_CHECKING:
    from musiclab.transcription.pitched import Progress

ONSET_TOLERANCE = 0.05  # s
PITCH_TOLERANCE = 50.0  # cents
MOST_SHIFT = 0.1  # s, by which audio and notes of a dataset may be offset
DRUM_CLASSES = {"kick": (35, 36), "snare": (38, 39, 40), "hi-hat": (42, 44, 46),
                "toms": (41, 43, 45, 47, 48, 50), "cymbals": (49, 51, 52, 53, 55, 57, 59)}  # fmt: skip
MAIN_DRUMS = ("kick", "snare", "hi-hat")
# Of annotation files; OT, such as side sticks and tambourines, is none of these.
LABELS = {"KD": 36, "SD": 38, "HH": 42, "TT": 45, "CY": 49}
NAMED = {"vocadito": "voice", "filosax": "saxophone", "bass": "bass", "guitar": "guitar", "clarinet": "clarinet"}


@dataclass(frozen=True)
class Score:
    """Precision, recall and F-measure, 0–1, and how many notes there are in truth and estimate."""

    precision: float
    recall: float
    f: float
    true_notes: int
    found_notes: int


def note_score(part: Part, truth: Part, *, offsets: bool = False, tolerance: float = ONSET_TOLERANCE) -> Score:
    """Note F-measure of `part` against the true notes of `truth`.

    Parameters
    ----------
    part, truth : Part
        What was found, and what is true.
    offsets : bool
        Whether the ends of the notes must fit too (to 50 ms or 20 % of the length).
    tolerance : float
        For onsets, in seconds.
    """
    pairs = matched_notes(part, truth, offsets=offsets, tolerance=tolerance)
    return _score(len(pairs), len(truth), len(part))


def matched_notes(
    part: Part, truth: Part, *, offsets: bool = False, tolerance: float = ONSET_TOLERANCE
) -> list[tuple[int, int]]:
    """Pairs (index in `truth`, index in `part`) of notes that are the same, as many as can be."""
    if not len(truth) or not len(part):
        return []
    from mir_eval.transcription import match_notes

    pairs: list[tuple[int, int]] = match_notes(
        truth.intervals,
        _hz(truth.pitches),
        part.intervals,
        _hz(part.pitches),
        onset_tolerance=tolerance,
        pitch_tolerance=PITCH_TOLERANCE,
        offset_ratio=0.2 if offsets else None,
    )
    return pairs


def drum_scores(part: Part, truth: Part, *, tolerance: float = ONSET_TOLERANCE) -> dict[str, Score]:
    """F-measure for each class of `DRUM_CLASSES`, and for ``all three``: kick, snare and hi-hat counted together.

    Parameters
    ----------
    part, truth : Part
        Of drums: pitches are General MIDI percussion numbers.
    tolerance : float
        For onsets, in seconds.
    """
    from mir_eval.util import match_events

    counts: dict[str, tuple[int, int, int]] = {}
    for name, keys in DRUM_CLASSES.items():
        true, found = (
            np.array([note.onset for note in p.notes if note.semitone in keys], dtype=float) for p in (truth, part)
        )
        right = len(match_events(true, found, tolerance)) if len(true) and len(found) else 0
        counts[name] = (right, len(true), len(found))
    three = np.sum([counts[name] for name in MAIN_DRUMS], axis=0)
    return {name: _score(*row) for name, row in counts.items()} | {"all three": _score(*(int(n) for n in three))}


def _score(right: int, true: int, found: int) -> Score:
    """What is found nowhere and is nowhere counts as perfect."""
    if true == found == 0:
        return Score(1.0, 1.0, 1.0, 0, 0)
    return Score(right / max(found, 1), right / max(true, 1), 2 * right / (true + found), true, found)


def _hz(pitches: np.ndarray) -> np.ndarray:
    return np.asarray(440.0 * 2.0 ** ((pitches - 69.0) / 12.0))


def shifted(part: Part, seconds: float) -> Part:
    """The part so many seconds later; what would begin before 0 is cut, or dropped if nothing is left."""
    moved = [(max(0.0, n.onset + seconds), n.offset + seconds, n) for n in part.notes]
    return part.with_notes(replace(n, onset=a, offset=b) for a, b, n in moved if b > a)


def best_shift(part: Part, truth: Part, *, most: float = MOST_SHIFT) -> float:
    """The constant shift of `part`, in seconds, that fits `truth` best: for data whose audio and notes are offset."""
    shifts = np.round(np.arange(-most, most + 0.005, 0.01), 3)
    scores = np.array([note_score(shifted(part, float(s)), truth).f for s in shifts])
    # Within the tolerance many shifts are equally good: the middle one of them.
    best = shifts[scores >= scores.max() - 1e-9]
    return float(best[len(best) // 2])


@dataclass(frozen=True)
class Row:
    """One recording of an evaluation: what was found, what is true, and how they agree.

    `shift` (s) was applied to `part` before scoring, 0 where audio and notes are aligned.
    """

    name: str
    part: Part
    truth: Part
    score: Score
    with_offsets: Score | None = None
    drums: dict[str, Score] | None = None
    shift: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """The figures, for JSON."""
        return {
            "name": self.name,
            "instrument": self.truth.instrument,
            "score": asdict(self.score),
            "with_offsets": asdict(self.with_offsets) if self.with_offsets else None,
            "drums": {name: asdict(score) for name, score in self.drums.items()} if self.drums else None,
            "shift": self.shift,
        }


def read_truth(folder: Path) -> Part:
    """The true notes of a recording, from ``notes.mid``, ``notes.tsv`` or ``*notes*.csv`` in its folder.

    The columns of a ``.tsv`` are onset, offset (s), MIDI pitch, velocity; those of a ``.csv`` onset (s), pitch (Hz),
    duration (s).
    """
    instrument = next((name for part, name in NAMED.items() if part in folder.name.lower()), "piano")
    if (folder / "notes.mid").is_file():
        return replace(read_midi(folder / "notes.mid"), instrument=instrument)
    tables = [*sorted(folder.glob("notes.tsv")), *sorted(folder.glob("*notes*.csv"))]
    if not tables:
        raise DatasetError(f"There are no true notes in {folder}: put notes.mid, notes.tsv or notes.csv there.")
    hz = tables[0].suffix == ".csv"
    rows = np.atleast_2d(np.loadtxt(tables[0], delimiter="," if hz else None))
    if hz:
        return Part(tuple(Note(t, t + d, 69 + 12 * np.log2(f / 440)) for t, f, d in rows[:, :3]), instrument)
    return Part(tuple(Note(a, b, pitch) for a, b, pitch in rows[:, :3]), instrument)


def read_drum_truth(path: Path) -> Part:
    """True drum strokes from lines of a time in seconds and a class: KD, SD, HH, TT, CY (others are left out)."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    strokes = [(float(time), LABELS[label]) for time, label, *_ in lines if label in LABELS]
    return Part(tuple(Note(time, time + 0.05, key) for time, key in strokes), "drums", title=path.name.split(".")[0])


def evaluate_folder(root: str | Path, *, progress: Progress | None = None) -> list[Row]:
    """Transcribe and score all recordings of a folder.

    Parameters
    ----------
    root : str | Path
        With ``transcription/NAME/audio.*`` and true notes beside it, and ``drums/NAME.onsets.txt`` for the stems
        ``multitracks/NAME/drums.*``; either may be missing.
    progress : Callable[[float, str], None]
        Told the fraction done (0–1) and the recording's name.

    Returns
    -------
    list[Row]
        One for each recording, in the order of their names.

    Raises
    ------
    DatasetError
        If there is nothing to evaluate.
    """
    root = Path(root)
    solos = sorted(path for path in root.glob("transcription/*") if path.is_dir())
    kits = sorted(root.glob("drums/*.onsets.txt"))
    if not solos and not kits:
        raise DatasetError(f"{root} has neither transcription/NAME/ nor drums/NAME.onsets.txt: give another folder.")
    rows = []
    for i, path in enumerate([*solos, *kits]):
        if progress is not None:
            progress(i / (len(solos) + len(kits)), path.name)
        rows.append(_evaluate_solo(path) if path.is_dir() else _evaluate_drums(root, path))
    return rows


def _evaluate_solo(folder: Path) -> Row:
    from musiclab import codecs
    from musiclab.transcription.listening import transcribe

    truth = read_truth(folder)
    part = transcribe(codecs.load(_audio_file(folder, "audio")), instrument=truth.instrument)
    # Tables of piano notes come from datasets whose audio and notes are offset by a constant.
    shift = best_shift(part, truth) if (folder / "notes.tsv").is_file() else 0.0
    part = shifted(part, shift)
    return Row(folder.name, part, truth, note_score(part, truth), note_score(part, truth, offsets=True), shift=shift)


def _evaluate_drums(root: Path, labels: Path) -> Row:
    from musiclab import codecs
    from musiclab.transcription.listening import transcribe

    truth = read_drum_truth(labels)
    part = transcribe(codecs.load(_audio_file(root / "multitracks" / truth.title, "drums")), instrument="drums")
    scores = drum_scores(part, truth)
    return Row(truth.title, part, truth, scores["all three"], drums=scores)


def _audio_file(folder: Path, stem: str) -> Path:
    found = sorted(folder.glob(f"{stem}.*"))
    if not found:
        raise DatasetError(f"There is no {stem} file in {folder}.")
    return found[0]


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows as text."""
    body = []
    for row in rows:
        s, ends, drums = row.score, row.with_offsets, row.drums or {}
        cells = [f"{s.precision:.2f}", f"{s.recall:.2f}", f"{s.f:.2f}", f"{ends.f:.2f}" if ends else ""]
        cells += [f"{drums[name].f:.2f}" if name in drums and drums[name].true_notes else "" for name in DRUM_CLASSES]
        body.append([row.name, row.truth.instrument, *cells])
    return ["recording", "instrument", "P", "R", "F", "F with offsets", *DRUM_CLASSES], body


def reliability(pairs: Sequence[tuple[Part, Part]], *, bins: int = 5) -> list[tuple[float, float, int]]:
    """Whether confidences keep their word: for each bin (mean confidence, share that is right, how many notes).

    `pairs` of (found, truth). Calibrated confidences have the first two alike in each bin.
    """
    sure, right = [], []
    for part, truth in pairs:
        hits = {found for _, found in matched_notes(part, truth)}
        sure += [note.confidence for note in part.notes]
        right += [float(i in hits) for i in range(len(part))]
    confidence, correct = np.array(sure), np.array(right)
    of = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[of == b].mean()), float(correct[of == b].mean()), int((of == b).sum()))
        for b in range(bins)
        if (of == b).any()
    ]
