"""Scores: what is written is what was played, as other programs read it."""

import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from musiclab.errors import ExportError, TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notation import engrave, score
from musiclab.notes import Chord, Note, Part

SVG_NS = "http://www.w3.org/2000/svg"
GRID = BeatGrid.steady(100, 30, start=0.4)


def part(instrument: str, line: list[tuple[float, float, int]], **known: object) -> Part:
    """A part from (beat, beats, pitch)."""
    notes = []
    for beat, length, pitch in line:
        onset, offset = GRID.seconds_at([beat, beat + 0.95 * length])
        notes.append(Note(onset, offset, pitch, 90, 0.9))
    known = {"key": "G major", "title": "A song", **known}
    return Part(notes, instrument, beats=GRID.times, downbeats=GRID.downbeats, **known)


def parsed(written: score.Score):
    import music21

    return music21.converter.parseData(written.musicxml.encode(), format="musicxml")


LINE = [(0, 1, 43), (1, 0.5, 47), (1.5, 0.5, 50), (2, 2, 54), (4, 1.5, 52), (5.5, 0.5, 50), (6, 2, 43)]


def test_a_bass_line_is_read_back_as_it_was_played():
    stream = parsed(score.write(part("bass", LINE))).toSoundingPitch()
    found = [
        (float(n.getOffsetInHierarchy(stream)), float(n.quarterLength), n.pitch.midi) for n in stream.flatten().notes
    ]
    assert found == [(float(a), float(b), p) for a, b, p in LINE]


@pytest.mark.parametrize(
    ("instrument", "options", "interval", "sharps"),
    [
        ("bass", {}, 12, 1),
        ("clarinet", {}, 2, 3),
        ("clarinet", {"transposition": "C"}, 0, 1),
        ("alto saxophone", {}, 9, 4),
        ("flute", {"transposition": "F"}, 7, 2),
        ("bass", {"transposition": "C"}, 12, 1),  # the octave that players of the instrument read in stays
        ("bass", {"transposition": "Bb"}, 14, 3),
        ("tenor saxophone", {"transposition": "Bb"}, 14, 3),
        ("baritone saxophone", {"transposition": "Eb"}, 21, 4),
        ("tenor saxophone", {"transposition": "C"}, 12, 1),
        ("flute", {"semitones": 3}, 3, -2),
    ],
)
def test_transposing_parts(instrument, options, interval, sharps):
    line = [(0, 1, 67), (1, 1, 69), (2, 2, 71)]
    stream = parsed(score.write(part(instrument, line), writing=score.Writing(**options)))
    assert [n.pitch.midi for n in stream.flatten().notes] == [p + interval for _, _, p in line]
    signature = next(iter(stream.recurse().getElementsByClass("KeySignature")))
    assert signature.sharps == sharps


def test_no_needless_accidentals():
    """A scale of the key shows none; a foreign note shows one, its repetition in the bar none."""
    g_major = [(k, 1, p) for k, p in enumerate((67, 69, 71, 72, 74, 76, 78, 79))]
    root = ET.fromstring(score.write(part("clarinet", g_major)).musicxml.split("?>", 1)[1].split(">", 1)[1])
    assert root.findall(".//accidental") == []
    foreign = [(0, 1, 68), (1, 1, 68), (2, 2, 67)]
    root = ET.fromstring(score.write(part("flute", foreign)).musicxml.split("?>", 1)[1].split(">", 1)[1])
    assert [a.text for a in root.findall(".//accidental")] == ["flat"]


@pytest.mark.parametrize(
    ("instrument", "options", "name"),
    [
        ("clarinet", {}, "Clarinet in B♭"),
        ("alto saxophone", {}, "Alto saxophone in E♭"),
        ("horn", {}, "Horn in F"),
        ("flute", {}, "Flute"),
        ("bass", {}, "Bass"),
        ("clarinet", {"transposition": "C"}, "Clarinet"),
        ("flute", {"transposition": "Eb"}, "Flute in E♭"),
    ],
)
def test_a_transposed_part_says_so(instrument, options, name):
    text = score.write(part(instrument, [(0, 1, 67), (1, 1, 69)]), writing=score.Writing(**options)).musicxml
    assert f"<part-name>{name}</part-name>" in text
    stream = parsed(score.write(part(instrument, [(0, 1, 67)]), writing=score.Writing(**options)))
    assert stream.parts[0].partName == name


