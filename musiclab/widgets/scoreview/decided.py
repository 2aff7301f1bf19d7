"""What can be decided about a part in the score view, as its page shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from musiclab.instruments import DRUMS, find
from musiclab.notation.writing import Writing
from musiclab.notes import Part
from musiclab.stems import Stems
from musiclab.theory import parse_key
from musiclab.transcription import harmony
from musiclab.transcription.context import layers

FRETTED = ("bass", "guitar")


def describe(part: Part, writing: Writing) -> dict[str, Any]:
    """How things stand: tempo, metre, key, whether chords and tablature are shown (None: there is none)."""
    instrument = find(part.instrument)
    return {
        "tempo": part.tempo,
        "metre": "{}/{}".format(*part.time_signature),
        "key": " ".join(parse_key(part.key)) if part.key else "",
        "chords": bool(part.chords) and part.decisions.chords is not False and writing.chords,
        "tab": writing.tab if instrument.family in FRETTED else None,
        "drums": instrument is DRUMS,
        "semitones": writing.semitones,
    }


def with_chords(part: Part, song: Stems) -> Part:
    """The part with chord symbols from its song, where it has beats for them to stand on."""
    if part.grid is None:
        return part
    return replace(part, chords=harmony.estimate_chords(layers(song)[1], part.grid, key=part.key))


def read_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """What the page decided: JSON has lists where we have pairs."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
