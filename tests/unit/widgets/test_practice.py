"""Practising at the mixer, from Python: settings, what it plays as sounds and as files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from traitlets import TraitError

from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.errors import Cancelled
from musiclab.grid import BeatGrid
from musiclab.progress import Watch
from musiclab.recipes.click import click_track
from musiclab.recipes.practice import Course, ladder
from musiclab.stems import Stems
from musiclab.widgets.mixer import performance
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.mixer.practice import TRAINER
from tests.sounds import tone

SR = 44_100
GRID = BeatGrid(tuple(0.5 * np.arange(9)))  # two bars of 2 s and a beat


@pytest.fixture
def mixer() -> Iterator[Mixer]:
    parts = {name: np.stack([tone(hz, 4.5, level=0.2)] * 2) for name, hz in (("bass", 110.0), ("vocals", 440.0))}
    stems = {name: Audio(samples, SR) for name, samples in parts.items()}
    mixture = Audio(np.sum(list(parts.values()), axis=0), SR, title="tones")
    mixer = Mixer(Stems(stems, mixture), chart=GRID)
    yield mixer
    mixer.close()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("count_in", 3, "count_in goes from 0 to 2, not 3"),
        ("click_division", 0, "click_division goes from 1 to 4, not 0"),
        ("rest", 5, "rest goes from 0 to 4"),
        ("click_db", 20, r"The click goes up to \+12 dB"),
        ("trainer", {"from": 0.5}, "A trainer is set as"),
        ("trainer", 0.5, "A trainer is set as"),
        ("trainer", {"start": 0.1}, "start of the trainer goes from 0.25 to 2"),
        ("trainer", {"rounds": 1.5}, "whole rounds"),
        ("trainer", {"step": 0}, "step of the trainer goes from 0.01"),
    ],
)
def test_what_cannot_be_says_why(mixer: Mixer, name: str, value: object, says: str) -> None:
    with pytest.raises(TraitError, match=says):
        setattr(mixer, name, value)


def test_a_trainer_is_completed(mixer: Mixer) -> None:
    mixer.trainer = {"start": 0.5, "rounds": 3}
    assert mixer.trainer == TRAINER | {"start": 0.5, "rounds": 3}


def test_as_it_stands_it_plays_its_mix(mixer: Mixer) -> None:
    mixer.gains_db["bass"] = -6
    made = mixer.perform(progress=False)
    assert list(made.sounds) == ["as heard"]
    np.testing.assert_array_equal(made.sounds["as heard"].samples, mixer.mix().samples)
    mixer.loop = (1.0, 2.0)
    assert mixer.perform(progress=False).sounds["as heard"].frames == SR
    whole = mixer.perform(whole=True, progress=False)
    np.testing.assert_array_equal(whole.sounds["as heard"].samples, mixer.mix().samples)


def test_click_and_count_in_are_added_to_the_sample(mixer: Mixer) -> None:
    mixer.click, mixer.click_db, mixer.count_in, mixer.loop = True, 0, 1, (2.0, 4.0)
    made = mixer.perform(progress=False).sounds["as heard"]
    assert made.frames == 4 * SR
    clicks = click_track(BeatGrid(tuple(0.5 * np.arange(8))), 4 * SR, SR).samples
    np.testing.assert_allclose(made.samples[:, : 2 * SR], np.repeat(clicks[:, : 2 * SR], 2, axis=0), atol=1e-6)
    inside = slice(2 * SR + 300, 4 * SR - 300)  # less the fades at the loop's ends
    song = mixer.stems.mixture.samples[:, inside]
    np.testing.assert_allclose(made.samples[:, inside], song + clicks[:, inside], atol=1e-6)


def test_a_drill_has_all_rounds_each_at_its_speed(mixer: Mixer) -> None:
    mixer.loop, mixer.rest, mixer.muted = (0.0, 1.0), 1, ["bass"]
    mixer.trainer = {"start": 0.5, "end": 1.0, "step": 0.25, "rounds": 1}
    made = mixer.perform(progress=False)
    sound = made.sounds["as heard"].samples[0]
    begin = 0.0
    for number, speed in enumerate(ladder(mixer.trainer)):
        begin += 2.0 / speed if number else 0.0  # a bar of rest, at the speed to come
        piece = sound[round(begin * SR) : round((begin + 1 / speed) * SR)]
        middle = piece[len(piece) // 4 : -len(piece) // 4]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert np.argmax(spectrum) * SR / len(middle) == pytest.approx(440, abs=4)
        begin += 1 / speed
        rest = sound[round((begin + 0.01) * SR) : round((begin + 0.5) * SR)]
        assert np.max(np.abs(rest), initial=0) < 1e-6
    assert len(sound) == round(begin * SR)
    assert made.facts["rounds"] == 3


def test_440_hz_becomes_494_two_semitones_higher(mixer: Mixer) -> None:
    mixer.soloed, mixer.semitones, mixer.speed = ["vocals"], 2, 0.5
    sound = mixer.perform(progress=False).sounds["as heard"]
    assert sound.frames == 9 * SR
    middle = sound.samples[0, 2 * SR : 6 * SR]
    hz = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) / 4
    assert hz == pytest.approx(493.9, abs=2.5)  # 9 cents: what the stretcher keeps to


def test_each_stem_is_a_file_and_they_add_up(mixer: Mixer, tmp_path: Path) -> None:
    mixer.click, mixer.muted = True, ["bass"]
    made = mixer.perform(each_stem=True, progress=False)
    assert list(made.sounds) == ["bass", "vocals", "residual", "click"]
    total = sum(
        np.broadcast_to(made.sounds[name].samples, (2, made.sounds[name].frames)) for name in list(made.sounds)[:3]
    )
    np.testing.assert_allclose(total, mixer.stems.mixture.samples, atol=1e-6)
    paths = made.save(tmp_path)
    assert sorted(path.name for path in paths) == [
        "tones (bass).wav", "tones (click).wav", "tones (residual).wav", "tones (vocals).wav",
    ]  # fmt: skip


@pytest.mark.parametrize("format", ["wav", "flac", "mp3"])
def test_the_button_writes_a_file_and_says_so(mixer: Mixer, tmp_path: Path, format: str) -> None:
    mixer.folder = str(tmp_path)
    mixer._on_message(mixer, {"order": "save", "format": format}, [])
    assert mixer._saver is not None
    mixer._saver.join()
    assert mixer._saving["done"] is True, mixer._saving
    path = tmp_path / f"tones (as heard).{format}"
    assert path.name in mixer._saving["text"]
    got, want = load(path).samples, mixer.mix().samples
    assert np.sqrt(np.mean((got - want) ** 2)) < (0.02 if format == "mp3" else 1e-6)


def test_what_goes_wrong_is_said_and_what_is_stopped_leaves_nothing(mixer: Mixer, tmp_path: Path) -> None:
    mixer.folder = str(tmp_path)
    mixer._on_message(mixer, {"order": "save", "format": "bmp"}, [])
    assert "bmp" in mixer._message
    (tmp_path / "tones (as heard).wav").write_bytes(b"mine")
    mixer._on_message(mixer, {"order": "save", "format": "wav"}, [])
    assert mixer._saver is not None
    mixer._saver.join()
    assert mixer._saving["failed"] is True
    assert (tmp_path / "tones (as heard).wav").read_bytes() == b"mine"
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        mixer.perform(progress=False, cancel=stop)


def test_what_is_rendered_is_told_by_its_name_or_by_its_round() -> None:
    sound, told = Audio(np.zeros((1, 8000)), 8000, title="bass"), []
    for rounds in (1, 2):
        courses = [Course(0.0, 1.0, 1.0, 0.0, (), False, False)] * rounds
        performance._laid(sound, courses, 8000 * rounds, Watch(lambda _, text: told.append(text)), key=0)
    assert [text for text in dict.fromkeys(told) if text.startswith("rendering")] == [
        "rendering bass", "rendering round 1", "rendering round 2",
    ]  # fmt: skip
