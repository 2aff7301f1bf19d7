"""What was written as MusicXML comes back as the same notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation.reading import read_musicxml
from musiclab.notation.score import save
from musiclab.notes import Chord, Note, Part
from musiclab.theory import pitch_class, split_symbol

GRID = BeatGrid.steady(96, 20)


def tune(metre: tuple[int, int], instrument: str, first: int = 1, **more) -> Part:
    grid = BeatGrid(GRID.times, first, metre)
    beats = [0, 1, 1.5, 2, 4, 5, 7, 8, 10.5, 12]
    starts, ends = grid.seconds_at(beats), grid.seconds_at([*beats[1:], 13])
    notes = [Note(a, b, 50 + i) for i, (a, b) in enumerate(zip(starts, ends, strict=True))]
    return Part(notes, instrument, "Tide & Time", **more).with_grid(grid)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (2, 2), (7, 8)])
@pytest.mark.parametrize("instrument", ["bass", "tenor saxophone", "guitar", "clarinet", "piano"])
@pytest.mark.parametrize("first", [1, 2])
def test_notes_tempo_metre_and_key_come_back(tmp_path: Path, metre, instrument, first):
    part = tune(metre, instrument, min(first, metre[0]), key="Eb major", chords=(Chord(0, 5, "Cm7"), Chord(5, 9, "F#")))
    (back,) = read_musicxml(part.save(tmp_path / "x.musicxml", tab=True))
    assert (back.instrument, back.title, back.key, back.time_signature) == (instrument, part.title, "Eb major", metre)
    assert back.tempo == pytest.approx(96, rel=1e-3)
    assert [note.semitone for note in back.notes] == [note.semitone for note in part.notes]
    shift = back.notes[0].onset - part.notes[0].onset  # silence before a first full bar line is the page's
    assert [n.onset - shift for n in back.notes] == pytest.approx([n.onset for n in part.notes], abs=2e-3)
    assert [n.duration for n in back.notes] == pytest.approx([n.duration for n in part.notes], abs=2e-3)
    roots = [(pitch_class(root), quality) for root, quality in (split_symbol(chord.symbol) for chord in back.chords)]
    assert roots == [(0, "m7"), (6, "")]


def test_drums_and_several_parts(tmp_path: Path):
    drums = Part([Note(t, t + 0.1, key) for t, key in zip(GRID.times[:8], [36, 42, 38, 42] * 2, strict=True)], "drums")
    parts = [drums.with_grid(GRID), tune((4, 4), "bass")]
    back = read_musicxml(save(parts, tmp_path / "x.musicxml"))
    assert [part.instrument for part in back] == ["drums", "bass"]
    assert [note.semitone for note in back[0].notes] == [36, 42, 38, 42] * 2


@pytest.mark.parametrize("lyrics", ["Twin-kle twin-kle lit-tle star", "_ Twin_-kle twin _ kle", "star"])
def test_lyrics_come_back_as_they_were_given(tmp_path: Path, lyrics: str):
    part = tune((4, 4), "voice", lyrics=lyrics)
    assert read_musicxml(part.save(tmp_path / "x.musicxml"))[0].lyrics == part.lyrics


@pytest.mark.parametrize("text", ["", "<score/>", "<score-partwise><part id='P1'/></score-partwise>", "MThd"])
def test_other_files_are_refused(tmp_path: Path, text: str):
    (tmp_path / "x.xml").write_text(text)
    with pytest.raises(TranscriptionError, match="MusicXML"):
        read_musicxml(tmp_path / "x.xml")
