"""Transcription from end to end: real recordings, and that confidences keep their word."""

import os
from pathlib import Path

import pytest

from musiclab.errors import DatasetError
from musiclab.evaluation import recordings
from musiclab.metrics.notes import best_shift, note_score, reliability, shifted
from musiclab.notes import Note, Part
from musiclab.transcription import listen


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "least"), [("vocadito_1", 0.70), ("attya_filosax_part_4_slurs", 0.85), ("MUS-scn15_6_ENSTDkAm", 0.75)]
)
def test_real_recordings(name: str, least: float) -> None:
    """Plain Basic Pitch has 0.45 (voice), 0.69 (saxophone) and 0.67 (piano)."""
    row = recordings._evaluate_solo(Path(os.environ["MUSICLAB_REAL_DATA"]) / "transcription" / name)
    assert row.score.f >= least


def test_evidence_makes_parts_with_other_thresholds() -> None:
    truth = Part(tuple(Note(0.4 * k + 0.1, 0.4 * k + 0.45, 60 + k) for k in range(5)), "clarinet")
    evidence = listen(truth.audio(), instrument="clarinet")
    usual, strict = evidence.part(), evidence.part(onset_threshold=0.999)
    assert note_score(usual, truth).f == 1
    assert len(strict) <= len(usual)
    assert len(evidence.part(min_length=1.0)) < len(usual)
    assert evidence.part(beats=(0.1, 0.5, 0.9)).beats == (0.1, 0.5, 0.9)


def test_note_scores_are_mir_evals() -> None:
    truth = Part((Note(0, 1, 60), Note(1, 2, 62), Note(2, 3, 64)))
    found = Part((Note(0.04, 0.5, 60.3), Note(1.06, 2, 62), Note(2, 3, 64)))
    assert note_score(found, truth).f == pytest.approx(2 / 3)
    assert note_score(found, truth, offsets=True).f == pytest.approx(1 / 3)
    assert note_score(Part(), Part()).f == 1
    assert note_score(Part(), truth).f == 0


def test_a_constant_shift_is_found() -> None:
    truth = Part(tuple(Note(k + 0.5, k + 0.9, 60 + k) for k in range(8)))
    assert best_shift(shifted(truth, 0.09), truth) == pytest.approx(-0.09, abs=0.03)


def test_reliability_counts_what_is_right() -> None:
    truth = Part((Note(0, 1, 60), Note(1, 2, 62)))
    found = Part((Note(0, 1, 60, 80, 0.9), Note(1, 2, 65, 80, 0.9), Note(1, 2, 62, 80, 0.3)))
    assert reliability([(found, truth)]) == [(pytest.approx(0.3), 1.0, 1), (pytest.approx(0.9), 0.5, 2)]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="transcription"):
        recordings.evaluate_folder(tmp_path)
