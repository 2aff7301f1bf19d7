"""Lines of single notes: pitch tracks cut into notes."""

from dataclasses import replace

import numpy as np
import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.metrics.notes import matched_notes
from musiclab.notes import Note, Part
from musiclab.theory import midi_to_hz
from musiclab.transcription import onsets, transcribe
from musiclab.transcription.monophonic import (
    LineSettings,
    costs_of,
    decode,
    likely_notes,
    line_notes,
    track_pitch,
    weighted_median,
)
from musiclab.transcription.pitch_track import COLUMN_S
from musiclab.transcription.posteriorgram import column_levels, posteriorgram

SR = 22050


def sing(curve: np.ndarray, gain: np.ndarray) -> Audio:
    """Six harmonics over a pitch curve (MIDI, one value for each sample)."""
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((curve - 69) / 12)) / SR
    wave = sum(np.sin(k * phase) / k for k in range(1, 7))
    hiss = np.random.default_rng(1).normal(0, 1e-3, len(curve))
    return Audio((0.2 * gain * wave + hiss).astype(np.float32), SR)


def steps(pitches: list[float], seconds: float) -> np.ndarray:
    return np.repeat(np.array(pitches, dtype=float), round(seconds * SR))


def swells(count: int, seconds: float, dip: float = 0.0) -> np.ndarray:
    """One attack and decay for each note, down to `dip` between them."""
    t = np.arange(round(seconds * SR)) / SR
    one = np.minimum(1, t / 0.01) * np.minimum(1, (seconds - t) / 0.03)
    return np.tile(dip + (1 - dip) * np.clip(one, 0, 1), count)


def line(audio: Audio, low: int = 40, high: int = 80) -> list[tuple[float, float]]:
    notes = line_notes(track_pitch(audio, low=low, high=high), posteriorgram(audio), low=low, high=high)
    return [(n.onset, n.pitch) for n in notes]


def test_a_scale_is_found_with_its_onsets() -> None:
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    found = line(sing(steps(pitches, 0.4), swells(8, 0.4, 0.3)))
    assert [round(p) for _, p in found] == pitches
    assert [t for t, _ in found] == pytest.approx([0.4 * k for k in range(8)], abs=0.03)
    assert [p for _, p in found] == pytest.approx(pitches, abs=0.1)


def test_vibrato_is_one_note() -> None:
    t = np.arange(2 * SR) / SR
    found = line(sing(64 + 0.8 * np.sin(2 * np.pi * 5.5 * t), swells(1, 2.0)))
    assert [round(p) for _, p in found] == [64]


def test_a_glide_joins_two_notes_without_more() -> None:
    curve = np.concatenate([steps([60], 0.7), np.linspace(60, 67, round(0.06 * SR)), steps([67], 0.7)])
    gain = np.ones(len(curve))
    assert [round(p) for _, p in line(sing(curve, gain))] == [60, 67]


def test_repeated_notes_are_told_apart() -> None:
    found = line(sing(steps([62] * 6, 0.3), swells(6, 0.3)))
    assert len(found) == 6


def test_a_string_struck_again_while_it_sounds_is_a_new_note() -> None:
    """The fundamental hardly moves: only the harmonics that had died away, and the phase, tell."""
    t = np.arange(round(0.3 * SR)) / SR
    pluck = sum(np.exp(-k * t / 0.35) * np.sin(2 * np.pi * 82.4 * k * t + k * k) / k for k in range(1, 12))
    audio = Audio((0.2 * np.tile(pluck, 6)).astype(np.float32), SR)
    found = line(audio, low=28, high=60)
    assert [round(p) for _, p in found] == [40] * 6
    assert [t for t, _ in found] == pytest.approx([0.3 * k for k in range(6)], abs=0.04)


def test_changes_are_the_same_at_any_level_and_in_any_blocks(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = (rng.normal(0, 1, 40000) * np.repeat(rng.random(40), 1000)).astype(np.float32)
    level_db = column_levels(samples, 157, 256)
    once = onsets.changes(samples, level_db)
    assert once.shape == (157, onsets.CHANGES)
    np.testing.assert_allclose(onsets.changes(samples * 1e-3, level_db - 60), once, atol=2e-3)
    monkeypatch.setattr(onsets, "BLOCK", 50)
    np.testing.assert_allclose(onsets.changes(samples, level_db), once, atol=1e-4)


def test_a_note_below_the_trackers_range_is_found() -> None:
    """The E string of a bass (41.2 Hz), and B below it: SwiftF0 alone hears nothing below 46.9 Hz."""
    found = line(sing(steps([28, 23, 31, 28], 0.5), swells(4, 0.5, 0.1)), low=23, high=60)
    assert [round(p) for _, p in found] == [28, 23, 31, 28]
    assert [t for t, _ in found] == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=0.04)