@pytest.mark.parametrize(
    ("instrument", "steps", "semitones", "octaves"),
    [
        ("clarinet", -1, -2, None),
        ("horn", -4, -7, None),
        ("tenor saxophone", -1, -2, "-1"),
        ("baritone saxophone", -5, -9, "-1"),
    ],
)
def test_a_transposed_part_tells_programs_how_it_sounds(instrument, steps, semitones, octaves):
    text = score.write(part(instrument, [(0, 1, 58)])).musicxml
    root = ET.fromstring(text.encode()).find(".//transpose")
    assert [root.findtext(name) for name in ("diatonic", "chromatic", "octave-change")] == [
        str(steps), str(semitones), octaves,
    ]  # fmt: skip


@pytest.mark.parametrize("instrument", ["bass", "guitar"])
def test_what_is_written_an_octave_higher_sounds_where_it_is_played(instrument):
    """The clef tells it, or a transposition."""
    root = ET.fromstring(score.write(part(instrument, [(0, 1, 50)])).musicxml.encode())
    written, moved = root.findtext(".//note/pitch/octave"), root.findtext(".//transpose/octave-change")
    assert int(written) + int(moved or 0) == 3


def test_what_feet_play_is_the_lower_voice():
    root = ET.fromstring(score.write(part("drums", [(0, 1, 36), (0, 1, 42), (1, 1, 38), (2, 1, 44)])).musicxml.encode())
    heads = {
        (note.findtext(".//display-step"), note.findtext(".//display-octave")): note.findtext("voice")
        for note in root.iter("note")
        if note.find("unpitched") is not None
    }
    assert heads == {("F", "4"): "2", ("D", "4"): "2", ("G", "5"): "1", ("C", "5"): "1"}  # kick, pedal; hat, snare


def test_every_note_head_leads_back_to_its_note():
    played = part("bass", [*LINE, (8, 5, 43)])  # the last is tied over a bar line
    written = score.write(played)
    assert {note for _, note in written.notes.values()} == set(range(len(played.notes)))
    assert len(written.notes) == len(played.notes) + 1
    page = engrave.svg(written)[0]
    assert all(f'id="{name}"' in page for name in written.notes)


def test_unsure_notes_can_be_left_out_and_still_lead_back():
    played = part("bass", LINE)
    unsure = played.with_notes(
        [Note(n.onset, n.offset, n.pitch, n.velocity, 0.2 if i == 1 else 0.9) for i, n in enumerate(played.notes)]
    )
    written = score.write(unsure, writing=score.Writing(min_confidence=0.5))
    assert {note for _, note in written.notes.values()} == set(range(len(LINE))) - {1}
    coloured = score.write(unsure, writing=score.Writing(colours=True)).musicxml
    assert coloured.count("#C62828") == 1


def test_tablature_gives_string_and_fret_for_every_note():
    chords = [(b, 2, p) for b in (0, 2) for p in (40, 47, 52, 56, 59, 64)]
    root = ET.fromstring(
        score.write(part("guitar", chords, key="E major"), writing=score.Writing(tab=True))
        .musicxml.split("?>", 1)[1]
        .split(">", 1)[1]
    )
    staff = root.findall("part")[1]
    frets = [int(fret.text) for fret in staff.findall(".//fret")]
    assert sorted(frets[:6]) == [0, 0, 0, 1, 2, 2]
    assert staff.find(".//clef/sign").text == "TAB"


