"""Tunings of guitars and basses, by the names that players use.

Notebook: 09
"""

from __future__ import annotations

from musiclab.errors import TranscriptionError
from musiclab.theory import parse_pitch, spell

# Open strings as players name them, from the lowest on.
TUNINGS: dict[str, dict[str, str]] = {
    "guitar": {
        "standard": "E2 A2 D3 G3 B3 E4",
        "drop D": "D2 A2 D3 G3 B3 E4",
        "half step down": "Eb2 Ab2 Db3 Gb3 Bb3 Eb4",
        "whole step down": "D2 G2 C3 F3 A3 D4",
        "drop C": "C2 G2 C3 F3 A3 D4",
        "seven strings": "B1 E2 A2 D3 G3 B3 E4",
        "DADGAD": "D2 A2 D3 G3 A3 D4",
        "open G": "D2 G2 D3 G3 B3 D4",
        "open D": "D2 A2 D3 F#3 A3 D4",
    },
    "bass": {
        "standard": "E1 A1 D2 G2",
        "drop D": "D1 A1 D2 G2",
        "five strings": "B0 E1 A1 D2 G2",
        "half step down": "Eb1 Ab1 Db2 Gb2",
        "whole step down": "D1 G1 C2 F2",
        "six strings": "B0 E1 A1 D2 G2 C3",
    },
}
USUAL = {"guitar": ("standard", "drop D", "drop C", "seven strings"), "bass": ("standard", "drop D", "five strings")}
FRETTED = tuple(TUNINGS)  # instruments that tablature is written for


def parse_tuning(text: str, *, instrument: str = "guitar") -> tuple[int, ...]:
    """Open strings (MIDI) from the first, the highest, on: ``"drop D"``, or ``"D2 A2 D3 G3 B3 E4"`` from the lowest on.

    Raises
    ------
    TranscriptionError
        If it is neither a name that we know nor a row of pitches.
    """
    named = {name.lower(): pitches for name, pitches in TUNINGS.get(instrument, {}).items()}
    words = named.get(" ".join(text.lower().split()), text).split()
    try:
        if not words:
            raise TranscriptionError("empty")
        return tuple(parse_pitch(word) for word in reversed(words))
    except TranscriptionError as error:
        names = ", ".join(TUNINGS.get(instrument, TUNINGS["guitar"]))
        raise TranscriptionError(
            f"{text!r} is no tuning of a {instrument}: use {names}, or pitches from the lowest string on as in "
            "'D2 A2 D3 G3 B3 E4'."
        ) from error


def usual_tuning(instrument: str, lowest: int) -> tuple[int, ...]:
    """The most usual tuning that reaches down to a MIDI pitch; the one that reaches lowest if none does."""
    tunings = [parse_tuning(name, instrument=instrument) for name in USUAL[instrument]]
    return next((strings for strings in tunings if strings[-1] <= lowest), tunings[-1])


def string_names(tuning: tuple[int, ...]) -> list[tuple[str, int]]:
    """Name and octave of each open string, from the first on: ``("E", 4)``."""
    key = "Db major" if any(name in "Db Eb Gb Ab" for name, _ in map(spell, tuning) if name[1:]) else "C major"
    return [spell(pitch, key) for pitch in tuning]
