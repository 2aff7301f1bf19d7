"""Notes of a bass in their own octave, where the stem has lost what tells it.

A separated bass may lack every other partial of a note, the fundamental among them: it went with the guitar or the
drum that shares it. What is left is the note an octave higher to a pitch tracker. A posteriorgram, which looks at many
partials and at how they begin, may still hear the octave below.

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence

from musiclab.transcription.pitch_track import COLUMN_S
from musiclab.transcription.posteriorgram import HOP, LOWEST, SR, Posteriorgram

FAMILIES = ("bass",)  # voices lose no octave, and what sounds an octave below one is another instrument
SOUNDS, SHARE = 0.35, 0.7  # the lower key's note posterior, by itself and of the note's own: at least
BEGINS = 0.3  # its onset posterior: at least
AROUND = 4  # columns before and after a beginning
OCTAVE = 12


def in_their_octave(
    notes: Sequence[tuple[int, int, float]], gram: Posteriorgram | None, *, low: int
) -> list[tuple[int, int, float]]:
    """Notes of a bass, those an octave lower of which the posteriorgram hears the lower key begin and sound.

    Parameters
    ----------
    notes : sequence of (int, int, float)
        First column of the pitch track, the column after the last, and pitch (MIDI) of each.
    gram : Posteriorgram | None
        Of the same recording; without it all stay.
    low : int
        Lowest pitch of the instrument (MIDI): no note is moved below.
    """
    if gram is None or not len(gram.note):
        return list(notes)
    return [(start, end, pitch - OCTAVE * _is_lower(start, end, pitch, gram, low)) for start, end, pitch in notes]


def _is_lower(start: int, end: int, pitch: float, gram: Posteriorgram, low: int) -> bool:
    own = round(pitch) - LOWEST
    below = own - OCTAVE
    if below < 0 or pitch - OCTAVE < low or own >= gram.note.shape[1]:
        return False
    scale = COLUMN_S * SR / HOP
    first = min(round(start * scale), len(gram.note) - 1)
    sounding = gram.note[first : max(first + 1, round(end * scale))].mean(axis=0)
    begins = gram.onset[max(0, first - AROUND) : first + AROUND + 1, below].max()
    return bool(sounding[below] > max(SOUNDS, SHARE * sounding[own]) and begins > BEGINS)
