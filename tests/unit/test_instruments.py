"""What is known of instruments: ranges, how many notes at once, and names that lead to one of them only."""

from __future__ import annotations

from collections import Counter

import pytest

from musiclab.instruments import DRUMS, INSTRUMENTS, Instrument, find

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


def test_no_name_is_two_instruments() -> None:
    names = Counter(name for known in INSTRUMENTS for name in (known.name, *known.aliases))
    assert max(names.values()) == 1
    assert find("kit") is DRUMS
