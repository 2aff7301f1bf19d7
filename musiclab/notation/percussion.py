"""How drums are written: staff place, note head and voice of each General MIDI percussion key.

The places follow the Percussive Arts Society's guide (Weinberg, "Guide to Standardized Drumset Notation", 1998):
hands in the upper voice, feet in the lower one, crosses for cymbals.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrumSign:
    """`place` is the line or space as a treble-clef note name; `head` a MusicXML note head; `feet` the lower voice."""

    name: str
    place: str
    head: str = "normal"
    feet: bool = False


KICK = DrumSign("kick", "F4", feet=True)
SNARE = DrumSign("snare", "C5")
SIDE_STICK = DrumSign("side stick", "C5", "x")
CLOSED_HAT = DrumSign("closed hi-hat", "G5", "x")
OPEN_HAT = DrumSign("open hi-hat", "G5", "circle-x")
PEDAL_HAT = DrumSign("pedal hi-hat", "D4", "x", feet=True)
LOW_TOM = DrumSign("floor tom", "A4")
MIDDLE_TOM = DrumSign("middle tom", "D5")
HIGH_TOM = DrumSign("high tom", "E5")
CRASH = DrumSign("crash", "A5", "x")
RIDE = DrumSign("ride", "F5", "x")
RIDE_BELL = DrumSign("ride bell", "F5", "diamond")
TAMBOURINE = DrumSign("tambourine", "B5", "diamond")  # above the cymbals: it is held in the hand
OTHER = DrumSign("percussion", "B4", "cross")  # verovio draws a triangle as a plain head

SIGNS: dict[int, DrumSign] = {
    35: KICK, 36: KICK, 37: SIDE_STICK, 38: SNARE, 39: SNARE, 40: SNARE,
    41: LOW_TOM, 43: LOW_TOM, 45: MIDDLE_TOM, 47: MIDDLE_TOM, 48: HIGH_TOM, 50: HIGH_TOM,
    42: CLOSED_HAT, 44: PEDAL_HAT, 46: OPEN_HAT,
    49: CRASH, 52: CRASH, 55: CRASH, 57: CRASH, 51: RIDE, 59: RIDE, 53: RIDE_BELL,
    54: TAMBOURINE,
}  # fmt: skip


def sign(key: int) -> DrumSign:
    """The sign of a General MIDI percussion key; a cross on the middle line for those that a kit lacks."""
    return SIGNS.get(key, OTHER)
