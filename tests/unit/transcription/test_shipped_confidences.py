"""Whether the shipped confidences keep their word on separated stems: on notes of rendered songs that were kept.

`judged.npz` holds what such notes are judged by, and whether they are right. It is written by ``python -m
musiclab.training.listeners confidences --songs SONGS --sample tests/unit/transcription/judged.npz``: whoever changes
what notes are judged by, fits anew, and writes both.
"""

from pathlib import Path

import numpy as np
import pytest

from musiclab.metrics.notes import reliability_of
from musiclab.transcription import stem_confidence
from musiclab.transcription.calibration import calibration

KINDS = ("lines", "chords", "strokes")
MOST = 0.07  # between what is said and what is right, in each fifth
FEWEST = 40  # notes of a fifth that anything can be said about


@pytest.fixture(scope="module")
def judged() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("judged.npz"), allow_pickle=False) as file:
        return {name: file[name].astype(float) for name in file.files}


def worst(described: np.ndarray, right: np.ndarray, of: str) -> float:
    """The largest difference of a fifth, beyond what so few notes may differ by chance (one standard error)."""
    said = stem_confidence.confidence_in_stem(described, of)
    return max(
        abs(mean - share) - np.sqrt(mean * (1 - mean) / count)
        for mean, share, count in reliability_of(said.tolist(), (right > 0).tolist())
        if count >= FEWEST
    )


@pytest.mark.parametrize("of", KINDS)
def test_confidences_of_separated_stems_keep_their_word(judged, of):
    assert worst(judged[of], judged[f"{of}_right"], of) < MOST


@pytest.mark.parametrize("of", KINDS)
@pytest.mark.parametrize("log_odds", [-1.0, 1.0])
def test_a_fit_that_lost_its_word_is_noticed(judged, of, log_odds, monkeypatch):
    known = calibration()
    spoilt = known | {of: known[of] | {"bias": known[of]["bias"] + log_odds}}
    monkeypatch.setattr(stem_confidence, "calibration", lambda: spoilt)
    assert worst(judged[of], judged[f"{of}_right"], of) > MOST


@pytest.mark.parametrize("of", KINDS)
def test_confidences_tell_right_notes_from_wrong_ones(judged, of):
    said = stem_confidence.confidence_in_stem(judged[of], of)
    right = judged[f"{of}_right"] > 0
    assert said[right].mean() - said[~right].mean() > 0.05
