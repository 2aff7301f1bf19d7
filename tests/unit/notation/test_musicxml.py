"""What is written on the staff: beams, triplets, hooks, pick-ups, long rests, chord symbols, grace notes, drums."""

import xml.etree.ElementTree as ET
from fractions import Fraction as F

import pytest

from musiclab.grid import BeatGrid
from musiclab.notation import score
from musiclab.notation.attributes import tempo_mark
from musiclab.notation.bars import Symbol, split
from musiclab.notation.beams import looks, value
from musiclab.notes import Chord, Note, Part


def bar(*durations: str) -> list[Symbol]:
    """Symbols one after the other: ``"1/2"`` a note of half a quarter, ``"r1/2"`` a rest."""
    symbols, now = [], F(0)
    for text in durations:
        length = F(text.removeprefix("r"))
        symbols.append(Symbol(now, length, () if text.startswith("r") else (len(symbols),)))
        now += length
    return symbols


def grid(metre: tuple[int, int] = (4, 4), first: int = 1) -> BeatGrid:
    return BeatGrid(BeatGrid.steady(120, 16).times, first, metre)


def beams(symbols: list[Symbol], metre: tuple[int, int] = (4, 4)) -> list[str]:
    """The beams of each symbol by their initials: ``b`` begin, ``c`` continue, ``e`` end, ``f`` and ``k`` hooks."""
    initials = {"begin": "b", "continue": "c", "end": "e", "forward hook": "f", "backward hook": "k"}
    return ["".join(initials[kind] for kind in look.beams) for look in looks(symbols, grid(metre))]


@pytest.mark.parametrize(
    ("metre", "durations", "wanted"),
    [
        ((4, 4), ["1/2"] * 8, ["b", "c", "c", "e"] * 2),  # by the half bar, never over its middle
        ((3, 4), ["1/2"] * 6, ["b", "c", "c", "c", "c", "e"]),
        ((3, 4), ["1", "1/2", "1/2", "1/2", "1/2"], ["", "b", "e", "b", "e"]),
        ((6, 8), ["1/2"] * 6, ["b", "c", "e"] * 2),
        ((4, 4), ["1/4", "1/4", "1/2", "1/2", "1/2", "2"], ["bb", "ce", "e", "b", "e", ""]),  # sixteenths: by the beat
        ((4, 4), ["3/4", "1/4", "1/4", "3/4", "2"], ["b", "ek", "bf", "e", ""]),
        ((4, 4), ["1/4", "1/2", "1/4", "3"], ["bf", "c", "ek", ""]),
        ((4, 4), ["1/2", "r1/2", "1/2", "1/2", "2"], ["", "", "b", "e", ""]),  # a rest ends a beam
        ((4, 4), ["1/2", "1", "1/2", "2"], ["", "", "", ""]),  # a syncopation
        ((4, 4), ["1/3"] * 3 + ["1/2"] * 2 + ["2"], ["b", "c", "e", "b", "e", ""]),
    ],
)
def test_beams_show_the_beats(metre, durations, wanted):
    assert beams(bar(*durations), metre) == wanted


def test_a_bracket_stands_where_no_beam_shows_the_triplet():
    drawn = looks(bar("1/3", "1/3", "1/3", "2/3", "1/3", "2"), grid())
    assert [look.bracket for look in drawn] == ["start", "", "stop", "start", "stop", ""]
    assert [drawn[0].bracketed, drawn[3].bracketed] == [False, True]


@pytest.mark.parametrize(
    ("length", "name", "dots", "triplet"),
    [("4", "whole", 0, False), ("3", "half", 1, False), ("1/4", "16th", 0, False), ("3/4", "eighth", 1, False),
     ("1/3", "eighth", 0, True), ("2/3", "quarter", 0, True), ("1/6", "16th", 0, True)],
)  # fmt: skip
def test_note_values(length, name, dots, triplet):
    look = value(F(length))
    assert (look.type, look.dots, look.triplet) == (name, dots, triplet)


def test_a_long_note_starts_with_the_longest_symbol_that_hides_no_beat():
    assert split(F(0), F(17, 8), grid((3, 4))) == ((F(0), F(2)), (F(2), F(17, 8)))
    assert split(F(1, 2), F(3), grid((3, 4))) == ((F(1, 2), F(1)), (F(1), F(3)))


def written(part: Part, **options) -> ET.Element:
    return ET.fromstring(score.write(part, writing=score.Writing(**options)).musicxml.encode())


def part(line, *, instrument="flute", metre=(4, 4), first=1, **known) -> Part:
    """Notes as (beat, beats, pitch) at 120 a minute."""
    beats = grid(metre, first)
    notes = [Note(beat / 2, (beat + 0.95 * length) / 2, pitch, 90, sure[0] if sure else 0.9)
             for beat, length, pitch, *sure in line]  # fmt: skip
    known.setdefault("key", "C major")
    return Part(notes, instrument, beats=beats.times, downbeats=beats.downbeats, time_signature=metre, **known)


