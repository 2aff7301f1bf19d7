"""A bass whose separated stem lost the partials that tell its octave."""

import numpy as np
import pytest

from musiclab.transcription.octaves import in_their_octave
from musiclab.transcription.posteriorgram import LOWEST, PITCHES, Posteriorgram

NOTES = [(10, 40, 45.0)]  # A2, about half a second


def gram(*, sounds: float, begins: float, own: float = 0.5) -> Posteriorgram:
    """A2 sounds and begins, and the A below it as told."""
    note, onset = np.zeros((80, PITCHES), np.float32), np.zeros((80, PITCHES), np.float32)
    note[14:55, 45 - LOWEST], note[14:55, 33 - LOWEST] = own, sounds
    onset[14:17, 45 - LOWEST], onset[14:17, 33 - LOWEST] = 0.6, begins
    return Posteriorgram(onset, note, np.zeros((80, 264), np.float32), np.zeros(80, np.float32), 1.0)


def test_a_note_goes_down_where_the_octave_below_begins_and_sounds_as_well():
    assert in_their_octave(NOTES, gram(sounds=0.45, begins=0.4), low=23) == [(10, 40, 33.0)]


@pytest.mark.parametrize(
    "heard",
    [{"sounds": 0.45, "begins": 0.1}, {"sounds": 0.2, "begins": 0.4}, {"sounds": 0.45, "begins": 0.4, "own": 0.9},
     {"sounds": 0.25, "begins": 0.4, "own": 0.2}],
)  # fmt: skip
def test_it_stays_where_one_of_these_is_missing(heard):
    assert in_their_octave(NOTES, gram(**heard), low=23) == NOTES


def test_no_note_goes_below_the_instrument_or_the_keyboard():
    found = gram(sounds=0.45, begins=0.4)
    assert in_their_octave(NOTES, found, low=34) == NOTES
    edges = [(10, 40, 22.0), (10, 40, 110.0)]
    assert in_their_octave(edges, found, low=0) == edges


def test_without_a_posteriorgram_all_notes_stay():
    assert in_their_octave(NOTES, None, low=23) == NOTES
