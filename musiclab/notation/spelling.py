"""What notes are called: G sharp or A flat, by key, chord and where the line goes.

A note of the chord is spelled as a part of it; others by the key [1]_; and a chromatic note of a line so that the
interval to the next note looks as it sounds (E flat, D; not D sharp, D natural: one accidental for two; A flat, B flat,
not G sharp, B flat; Gould, "Behind Bars", 2011, chapter on accidentals).

References
----------
.. [1] Temperley: "The cognition of basic musical structures", MIT Press 2001, chapter 5 (the line of fifths)
"""

from __future__ import annotations

import bisect
import functools

from musiclab import theory
from musiclab.notation.staves import Pitch, Staff

SOON = 0.1  # s: a note that begins so little before a chord belongs to it
OTHER_NAMES = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}
OTHER_NAMES |= {flat: sharp for sharp, flat in OTHER_NAMES.items()}
WHITE_KEYS = {"E#": "F", "B#": "C", "Cb": "B", "Fb": "E"}
STEPS_OF = {1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 7: 4}  # of the staff, by semitones


def spelled(staff: Staff, key: str) -> dict[int, Pitch]:
    """Each note of a staff as written in `key`, by its index in the part."""
    up = staff.written[0]
    pitches: dict[int, Pitch] = {}
    for voice in staff.voices:
        goal: Pitch | None = None  # the next other note of a line of single ones
        after: Pitch | None = None
        for symbol in reversed([symbol for bar in voice for symbol in bar if symbol.notes and not symbol.tied_from]):
            if len(symbol.notes) > 1:
                goal = after = None
            for index in symbol.notes:
                here = staff.part.notes[index].semitone + up
                goal = goal if after is None or _sounding(after) == here else after
                name, from_chord = _by_harmony(staff, index, key)
                fixed = from_chord or _belongs(name, key)
                pitches[index] = _placed(name, here) if fixed else _leading(name, here, goal)
            after = pitches[symbol.notes[0]] if len(symbol.notes) == 1 else None
    return pitches


def _by_harmony(staff: Staff, index: int, key: str) -> tuple[str, bool]:
    """The name of a note, and whether it is one of the chord's: chords are sounding ones, the key is as written."""
    note, up = staff.part.notes[index], staff.written[0]
    at = bisect.bisect_right(staff.part.chords, note.onset + SOON, key=lambda chord: chord.onset) - 1
    return _named((note.semitone + up) % 12, key, staff.part.chords[at].symbol if at >= 0 else "N", up)


@functools.lru_cache(maxsize=4096)
def _named(pitch_class: int, key: str, chord: str, up: int) -> tuple[str, bool]:
    chord = theory.transpose_symbol(chord, up, key) if up % 12 else chord
    tones = [tone for tone in theory.chord_tones(chord) if theory.pitch_class(tone) == pitch_class]
    return (tones[0], True) if tones else (theory.spell(60 + pitch_class, key)[0], False)


@functools.cache
def _belongs(name: str, key: str) -> bool:
    """Whether a note is one of the key's own, the leading note of minor among them."""
    tonic, mode = theory.parse_key(key)
    leading = mode == "minor" and (theory.pitch_class(tonic) - theory.pitch_class(name)) % 12 == 1
    return leading or signature(key).get(name[0], 0) == name.count("#") - name.count("b")


def _leading(name: str, here: int, goal: Pitch | None) -> Pitch:
    """A chromatic note by the name from which the interval to its goal looks as it sounds; white keys by their own."""
    plain = _placed(WHITE_KEYS.get(name, name), here)
    if goal is None:
        return plain
    others = [OTHER_NAMES.get(name), name if abs(_sounding(goal) - here) == 1 else None]
    choices = [plain, *(_placed(other, here) for other in others if other)]
    return next((pitch for pitch in choices if _looks_right(pitch, goal)), plain)


def _looks_right(here: Pitch, goal: Pitch) -> bool:
    """Whether two notes stand as many steps apart as there should be between them."""
    semitones = abs(_sounding(goal) - _sounding(here))
    apart = abs(_line(goal) - _line(here))
    return STEPS_OF.get(semitones) == apart


def _sounding(pitch: Pitch) -> int:
    return theory.STEPS[pitch[0]] + pitch[1] + 12 * (pitch[2] + 1)


def _line(pitch: Pitch) -> int:
    """The place on the staff, counted in steps."""
    return "CDEFGAB".index(pitch[0]) + 7 * pitch[2]


def _placed(name: str, semitone: int) -> Pitch:
    alter = name.count("#") - name.count("b")
    return name[0], alter, (semitone - alter) // 12 - 1


@functools.cache
def signature(key: str) -> dict[str, int]:
    """The alterations of a key, by step."""
    fifths = theory.key_fifths(key)
    order = "FCGDAEB"
    return dict.fromkeys(order[:fifths], 1) if fifths > 0 else dict.fromkeys(order[7 + fifths :], -1) if fifths else {}
