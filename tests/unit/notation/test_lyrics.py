"""Syllables under notes, in order."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from musiclab.grid import BeatGrid
from musiclab.notation import score
from musiclab.notation.lyrics import Syllable, sung, syllables
from musiclab.notes import Note, Part

GRID = BeatGrid.steady(120, 12)


def test_words_and_syllables():
    assert syllables("Hal-le-lu-jah, sing _ _") == [
        Syllable("Hal", "begin"), Syllable("le", "middle"), Syllable("lu", "middle"), Syllable("jah,", "end"),
        Syllable("sing", "single", held=True), None, None,
    ]  # fmt: skip
    assert syllables("") == []
    assert syllables("–") == [Syllable("–", "single")]


def test_text_and_notes_of_different_length():
    assert sung("la la", [7, 8, 9]) == {7: Syllable("la", "single"), 8: Syllable("la", "single")}
    assert sung("la _ lo lu", [1, 2, 3]).keys() == {1, 3}


def test_a_tied_note_has_its_syllable_once_and_a_chord_too():
    notes = [Note(1.5, 3.4, 60), Note(3.5, 3.9, 62), Note(3.5, 3.9, 65), Note(4.0, 4.4, 64)]
    part = Part(notes, "piano", lyrics="A <b> c &").with_grid(GRID)
    root = ET.fromstring(score.write(part).musicxml.encode())
    found = [
        (note.findtext("pitch/step"), note.findtext("lyric/text")) for note in root.iter("note") if note.find("lyric")
    ]
    assert found == [("C", "A"), ("D", "<b>"), ("E", "c")]
