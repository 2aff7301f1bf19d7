"""What transcription gives on a folder of recordings whose notes are known, as rows of a table.

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musiclab.errors import DatasetError
from musiclab.metrics.notes import DRUM_CLASSES, NoteScore, best_shift, drum_scores, note_score, shifted
from musiclab.midi import read_midi
from musiclab.notes import Note, Part
from musiclab.theory import hz_to_midi

if TYPE_CHECKING:
    from musiclab.progress import Progress

# Of annotation files; OT, such as side sticks and tambourines, is none of these.
LABELS = {"KD": 36, "SD": 38, "HH": 42, "TT": 45, "CY": 49}
NAMED = {"vocadito": "voice", "filosax": "saxophone", "bass": "bass", "guitar": "guitar", "clarinet": "clarinet"}


@dataclass(frozen=True)
class Row:
    """One recording of an evaluation: what was found, what is true, and how they agree.

    `shift` (s) was applied to `part` before scoring, 0 where audio and notes are aligned.
    """

    name: str
    part: Part
    truth: Part
    score: NoteScore
    with_offsets: NoteScore | None = None
    drums: dict[str, NoteScore] | None = None
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
        return Part(tuple(Note(t, t + d, float(hz_to_midi(f))) for t, f, d in rows[:, :3]), instrument)
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
    progress : Progress
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
    part = transcribe(codecs.load(_audio_file(folder, "audio")), instrument=truth.instrument, progress=False)
    # Tables of piano notes come from datasets whose audio and notes are offset by a constant.
    shift = best_shift(part, truth) if (folder / "notes.tsv").is_file() else 0.0
    part = shifted(part, shift)
    return Row(folder.name, part, truth, note_score(part, truth), note_score(part, truth, offsets=True), shift=shift)


def _evaluate_drums(root: Path, labels: Path) -> Row:
    from musiclab import codecs
    from musiclab.transcription.listening import transcribe

    truth = read_drum_truth(labels)
    part = transcribe(
        codecs.load(_audio_file(root / "multitracks" / truth.title, "drums")), instrument="drums", progress=False
    )
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
