"""Beats and bars: from drums that we play, from notes alone, and from real songs."""

from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid, tempo_of
from musiclab.notes import Note, Part
from musiclab.training.studio.songs.rhythms import RhythmSong, rhythm_song
from musiclab.training.studio.songs.styles import STYLES
from musiclab.transcription.beats import beats_of_notes, track_beats
from musiclab.transcription.downbeats import Reading, _levels
from tests.sounds import noise


def drums(grid: BeatGrid, rng: np.random.Generator) -> Audio:
    """Kick on the downbeats, snare on the others, hi-hat on every half beat."""
    notes = []
    for i, (time, position) in enumerate(zip(grid.times, grid.positions, strict=True)):
        notes.append(Note(time, time + 0.1, 36 if position in (1, 3) else 38, 110 if position == 1 else 90))
        later = grid.seconds_at([i + 0.5])[0]
        notes += [Note(t, t + 0.05, 42, 60) for t in (time, later + rng.normal(0, 0.005))]
    return Part(notes, "drums").audio()


def downbeat_f(true: BeatGrid | RhythmSong, found: BeatGrid) -> float:
    return float(mir_eval.beat.f_measure(np.array(true.downbeats), np.array(found.downbeats)))


@pytest.mark.parametrize("tempo", [66, 72, 96, 100, 120, 128, 150, 160, 180])
def test_steady_drums(rng, tempo):
    grid = BeatGrid.steady(tempo, 24, start=0.5)
    found = track_beats(drums(grid, rng))
    assert mir_eval.beat.f_measure(np.array(grid.times), np.array(found.times)) > 0.9
    assert found.tempo == pytest.approx(tempo, rel=0.003)


def test_slow_drums_alone_may_be_heard_in_half_time(rng):
    """At 60 with hi-hats on half beats, they are as well a half-time beat at 120: all true beats are there."""
    grid = BeatGrid.steady(60, 24, start=0.5)
    found = track_beats(drums(grid, rng))
    assert found.tempo == pytest.approx(60, rel=0.003) or found.tempo == pytest.approx(120, rel=0.003)
    assert np.abs(np.array(grid.times)[:, None] - np.array(found.times)).min(axis=1)[2:-2].max() < 0.02


@pytest.mark.parametrize("missing", [0.0, 0.03])  # s of the first stroke that a close cut has taken
def test_a_song_cut_at_its_first_beat_has_that_beat(rng, missing):
    grid = BeatGrid.steady(110, 20, start=1.0)
    found = track_beats(drums(grid, rng)[1.0 + missing :])
    assert found.times[0] == pytest.approx(0.0, abs=0.04)
    assert found.times[1] == pytest.approx(60 / 110 - missing, abs=0.02)
    assert found.first in (1, 3)  # these drums play both halves of a bar alike
    silent = Audio(np.pad(drums(grid, rng)[1.0 + 60 / 110 :].samples, ((0, 0), (23000, 0))), 44100)
    assert track_beats(silent).times[0] > 0.3  # no beat is made up where nothing sounds


def test_waltz(rng):
    grid = BeatGrid.steady(110, 20, start=0.3, metre=(3, 4))
    notes = []
    for time, position in zip(grid.times, grid.positions, strict=True):
        notes.append(Note(time, time + 0.1, 36 if position == 1 else 42, 110 if position == 1 else 70))
        if position != 1:
            notes.append(Note(time, time + 0.1, 38, 60))
    found = track_beats(Part(notes, "drums").audio())
    assert found.metre == (3, 4)
    assert mir_eval.beat.f_measure(np.array(grid.downbeats), np.array(found.downbeats)) > 0.9


def test_composed_songs_in_many_metres():
    """Held-out songs of the studio on computed sounds; pick-ups and songs that slow down are among them."""
    songs = [rhythm_song(seed, duration=18.0) for seed in range(100_001, 100_007)]
    grids = [track_beats(song.mixture) for song in songs]
    beats = [mir_eval.beat.f_measure(song.times, np.array(g.times)) for song, g in zip(songs, grids, strict=True)]
    assert np.mean(beats) > 0.8
    assert np.mean([downbeat_f(song, grid) for song, grid in zip(songs, grids, strict=True)]) > 0.7


@pytest.mark.parametrize("tempo", [60, 66, 128, 150, 160])
def test_the_octave_of_the_tempo_in_composed_songs(tempo):
    usual = next(style for style in STYLES if style.metre == "4/4" and style.tempo[0] <= tempo <= style.tempo[1])
    song = rhythm_song(7, style=replace(usual, tempo=(tempo, tempo)))
    found = track_beats(song.mixture)
    assert found.tempo == pytest.approx(tempo_of(song.times), rel=0.01)


