"""Staves in music21: clefs, voices, ties, spelling, tablature; and their export with an id on every note head."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from musiclab.instruments import DRUMS, Instrument, find
from musiclab.notes import Chord, Note, Part
from musiclab.transcription import harmony, tab
from musiclab.transcription.grid import BeatGrid
from musiclab.transcription.notation import Event, Symbol, bars, voice_events
from musiclab.transcription.percussion import sign
from musiclab.transcription.quantise import Written

if TYPE_CHECKING:
    from musiclab.transcription.score import Writing

NoteId = tuple[int, int]  # part, note
# How much higher a part is written than it sounds, as a music21 interval name, by the key a player asks for.
TRANSPOSITIONS = {"C": "", "Bb": "M2", "Eb": "M6", "F": "P5"}
# Instruments that are usually written at another pitch than they sound.
USUAL = {
    "bass": "P8", "clarinet": "M2", "soprano saxophone": "M2", "alto saxophone": "M6", "saxophone": "M6",
    "tenor saxophone": "M9", "baritone saxophone": "M13", "trumpet": "M2", "horn": "P5",
}  # fmt: skip
MIDDLE_C = 60
UNSURE = ((0.4, "#C62828"), (0.7, "#E07B00"))  # confidence below which a note head takes the colour


@dataclass
class Staff:
    """One staff to be: its bars by voice, and how to write them."""

    part: Part
    index: int
    instrument: Instrument
    clef: str
    key: str
    name: str
    voices: list[list[list[Symbol]]] = field(default_factory=list)  # voice, bar, symbol
    written: str = ""  # interval name up from sounding to written pitch
    fingerings: dict[int, tuple[int, int]] = field(default_factory=dict)  # note index: (string, fret)
    lines: int = 5
    braced: bool = False
    colours: bool = False


def layout(
    part: Part, index: int, written: Sequence[Written], grid: BeatGrid, *, key: str, writing: Writing
) -> list[Staff]:
    """The staves that this part needs.

    One for most; two, braced, for keyboards whose notes lie on both sides of middle C; a tablature under the notes of a
    guitar or bass where asked for. Drums get an upper voice for the hands and a lower one for the feet.
    """
    known = find(part.instrument)
    count = _bar_count(written, grid)
    interval = TRANSPOSITIONS.get(writing.transposition, "")
    if not writing.transposition:
        interval = USUAL.get(known.name, "")
    name = known.name.capitalize() + (f" in {writing.transposition}" if interval and writing.transposition else "")
    staff = Staff(part, index, known, _clef(part, known), key, name, written=interval, colours=writing.colours)
    if known is DRUMS:
        feet = [w for w in written if sign(part.notes[w.index].semitone).feet]
        hands = [w for w in written if w not in feet]
        staff.voices = [
            bars(_drum_events(side, grid), grid, count=count) for side in (hands, feet) if side or side is hands
        ]
        return [staff]
    if known.family == "keys" and _both_hands(part):
        right, left = _hands(part, written)
        upper, lower = staff, Staff(part, index, known, "bass", key, "", written=interval, colours=writing.colours)
        upper.clef, upper.braced, lower.braced = "treble", True, True
        for hand, notes in ((upper, right), (lower, left)):
            hand.voices = [bars(voice_events(notes), grid, count=count)]
        return [upper, lower]
    events = voice_events(written)
    staff.voices = [bars(events, grid, count=count)]
    if writing.tab and known.name in ("guitar", "bass"):
        return [staff, _tab_staff(staff, events)]
    return [staff]


def _bar_count(written: Sequence[Written], grid: BeatGrid) -> int:
    last = max((w.onset + w.duration for w in written), default=Fraction(0))
    return max(1, int(-(-last // grid.bar_quarters)))


def _clef(part: Part, known: Instrument) -> str:
    if known is DRUMS:
        return "percussion"
    if known.name == "guitar":
        return "treble8vb"
    if known.name == "bass":
        return "bass"
    pitches = sorted(note.semitone for note in part.notes) or [(known.low + known.high) // 2]
    median = pitches[len(pitches) // 2]
    if known.family == "voice":
        return "treble" if median >= 58 else "treble8vb" if median >= 50 else "bass"
    if known.name in ("winds", "brass", "strings", "cello", "bassoon", "trombone", "tuba") or known.family == "keys":
        return "treble" if median >= MIDDLE_C else "bass"
    return "alto" if known.name == "viola" else "treble"


def _both_hands(part: Part) -> bool:
    below = sum(note.semitone < MIDDLE_C for note in part.notes)
    return 0.08 * len(part.notes) < below < 0.92 * len(part.notes)


def _hands(part: Part, written: Sequence[Written]) -> tuple[list[Written], list[Written]]:
    """Right and left hand: split where the chord leaves most room between them, near middle C."""
    right: list[Written] = []
    left: list[Written] = []
    by_onset: dict[Fraction, list[Written]] = {}
    for note in written:
        by_onset.setdefault(note.onset, []).append(note)
    for chord in by_onset.values():
        chord.sort(key=lambda w: part.notes[w.index].semitone)
        pitches = [part.notes[w.index].semitone for w in chord]
        edges = [pitches[0] - 12, *pitches, pitches[-1] + 12]
        # cut k: the k lowest notes go to the left hand
        cuts = range(len(pitches) + 1)
        cut = min(cuts, key=lambda k: abs((edges[k] + edges[k + 1]) / 2 - MIDDLE_C) - 0.5 * (edges[k + 1] - edges[k]))
        left += chord[:cut]
        right += chord[cut:]
    return right, left


def _drum_events(written: Sequence[Written], grid: BeatGrid) -> list[Event]:
    """Drum strokes fill the time to the next stroke of their voice, but not over a beat: so the beats stay visible."""
    events = voice_events(written)
    out = []
    for event, following in itertools.zip_longest(events, events[1:]):
        beat_end = (event.onset // grid.beat_quarters + 1) * grid.beat_quarters
        end = beat_end if following is None else min(beat_end, following.onset)
        out.append(Event(event.onset, end - event.onset, event.notes))
    return out


def _tab_staff(staff: Staff, events: Sequence[Event]) -> Staff:
    tuning: Sequence[int] = tab.GUITAR
    if staff.instrument.name == "bass":
        lowest = min((note.semitone for note in staff.part.notes), default=28)
        tuning = tab.BASS if lowest >= tab.BASS[-1] else tab.BASS_FIVE
    chords = [[staff.part.notes[i].semitone for i in event.notes] for event in events]
    fingerings = {}
    for event, fingering in zip(events, tab.finger(chords, tuning=tuning), strict=True):
        for i, string, fret in zip(event.notes, fingering.strings, fingering.frets, strict=True):
            if string:
                fingerings[i] = (string, fret)
    return Staff(
        staff.part, staff.index, staff.instrument, "tab", staff.key, "", staff.voices, staff.written,
        fingerings, len(tuning), colours=staff.colours,
    )  # fmt: skip


def export(
    parts: Sequence[Sequence[Staff]], *, title: str, grid: BeatGrid, chords: Sequence[Chord]
) -> tuple[ET.Element, dict[str, NoteId]]:
    """The MusicXML tree of all staves, and the note that each id in it stands for."""
    import music21 as m21

    from musiclab.transcription import symbols

    score = m21.stream.Score()
    score.metadata = m21.metadata.Metadata(title=title or "Untitled", composer="")
    first = True
    for part in parts:
        made = []
        for staff in part:
            made.append(symbols.m21_part(staff, grid, chords=chords if first else ()))
            first = False
            score.insert(0, made[-1])
        if len(made) > 1:
            braced = part[0].braced
            group = m21.layout.StaffGroup(made, symbol="brace" if braced else "bracket", barTogether=True)
            group.name = part[0].name if braced else ""
            score.insert(0, group)
    root = m21.musicxml.m21ToXml.ScoreExporter(score, makeNotation=False).parse()
    return root, _with_ids(root, parts)


def _with_ids(root: ET.Element, parts: Sequence[Sequence[Staff]]) -> dict[str, NoteId]:
    """Turn the marks that `symbols` left on the note heads into ids, and colour the notes that are unsure.

    music21 writes no id on a note, but it keeps a colour, through every copy and sorting: so a note's number travels as
    its colour, and here it gets its true one.
    """
    staves = [staff for part in parts for staff in part]
    ids: dict[str, NoteId] = {}
    for number, xml_part in enumerate(root.findall("part")):
        staff = staves[min(number, len(staves) - 1)]
        for xml_note in xml_part.iter("note"):
            mark = xml_note.attrib.pop("color", None)
            head = xml_note.find("notehead")
            if head is not None:
                head.attrib.pop("color", None)
                if head.text == "normal" and not head.attrib.keys() - {"parentheses"}:
                    xml_note.remove(head)
            if mark is None or not re.fullmatch("#[0-9A-Fa-f]{6}", mark):
                continue
            index = int(mark[1:], 16)
            name = f"n{staff.index}-{index}-{len(ids)}"
            xml_note.set("id", name)
            ids[name] = (staff.index, index)
            if index in staff.fingerings:
                _add_fingering(xml_note, *staff.fingerings[index])
            colour = _colour(staff.part.notes[index]) if staff.colours else None
            if colour:
                xml_note.set("color", colour)
    return ids


def _add_fingering(xml_note: ET.Element, string: int, fret: int) -> None:
    """String and fret; music21 would write those of a chord on its first note alone."""
    notations = xml_note.find("notations")
    if notations is None:
        notations = ET.SubElement(xml_note, "notations")
    technical = ET.SubElement(notations, "technical")
    ET.SubElement(technical, "string").text = str(string)
    ET.SubElement(technical, "fret").text = str(fret)


def _colour(note: Note) -> str | None:
    return next((colour for below, colour in UNSURE if note.confidence < below), None)


def spelled(note: Note, staff: Staff) -> str:
    """The note's sounding name as music21 writes it: ``B-3``."""
    name, octave = harmony.spell(note.semitone, staff.key)
    return f"{name.replace('b', '-')}{octave}"


def clef_object(staff: Staff) -> Any:
    """The music21 clef of a staff."""
    from music21 import clef

    classes: dict[str, Any] = {
        "treble": clef.TrebleClef, "treble8vb": clef.Treble8vbClef, "bass": clef.BassClef, "alto": clef.AltoClef,
        "percussion": clef.PercussionClef, "tab": clef.TabClef,
    }  # fmt: skip
    return classes[staff.clef]()