def test_a_pick_up_is_a_short_bar_of_number_0():
    root = written(part([(0, 1, 67), (1, 2, 72), (3, 2, 74)], metre=(3, 4), first=3))
    bars = root.findall("part/measure")
    assert [b.get("number") for b in bars] == ["0", "1", "2"]
    assert bars[0].get("implicit") == "yes"
    assert len(bars[0].findall("note")) == 1
    late = written(part([(0, 1, 67), (1, 2, 72)], metre=(4, 4), first=2))  # three beats of four are no pick-up
    assert [b.get("number") for b in late.findall("part/measure")] == ["1"]


def test_empty_bars_are_counted_as_one_rest_unless_chords_stand_there():
    line = [(16, 2, 60), (18, 2, 62)]
    assert [rest.text for rest in written(part(line)).iter("multiple-rest")] == ["4"]
    chords = [Chord(0.0, 2.0, "C"), Chord(4.0, 6.0, "G")]
    assert list(written(part(line, chords=chords)).iter("multiple-rest")) == []


def test_chord_symbols_are_transposed_for_who_reads_them():
    root = written(part([(0, 4, 60)], instrument="clarinet", key="Bb major", chords=[Chord(0.0, 2.0, "Bbmaj7")]))
    assert root.findtext(".//root-step") == "C"
    assert root.find(".//root-alter") is None
    assert root.find(".//kind").get("text") == "maj7"
    assert root.findtext(".//transpose/chromatic") == "-2"


def test_a_chord_symbol_under_a_long_note_stands_on_its_beat():
    root = written(part([(0, 4, 60)], chords=[Chord(0.0, 1.0, "C"), Chord(1.0, 2.0, "F")]))
    divisions = int(root.findtext(".//divisions"))
    assert [h.findtext("offset") for h in root.iter("harmony")] == [None, str(2 * divisions)]


def test_swing_is_written_even_with_a_remark():
    swung = [(beat + off, length, 60) for beat in range(8) for off, length in ((0, 2 / 3), (2 / 3, 1 / 3))]
    root = written(part(swung))
    assert root.findtext(".//words") == "Swing"
    assert list(root.iter("time-modification")) == []
    assert written(part([(0, 1, 60)])).find(".//words") is None


def test_two_notes_at_once_in_a_single_line_are_a_grace_note_and_its_main_note():
    root = written(part([(0, 0.1, 62), (0.02, 2, 64), (2, 2, 60)]), subdivisions=(1,))
    notes = root.findall(".//note")
    assert [note.find("grace") is not None for note in notes[:2]] == [True, False]
    assert [note.findtext("pitch/step") for note in notes[:3]] == ["D", "E", "C"]
    assert root.find(".//chord") is None


def test_a_foreign_note_is_spelled_as_its_chord_is():
    line = [(0, 1, 63), (1, 1, 64), (2, 2, 67)]  # D sharp leads to E, unless a chord has E flat
    assert [a.text for a in written(part(line, key="G major")).iter("accidental")] == ["sharp"]
    chords = [Chord(0.0, 2.0, "Cm7")]
    found = [a.text for a in written(part(line, key="G major", chords=chords)).iter("accidental")]
    assert found == ["flat", "natural"]


def test_drum_strokes_name_their_sound_for_programs_that_play_them():
    root = written(part([(0, 0.5, 36), (0, 0.5, 42), (1, 0.5, 38)], instrument="drums", key=""))
    named = {i.get("id"): i.findtext("midi-unpitched") for i in root.iter("midi-instrument")}
    played = [note.find("instrument").get("id") for note in root.iter("note") if note.find("unpitched") is not None]
    assert sorted(int(named[name]) - 1 for name in played) == [36, 38, 42]


@pytest.mark.parametrize(
    ("metre", "written", "quarters"),
    [
        ((4, 4), "<beat-unit>quarter</beat-unit><per-minute>80", "80.00"),
        ((6, 8), "<beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>80", "120.00"),
        ((12, 16), "<beat-unit>eighth</beat-unit><beat-unit-dot/><per-minute>80", "60.00"),
        ((2, 2), "<beat-unit>half</beat-unit><per-minute>80", "160.00"),
    ],
)
def test_a_program_plays_it_at_the_tempo_that_is_written(metre: tuple[int, int], written: str, quarters: str) -> None:
    """What is printed counts the metre's beats; what is played, quarters."""
    mark = tempo_mark(BeatGrid.steady(80, 10, metre=metre), "Swing")
    assert written in mark
    assert f'<sound tempo="{quarters}"/>' in mark
    assert "<words>Swing</words>" in mark
