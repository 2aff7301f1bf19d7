"""Syllables under notes, in order."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import typst

from musiclab.grid import BeatGrid
from musiclab.notation import engrave, score
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
    assert syllables("_ star__ a_-way") == [
        None, Syllable("star", "single", held=True), None, None,
        Syllable("a", "begin", held=True), None, Syllable("way", "end"),
    ]  # fmt: skip


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


def test_no_word_runs_into_the_next(tmp_path: Path):
    """Under quick notes: what is drawn is measured in the letters that the page is set in."""
    words = "strengths and thoughts through which Mum sprawled " * 4
    notes = [Note(0.25 * i, 0.25 * i + 0.24, 60 + i % 5) for i in range(24)]
    page = engrave.svg(score.write(Part(notes, "voice", lyrics=words).with_grid(GRID)))[0]
    size = engrave.LETTERS * float(re.search(r'class="syl".*?font-size="(\d+)px"', page, re.DOTALL)[1])
    found = re.findall(r'class="syl">\s*<text x="(\d+)" y="(\d+)".*?<tspan[^>]*>([^<]+)</tspan>', page, re.DOTALL)
    assert len(found) == 24
    widths = _widths({word for _, _, word in found}, tmp_path)
    for (x, y, word), (following, below, _) in itertools.pairwise(found):
        if y == below:
            assert float(x) + size * widths[word] + 0.15 * size < float(following), word


def _widths(words: set[str], folder: Path) -> dict[str, float]:
    """How wide words are in the letters of a PDF, in units of their size."""
    source = folder / "words.typ"
    shown = [f'metadata((word: "{word}", width: measure(text(size: 100pt, "{word}")).width.pt()))' for word in words]
    source.write_text("#context {" + "; ".join(f"[#{one}<w>]" for one in shown) + "}", encoding="utf-8")
    found = json.loads(typst.query(str(source), "<w>", field="value"))
    return {one["word"]: one["width"] / 100 for one in found}
