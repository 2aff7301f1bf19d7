"""Keys, spelling and chords."""

import numpy as np
import pytest

from musiclab import theory
from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Chord, Note
from musiclab.transcription import harmony
from tests.sounds import harmonics, noise

DEGREES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 11)}  # minor with its leading note


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_a_scale_is_in_its_key(tonic, mode):
    scale = [tonic + degree for degree in DEGREES[mode]]
    line = [*scale, scale[0], scale[4], scale[2], scale[0]]
    key = harmony.estimate_key([Note(k, k + 1, 48 + pitch) for k, pitch in enumerate(line)])
    name, found = theory.parse_key(key)
    assert (theory.pitch_class(name), found) == (tonic, mode)


def test_no_notes_no_key():
    assert harmony.estimate_key([]) == ""


@pytest.mark.parametrize(
    ("symbols", "key"),
    [(("C", "Am", "F", "G7", "C"), "C major"), (("Am", "F", "C", "Em", "Am"), "A minor")],
)
def test_of_keys_with_the_same_notes_the_chords_tell_which(symbols, key):
    scale = harmony.MAJOR + np.roll(harmony.MINOR, 9)  # between C major and A minor
    chords = [Chord(2.0 * i, 2.0 * i + 2, symbol) for i, symbol in enumerate(symbols)]
    assert harmony.key_of(scale, chords) == key
    assert harmony.key_of(scale, [Chord(0, 2, "N")]) == harmony.key_of(scale)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C major", "C D E F G A B"),
        ("Ab major", "Ab Bb C Db Eb F G"),
        ("E major", "E F# G# A B C# D#"),
        ("F# minor", "F# G# A B C# D E#"),
        ("G minor", "G A Bb C D Eb F#"),
        ("D minor", "D E F G A Bb C#"),
    ],
)
def test_notes_of_a_key_are_spelled_in_it(key, names):
    for name in names.split():
        assert theory.spell(60 + theory.pitch_class(name), key)[0] == name


@pytest.mark.parametrize("semitone", range(21, 109))
def test_spelled_notes_sound_as_they_should(semitone):
    for key in ("C major", "Gb major", "B major", "Eb minor"):
        name, octave = theory.spell(semitone, key)
        sounding = 12 * (octave + 1) + theory.STEPS[name[0]] + name.count("#") - name.count("b")
        assert sounding == semitone


def test_signatures():
    assert theory.key_fifths("Bb major") == -2
    assert theory.key_fifths("F# minor") == 3
    assert theory.parse_key("Bbm") == ("Bb", "minor")
    with pytest.raises(TranscriptionError, match="no key"):
        theory.parse_key("C dorian")


def test_transposing_names():
    assert theory.transpose_key("G major", 2) == "A major"
    assert theory.transpose_key("A minor", 1) == "Bb minor"
    assert theory.transpose_symbol("Em7", 3, "Bb major") == "Gm7"
    assert theory.transpose_symbol("N", 3, "C major") == "N"


def test_chords_of_a_synthesised_progression(rng):
    """Four bars of plain chords with some noise come back with their names and on their beats."""
    sr, grid = 22050, BeatGrid.steady(120, 8.0)
    wanted = {"C": (48, 52, 55, 60), "Am": (45, 52, 57, 60), "F": (41, 53, 57, 60), "G7": (43, 53, 55, 59)}
    sound = []
    for pitches in wanted.values():
        t = np.arange(2 * sr) / sr
        tone = np.sum([harmonics(pitch, 2, 5, tilt=1.5, sr=sr) for pitch in pitches], axis=0)
        sound.append(tone * np.exp(-t))
    audio = Audio(0.05 * np.concatenate(sound) + noise(8 * sr, level=0.002, rng=rng), sr)
    chords = harmony.estimate_chords(audio, BeatGrid(grid.times[:17]), key="C major")
    assert [chord.symbol for chord in chords] == list(wanted)
    assert [chord.onset for chord in chords] == pytest.approx([0, 2, 4, 6])
