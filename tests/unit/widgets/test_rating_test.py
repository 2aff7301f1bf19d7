"""The rating test: hidden orders, the rules of BS.1534, the anchors' filters, files, figures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.blind.rating_test import ANCHORS, RatingTest
from musiclab.widgets.blind.ratings import REFERENCE, Ratings, anchor, read_ratings, summary
from tests.sounds import noise

SR = 44_100
NAMES = (REFERENCE, "engine", "3.5 kHz anchor", "7 kHz anchor")


def fill(ratings: Ratings, true: dict[str, float]) -> None:
    while not ratings.done:
        ratings.rate([true[name] for name in ratings.orders[len(ratings.said)]])


def test_orders_are_drawn_anew_and_seeded() -> None:
    orders = Ratings(NAMES, 400, seed=1).orders
    assert all(sorted(order) == sorted(NAMES) for order in orders)
    first = [sum(order[0] == name for order in orders) for name in NAMES]
    assert scipy.stats.chisquare(first).pvalue > 0.001
    assert Ratings(NAMES, 9, seed=3).orders == Ratings(NAMES, 9, seed=3).orders != Ratings(NAMES, 9, seed=4).orders


def test_ratings_find_their_sounds_whatever_the_order() -> None:
    ratings = Ratings(NAMES, 5, seed=2)
    true = {REFERENCE: 100, "engine": 60, "3.5 kHz anchor": 20, "7 kHz anchor": 45}
    fill(ratings, true)
    assert [(row.name, row.median) for row in ratings.results()] == [
        (REFERENCE, 100), ("engine", 60), ("7 kHz anchor", 45), ("3.5 kHz anchor", 20),
    ]  # fmt: skip
    assert ratings.missed == 0
    with pytest.raises(ValueError, match="over"):
        ratings.rate([1, 2, 3, 4])


@pytest.mark.parametrize("values", [[100, 1, 2], [100, 1, 2, 101], [-1, 1, 2, 3]])
def test_other_ratings_are_refused(values: list[float]) -> None:
    ratings = Ratings(NAMES, 1, seed=0)
    with pytest.raises(ValueError, match="Rate each"):
        ratings.rate(values)
    assert ratings.said == []


def test_who_misses_the_reference_does_not_count() -> None:
    deaf = Ratings(NAMES, 10, seed=5)
    fill(deaf, {REFERENCE: 80, "engine": 100, "3.5 kHz anchor": 50, "7 kHz anchor": 50})
    assert deaf.missed == 10
    assert not deaf.trusted


def test_of_two_with_one_median_the_one_that_is_liked_more_on_average_comes_first(tmp_path: Path) -> None:
    rows = [("low", 30), ("low", 50), ("low", 51), ("high", 49), ("high", 50), ("high", 90), ("best", 80)]
    text = "\n".join(["condition,rating", *(f"{name},{rating}" for name, rating in rows)])
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert [row.name for row in read_ratings(tmp_path / "a.csv")] == ["best", "high", "low"]


def test_the_interval_is_students(rng: np.random.Generator) -> None:
    values = rng.uniform(20, 80, 9)
    row = summary("x", values.tolist())
    low, high = scipy.stats.t.interval(0.95, 8, loc=values.mean(), scale=scipy.stats.sem(values))
    assert (row.low, row.high) == pytest.approx((low, high))
    assert row.median == np.median(values)
    one = summary("x", [40.0])
    assert (one.low, one.high, one.number) == (0, 100, 1)


@pytest.mark.parametrize("cutoff", ANCHORS.values())
def test_anchors_are_low_passed_as_the_recommendation_asks(cutoff: float) -> None:
    click = np.zeros((1, SR))
    click[0, SR // 2] = 1
    filtered = anchor(Audio(click, SR), cutoff).samples[0]
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(filtered)) + 1e-9)  # 1 Hz a bin
    assert np.abs(gain_db[: round(cutoff)]).max() < 0.1
    assert gain_db[round(cutoff * 4 / 3.5) :].max() < -50
    assert filtered.argmax() == SR // 2  # no delay


@pytest.fixture
def sounds(rng: np.random.Generator) -> dict[str, Audio]:
    x = noise(2, 6 * SR, rng=rng)
    return {
        "true": Audio(x, SR),
        "good": Audio(4 * x + noise(*x.shape, level=0.02, rng=rng), SR),
        "poor": Audio(x**3, SR),
    }


def test_a_whole_test(sounds: dict[str, Audio], tmp_path: Path) -> None:
    reference = sounds.pop("true")
    test = RatingTest(reference, sounds, excerpts=3, seconds=1.5, folder=tmp_path, seed=7)
    assert len(test._files) == 1 + 5  # the open reference, two sounds, two anchors, the hidden one
    assert test._files.count(test._files[0]) == 2
    assert REFERENCE not in repr(test._trait_values)  # the page can't know which is which
    true = {REFERENCE: 100, "good": 80, "poor": 30, "3.5 kHz anchor": 10, "7 kHz anchor": 40}
    for number in range(3):
        order = test.ratings.orders[number]
        assert test._files[1 + order.index(REFERENCE)] == test._files[0]
        test._on_message(test, {"number": number, "values": [true[name] for name in order]}, [])
        test._on_message(test, {"number": number, "values": [0] * 5}, [])  # told twice: counted once
    assert [row.name for row in test.results()][:2] == [REFERENCE, "good"]
    assert test._results[0][:2] == [REFERENCE, 100]
    assert "3 of 3" in test._repr_mimebundle_()[0]["text/html"]
    with test.path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 5
    assert all(float(row["rating"]) == true[row["condition"]] for row in rows)
    assert {float(row["start_s"]) for row in rows} == set(test.starts)
    both = read_ratings(test.path, test.path)
    assert (both[0].name, both[0].number) == (REFERENCE, 6)


def test_wrong_use_is_told_in_a_sentence(sounds: dict[str, Audio]) -> None:
    reference = sounds["true"]
    with pytest.raises(AudioError, match="length"):
        RatingTest(reference, {"short": reference[0:2]})
    with pytest.raises(AudioError, match="silent"):
        RatingTest(reference, {"nothing": Audio(np.zeros_like(reference.samples), SR)})
    with pytest.raises(AudioError, match="at least one"):
        RatingTest(reference, {})
    with pytest.raises(ValueError, match="At most"):
        RatingTest(reference, {str(n): reference for n in range(12)})
