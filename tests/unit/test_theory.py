"""Names of notes and chords."""

from __future__ import annotations

import pytest

from musiclab.theory import QUALITIES, STEPS, chord_tones, pitch_class


@pytest.mark.parametrize(
    ("symbol", "tones"),
    [
        ("Cm7", ("C", "Eb", "G", "Bb")),
        ("Ebmaj7", ("Eb", "G", "Bb", "D")),
        ("F#m", ("F#", "A", "C#")),
        ("G7", ("G", "B", "D", "F")),
        ("N", ()),
    ],
)
def test_the_notes_of_a_chord_have_the_names_that_musicians_give_them(symbol: str, tones: tuple[str, ...]) -> None:
    assert chord_tones(symbol) == tones


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("root", STEPS)
def test_and_they_sound_as_its_intervals_say(root: str, quality: str) -> None:
    wanted = [(pitch_class(root) + interval) % 12 for interval in QUALITIES[quality]]
    assert [pitch_class(name) for name in chord_tones(root + quality)] == wanted
