"""Every field of a note, and that each argument has its effect, in the right direction."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation.quantise import _duration_cost, quantise
from musiclab.notation.tab import BASS, GUITAR, finger
from musiclab.notes import Note, Part
from musiclab.transcription import drums, note_creation
from musiclab.transcription.accents import FPS, _spans
from musiclab.transcription.beat_path import TEMPO_RANGE, beat_periods
from musiclab.transcription.dynamics import with_dynamics
from musiclab.transcription.monophonic import LineSettings, costs_of
from musiclab.transcription.note_confidence import PARTIAL_BINS, _partials
from musiclab.transcription.note_creation import COLUMN_S, Candidates, create_notes, limit_polyphony, unexplained
from musiclab.transcription.onsets import onset_posterior
from musiclab.transcription.pitch_track import COLUMN_S as LINE_COLUMN_S
from musiclab.transcription.posteriorgram import LOWEST, Posteriorgram
from musiclab.transcription.settings import NoteSettings
from musiclab.tunings import parse_tuning, usual_tuning


def candidates(*rows: tuple[int, int, int, float]) -> Candidates:
    """Candidates of (start, end) in columns, MIDI pitch and confidence."""
    start, end, pitch = (np.array([row[k] for row in rows], dtype=np.int64) for k in range(3))
    confidence = np.array([row[3] for row in rows])
    return Candidates(start, end, pitch - LOWEST, pitch - LOWEST, np.zeros(len(rows), bool), confidence)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch):
    """A posteriorgram that sounds as its candidates say, which are taken as they are."""

    def make(*rows: tuple[int, int, int, float]) -> Posteriorgram:
        note = np.full((300, 88), 0.05)
        for start, end, pitch, _ in rows:
            note[start:end, pitch - LOWEST] = 0.6
        gram = Posteriorgram(np.zeros((300, 88)), note, np.zeros((300, 264)), np.full(300, -20.0), 300 * COLUMN_S)
        monkeypatch.setattr(note_creation, "candidates_of", lambda _: candidates(*rows))
        return gram

    return make


@pytest.mark.parametrize("frame_threshold", [0.3, 0.5])
def test_a_note_begins_and_ends_with_its_columns(judged, frame_threshold: float) -> None:
    (found,) = create_notes(judged((40, 100, 64, 0.9)), frame_threshold=frame_threshold)
    assert [found.onset, found.offset, found.pitch] == pytest.approx([40 * COLUMN_S, 100 * COLUMN_S, 64])


def test_the_likelier_of_two_alike_is_the_surer(judged) -> None:
    sure, doubtful = create_notes(judged((40, 100, 64, 0.9), (140, 200, 64, 0.4)))
    assert 0 < doubtful.confidence < sure.confidence <= 1


def test_a_key_struck_again_ends_the_note_before(judged) -> None:
    found = create_notes(judged((10, 60, 50, 0.9), (40, 80, 50, 0.8)))
    assert [n.onset / COLUMN_S for n in found] == pytest.approx([10, 40])
    assert [n.offset / COLUMN_S for n in found] == pytest.approx([40, 80])


def test_the_shortest_note_is_as_short_as_was_asked(judged) -> None:
    gram = judged((10, 16, 60, 0.9), (50, 70, 62, 0.9))  # 70 and 232 ms
    assert [n.pitch for n in create_notes(gram, min_length=0.05)] == [60, 62]
    assert [n.pitch for n in create_notes(gram, min_length=0.1)] == [62]
    assert create_notes(gram, min_length=0.5) == []


def test_what_is_less_likely_than_the_threshold_goes(judged) -> None:
    gram = judged((10, 60, 60, 0.35), (10, 60, 64, 0.9))
    assert [n.pitch for n in create_notes(gram, onset_threshold=0.3)] == [60, 64]
    assert [n.pitch for n in create_notes(gram, onset_threshold=0.5)] == [64]


def test_the_range_includes_its_ends(judged) -> None:
    gram = judged(*((10, 60, pitch, 0.9) for pitch in (59, 60, 72, 73)))
    assert [n.pitch for n in create_notes(gram, low=60, high=72)] == [60, 72]


def test_of_too_many_notes_the_least_sure_goes() -> None:
    three = candidates((10, 60, 60, 0.9), (12, 60, 64, 0.4), (14, 60, 67, 0.7))
    assert limit_polyphony(three, 2).tolist() == [True, False, True]
    assert limit_polyphony(three, 1).tolist() == [True, False, False]
    assert limit_polyphony(candidates((10, 20, 60, 0.9), (20, 40, 64, 0.4)), 1).tolist() == [True, True]  # in turn


def test_louder_notes_have_higher_velocities() -> None:
    notes = [Note(k * 0.5, k * 0.5 + 0.4, 60) for k in range(11)]
    level = np.full(600, -80.0)
    for k in range(11):
        level[50 * k : 50 * k + 40] = -40 + 2 * k
    velocities = [note.velocity for note in with_dynamics(notes, level, 0.01)]
    assert np.diff(velocities).tolist() == [4] * 10  # two steps for each dB
    assert velocities[9] == 100  # the 90th percentile
    assert len(with_dynamics(notes, level, 0.01, gate_db=7.0)) == 5  # those at −22 − 7 dB and above


def strokes(chance: np.ndarray, level_db: np.ndarray | None = None) -> drums.Strokes:
    return drums.Strokes(chance, np.zeros_like(chance) if level_db is None else level_db)


def test_a_peak_between_columns_lies_towards_its_higher_neighbour() -> None:
    chance = np.zeros((60, len(drums.DRUMS)))
    kick = drums.DRUMS.index("kick")
    chance[19:22, kick] = (0.1, 0.99, 0.8)
    chance[39:42, kick] = (0.8, 0.99, 0.1)
    late, early = drums.strokes_to_notes(strokes(chance))
    assert (early.onset - late.onset) / drums.COLUMN_S == pytest.approx(20 - 2 * 0.7 / 1.89, abs=1e-3)


def test_louder_strokes_have_higher_velocities() -> None:
    chance, level = (np.zeros((60, len(drums.DRUMS))) for _ in range(2))
    snare = drums.DRUMS.index("snare")
    for k, decibels in enumerate((-20.0, -10.0, 0.0)):
        chance[10 + 20 * k, snare] = 0.99
        level[10 + 20 * k : 15 + 20 * k, snare] = decibels
    velocities = [note.velocity for note in drums.strokes_to_notes(strokes(chance, level))]
    assert velocities == [55, 80, 105]  # 2.5 steps for each dB; 100 at the 90th percentile, −2 dB


def test_between_leaves_out_what_begins_at_its_end() -> None:
    part = Part([Note(t, t + 0.4, 60) for t in (0.0, 1.0, 2.0, 3.0)])
    assert [note.onset for note in part.between(1.0, 3.0).notes] == [1.0, 2.0]


@pytest.mark.parametrize(("first", "downbeats"), [(1, [0, 4, 8]), (2, [3, 7]), (3, [2, 6]), (4, [1, 5])])
def test_a_pick_up_s_downbeats_follow_it(first: int, downbeats: list[int]) -> None:
    grid = BeatGrid(tuple(0.5 * k for k in range(9)), first)
    assert grid.downbeats == tuple(0.5 * k for k in downbeats)
    assert grid.with_downbeat(0.5 * downbeats[0] + 0.2).first == first
    assert grid.positions[: 9 - 1][downbeats[0]] == 1


def test_swung_eighths_are_eighths_with_their_durations() -> None:
    grid = BeatGrid(tuple(0.5 * k for k in range(10)))
    onsets = [0.5 * (k // 2) + (0.5 * 2 / 3 if k % 2 else 0) for k in range(16)]
    offsets = [*onsets[1:], 4.0]
    written = quantise(onsets, offsets, grid, swing=True)
    assert [float(note.onset) for note in written] == [0.5 * k for k in range(16)]
    assert [float(note.duration) for note in written] == [0.5] * 16
    slow = BeatGrid(tuple(2.0 * k for k in range(10)))  # so slow that an end two thirds into a beat is no half
    (alone, _) = quantise([0.0, 4.0], [4 / 3, 6.0], slow, swing=True)
    assert float(alone.duration) == 0.5


def test_a_fifth_string_is_played_where_there_is_one() -> None:
    low_d = finger([[26]], tuning=parse_tuning("five strings", instrument="bass"))[0]
    assert (low_d.strings, low_d.frets) == ((5,), (3,))
    assert finger([[26]], tuning=BASS)[0].strings == (0,)
    assert [len(usual_tuning("bass", lowest)) for lowest in (28, 26, 25, 23)] == [4, 4, 5, 5]  # E, drop D, C#, B


def test_the_hand_moves_only_where_it_must() -> None:
    """E on the first string's twelfth fret, then B, which lies on the seventh fret of the same or twelfth beside it."""
    high, low = finger([[76], [71]], tuning=GUITAR)
    assert (high.strings[0], high.frets[0]) == (1, 12)
    assert low.frets[0] == 12
    assert low.strings[0] == 2


