"""A part in its song: the beats, key and chords that all parts share."""

import pytest

import musiclab as ml
from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Note, Part
from musiclab.transcription import harmony
from musiclab.transcription.context import in_context


@pytest.fixture(scope="module")
def song():
    return ml.demo("lantern-waltz")


def test_all_parts_of_a_song_share_its_key_and_beats(song):
    """A bass that only plays the fifth of the key is still in the song's key."""
    fifths = Part([Note(k, k + 0.9, 45, 80, 0.9) for k in range(8)], "bass")
    melody = Part([Note(k, k + 0.9, 65 + k % 3, 80, 0.9) for k in range(8)], "voice")
    bass, voice = (in_context(part, song.stems) for part in (fifths, melody))
    assert bass.key == voice.key == song.key == "D minor"
    assert bass.beats == voice.beats
    assert bass.chords == voice.chords
    assert bass.chords
    assert bass.time_signature == (3, 4)


def test_drums_have_beats_but_neither_key_nor_chords(song):
    drums = in_context(Part([Note(0.5, 0.6, 38, 100, 1.0)], "drums"), song.stems)
    assert drums.beats
    assert drums.key == ""
    assert not drums.chords


def test_what_is_known_stays(song):
    part = in_context(Part([Note(0, 1, 45, 80, 0.9)], "bass", key="F major"), song.mixture, chords=False)
    assert part.key == "F major"
    assert not part.chords


def test_a_lone_line_gets_no_chords_but_on_demand():
    song = ml.demo("paper-boats")
    voice = song.stems["vocals"][0:12]
    part = ml.transcribe(voice, instrument="voice", progress=False)
    assert harmony.is_alone(part.notes, voice)
    assert not harmony.is_alone(part.notes, song.mixture[0:12])
    alone = in_context(part, voice, grid=ml.track_beats(song.mixture[0:12]))
    assert not alone.chords
    assert in_context(part, voice, grid=alone.grid, chords=True).chords
    assert in_context(part.decide(chords=True), voice, grid=alone.grid).chords
    assert not in_context(part.decide(chords=False), song.mixture[0:12], grid=alone.grid).chords
    assert not harmony.is_alone((), voice)


def test_decisions_go_before_what_is_found(song):
    line = Part([Note(k, k + 0.9, 65 + k % 3, 80, 0.9) for k in range(8)], "voice")
    found = in_context(line, song.mixture)
    decided = in_context(line.decide(tempo="half", metre=(4, 4), key="G minor"), song.mixture)
    assert decided.tempo == pytest.approx(found.tempo / 2, rel=0.02)
    assert (decided.key, decided.time_signature, decided.decisions.tempo) == (
        "G minor",
        (4, 4),
        pytest.approx(decided.tempo, abs=0.01),
    )
    moved = in_context(line, song.mixture, decisions=Decisions(bar_one=found.beats[1]))
    assert found.beats[1] in moved.downbeats
    assert moved.decisions.bar_one == found.beats[1]


def test_a_decided_tempo_holds_where_no_beats_are_found(song):
    part = in_context(Part([Note(0.2, 1, 45, 80, 0.9)], "bass").decide(tempo=90), song.mixture[0:1.5], chords=False)
    assert part.tempo == pytest.approx(90)
    assert part.beats[0] == pytest.approx(0.2)


def test_keys_of_songs_are_found_without_their_drums():
    for name in ml.demo_songs():
        song = ml.demo(name)
        pitched = song.stems.without("drums")
        grid = BeatGrid(tuple(time for time, _ in song.beats), 1, song.time_signature)
        assert {harmony.estimate_song_key(pitched), harmony.estimate_song_key(pitched, grid=grid)} == {song.key}


def test_a_song_without_beats_says_so(song):
    with pytest.raises(TranscriptionError):
        in_context(Part([Note(0, 1, 45, 80, 0.9)], "bass"), song.mixture[0:0.2])
