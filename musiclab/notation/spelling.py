"""What notes are called: G sharp or A flat, by key, chord and where the line goes.

A note of the chord is spelled as a part of it; others by the key [1]_; and a chromatic note of a line that goes on by a
semitone leads there from another step (E flat, D; not D sharp, D natural): it needs one accidental for two (Gould,
"Behind Bars", 2011, chapter on accidentals).

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
SHARPS, FLATS = ("C#", "D#", "F#", "G#", "A#"), ("Db", "Eb", "Gb", "Ab", "Bb")
WHITE = {"E#": "F", "B#": "C", "Cb": "B", "Fb": "E"}


def spelled(staff: Staff, key: str) -> dict[int, Pitch]:
    """Each note of a staff as written in `key`, by its index in the part."""
    names = {
        index: _by_harmony(staff, index, key)
        for voice in staff.voices
        for bar in voice
        for symbol in bar
        for index in symbol.notes
    }
    up = staff.written[0]
    leads: dict[int, int] = {}  # semitones to the next other note of a line
    for voice in staff.voices:
        line = [symbol.notes for bar in voice for symbol in bar if symbol.notes and not symbol.tied_from]
        goal: int | None = None  # where a line of single notes goes next, as written
        after: int | None = None
        for notes in reversed(line):
            if len(notes) > 1:
                goal = after = None
                continue
            here = staff.part.notes[notes[0]].semitone + up
            goal, after = (goal if after in (None, here) else after), here
            leads[notes[0]] = 0 if goal is None else goal - here
    return {
        index: _placed(
            name if fixed or _belongs(name, key) else _leading(name, leads.get(index, 0)),
            staff.part.notes[index].semitone + up,
        )
        for index, (name, fixed) in names.items()
    }


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


def _leading(name: str, step: int) -> str:
    """A chromatic note as it leads a semitone up or down; by any other step as it is, but a white key by its name."""
    if step == 1 and name in FLATS:
        return SHARPS[FLATS.index(name)]
    if step == -1 and name in SHARPS:
        return FLATS[SHARPS.index(name)]
    leading = step == (1 if name.endswith("#") else -1)
    return name if leading else WHITE.get(name, name)


def _placed(name: str, semitone: int) -> Pitch:
    alter = name.count("#") - name.count("b")
    return name[0], alter, (semitone - alter) // 12 - 1


@functools.cache
def signature(key: str) -> dict[str, int]:
    """The alterations of a key, by step."""
    fifths = theory.key_fifths(key)
    order = "FCGDAEB"
    return dict.fromkeys(order[:fifths], 1) if fifths > 0 else dict.fromkeys(order[7 + fifths :], -1) if fifths else {}
