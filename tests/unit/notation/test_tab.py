"""Tablature: right pitches, one note a string, hands that stay where they are."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation import engrave, score
from musiclab.notation.reading import read_musicxml
from musiclab.notation.tab import BASS, GUITAR, LAST_FRET, finger
from musiclab.notation.writing import Writing
from musiclab.notes import Chord, Note, Part


@pytest.mark.parametrize(
    ("chord", "frets"),
    [
        ([40, 47, 52, 56, 59, 64], (0, 2, 2, 1, 0, 0)),  # E as everybody grips it
        ([45, 52, 57, 61, 64], (0, 2, 2, 2, 0)),  # A
        ([43, 47, 50, 55, 59, 67], (3, 2, 0, 0, 0, 3)),  # G
        ([48, 52, 55, 60, 64], (3, 2, 0, 1, 0)),  # C
    ],
)
def test_open_chords_are_gripped_as_in_the_books(chord, frets):
    assert finger([chord])[0].frets == frets


def test_what_no_string_can_play_is_left_out():
    """A note below the lowest string, by itself and beside one that can be played."""
    alone, beside = finger([[20], [20, 64]])
    assert (alone.strings, alone.frets) == ((0,), (0,))
    assert (beside.strings, beside.frets) == ((0, 1), (0, 0))


def test_a_hand_does_not_jump_to_the_end_of_the_neck_for_one_note_of_a_chord():
    """A harmonic that was taken for a note: fret 22 beside open strings, between chords of the first frets."""
    row = finger([[48, 55, 60, 64], [43, 50, 55, 86], [48, 55, 60, 64]])
    assert max(fret for fingering in row for fret in fingering.frets) <= 5
    assert row[1].strings[-1] == 0
    assert all(row[1].strings[:-1])
    melody = finger([[64, 80], [66, 81], [68, 83], [69, 85], [71, 86]])  # thirds high on the neck are played there
    assert all(0 not in fingering.strings for fingering in melody)
    assert finger([[86]])[0].frets == (22,)


def test_a_scale_stays_in_position():
    """Two octaves up from the fifth fret: the hand moves less than an octave of frets in all."""
    scale = [[p] for p in (45, 47, 49, 50, 52, 54, 56, 57, 59, 61, 62, 64)]
    hands = [f.hand for f in finger(scale) if f.hand is not None]
    assert max(hands) - min(hands) <= 5


@given(st.lists(st.lists(st.integers(35, 90), min_size=1, max_size=7, unique=True), max_size=8))
def test_every_fingering_sounds_as_written(chords):
    for chord, fingering in zip(chords, finger(chords), strict=True):
        used = [s for s in fingering.strings if s]
        assert len(set(used)) == len(used)
        for pitch, string, fret in zip(chord, fingering.strings, fingering.frets, strict=True):
            if string:
                assert GUITAR[string - 1] + fret == pitch
                assert 0 <= fret <= LAST_FRET


def test_what_lies_below_the_bass_is_left_out():
    assert finger([[20]], tuning=BASS)[0].strings == (0,)


def tab_of(pitches: list[list[int]], instrument: str = "guitar", beat: float = 0.5, **decisions) -> list[ET.Element]:
    """The bars of the notes and of the tablature below them."""
    notes = [Note(i * beat, i * beat + 0.9 * beat, p) for i, chord in enumerate(pitches) for p in chord]
    part = Part(notes, instrument, beats=[0.5 * i for i in range(17)], downbeats=[0, 2], key="C major")
    text = score.write(part.decide(**decisions), writing=score.Writing(tab=True)).musicxml
    return list(ET.fromstring(text.encode()).iter("part"))


def test_every_number_is_string_and_fret_up_to_the_last_one():
    _, tab = tab_of([[88], [86], [40, 41]])
    assert {(t.findtext("string"), t.findtext("fret")) for t in tab.iter("technical")} >= {("1", "24"), ("1", "22")}
    for note in tab.iter("note"):
        assert (note.find("pitch") is None) == (note.find("notations/technical") is None)


def test_what_no_hand_can_reach_is_a_rest_with_a_mark():
    notes, tab = tab_of([[60], [100], [30, 31]])
    assert len([n for n in notes.iter("note") if n.find("pitch") is not None]) == 4
    shown = [n for n in tab.iter("note") if n.find("rest") is not None and n.get("print-object") != "no"]
    assert [n.findtext("type") for n in shown] == ["quarter", "quarter"]
    assert [words.text for words in tab.iter("words")].count("n/a") == 2
    assert "-2147483648" not in ET.tostring(tab, encoding="unicode")


@pytest.mark.parametrize("count", [8, 12, 20])
def test_however_many_notes_at_once_a_hand_is_found_quickly(count):
    assert sum(s > 0 for s in finger([list(range(40, 40 + 2 * count, 2))])[0].strings) <= 6


def test_the_tuning_follows_the_lowest_note_unless_it_was_decided():
    def lines(part: ET.Element) -> list[str]:
        return [
            f"{t.findtext('tuning-step')}{t.findtext('tuning-alter') or ''}{t.findtext('tuning-octave')}"
            for t in part.iter("staff-tuning")
        ]

    assert lines(tab_of([[40]])[1]) == ["E2", "A2", "D3", "G3", "B3", "E4"]
    assert lines(tab_of([[38]])[1])[0] == "D2"
    assert lines(tab_of([[40]], tuning="DADGAD")[1]) == ["D2", "A2", "D3", "G3", "A3", "D4"]
    assert lines(tab_of([[40]], tuning="half step down")[1])[0] == "E-12"
    assert lines(tab_of([[24]], "bass")[1])[0] == "B0"


def test_a_capo_shortens_the_neck():
    notes, tab = tab_of([[42]], capo=2)
    assert notes.findtext(".//alter") == "1"  # the page keeps the sounding pitch
    assert [tab.findtext(".//string"), tab.findtext(".//fret"), tab.findtext(".//capo")] == ["6", "0", "2"]
    assert "Capo 2" in [words.text for words in tab.iter("words")]
    assert "n/a" not in [words.text for words in tab_of([[88]], capo=2)[1].iter("words")]  # fret 24 from the nut
    low = tab_of([[41]], capo=2)[1]  # nobody tunes down and puts a capo on
    assert "n/a" in [words.text for words in low.iter("words")]
    assert low.findtext(".//staff-tuning/tuning-step") == "E"


def test_triplets_count_in_the_tablature_as_above_it():
    notes, tab = tab_of([[45 + i % 5] for i in range(12)], beat=1 / 6)

    def shape(part: ET.Element) -> list[tuple[str | None, ...]]:
        return [(n.findtext("type"), n.findtext("time-modification/actual-notes"),
                 *(t.get("type") for t in n.iter("tuplet"))) for n in part.iter("note")]  # fmt: skip

    assert shape(tab) == shape(notes)
    assert any(entry[1] for entry in shape(tab))
    assert {t.get("show-number") for t in tab.iter("tuplet") if t.get("type") == "start"} == {"none"}


@pytest.mark.parametrize("beat", [1 / 6, 1 / 4, 1 / 2])
def test_numbers_stand_under_their_notes_on_the_page(beat):
    part = Part([Note(i * beat, (i + 0.9) * beat, 33 + i % 7) for i in range(12)], "bass",
                beats=[0.5 * i for i in range(17)], downbeats=[0, 2], key="C major")  # fmt: skip
    written = score.write(part, writing=score.Writing(tab=True))
    page = ET.fromstring(engrave.svg(written)[0])
    place: dict[int, list[float]] = {}
    for group in page.iter():
        if group.get("id") in written.notes:
            where = next(e for e in group.iter() if e.get("transform") or e.get("x"))
            x = float(where.get("x") or str(where.get("transform")).split("(")[1].split(",")[0])
            place.setdefault(written.notes[str(group.get("id"))][1], []).append(x)
    gaps = [above - below for above, below in place.values()]
    assert max(gaps) - min(gaps) < 200  # a note head is about 300 wide


def test_a_tablature_alone_has_the_rhythm_and_is_read_back(tmp_path: Path):
    notes = [Note(i * 0.25, i * 0.25 + 0.25, 40 + i % 5, 90, 1.0) for i in range(6)]
    part = Part(notes, "guitar", beats=tuple(np.arange(0, 4.5, 0.5)), downbeats=(0.0, 2.0, 4.0), duration=4.0)
    written = score.write(part, writing=score.Writing(tab="alone")).musicxml
    [staff] = ET.fromstring(written.encode()).findall("part")
    assert staff.findtext(".//clef/sign") == "TAB"
    assert len(staff.findall(".//fret")) == 6
    assert staff.findall(".//beam")
    assert not [stem for stem in staff.iter("stem") if stem.text == "none"]
    assert [n for n in staff.iter("note") if n.find("rest") is not None and n.get("print-object") != "no"]
    [back] = read_musicxml(part.save(tmp_path / "tab.musicxml", tab="alone"))
    assert [note.semitone for note in back.notes] == [note.semitone for note in part.notes]


@pytest.mark.parametrize("tab", [False, True, "alone"])
def test_words_over_a_tablature_are_as_large_as_over_a_staff(tab):
    notes = [Note(i * 0.5, i * 0.5 + 0.5, 40 + i % 5, 90, 1.0) for i in range(6)]
    chords = (Chord(0.0, 1.0, "Em"), Chord(1.0, 2.0, "Am7"))
    part = Part(notes, "guitar", beats=tuple(np.arange(0, 4.5, 0.5)), downbeats=(0.0, 2.0, 4.0), chords=chords)
    page = ET.fromstring(engrave.svg(score.write(part, writing=score.Writing(tab=tab)))[0])
    sized = [(span.text.strip(), span.get("font-size", "")) for span in page.iter() if span.text]
    sizes = {text: float(size.removesuffix("px")) for text, size in sized if size}
    assert [sizes[text] for text in ("Em", "Am7", "= 120")] == [405, 405, 405]


def test_an_unknown_kind_of_tablature_is_refused():
    with pytest.raises(TranscriptionError, match="alone"):
        score.Writing(tab="above")


def test_a_grace_note_in_tablature_is_a_number_alone():
    """No flag hangs from it, where other numbers have no stem either."""
    notes = [Note(0.0, 0.05, 38, 80), Note(0.01, 1.0, 43, 80), Note(1.0, 2.0, 40, 80)]
    part = Part(notes, "bass", beats=tuple(0.5 * k for k in range(5)))
    text = score.write(part, writing=score.Writing(tab=True)).musicxml
    on_tab = [note for note in ET.fromstring(text).iter("note") if note.find(".//fret") is not None]
    assert sum(note.find("grace") is not None for note in on_tab) == 1
    assert {note.findtext("stem") for note in on_tab} == {"none"}


@pytest.mark.parametrize("tab", [True, "alone"])
@pytest.mark.parametrize("colours", [False, True])
def test_a_fret_that_is_held_stands_in_parentheses(tab, colours):
    """A tie leads to a number that nobody is to strike again; a repeated note has no tie, and is struck."""
    played = [Note(0.0, 1.25, 43, 80, 0.3), Note(1.25, 1.5, 45), Note(1.5, 2.0, 45)]
    part = Part(played, "bass").with_grid(BeatGrid.steady(120, 4))
    page = engrave.svg(score.write(part, writing=Writing(tab=tab, colours=colours)), page=False)[0]
    numbers = re.findall(r">(\(?\d+\)?)</tspan>", page[page.index('class="tabGrp"') :])
    assert numbers == ["0", "(0)", "2", "2"]
    assert score.write(part).musicxml.count("parentheses") == 0
