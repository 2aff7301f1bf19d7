"""What a user has put right in a part outlasts another hearing of it."""

from __future__ import annotations

from musiclab.note import Note
from musiclab.notes import Part
from musiclab.widgets.scoreview.correction import SAME_NOTE, Correction


def test_corrections_hold_for_notes_that_are_found_again_a_little_elsewhere() -> None:
    removed, added = Note(1.0, 1.5, 60), Note(2.0, 2.5, 64, 100)
    correction = Correction(removed=(removed,), added=(added,), decided=({"key": "D minor"},))
    late, later = 0.8 * SAME_NOTE, 1.2 * SAME_NOTE
    found = Part(
        (
            Note(1.0 + late, 1.5, 60),  # the one that was taken out
            Note(1.0 - later, 1.2, 60),  # one before it, of the same pitch
            Note(1.0, 1.5, 61),
            Note(2.0 - late, 2.4, 64),  # found now, and added before: the user's stays
        ),
        "bass",
    )
    part = correction.applied(found)
    assert part.notes == (Note(1.0 - later, 1.2, 60), Note(1.0, 1.5, 61), added)
    assert part.key == "D minor"
    assert len(found) == 4
    assert Correction().applied(found) == found
