"""MIDI files: bars where the part's are, in every metre; names in any script; and all of it back."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab import midi
from musiclab.grid import BeatGrid
from musiclab.notes import Note, Part
from musiclab.ticks import RESOLUTION, tempo_map

METRES = [(4, 4), (3, 4), (5, 4), (2, 2), (6, 8), (7, 8), (9, 8), (12, 8), (15, 16), (1, 1)]


def read_back(part: Part, folder: Path) -> tuple[pretty_midi.PrettyMIDI, Part]:
    path = part.save(folder / "x.mid")
    return pretty_midi.PrettyMIDI(str(path)), midi.read_midi(path)


@given(
    metre=st.sampled_from(METRES),
    start=st.sampled_from([0.0, 0.37, 2.9, 0.004]),
    first=st.integers(1, 15),
    tempo=st.floats(30, 220),
    drift=st.floats(0, 0.2),
)
def test_bar_lines_and_notes_lie_where_they_were_heard(tmp_path_factory, metre, start, first, tempo, drift):
    beats = BeatGrid((0.0, 1.0), 1, metre).beats_per_bar
    lengths = 60 / tempo * (1 + drift * np.sin(np.arange(6 * beats + 2)))
    grid = BeatGrid((start, *(start + np.cumsum(lengths))), (first - 1) % beats + 1, metre)
    notes = tuple(Note(t, t + 0.1, 60) for t in grid.times[:-1])
    file, back = read_back(Part(notes).with_grid(grid), tmp_path_factory.mktemp("midi"))
    assert [note.start for note in file.instruments[0].notes] == pytest.approx(grid.times[:-1], abs=2e-3)
    bars = file.get_downbeats()
    for downbeat in grid.downbeats[:-1]:
        if metre[0] % 3 or metre[0] == 3 or metre[1] == 8:  # pretty_midi counts other metres in beats of its own
            assert np.abs(bars - downbeat).min() < 2e-3
        assert np.abs(np.array(back.downbeats) - downbeat).min() < 2e-3
    assert back.time_signature == metre
    for beat in grid.times[:-1]:
        assert np.abs(np.array(back.beats) - beat).min() < 2e-3


@pytest.mark.parametrize(
    ("metre", "first", "pick_up"), [((3, 4), 3, (1, 4)), ((4, 4), 2, (3, 4)), ((6, 8), 2, (3, 8)), ((9, 8), 2, (6, 8))]
)
def test_a_pick_up_is_a_bar_of_its_own_metre(metre: tuple[int, int], first: int, pick_up: tuple[int, int]):
    """As long as it is, in the values that the metre counts."""
    (start, short), (bar, whole) = tempo_map(BeatGrid((0.0, 0.5, 1.0, 1.5, 2.0), first, metre), metre).metres
    assert (start, short, whole) == (0, pick_up, metre)
    assert bar == RESOLUTION * 4 * pick_up[0] // pick_up[1]


def test_beats_do_not_drift_away_from_a_long_recording(tmp_path: Path):
    grid = BeatGrid.steady(123.457, 3600)
    file, back = read_back(Part((Note(3599, 3599.5, 60),)).with_grid(grid), tmp_path)
    assert file.instruments[0].notes[0].start == pytest.approx(3599, abs=1e-3)
    assert back.tempo == pytest.approx(123.457, rel=1e-5)


@pytest.mark.parametrize("title", ["café", "桜", "Песня", "Don’t Stop", "song 🎵", "서울", "A\nB"])
def test_titles_of_any_script_come_back(tmp_path: Path, title: str):
    _, back = read_back(Part((Note(0, 0.5, 60),), "piano", title), tmp_path)
    assert back.title == title
    names = [track.name for track in mido.MidiFile(tmp_path / "x.mid", charset="utf-8").tracks]
    assert names[0] == title


def test_other_programs_files_give_tempo_metre_and_key(tmp_path: Path):
    file = mido.MidiFile(ticks_per_beat=96)
    file.tracks.append(track := mido.MidiTrack())
    track.append(mido.MetaMessage("key_signature", key="F#m"))
    track.append(mido.MetaMessage("time_signature", numerator=6, denominator=8))
    track.append(mido.MetaMessage("set_tempo", tempo=400_000))
    for _ in range(12):
        track += [mido.Message("note_on", note=62, velocity=80), mido.Message("note_off", note=62, time=144)]
    file.save(tmp_path / "theirs.mid")
    back = midi.read_midi(tmp_path / "theirs.mid")
    assert (back.key, back.time_signature, back.title) == ("F# minor", (6, 8), "theirs")
    assert back.tempo == pytest.approx(100)  # dotted quarters
    assert back.downbeats[1] == pytest.approx(1.2)


def test_a_file_that_says_nothing_of_beats_has_none(tmp_path: Path):
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack([mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=99)]))
    file.save(tmp_path / "bare.mid")
    assert midi.read_midi(tmp_path / "bare.mid").grid is None
    unmeasured = Part((Note(0, 0.5, 60),))  # in our own files the tempo is there only because it must be
    assert read_back(unmeasured, tmp_path)[1].grid is None


@pytest.mark.parametrize("instrument", ["drums", "bass", "voice"])
def test_a_file_of_ours_knows_whose_part_it_is(tmp_path: Path, instrument: str):
    _, back = read_back(Part((Note(0, 0.5, 38),), instrument), tmp_path)
    assert (back.instrument, len(back)) == (instrument, 1)


@pytest.mark.parametrize(("instrument", "program"), [("bass", 33), ("violin", 40), ("flute", 73), ("piano", 0)])
def test_other_programs_play_it_on_its_instrument(tmp_path: Path, instrument: str, program: int):
    file, _ = read_back(Part((Note(0, 0.5, 60, 93),), instrument), tmp_path)
    assert [(track.program, track.is_drum) for track in file.instruments] == [(program, False)]
    assert [(note.pitch, note.velocity) for note in file.instruments[0].notes] == [(60, 93)]


def test_parts_of_a_song_are_tracks_with_channels_of_their_own(tmp_path: Path):
    parts = [Part((Note(0, 1, 40),), name) for name in ("voice", "bass", "drums", "piano")]
    file = mido.MidiFile(midi.write_midi(parts, tmp_path / "song.mid"), charset="utf-8")
    channels = [{m.channel for m in track if not m.is_meta} for track in file.tracks[1:]]
    assert channels == [{0}, {1}, {9}, {2}]