def test_five_beats_of_the_quickest_tempo_are_enough() -> None:
    """A shorter passage has no beat of its own."""
    beat = 60 * FPS / TEMPO_RANGE[1]
    pulse = np.zeros(int(5 * beat) + 3)
    pulse[:: round(beat)] = 1.0
    (period, _), *_ = beat_periods(pulse)
    assert period == pytest.approx(beat, abs=1)
    with pytest.raises(TranscriptionError, match="too short"):
        beat_periods(pulse[: int(5 * beat)])


def test_a_short_rest_is_dearer_than_a_long_one_and_a_note_is_rather_played_short() -> None:
    half, one = Fraction(1, 2), Fraction(1)
    short_rest, long_rest = (_duration_cost(half, 0.5, Fraction(gap), 0.1) for gap in (1, 2))
    assert short_rest == long_rest + 1 > _duration_cost(half, 0.5, half, 0.1) == 0
    detached, overlong = (_duration_cost(one, played, None, 0.1) for played in (0.9, 1.1))
    assert 0 < detached < overlong == pytest.approx(0.5)


def test_silence_costs_where_it_sounds_and_notes_cost_where_it_does_not() -> None:
    settings = LineSettings(rest=2.0, unvoiced=0.7, min_columns=2)
    voiced = np.array([1.0, 1.0, 0.0, 0.5])
    costs = costs_of(np.full(4, 60.0), voiced, np.array([60.0, 72.0]), settings)
    assert costs.silent == pytest.approx([2.0, 2.0, 0.0, 1.0])
    assert costs.note[:, 0] == pytest.approx([0.0, 0.0, 0.7, 0.35])  # on pitch
    assert costs.note[0, 1] == settings.outlier  # off it
    assert costs.note[2, 1] == pytest.approx(0.7)  # where nothing sounds no pitch is off


