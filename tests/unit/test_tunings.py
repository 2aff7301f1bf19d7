"""Tunings by name and by their strings."""

from __future__ import annotations

import pytest

from musiclab.errors import TranscriptionError
from musiclab.theory import parse_pitch
from musiclab.tunings import TUNINGS, parse_tuning, string_names, usual_tuning


@pytest.mark.parametrize(("name", "midi"), [("C4", 60), ("A4", 69), ("Eb2", 39), ("F#3", 54), ("B0", 23), ("Cb4", 59)])
def test_pitches_by_name(name, midi):
    assert parse_pitch(name) == midi


@pytest.mark.parametrize("name", ["", "4", "H2", "E", "Ex2"])
def test_what_is_no_pitch(name):
    with pytest.raises(TranscriptionError):
        parse_pitch(name)


def test_names_and_strings_say_the_same():
    assert parse_tuning("Drop  d") == parse_tuning("D2 A2 D3 G3 B3 E4") == (64, 59, 55, 50, 45, 38)
    assert parse_tuning("five strings", instrument="bass")[-1] == 23
    for instrument, names in TUNINGS.items():
        for name in names:
            strings = parse_tuning(name, instrument=instrument)
            assert strings == tuple(sorted(strings, reverse=True))


@pytest.mark.parametrize("text", ["", "drop Q", "E2 A2 X3"])
def test_what_is_no_tuning_is_answered_with_those_that_are(text):
    with pytest.raises(TranscriptionError, match="drop D"):
        parse_tuning(text)


def test_the_usual_tuning_reaches_down_to_the_lowest_note():
    assert usual_tuning("guitar", 40)[-1] == 40
    assert usual_tuning("guitar", 38)[-1] == 38
    assert usual_tuning("bass", 25)[-1] == 23
    assert usual_tuning("bass", 10)[-1] == 23


def test_strings_have_the_names_that_players_call_them_by():
    assert [name for name, _ in string_names(parse_tuning("half step down"))] == ["Eb", "Bb", "Gb", "Db", "Ab", "Eb"]
    assert ("F#", 3) in string_names(parse_tuning("open D"))
