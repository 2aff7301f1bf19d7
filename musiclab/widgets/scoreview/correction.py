"""What a person has decided about a part, as data: thresholds, notes, bars and key, how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from musiclab.notes import Note, Part

SAME_NOTE = 0.06  # s: a note found anew with other thresholds is the same if it begins within this


@dataclass(frozen=True)
class Correction:
    """What the user has decided; undoing goes back to an older one.

    Thresholds; notes taken away, notes put in; what `Part.decide` was told, one after the other; fields of `Writing`.
    """

    settings: Mapping[str, float] = field(default_factory=dict)
    removed: tuple[Note, ...] = ()
    added: tuple[Note, ...] = ()
    decided: tuple[Mapping[str, Any], ...] = ()
    writing: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, part: Part) -> Part:
        """The part as found, with the corrections on top: they outlast a change of thresholds."""
        kept = [note for note in part.notes if not any(_same(note, gone) for gone in (*self.removed, *self.added))]
        part = part.with_notes([*kept, *self.added])
        for changes in self.decided:
            part = part.decide(**changes)
        return part


def _same(note: Note, other: Note) -> bool:
    return note.semitone == other.semitone and abs(note.onset - other.onset) < SAME_NOTE
