"""Fitting what tells bars: how readings are scored, how songs stand for other tempi, what the model learns."""

from dataclasses import replace

import mir_eval
import numpy as np
import pytest
from scipy.optimize import check_grad

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.stems import Stems
from musiclab.training.listeners import bars
from musiclab.training.listeners.bars import Example, at_speeds, example, examples, f_measure, fit, fit_bars, reward
from musiclab.training.studio.songs.rhythms import RhythmSong, rhythm_song
from musiclab.transcription import downbeats
from musiclab.transcription.accents import FPS
from musiclab.transcription.downbeats import Reading

BEATS = 32
SILENCE = Audio(np.zeros((1, 22050), np.float32), 22050)


def song(metre: tuple[int, int] = (4, 4), count: int = 4) -> RhythmSong:
    """Beats half a second apart; nothing sounds."""
    positions = np.arange(BEATS) % count + 1
    return RhythmSong(Stems({"drums": SILENCE}, SILENCE), 0.5 * np.arange(BEATS), positions, metre, "steady")


def reading(every: float = 0.5, metre: tuple[int, int] = (4, 4), first: int = 1) -> Reading:
    return Reading(np.arange(0, 0.5 * BEATS, every) * FPS, metre, first)


def test_f_measure_is_that_of_mir_eval(rng):
    true = np.cumsum(rng.uniform(0.3, 0.6, 40))
    found = np.sort(np.concatenate([true[5:] + rng.normal(0, 0.05, 35), rng.uniform(0, 20, 3)]))
    assert f_measure(true, found) == pytest.approx(mir_eval.beat.f_measure(true, found), abs=0.03)
    assert f_measure(true, true) == 1
    assert f_measure(true, np.zeros(0)) == f_measure(np.zeros(0), true) == 0


def test_the_true_reading_is_the_best():
    right = reward(reading(), song())
    assert right == pytest.approx(1.0)
    wrong = {
        "double": reading(0.25),
        "half": reading(1.0),
        "bars begin on two": reading(first=4),
        "in three": reading(metre=(3, 4)),
    }
    for name, other in wrong.items():
        assert reward(other, song()) < 0.85, name


def test_another_name_of_the_metre_costs_little():
    """Two beats of three, counted as four of three: every other bar line is missed, its name is wrong."""
    compound = song((6, 8), count=2)
    right = reward(reading(metre=(6, 8)), compound)
    assert right == pytest.approx(1.0)
    assert reward(reading(metre=(2, 4)), compound) == pytest.approx(right - 0.15)
    assert reward(reading(metre=(12, 8)), compound) == pytest.approx((1 + 2 / 3) / 2 - 0.05, abs=0.03)


@pytest.fixture(scope="module")
def heard() -> tuple[RhythmSong, Example]:
    composed = rhythm_song(7, duration=7.0)
    return composed, example(composed)


def test_a_heard_song_has_its_readings_with_their_rewards(heard):
    composed, known = heard
    assert known.numbers.shape == (len(known.rewards), len(downbeats.model_weights()))
    assert len(known.tempi) == len(known.kinds) == len(known.rewards)
    assert known.metre == "{}/{}".format(*composed.metre)
    assert known.rewards.max() > 0.8
    assert set(known.kinds) <= set(downbeats.TEMPI)


def test_songs_without_a_pulse_are_left_out(monkeypatch):
    def nothing(_song):
        raise TranscriptionError("too short")

    monkeypatch.setattr(bars, "example", nothing)
    assert list(examples([song()])) == []


def test_a_song_stands_for_other_tempi(heard):
    _, known = heard
    best = known.tempi[known.rewards.argmax()]
    versions = list(at_speeds(known))
    tempi = [version.tempi[version.rewards.argmax()] for version, _ in versions]
    assert len(versions) > 2
    assert any(tempo == pytest.approx(best) for tempo in tempi)
    for version, weight in versions:
        limits = np.array([downbeats.TEMPI[kind] for kind in version.kinds])
        assert ((version.tempi >= limits[:, 0]) & (version.tempi <= limits[:, 1])).all()
        assert 0 < weight <= bars.AS_IT_IS
        assert version.rewards.max() == known.rewards.max()


def test_a_song_is_learnt_at_tempi_that_its_kind_may_have():
    assert set(bars.TEMPI) == set(bars.USUAL) == set(downbeats.TEMPI)
    for kind, (slowest, fastest) in bars.TEMPI.items():
        assert slowest < bars.USUAL[kind] < fastest <= downbeats.TEMPI[kind][1]


def toys(rng: np.random.Generator, known: Example, count: int) -> list[Example]:
    """Songs of eight readings: of the first numbers the third tells which one is right, with some noise."""
    size = known.numbers.shape[1]
    made = []
    for _ in range(count):
        numbers = rng.normal(0, 1, (8, size)).astype(np.float32)
        rewards = np.where(np.arange(8) == rng.integers(8), 1.0, 0.3)
        numbers[:, 3] += 3 * (rewards == 1)
        made.append(Example(numbers, rewards, np.full(8, 110.0), ("simple",) * 8, "4/4"))
    return made


def test_what_tells_the_right_reading_is_learnt(heard, rng):
    songs = toys(rng, heard[1], 60)
    weights = fit(songs)
    assert np.abs(weights).argmax() == 3
    test = toys(rng, heard[1], 40)
    assert np.mean([toy.rewards[(toy.numbers @ weights).argmax()] == 1 for toy in test]) > 0.6  # by chance an eighth


def test_songs_that_no_reading_fits_teach_nothing(heard, rng):
    songs = toys(rng, heard[1], 20)
    misleading = [replace(toy, numbers=-5 * toy.numbers, rewards=toy.rewards / 2) for toy in songs]
    assert fit([*songs, *misleading]) == pytest.approx(fit(songs))


def test_the_gradient_is_that_of_the_loss(rng):
    rows = rng.normal(0, 1, (12, 4)).astype(np.float32)
    starts, owner = np.array([0, 5]), np.repeat([0, 1], [5, 7])
    right = np.zeros(12, dtype=bool)
    right[[2, 3, 9]] = True
    given = (rows, starts, owner, right, np.array([1.0, 0.5]))
    assert check_grad(
        lambda w: bars._loss(w, *given)[0], lambda w: bars._loss(w, *given)[1], rng.normal(0, 1, 4), epsilon=1e-3
    ) < 0.02  # fmt: skip


def test_the_command_writes_weights_that_choose_bars(heard, tmp_path, monkeypatch):
    """The whole way, with one composed song and one of the studio's (both played before)."""
    composed, known = heard
    monkeypatch.setattr(bars, "SKETCHES", range(7, 8))
    monkeypatch.setattr(bars, "SONGS", range(1, 2))
    monkeypatch.setattr(bars, "rhythm_song", lambda seed: composed)
    monkeypatch.setattr(bars, "studio_song", lambda seed, library: composed)
    monkeypatch.setattr(bars, "example", lambda song: known)
    monkeypatch.setattr(bars, "listeners_folder", lambda: tmp_path)
    monkeypatch.setattr("musiclab.training.listeners.bars.Library.default", lambda: None)
    fit_bars({})
    with np.load(tmp_path / downbeats.WEIGHTS, allow_pickle=False) as file:
        weights = file["weights"]
    assert weights.shape == downbeats.model_weights().shape
    assert known.rewards[(known.numbers @ weights).argmax()] > known.rewards.max() - 2 * bars.NEAR_BEST
