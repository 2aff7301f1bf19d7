"""Which hand of a keyboard plays what: no hand leaps, none stretches, a run stays in one hand."""

from fractions import Fraction

from musiclab.notation.hands import in_hands
from musiclab.notation.quantise import Written


def lower(*chords: tuple[int, ...]) -> list[list[int]]:
    """What the left hand gets of each chord, an eighth after the other."""
    notes = [(beat, pitch) for beat, chord in enumerate(chords) for pitch in chord]
    written = [Written(i, Fraction(beat, 2), Fraction(1, 2)) for i, (beat, _) in enumerate(notes)]
    right, left = in_hands(written, [pitch for _, pitch in notes])
    assert sorted(note.index for note in (*right, *left)) == list(range(len(notes)))
    mine = {note.index for note in left}
    return [[pitch for i, (at, pitch) in enumerate(notes) if at == beat and i in mine] for beat in range(len(chords))]


def test_a_melody_that_dips_below_middle_c_stays_in_its_hand():
    melody = (72, 67, 64, 59, 57, 59, 64, 67)
    assert lower(*((36, 43, pitch) for pitch in melody)) == [[36, 43]] * len(melody)


def test_a_bass_that_climbs_above_middle_c_stays_in_its_hand():
    bass = (48, 52, 55, 60, 62, 64, 60, 55)
    assert lower(*((pitch, 76, 79) for pitch in bass)) == [[pitch] for pitch in bass]


def test_bass_and_chords_in_turn_are_one_hand_where_the_other_has_the_melody():
    stride = ((36, 76), (52, 55, 60, 79), (31, 76), (50, 53, 59, 74))
    assert lower(*stride) == [[36], [52, 55, 60], [31], [50, 53, 59]]


def test_no_hand_takes_more_than_an_octave_where_the_other_is_free():
    assert lower((45, 52, 61, 69)) == [[45, 52]]


def test_notes_far_on_one_side_are_one_hand_s():
    assert lower((84, 88), (83, 86)) == [[], []]
    assert lower((31, 43), (33, 45)) == [[31, 43], [33, 45]]


def test_nothing_is_no_hand_s():
    assert in_hands([], []) == ([], [])