def test_drums_have_their_places_and_heads():
    beat = [(0, 0.5, 36), (0, 0.5, 42), (0.5, 0.5, 42), (1, 0.5, 38), (1, 0.5, 42), (1.5, 0.5, 46), (2, 0.5, 49)]
    root = ET.fromstring(score.write(part("drums", beat, key="")).musicxml.split("?>", 1)[1].split(">", 1)[1])
    places = {
        (n.find("unpitched/display-step").text, (n.findtext("notehead") or "normal"))
        for n in root.iter("note")
        if n.find("unpitched") is not None
    }
    assert {("F", "normal"), ("C", "normal"), ("G", "x"), ("G", "circle-x"), ("A", "x")} <= places
    assert root.findtext(".//clef/sign") == "percussion"


def test_piano_gets_two_hands():
    both = [(b, 1, p) for b in range(4) for p in (43, 55, 64, 67)]
    stream = parsed(score.write(part("piano", both)))
    assert len(stream.parts) == 2


@pytest.mark.parametrize(
    ("low", "high", "staves"),
    [((36,), (64, 67, 72), 2), ((40, 47), (84,), 2), ((60,), (64, 72, 84), 1), ((36,), (48, 60), 1), ((), (96,), 1)],
)
def test_a_piano_has_a_staff_for_each_hand_that_plays(low, high, staves):
    """However few the notes of one hand are, beside many of the other."""
    held = [(bar * 4, 4, p) for bar in range(4) for p in low]
    moving = [(b / 2, 0.5, p) for b in range(32) for p in high]
    text = score.write(part("piano", held + moving)).musicxml
    assert text.count("<clef") == staves


TITLES = {
    "long": "x" * 400, "wide": "桜" * 60, "mixed": "Песня – Don’t \x00 stop\n“now” & <then> #1",
    "markup": "\\ \" $x$ *y*",
}  # fmt: skip


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_titles_of_any_length_and_script_are_set(tmp_path, title):
    path = part("bass", LINE, title=title).save(tmp_path / "x.pdf")
    assert path.read_bytes().startswith(b"%PDF")
    text = part("bass", LINE, title=title).save(tmp_path / "x.musicxml").read_text("utf-8")
    shown = ET.fromstring(text.encode()).findtext("work/work-title")
    assert str(shown).split() == title.replace("\x00", "").split()


def test_turned_off_chords_are_kept_but_not_written():
    with_chords = part("bass", LINE, chords=[Chord(GRID.downbeats[0], GRID.downbeats[2], "G")])
    assert "<harmony>" in score.write(with_chords).musicxml
    assert "<harmony>" not in score.write(with_chords.decide(chords=False)).musicxml
    assert "<harmony>" in score.write(with_chords.decide(chords=False).decide(chords=True)).musicxml


def test_chord_symbols_stand_where_they_sound():
    times = GRID.downbeats
    chords = [Chord(times[0], times[1], "G"), Chord(times[1], times[2], "Em7")]
    stream = parsed(score.write(part("bass", LINE, chords=chords)))
    import music21

    found = [(m.number, s.figure) for m in stream.recurse().getElementsByClass("Measure")
             for s in m.getElementsByClass(music21.harmony.ChordSymbol)]  # fmt: skip
    assert found == [(1, "G"), (2, "Em7")]


def test_chord_symbols_and_tempo_are_drawn_as_one_text_each():
    times = GRID.downbeats
    chords = [Chord(times[0], times[1], "C#maj7"), Chord(times[1], times[2], "Bbm7")]
    page = ET.fromstring(engrave.svg(score.write(part("bass", LINE, chords=chords)))[0])
    texts = {element.text for element in page.iter(f"{{{SVG_NS}}}text")}
    assert {"C♯maj7", "B♭m7", "= 100"} <= texts
    assert not any(engrave.FONT in (element.get("font-family") or "") for element in page.iter())


