"""A part in its song: the beats, key and chords that all parts share."""

import pytest

import musiclab as ml
from musiclab.errors import TranscriptionError
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


def test_keys_of_songs_are_found_without_their_drums():
    for name in ml.demo_songs():
        song = ml.demo(name)
        assert harmony.estimate_song_key(song.stems.without("drums")) == song.key


def test_a_song_without_beats_says_so(song):
    with pytest.raises(TranscriptionError):
        in_context(Part([Note(0, 1, 45, 80, 0.9)], "bass"), song.mixture[0:0.2])