@pytest.mark.slow
def test_five_minutes_of_line_do_not_drift() -> None:
    """A bundled song's bass over and over for five minutes: onsets are as exact in the last minute as in the first."""
    song = datasets.demo("lantern-waltz")
    bass, times = song.stems["bass"], int(np.ceil(300 / song.stems["bass"].duration))
    later = [i * bass.duration for i in range(times)]
    truth = Part(
        [replace(n, onset=n.onset + t, offset=n.offset + t) for t in later for n in song.notes["bass"]], "bass"
    )
    part = transcribe(Audio(np.tile(bass.samples, (1, times)), bass.sr), instrument="bass")
    pairs = matched_notes(part, truth)
    assert len(pairs) >= 0.97 * len(truth)
    onset = np.array([truth.notes[i].onset for i, _ in pairs])
    late = np.array([part.notes[j].onset for _, j in pairs]) - onset
    medians = [float(np.median(late[(onset >= t) & (onset < t + 60)])) for t in (0, 120, 240)]
    assert np.abs(medians).max() < 0.015
    assert np.ptp(medians) < 0.005


def test_decoding_takes_the_best_path(rng: np.random.Generator) -> None:
    """Against trying every path, on a tiny problem."""
    grid = np.array([60.0, 61.0])
    settings = LineSettings(min_columns=2)
    pitch, voiced = 60 + rng.random(7), rng.random(7)
    entry = rng.normal(1, 2, 7)
    path, begins = decode(costs_of(pitch, voiced, grid, settings), entry)
    off = np.minimum(np.square((pitch[:, None] - grid) / settings.spread) / 2, settings.outlier)
    cost = voiced[:, None] * off + (1 - voiced[:, None]) * settings.unvoiced

    def best(t: int) -> tuple[float, list[int], list[bool]]:
        """Cheapest way through the frames from t on, at a place where something new may begin."""
        if t == 7:
            return 0.0, [], []
        rest, states, starts = best(t + 1)
        options = [(rest + voiced[t] * settings.rest, [-1, *states], [False, *starts])]
        for s in range(2):
            for end in range(t + 2, 8):
                more, states, starts = best(end)
                total = entry[t] + cost[t:end, s].sum() + more
                options.append((total, [s] * (end - t) + states, [True] + [False] * (end - t - 1) + starts))
        return min(options, key=lambda option: option[0])

    _, states, starts = best(0)
    assert path.tolist() == states
    assert begins.tolist() == starts


def test_weighted_median() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([0.1, 0.1, 5.0])) == 2.0


def test_a_track_has_a_frame_for_each_16_ms() -> None:
    track = track_pitch(sing(steps([60], 1.0), swells(1, 1.0)), low=36, high=80)
    assert len(track.times) == len(track.pitch) == len(track.voicing) == len(track.level_db) == len(track.changes)
    assert track.times[-1] == pytest.approx(1.0, abs=COLUMN_S)


def test_silence_is_an_empty_part_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="silent"):
        part = transcribe(Audio(np.zeros(SR), SR), instrument="bass")
    assert part.notes == ()
    assert "silent" in part.remarks[0]


@pytest.mark.parametrize(("first", "low"), [(28, 24), (40, 24), (40, 38)])
def test_a_glide_is_where_it_is_heard_in_both_passes_of_low_lines(first: int, low: int) -> None:
    """An octave in three seconds: a column that is 16 ms late is 64 cents flat."""
    t = np.arange(3 * SR) / SR
    phase = 2 * np.pi * np.cumsum(midi_to_hz(first + 4 * t)) / SR
    track = track_pitch(Audio(0.2 * sum(np.sin(k * phase) / k for k in range(1, 9)), SR), low=low, high=60)
    late = (first - track.pitch) / 4 + track.times  # s
    for columns in (late[30:-30:2], late[31:-30:2]):
        assert abs(np.median(columns)) < 0.008


def test_a_line_s_note_is_as_long_as_its_sound() -> None:
    t = np.arange(3 * SR) / SR
    sounding = (t >= 0.5) & (t < 1.5)
    wave = 0.2 * sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 9)) * sounding
    (note,) = line_notes(track_pitch(Audio(wave, SR), low=45, high=70), None, low=45, high=70)
    assert note.semitone == 57
    assert note.onset == pytest.approx(0.5, abs=0.03)
    assert note.offset == pytest.approx(1.5, abs=0.03)


def test_a_note_goes_on_where_its_new_beginning_was_too_doubtful_to_be_written() -> None:
    line = [
        Note(0.0, 0.4, 40.0),
        Note(0.4, 0.7, 40.2),
        Note(0.7, 1.0, 40.1),
        Note(1.0, 1.2, 52.0),
        Note(1.4, 1.6, 40.0),
    ]
    found = likely_notes(line, np.array([0.9, 0.1, 0.2, 0.1, 0.1]), least=0.25)
    assert [(n.onset, n.offset, n.confidence) for n in found] == [(0.0, 1.0, 0.9)]
    found = likely_notes(line, np.array([0.1, 0.1, 0.5, 0.6, 0.7]), least=0.25)
    assert [(n.onset, n.offset) for n in found] == [(0.7, 1.0), (1.0, 1.2), (1.4, 1.6)]