def test_the_tempo_stands_above_the_chord_symbols():
    times = GRID.downbeats
    chords = [Chord(times[0], times[1], "Gmaj7"), Chord(times[1], times[2], "C")]
    page = ET.fromstring(engrave.svg(score.write(part("bass", LINE, chords=chords)))[0])
    texts = page.iter(f"{{{SVG_NS}}}text")
    heights = {"".join(text.itertext()).strip(): float(text.get("y")) for text in texts}
    assert heights["= 100"] < min(heights["Gmaj7"], heights["C"]) - 405  # the height of the letters


def test_a_dotted_beat_has_its_dot_beside_it():
    grid = BeatGrid.steady(80, 8, metre=(6, 8))
    line = Part([Note(t, t + 0.5, 60) for t in grid.times[:-1]], "violin").with_grid(grid)
    page = ET.fromstring(engrave.svg(score.write(line))[0])
    tempo = next(group for group in page.iter() if group.get("class") == "tempo")
    note, dot = (
        float(path.get("transform", "").split("(")[1].split(",")[0]) for path in tempo.iter(f"{{{SVG_NS}}}path")
    )
    assert 0 < dot - note < 300


def test_any_thread_can_engrave():
    """Jupyter runs what a page asks for in threads of its own."""
    written = score.write(part("bass", LINE))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(engrave.svg, written).result()[0].count('class="note"') == len(LINE)


def test_the_same_score_is_the_same_pdf_whenever_it_is_made(tmp_path):
    once, again = (part("bass", LINE).save(tmp_path / name).read_bytes() for name in ("x.pdf", "y.pdf"))
    assert once == again
    assert not [word for word in (b"CreationDate", b"ModDate", b"xmp:CreateDate") if word in once]


@pytest.mark.parametrize("suffix", [".musicxml", ".svg", ".png", ".pdf"])
def test_files(tmp_path, suffix):
    saved = part("bass", LINE).save(tmp_path / "new folder" / f"bass line{suffix}")
    head = saved.read_bytes()[:5]
    assert {".musicxml": b"<?xml", ".svg": b"<svg ", ".png": b"\x89PNG\r", ".pdf": b"%PDF-"}[suffix] == head
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_wrong_wishes_are_answered_in_a_sentence(tmp_path):
    with pytest.raises(ExportError, match=r"\.musicxml, \.pdf"):
        part("bass", LINE).save(tmp_path / "bass.docx")
    with pytest.raises(ExportError, match="has no option"):
        part("bass", LINE).save(tmp_path / "bass.pdf", paper="A3")
    with pytest.raises(TranscriptionError, match="written in"):
        score.Writing(transposition="H")
    with pytest.raises(TranscriptionError, match="at least one part"):
        score.write([])


def test_empty_part_is_an_empty_page():
    assert "<rest" in score.to_musicxml(Part((), "bass", duration=4.0))


def test_title_with_quotes_and_hashes_is_printed_as_it_is(tmp_path):
    saved = score.save(part("bass", LINE), tmp_path / "x.pdf", title='#1 "best" \\ song')
    assert saved.stat().st_size > 1000


def test_a_long_score_has_pages(tmp_path):
    rng = np.random.default_rng(1)
    grid = BeatGrid.steady(120, 200)
    onsets = grid.seconds_at(np.arange(380))
    notes = [Note(t, t + 0.4, int(p), 90) for t, p in zip(onsets, rng.integers(36, 55, 380), strict=True)]
    score.save(Part(notes, "bass", beats=grid.times, downbeats=grid.downbeats), tmp_path / "long.png")
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == ["long-2.png", "long.png"]


def test_each_beat_has_its_own_triplet_bracket():
    """A long and a short note, then a short and a long one: two brackets, which a reader counts beat by beat."""
    third = 1 / 3
    line = [(0, 2 * third, 60), (2 * third, third, 62), (1, third, 64), (1 + third, 2 * third, 65), (2, 2, 67)]
    root = ET.fromstring(score.write(part("flute", line)).musicxml.encode())
    marks = [[t.get("type") for t in note.iter("tuplet")] for note in root.iter("note")][:5]
    assert marks == [["start"], ["stop"], ["start"], ["stop"], []]
