"""A text under the notes of a line: which syllable is sung on which note.

Notebook: 09
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

HOLD = "_"  # in a text: the syllable before it goes on over one note more


@dataclass(frozen=True)
class Syllable:
    """What stands under a note: its text, its place in the word as MusicXML names it, and whether it is held on."""

    text: str
    syllabic: str  # single, begin, middle or end
    held: bool = False


def syllables(text: str) -> list[Syllable | None]:
    """The syllables of a text in order; None for a note over which the one before is held.

    Words are parted by white space, syllables of a word by hyphens: ``"Twin-kle, twin-kle, lit-tle star _"``. Each
    ``_``, by itself or at the end of a syllable, is a note more for that syllable.
    """
    found: list[Syllable | None] = []
    for word in text.split():
        pieces = [piece for piece in word.replace("\u2010", "-").split("-") if piece] or [word]
        sung = [i for i, piece in enumerate(pieces) if piece.strip(HOLD)]
        for i, piece in enumerate(pieces):
            text = piece.strip(HOLD)
            if text:
                first, last = i == sung[0], i == sung[-1]
                place = "single" if first and last else "begin" if first else "end" if last else "middle"
                found.append(Syllable(text, place))
            found += [None] * (len(piece) - len(piece.rstrip(HOLD)))
    return [
        Syllable(one.text, one.syllabic, held=following is None) if one else None
        for one, following in itertools.pairwise([*found, Syllable("", "single")])
    ]


def sung(text: str, notes: Sequence[int]) -> dict[int, Syllable]:
    """The syllable of each note, by the notes' indices in the order in which they are sung.

    What is left of the text when the notes are over is not written, and notes beyond the text have none.
    """
    return {note: syllable for note, syllable in zip(notes, syllables(text), strict=False) if syllable is not None}
