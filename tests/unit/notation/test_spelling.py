"""What notes are called: by chord and key, and by where the line goes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from musiclab.grid import BeatGrid
from musiclab.notation import score
from musiclab.notation.spelling import _belongs
from musiclab.notes import Chord, Note, Part

GRID = BeatGrid.steady(120, 12)
NAMES = {-1: "b", 0: "", 1: "#"}


def named(pitches: list[int | tuple[int, ...]], key: str, *, chord: str = "", instrument: str = "violin") -> list[str]:
    """The written names of quarters (or chords of them), one after the other."""
    chords = [pitch if isinstance(pitch, tuple) else (pitch,) for pitch in pitches]
    notes = [Note(0.5 * i, 0.5 * i + 0.48, pitch) for i, chord in enumerate(chords) for pitch in chord]
    above = (Chord(0.0, 10.0, chord),) if chord else ()
    part = Part(notes, instrument, key=key, chords=above).with_grid(GRID)
    root = ET.fromstring(score.write(part).musicxml.encode())
    return [p.findtext("step", "") + NAMES[int(p.findtext("alter", "0"))] for p in root.iter("pitch")]


@pytest.mark.parametrize(
    ("key", "pitches", "expected"),
    [
        ("G major", [67, 63, 62], ["G", "Eb", "D"]),  # one accidental, where D sharp would need two
        ("G major", [63, 63, 62], ["Eb", "Eb", "D"]),
        ("G major", [63, 64, 66], ["D#", "E", "F#"]),
        ("F major", [69, 68, 67], ["A", "Ab", "G"]),
        ("F major", [65, 66, 67], ["F", "F#", "G"]),
        ("Bb major", [65, 66, 65], ["F", "Gb", "F"]),
        ("C major", [70, 71, 72], ["A#", "B", "C"]),
        ("A minor", [69, 68, 67], ["A", "G#", "G"]),  # the key's own leading note is no chromatic one
        ("A major", [65, 61, 64], ["F", "C#", "E"]),  # a white key, where nothing leads on from it
        ("A major", [65, 66, 64], ["E#", "F#", "E"]),
        ("G major", [68, 70, 69], ["Ab", "Bb", "A"]),
        ("G major", [63, 61, 62], ["D#", "C#", "D"]),
        ("G major", [70, 67, 62], ["Bb", "G", "D"]),
        ("C major", [63, 66, 67], ["D#", "F#", "G"]),
        ("Eb major", [71, 70, 67], ["B", "Bb", "G"]),
    ],
)
def test_a_chromatic_note_leads_on_from_another_step(key, pitches, expected):
    assert named(pitches, key) == expected


@pytest.mark.parametrize(
    ("key", "own", "foreign"),
    [
        ("F major", "F G A Bb C D E", "B F# Eb"),
        ("D major", "D E F# G A B C#", "F C Bb G#"),
        ("A minor", "A B C D E F G G#", "Bb F# Eb"),
    ],
)
def test_the_notes_of_a_key_are_its_scale_and_in_minor_the_leading_note(key: str, own: str, foreign: str):
    assert [name for name in own.split() if not _belongs(name, key)] == []
    assert [name for name in foreign.split() if _belongs(name, key)] == []


def test_a_note_of_the_chord_keeps_its_name_and_chords_are_no_line():
    assert named([63, 64, 67], "C major", chord="Cm") == ["Eb", "E", "G"]
    assert named([(60, 63), 62], "G major", instrument="guitar") == ["C", "D#", "D"]


def test_the_written_line_of_a_transposing_instrument_is_spelled_in_its_own_key():
    assert named([67, 63, 62], "G major", instrument="clarinet") == ["A", "F", "E"]
    assert named([66, 65, 62], "F major", instrument="clarinet") == ["Ab", "G", "E"]
