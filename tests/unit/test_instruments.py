"""What is known of instruments: ranges, how many notes at once, and names that lead to one of them only."""

from __future__ import annotations

from collections import Counter

import pytest

from musiclab.instruments import DRUMS, INSTRUMENTS, Instrument, find
from musiclab.notation.tab import BASS, GUITAR, LAST_FRET
from musiclab.tunings import parse_tuning

CHORDS = {"guitar": 6, "piano": 10, "electric piano": 10, "organ": 10, "synth": 8, "strings": 8, "drums": 6}
STOPS = {"violin", "viola", "cello"}  # two notes at once


@pytest.mark.parametrize("known", INSTRUMENTS, ids=lambda known: known.name)
def test_an_instrument_is_as_it_is_played(known: Instrument) -> None:
    assert known.polyphony == CHORDS.get(known.name, 2 if known.name in STOPS else 1)
    assert known.monophonic == (known.polyphony == 1)
    assert 20 < known.low < known.high - 20 < 100
    assert 0 <= known.program <= 127
    for name in (known.name, *known.aliases):
        assert find(name.upper().replace(" ", "_")) is known


def test_a_fretted_instrument_reaches_the_last_fret_of_its_highest_string() -> None:
    """And down to a low string that is tuned lower, or to a fifth string."""
    assert (find("guitar").low, find("guitar").high) == (GUITAR[-1] - 2, GUITAR[0] + LAST_FRET)
    five = parse_tuning("five strings", instrument="bass")
    assert (find("bass").low, find("bass").high) == (five[-1], BASS[0] + LAST_FRET)


def test_winds_reach_as_far_as_the_lowest_and_the_highest_of_them() -> None:
    winds, *single = (known for known in INSTRUMENTS if known.family == "winds")
    assert winds.low == min(known.low for known in single)
    assert winds.high == max(known.high for known in single)


def test_no_name_is_two_instruments() -> None:
    names = Counter(name for known in INSTRUMENTS for name in (known.name, *known.aliases))
    assert max(names.values()) == 1
    assert find("kit") is DRUMS