@pytest.mark.parametrize("tempo", [54, 58, 66])
def test_slow_compound_songs_whose_pulse_is_two_of_a_beat_s_three(tempo):
    slow = next(style for style in STYLES if style.metre == "12/8")
    song = rhythm_song(9, style=replace(slow, tempo=(tempo, tempo)))
    found = track_beats(song.mixture)
    assert found.metre == (12, 8)
    assert found.tempo == pytest.approx(tempo_of(song.times), rel=0.01)


@pytest.mark.parametrize(
    "beats",
    {
        "itself": np.arange(0, 20, 1.0),
        "double": np.arange(0, 20, 0.5),
        "off-beats of the double": np.arange(0.25, 20, 0.5),
        "off-beats": np.arange(0.5, 20, 1.0),
        "half, from the second": np.arange(1, 20, 2.0),
        "three of its halves, from the third": np.arange(1, 20, 1.5),
    }.values(),
)
def test_a_pulse_is_counted_at_levels_that_a_tracker_may_have_missed(beats):
    sequences = list(_levels(100.0 * np.arange(21)))
    assert sum(len(s) >= len(beats) and s[: len(beats)] == pytest.approx(100 * beats) for s in sequences) == 1


@pytest.mark.parametrize(
    ("metre", "kind"),
    [
        ((4, 4), "simple"), ((3, 8), "simple"), ((5, 4), "odd"), ((7, 4), "odd"), ((7, 8), "eighths"),
        ((5, 8), "eighths"), ((6, 8), "compound"), ((12, 16), "compound"),
    ],
)  # fmt: skip
def test_beats_of_metres_over_eight_are_eighths_unless_three_make_one(metre, kind):
    assert Reading(np.arange(8.0), metre, 1).kind == kind


def test_the_tempo_may_drift(rng):
    times = np.cumsum(60 / np.linspace(100, 120, 40))
    grid = BeatGrid(tuple(times))
    found = track_beats(drums(grid, rng))
    assert mir_eval.beat.f_measure(times, np.array(found.times)) > 0.9


def test_a_given_metre_and_tempo_are_kept(rng):
    grid = BeatGrid.steady(100, 12, start=0.4)
    found = track_beats(drums(grid, rng), tempo=50, metre=(2, 4))
    assert found.metre == (2, 4)
    assert found.tempo == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize("tempo", [84, 110, 132])
def test_notes_alone_give_the_beat_or_its_half_or_double(rng, tempo):
    grid = BeatGrid.steady(tempo, 30, start=1.0)
    beats = np.cumsum(rng.choice([0.5, 1, 1, 2], 40)) - 0.5
    onsets = grid.seconds_at(beats) + rng.normal(0, 0.008, len(beats))
    found = beats_of_notes([Note(t, t + 0.2, 40) for t in onsets if t < 30])
    ratio = found.tempo / tempo
    assert min(abs(ratio - r) for r in (0.5, 1.0, 2.0)) < 0.03


@pytest.mark.parametrize("metre", [(5, 4), (7, 8), (15, 8), (12, 16), (17, 4)])
def test_any_metre_can_be_given_however_short_the_music(rng, metre):
    clicks = np.zeros(6 * 22050)
    clicks[:: 22050 // 2] = 1.0
    grid = track_beats(Audio(np.convolve(clicks, rng.normal(0, 0.3, 400))[: len(clicks)], 22050), metre=metre)
    assert grid.metre == metre
    assert 1 <= grid.first <= grid.beats_per_bar


def test_a_part_too_short_for_a_beat_says_so():
    with pytest.raises(TranscriptionError, match="too short"):
        beats_of_notes([Note(0.3 * i, 0.3 * i + 0.2, 45) for i in range(4)])


def test_too_little_music_is_said_in_a_sentence(rng):
    with pytest.raises(TranscriptionError, match="two seconds"):
        track_beats(Audio(noise(1, 1000, rng=rng), 44100))
    with pytest.raises(TranscriptionError, match="no rhythm"):
        track_beats(Audio(np.zeros((1, 4 * 44100)), 44100))
    with pytest.raises(TranscriptionError, match="four notes"):
        beats_of_notes([Note(0, 1, 40)])


@pytest.mark.real
def test_real_songs(real_data: Path):
    """Beats, downbeats (70 ms) and tempi of six real mixtures."""
    beats, bars, tempi = [], [], []
    for annotation in sorted((real_data / "drums").glob("*.beats.txt")):
        truth = np.loadtxt(annotation)
        name = annotation.name.removesuffix(".beats.txt")
        found = track_beats(load(real_data / "multitracks" / name / "mixture.flac"))
        beats.append(mir_eval.beat.f_measure(truth[:, 0], np.array(found.times)))
        bars.append(mir_eval.beat.f_measure(truth[truth[:, 1] == 1, 0], np.array(found.downbeats)))
        tempi.append(found.tempo / tempo_of(truth[:, 0]))
    assert np.mean(beats) > 0.99
    assert np.mean(bars) > 0.95
    assert tempi == pytest.approx([1.0] * len(tempi), rel=0.01)
