"""Pitches, keys and chords by their names: what can be said of them without any recording.

* MIDI numbers and Hz: 69 is A4, 440 Hz; fractions of a semitone are allowed.
* The spelling of accidentals follows from the key: each pitch class takes the name nearest to the tonic on the line of
  fifths, as in [1]_, so that a player sees no needless naturals or double sharps.

References
----------
.. [1] Temperley: "The Cognition of Basic Musical Structures", MIT Press 2001

Notebook: 10
"""

from __future__ import annotations

from typing import overload

import numpy as np

from musiclab.errors import TranscriptionError

A4_HZ, A4 = 440.0, 69.0  # concert pitch, and its MIDI number


@overload
def midi_to_hz(pitch: float) -> float: ...
@overload
def midi_to_hz(pitch: np.ndarray) -> np.ndarray: ...
def midi_to_hz(pitch: float | np.ndarray) -> float | np.ndarray:
    """The frequency in Hz of MIDI numbers: ``midi_to_hz(57)`` is 220.0. Fractions are allowed."""
    return A4_HZ * 2.0 ** ((pitch - A4) / 12.0)


@overload
def hz_to_midi(hz: float) -> float: ...
@overload
def hz_to_midi(hz: np.ndarray) -> np.ndarray: ...
def hz_to_midi(hz: float | np.ndarray) -> float | np.ndarray:
    """The MIDI number of frequencies in Hz, all above 0: ``hz_to_midi(220.0)`` is 57.0."""
    return 12 * np.log2(hz / A4_HZ) + A4


LINE_OF_FIFTHS = tuple(step + accidental for accidental in ("b", "", "#") for step in "FCGDAEB")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
QUALITIES = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11)}
FIFTHS = {0: 0, 3: -3, 4: 4, 7: 1, 10: -2, 11: 5}  # of each interval of a chord (semitones): its way on that line


def pitch_class(name: str) -> int:
    """0–11 of a note name such as ``F#`` or ``Bb``; `TranscriptionError` for anything else."""
    letter, accidentals = name[:1].upper(), name[1:]
    if letter not in STEPS or set(accidentals) - {"#", "b"}:
        raise TranscriptionError(f"{name!r} is no note name: write C, F# or Bb.")
    return (STEPS[letter] + accidentals.count("#") - accidentals.count("b")) % 12


def parse_pitch(name: str) -> int:
    """The MIDI number of a pitch by name and octave: ``parse_pitch("F#3")`` is 54; C4 is 60."""
    letters = name.rstrip("0123456789-")
    if not letters or letters == name:
        raise TranscriptionError(f"{name!r} is no pitch: write it as E2 or F#3.")
    pitch_class(letters)
    return (
        STEPS[letters[0].upper()] + letters.count("#") - letters[1:].count("b") + 12 * (int(name[len(letters) :]) + 1)
    )


def parse_key(key: str) -> tuple[str, str]:
    """``"Bb major"`` as ``("Bb", "major")``; ``Bb`` and ``Bbm`` are understood too."""
    words = key.split()
    tonic = words[0] if words else ""
    mode = words[1].lower() if len(words) > 1 else "minor" if tonic.endswith("m") else "major"
    tonic = tonic.removesuffix("m")
    if mode not in ("major", "minor"):
        raise TranscriptionError(f"{key!r} is no key: write it as 'Bb major' or 'F# minor'.")
    pitch_class(tonic)
    return tonic[0].upper() + tonic[1:], mode


def key_fifths(key: str) -> int:
    """Number of sharps (positive) or flats (negative) of the key's signature."""
    tonic, mode = parse_key(key)
    return LINE_OF_FIFTHS.index(tonic) - LINE_OF_FIFTHS.index("C") - (3 if mode == "minor" else 0)


def spell(semitone: int, key: str = "C major") -> tuple[str, int]:
    """Name and octave of a MIDI key in this musical key: ``spell(61, "Ab major")`` is ``("Db", 4)``.

    The name is the one nearest to the key on the line of fifths; minor keys lean towards their raised sixth and seventh
    degrees.
    """
    _, mode = parse_key(key)
    # The diatonic notes of a signature lie from one fifth below its major tonic to five above.
    centre = LINE_OF_FIFTHS.index("C") + key_fifths(key) + (3.0 if mode == "minor" else 2.0)
    names = [name for name in LINE_OF_FIFTHS if pitch_class(name) == semitone % 12]
    # Of two as near, the sharper one: it is more often a leading note.
    name = min(names, key=lambda n: (abs(LINE_OF_FIFTHS.index(n) - centre), -LINE_OF_FIFTHS.index(n)))
    octave = (semitone - (name.count("#") - name.count("b"))) // 12 - 1
    return name, octave


def transpose_key(key: str, semitones: int) -> str:
    """The key so many semitones higher, by its name with the fewest accidentals."""
    tonic, mode = parse_key(key)
    moved = (pitch_class(tonic) + semitones) % 12
    names = [f"{name} {mode}" for name in LINE_OF_FIFTHS if pitch_class(name) == moved]
    return min(names, key=lambda name: abs(key_fifths(name)))


def split_symbol(symbol: str) -> tuple[str, str]:
    """Root and quality of a chord symbol: ``("Bb", "m7")``; `TranscriptionError` if it is none that we write."""
    size = 2 if symbol[1:2] in ("#", "b") else 1
    root, quality = symbol[:size], symbol[size:]
    pitch_class(root)
    if quality not in QUALITIES:
        raise TranscriptionError(
            f"{symbol!r} is no chord that can be written: use {', '.join(QUALITIES)} after the root."
        )
    return root, quality


def chord_tones(symbol: str) -> tuple[str, ...]:
    """The notes of a chord symbol by their names: ``("C", "Eb", "G", "Bb")`` for ``Cm7``; none for ``N``."""
    if symbol == "N":
        return ()
    root, quality = split_symbol(symbol)
    at = LINE_OF_FIFTHS.index(root)
    steps = (at + FIFTHS[interval] for interval in QUALITIES[quality])
    return tuple(LINE_OF_FIFTHS[step] for step in steps if 0 <= step < len(LINE_OF_FIFTHS))


def spell_root(semitone: int, key: str) -> str:
    """The name of a chord's root: as a note's, but a flat a tritone's way off: such chords are borrowed from minor."""
    name, _ = spell(60 + semitone, key)
    flat = next(n for n in LINE_OF_FIFTHS if pitch_class(n) == semitone % 12 and (n[1:] == "b" or not n[1:]))
    centre = LINE_OF_FIFTHS.index("C") + key_fifths(key) + (3 if parse_key(key)[1] == "minor" else 2)
    as_near = abs(LINE_OF_FIFTHS.index(flat) - centre) == abs(LINE_OF_FIFTHS.index(name) - centre)
    return flat if as_near else name


def transpose_symbol(symbol: str, semitones: int, key: str) -> str:
    """A chord symbol so many semitones higher, spelled for `key`."""
    if symbol == "N":
        return symbol
    root, quality = split_symbol(symbol)
    return spell_root(pitch_class(root) + semitones, key or "C major") + quality
