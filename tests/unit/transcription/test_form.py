"""Sections: where music changes, on bar lines, and which of them are alike."""

from __future__ import annotations

import numpy as np
import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.transcription.form import MEL_BANDS, N_FFT, Section, _mel, sections
from tests.sounds import harmonics, noise

SR = 22050
GRID = BeatGrid.steady(120, 64.0, start=0.25)  # bars of two seconds
CHORDS = {"A": ((45, 60), (48, 64), (52, 65), (50, 62)), "B": ((41, 69, 72), (43, 71, 74), (46, 70, 77), (41, 68, 72))}


def music(form: str) -> Audio:
    """Four bars for each letter; in B more and higher notes, and hiss on every beat."""
    bars = []
    for letter in form:
        for chord in CHORDS[letter]:
            bar = np.sum([harmonics(pitch, 2.0, 6, sr=SR) for pitch in chord], axis=0) * 0.1
            if letter == "B":
                fall = np.exp(-np.arange(SR // 2) / 1000)
                bar += np.tile(noise(SR // 2, level=0.3) * fall, 4)
            bars.append(bar)
    return Audio(np.concatenate([np.zeros(SR // 4), *bars]), SR)


@pytest.mark.parametrize("form", ["AABBAA", "ABAB", "AAAABB", "AABAAB"])
def test_a_form_is_found_on_its_bar_lines(form: str) -> None:
    song = music(form)
    found = sections(song, grid=GRID)
    letters = "".join(section.label * (section.bars // 4) for section in found)
    assert letters == form
    for section in found:
        assert (section.start - 0.25) % 8 == pytest.approx(0, abs=1e-6)
    assert [a.end for a in found[:-1]] == [b.start for b in found[1:]]
    assert found[-1].end == song.duration


def test_one_thing_all_along_is_one_section() -> None:
    assert sections(music("AAAA"), grid=GRID) == (Section(0.25, pytest.approx(32.25), "A", 16),)


def test_a_short_song_is_one_section_and_silence_too() -> None:
    assert len(sections(music("A")[:7.0], grid=GRID)) == 1
    assert len(sections(Audio(np.zeros(40 * SR), SR), grid=GRID)) == 1


def test_bundled_song() -> None:
    song = datasets.demo("paper-boats")
    grid = BeatGrid(tuple(time for time, _ in song.beats), 1, song.time_signature)
    starts = [section.start for section in sections(song.mixture, grid=grid)]
    assert starts == [0.1, 4.236, 29.0367]  # where the voice comes in, and the ending


def test_a_sixth_of_the_scale_of_timbre_is_ten_decibels() -> None:
    S = np.outer(np.ones(N_FFT // 2 + 1), [1.0, 10 ** (-10 / 20), 10 ** (-40 / 20), 0.0])
    columns = _mel(S) * np.sqrt(MEL_BANDS)
    loudest = columns[:, 0].argmax()
    assert columns[loudest] == pytest.approx([1, 5 / 6, 2 / 6, 0], abs=1e-6)