def test_an_onset_is_heard_in_the_column_of_its_time() -> None:
    """Of the track, whose columns are others than the posteriorgram's; a semitone beside it too, but not two."""
    onset = np.zeros((300, 88))
    onset[round(2 / COLUMN_S), 60 - LOWEST] = 0.8
    gram = Posteriorgram(onset, onset, np.zeros((300, 264)), np.full(300, -20.0), 300 * COLUMN_S)
    for pitch, heard in ((60.0, 0.8), (61.2, 0.8), (58.0, 0.0)):
        found = onset_posterior(gram, np.full(round(3 / LINE_COLUMN_S), pitch))
        assert found.max() == heard
        if heard:
            assert np.flatnonzero(found).mean() * LINE_COLUMN_S == pytest.approx(2, abs=COLUMN_S)
    assert not onset_posterior(None, np.full(9, 60.0)).any()


def test_what_lies_before_a_beat_and_after_it_is_added_up_within_the_song() -> None:
    before, after = _spans(np.array([[1.0, 2.0, 4.0, 8.0, 16.0]]), 2)
    assert before.tolist() == [[0, 1, 3, 6, 12]]
    assert after.tolist() == [[3, 6, 12, 24, 16]]


@pytest.mark.parametrize(("off", "heard"), [(-2, 0.0), (-1, 1.0), (0, 1.0), (1, 1.0), (2, 0.0)])
def test_a_partial_is_heard_a_third_of_a_semitone_from_its_place(off: int, heard: float) -> None:
    spectrum = np.zeros((40, 264))
    spectrum[:, 3 * 20 + 1 + PARTIAL_BINS[0] + off] = 1
    after, *_ = _partials(spectrum, np.array([10]), np.array([20]))[0]
    assert after == heard


def test_thresholds_move_what_lines_cost() -> None:
    """At their middle nothing; where the frames have to be surer, rests are cheaper and notes without sound dearer."""
    usual = LineSettings()
    middle = NoteSettings(min_length=0.0).for_lines()
    assert asdict(middle) == pytest.approx(asdict(usual) | {"min_columns": 2})
    strict = NoteSettings(frame_threshold=0.65).for_lines()
    assert (strict.rest, strict.unvoiced) == pytest.approx((usual.rest / 2, usual.unvoiced * 0.65 / 0.3))
    many = NoteSettings(onset_threshold=0.25).for_lines()
    assert many.onset_bias - usual.onset_bias == pytest.approx(np.log(3))
    assert many.least_confidence == pytest.approx(usual.least_confidence / 2)
    assert [NoteSettings(min_length=s).for_lines().min_columns for s in (0.1, 0.5)] == [
        round(0.1 / LINE_COLUMN_S), round(0.5 / LINE_COLUMN_S),
    ]  # fmt: skip


def test_what_sounds_without_a_note_is_found_from_the_first_column_to_the_last() -> None:
    """Of the third a note tells a semitone beside it, of the last the first half."""
    on = np.zeros((8, 88), dtype=bool)
    on[0:3, 10] = on[5:8, 20] = on[2:6, 30] = on[2:6, 50] = True
    start, end, key = unexplained(on, candidates((2, 6, LOWEST + 31, 1.0), (2, 4, LOWEST + 50, 1.0)))
    assert sorted(zip(start.tolist(), end.tolist(), key.tolist(), strict=True)) == [
        (0, 3, 10), (4, 6, 50), (5, 8, 20),
    ]  # fmt: skip
