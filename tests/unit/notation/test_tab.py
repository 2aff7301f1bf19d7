"""Tablature: right pitches, one note a string, hands that stay where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.notation.tab import BASS, GUITAR, LAST_FRET, finger


@pytest.mark.parametrize(
    ("chord", "frets"),
    [
        ([40, 47, 52, 56, 59, 64], (0, 2, 2, 1, 0, 0)),  # E as everybody grips it
        ([45, 52, 57, 61, 64], (0, 2, 2, 2, 0)),  # A
        ([43, 47, 50, 55, 59, 67], (3, 2, 0, 0, 0, 3)),  # G
        ([48, 52, 55, 60, 64], (3, 2, 0, 1, 0)),  # C
    ],
)
def test_open_chords_are_gripped_as_in_the_books(chord, frets):
    assert finger([chord])[0].frets == frets


def test_a_scale_stays_in_position():
    """Two octaves up from the fifth fret: the hand moves less than an octave of frets in all."""
    scale = [[p] for p in (45, 47, 49, 50, 52, 54, 56, 57, 59, 61, 62, 64)]
    hands = [f.hand for f in finger(scale) if f.hand is not None]
    assert max(hands) - min(hands) <= 5


@given(st.lists(st.lists(st.integers(35, 90), min_size=1, max_size=7, unique=True), max_size=8))
def test_every_fingering_sounds_as_written(chords):
    for chord, fingering in zip(chords, finger(chords), strict=True):
        used = [s for s in fingering.strings if s]
        assert len(set(used)) == len(used)
        for pitch, string, fret in zip(chord, fingering.strings, fingering.frets, strict=True):
            if string:
                assert GUITAR[string - 1] + fret == pitch
                assert 0 <= fret <= LAST_FRET


def test_what_lies_below_the_bass_is_left_out():
    assert finger([[20]], tuning=BASS)[0].strings == (0,)
