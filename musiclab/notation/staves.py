"""Which staves a part needs: clefs, hands, voices, transposition, tablature."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, Instrument, find
from musiclab.notation import tab
from musiclab.notation.bars import Symbol, VoiceEvent, bars, voice_events
from musiclab.notation.hands import in_hands
from musiclab.notation.lyrics import Syllable, sung
from musiclab.notation.percussion import sign
from musiclab.notation.quantise import Written
from musiclab.notation.writing import ALONE, Writing
from musiclab.notes import Part
from musiclab.tunings import FRETTED, parse_tuning, usual_tuning

NoteId = tuple[int, int]  # part, note
Pitch = tuple[str, int, int]  # step, alteration in semitones, octave
Interval = tuple[int, int]  # how much higher a part is written than it sounds: semitones, and steps of the staff
OCTAVE: Interval = (12, 7)
# The interval by the key that a player asks for.
TRANSPOSITIONS: dict[str, Interval] = {"C": (0, 0), "Bb": (2, 1), "Eb": (9, 5), "F": (7, 4)}
# Instruments that are usually written at another pitch than they sound: for whom, and octaves higher besides.
USUAL = {
    "bass": ("C", 1), "clarinet": ("Bb", 0), "soprano saxophone": ("Bb", 0), "alto saxophone": ("Eb", 0),
    "saxophone": ("Eb", 0), "tenor saxophone": ("Bb", 1), "baritone saxophone": ("Eb", 1), "trumpet": ("Bb", 0),
    "horn": ("F", 0),
}  # fmt: skip
# What one staff of a keyboard holds with two ledger lines: above, the right hand alone; below, the left hand alone.
LOWEST_IN_TREBLE, HIGHEST_IN_BASS = 57, 64
MIDDLE_C = 60


def interval_for(instrument: Instrument, reader: str) -> Interval:
    """How an instrument's part is written for a reader (``"C"``, ``"Bb"``, ...; empty: as it usually is).

    The octave in which players of the instrument read stays: a bass is written an octave up in any key.
    """
    usual, octaves = USUAL.get(instrument.name, ("C", 0))
    semitones, steps = TRANSPOSITIONS[reader or usual]
    return semitones + OCTAVE[0] * octaves, steps + OCTAVE[1] * octaves


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
    written: Interval = (0, 0)
    names: dict[int, Pitch] = field(default_factory=dict)  # note index: what is written, see `spelling`
    fingerings: dict[int, tuple[int, int]] = field(default_factory=dict)  # note index: (string, fret)
    tuning: tuple[int, ...] = ()  # open strings (MIDI) of a tablature, from the first on, without the capo
    capo: int = 0
    alone: bool = False  # of a tablature: the rhythm is on it, and not above
    lyrics: dict[int, Syllable] = field(default_factory=dict)  # note index: what is sung on it
    braced: bool = False
    colours: bool = False


def layout(
    part: Part, index: int, written: Sequence[Written], grid: BeatGrid, *, key: str, writing: Writing, count: int
) -> list[Staff]:
    """The staves that this part needs, of `count` bars.

    One for most; two, braced, for keyboards with anything to play for the left hand; a tablature under the notes of a
    guitar or bass where asked for, or alone. Drums get an upper voice for the hands and a lower one for the feet.
    """
    known = find(part.instrument)
    reader = writing.transposition or part.decisions.pitch
    interval = interval_for(known, reader)
    pitch = (reader or USUAL.get(known.name, ("C", 0))[0]).replace("b", "♭")
    name = known.name.capitalize() + (f" in {pitch}" if pitch != "C" else "")
    staff = Staff(part, index, known, _clef(part, known), key, name, written=interval, colours=writing.colours)
    if known is DRUMS:
        feet = [w for w in written if sign(part.notes[w.index].semitone).feet]
        hands = [w for w in written if w not in feet]
        staff.voices = [
            bars(_drum_events(side, grid), grid, count=count) for side in (hands, feet) if side or side is hands
        ]
        return [staff]
    if known.family == "keys" and _both_hands(part):
        right, left = in_hands(written, [note.semitone for note in part.notes])
        upper, lower = staff, Staff(part, index, known, "bass", key, "", written=interval, colours=writing.colours)
        upper.clef, upper.braced, lower.braced = "treble", True, True
        for hand, notes in ((upper, right), (lower, left)):
            hand.voices = [bars(voice_events(notes), grid, count=count)]
        return [upper, lower]
    events = voice_events(written)
    staff.voices = [bars(events, grid, count=count)]
    staff.lyrics = sung(part.lyrics, [event.notes[0] for event in events])
    if writing.tab and known.name in FRETTED:
        below = _tab_staff(staff, events)
        if writing.tab == ALONE:
            return [replace(below, name=staff.name, lyrics=staff.lyrics, alone=True)]
        return [staff, below]
    return [staff]


def bar_count(written: Sequence[Written], grid: BeatGrid) -> int:
    """How many bars written notes fill; one at least."""
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
    """Whether one staff with few ledger lines does not hold it: pianists expect the second one then."""
    pitches = [note.semitone for note in part.notes] or [MIDDLE_C]
    return min(pitches) < LOWEST_IN_TREBLE and max(pitches) > HIGHEST_IN_BASS


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
    """The tablature under a staff: the tuning as decided, else the most usual one that reaches down to its notes.

    With a capo the strings are as usual: nobody tunes down and puts one on.
    """
    part, decisions = staff.part, staff.part.decisions
    name, capo = staff.instrument.name, staff.part.decisions.capo
    lowest = 127 if capo else min((note.semitone for note in part.notes), default=127)
    tuning = parse_tuning(decisions.tuning, instrument=name) if decisions.tuning else usual_tuning(name, lowest)
    chords = [[part.notes[i].semitone - capo for i in event.notes] for event in events]
    fingerings = {}
    for event, fingering in zip(events, tab.finger(chords, tuning=tuning, frets=tab.LAST_FRET - capo), strict=True):
        for i, string, fret in zip(event.notes, fingering.strings, fingering.frets, strict=True):
            if string:
                fingerings[i] = (string, fret)
    return replace(staff, clef="tab", name="", fingerings=fingerings, tuning=tuning, capo=capo, lyrics={})
