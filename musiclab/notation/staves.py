"""Which staves a part needs: clefs, hands, voices, transposition, tablature."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, Instrument, find
from musiclab.notation import tab
from musiclab.notation.bars import Symbol, VoiceEvent, bars, voice_events
from musiclab.notation.percussion import sign
from musiclab.notation.quantise import Written
from musiclab.notes import Part

if TYPE_CHECKING:
    from musiclab.notation.writing import Writing

NoteId = tuple[int, int]  # part, note
# How much higher a part is written than it sounds: semitones and steps of the staff, by the interval's name.
INTERVALS = {"": (0, 0), "M2": (2, 1), "P5": (7, 4), "M6": (9, 5), "P8": (12, 7), "M9": (14, 8), "M13": (21, 12)}
# The interval by the key that a player asks for.
TRANSPOSITIONS = {"C": "", "Bb": "M2", "Eb": "M6", "F": "P5"}
# Instruments that are usually written at another pitch than they sound.
USUAL = {
    "bass": "P8", "clarinet": "M2", "soprano saxophone": "M2", "alto saxophone": "M6", "saxophone": "M6",
    "tenor saxophone": "M9", "baritone saxophone": "M13", "trumpet": "M2", "horn": "P5",
}  # fmt: skip
MIDDLE_C = 60


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
    written: str = ""  # a name in `INTERVALS`
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


def _drum_events(written: Sequence[Written], grid: BeatGrid) -> list[VoiceEvent]:
    """Drum strokes fill the time to the next stroke of their voice, but not over a beat: so the beats stay visible."""
    events = voice_events(written)
    out = []
    for event, following in itertools.zip_longest(events, events[1:]):
        beat_end = (event.onset // grid.beat_quarters + 1) * grid.beat_quarters
        end = beat_end if following is None else min(beat_end, following.onset)
        out.append(VoiceEvent(event.onset, end - event.onset, event.notes))
    return out


def _tab_staff(staff: Staff, events: Sequence[VoiceEvent]) -> Staff:
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
