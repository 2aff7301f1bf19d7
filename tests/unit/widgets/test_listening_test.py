"""The blind listening test: its coin, its statistics, its file, its levels."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.blind.levelled import clip_starts, matched
from musiclab.widgets.blind.listening_test import Abx, ListeningTest, guessing
from tests.sounds import noise

SR = 8_000


@pytest.mark.parametrize(("right", "trials"), [(0, 1), (1, 1), (9, 12), (10, 12), (12, 12), (40, 64)])
def test_guessing_is_the_binomial_test(right: int, trials: int) -> None:
    expected = scipy.stats.binomtest(right, trials, alternative="greater").pvalue
    assert guessing(right, trials) == pytest.approx(expected, rel=1e-12)


def test_abx_counts_right_answers_and_ends() -> None:
    test = Abx(10, seed=3)
    assert test.p_value == 1
    for number, x in enumerate(test.xs):
        test.answer(x if number < 9 else "AB"[x == "A"])
    assert (test.right, test.done) == (9, True)
    assert test.p_value == pytest.approx(11 / 1024)
    assert "9 of 10" in test.verdict()
    assert "You hear a difference" in test.verdict()
    with pytest.raises(ValueError, match="over"):
        test.answer("A")


def test_a_guesser_is_not_told_that_he_hears_a_difference() -> None:
    test = Abx(12, seed=5)
    for said in "AB" * 6:
        test.answer(said)
    assert 3 < test.right < 9
    assert "doesn't show" in test.verdict()


def test_coin_is_fair_and_seeded() -> None:
    tosses = Abx(4000, seed=1).xs
    assert abs(tosses.count("A") - 2000) < 4 * 32  # four standard deviations
    assert Abx(50, seed=1).xs == Abx(50, seed=1).xs != Abx(50, seed=2).xs


@pytest.mark.parametrize("said", ["X", "a", ""])
def test_other_answers_are_refused(said: str) -> None:
    test = Abx(2, seed=0)
    with pytest.raises(ValueError, match="A or B"):
        test.answer(said)
    assert test.answers == []


@pytest.fixture
def sounds(rng: np.random.Generator) -> tuple[Audio, Audio]:
    """Noise of 6 s whose first 3 s are silent, and the same with an error, four times as loud."""
    samples = noise(2, 6 * SR, rng=rng)
    samples[:, : 3 * SR] = 0
    return Audio(samples, SR), Audio(samples * 4 + noise(*samples.shape, level=1e-2, rng=rng), SR)


def test_matched_sounds_have_one_level_and_do_not_clip(sounds: tuple[Audio, Audio]) -> None:
    before = sounds[1].samples.copy()
    a, b = matched(*sounds)
    assert a.rms_db == pytest.approx(b.rms_db, abs=1e-3)
    assert max(a.peak_db, b.peak_db) < 0 < sounds[1].peak_db
    np.testing.assert_array_equal(sounds[1].samples, before)


def test_silence_cannot_be_compared(sounds: tuple[Audio, Audio]) -> None:
    with pytest.raises(AudioError, match="silent"):
        ListeningTest(sounds[0], Audio(np.zeros((2, 6 * SR)), SR))


def test_clips_begin_where_there_is_sound(sounds: tuple[Audio, Audio]) -> None:
    starts = clip_starts(*sounds, seconds=1.0)
    assert 2.0 < starts.min() <= starts.max() == 5.0


@pytest.mark.parametrize(("softer", "offered"), [(5.5, True), (7.0, False)])
def test_no_clip_is_more_than_six_decibels_softer_than_the_whole(softer: float, offered: bool) -> None:
    """The whole is that of which one second in twenty is soft: 0.2 dB below the rest of it."""
    sound = noise(2, 20 * SR)
    sound[:, 12 * SR : 13 * SR] *= 10 ** (-softer / 20)
    assert (12.0 in clip_starts(Audio(sound, SR), seconds=1.0)) == offered
    assert 3.0 in clip_starts(Audio(sound, SR), seconds=1.0)


def test_a_whole_test(sounds: tuple[Audio, Audio], tmp_path: Path) -> None:
    test = ListeningTest(
        *sounds, names=("true", "estimate"), trials=6, seconds=1.0, folder=tmp_path / "exports", seed=2
    )
    for number, x in enumerate(test.abx.xs):
        a, b, heard = test._files
        assert a != b
        assert heard == (a if x == "A" else b)
        assert "right" not in test._verdict  # nothing is given away on the way
        test._on_message(test, {"number": number, "said": x}, [])
        test._on_message(test, {"number": number, "said": "A"}, [])  # told twice: counted once
    assert test.abx.right == 6
    assert "6 of 6" in test._verdict
    assert test._files == []
    (path,) = (tmp_path / "exports").iterdir()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["x"] for row in rows] == list(test.abx.xs)
    assert {row["right"] for row in rows} == {"1"}
    assert float(rows[-1]["p_value"]) == pytest.approx(1 / 64, abs=1e-4)
    assert rows[0]["b"] == "estimate"
    assert "6 of 6" in test._repr_mimebundle_()[0]["text/html"]


def test_sounds_of_other_lengths_are_refused(sounds: tuple[Audio, Audio]) -> None:
    with pytest.raises(AudioError, match="length"):
        ListeningTest(sounds[0], sounds[1][0:2])
