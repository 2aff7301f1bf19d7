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
        return {name: file[name] for name in file.files}


def words(judged: dict[str, np.ndarray], of: str) -> tuple[np.ndarray, np.ndarray]:
    """What notes say of themselves, and which are right; of lines, family by family."""
    family = judged[f"{of}_family"]
    said = np.zeros(len(family))
    for name in set(family):
        some = family == name
        said[some] = stem_confidence.confidence_in_stem(judged[of][some].astype(float), of, family=str(name))
    return said, judged[f"{of}_right"]


def worst(said: np.ndarray, right: np.ndarray) -> float:
    """The largest difference of a fifth, beyond what so few notes may differ by chance (one standard error)."""
    return max(
        abs(mean - share) - np.sqrt(mean * (1 - mean) / count)
        for mean, share, count in reliability_of(said.tolist(), right.tolist())
        if count >= FEWEST
    )


@pytest.mark.parametrize("of", KINDS)
def test_confidences_of_separated_stems_keep_their_word(judged, of):
    assert worst(*words(judged, of)) < MOST


@pytest.mark.parametrize("of", KINDS)
@pytest.mark.parametrize("log_odds", [-1.0, 1.0])
def test_a_fit_that_lost_its_word_is_noticed(judged, of, log_odds, monkeypatch):
    known = calibration()
    spoilt = known | {of: {family: fit | {"bias": fit["bias"] + log_odds} for family, fit in known[of].items()}}
    monkeypatch.setattr(stem_confidence, "calibration", lambda: spoilt)
    assert worst(*words(judged, of)) > MOST


@pytest.mark.parametrize("of", KINDS)
def test_confidences_tell_right_notes_from_wrong_ones(judged, of):
    said, right = words(judged, of)
    assert said[right].mean() - said[~right].mean() > 0.05


@pytest.mark.parametrize("family", ["bass", "voice"])
def test_lines_keep_their_word_family_by_family(judged, family):
    said, right = words(judged, "lines")
    some = judged["lines_family"] == family
    assert some.sum() > 4 * FEWEST
    assert worst(said[some], right[some]) < MOST


@pytest.mark.parametrize("of", KINDS)
def test_surer_notes_stay_surer(of):
    """Whatever the line through which log-odds go: it rises everywhere."""
    assert "" in calibration()[of]
    for fit in calibration()[of].values():
        *slopes, _ = fit["straight"]
        assert len(slopes) == 3
        assert min(slopes) > 0
