"""What a score view is made from: the sound of its stem, and what the song knows of the part."""

from __future__ import annotations

from typing import Any

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.notes import Part
from musiclab.stems import Stems
from musiclab.transcription.context import in_context, unmeasured

STEM_OF = {"voice": "vocals", "drums": "drums", "bass": "bass", "guitar": "guitar", "piano": "piano"}


def found_in(part: Part, stems: Stems) -> Part:
    """The part with the beats, key and chords of its song; as it is where the song has no beats to be found."""
    try:
        return in_context(part, stems)
    except TranscriptionError as error:
        return unmeasured(part, error)


def context_of(part: Part) -> dict[str, Any]:
    """What a part knows besides its notes: it stays when they are found anew."""
    names = ("title", "beats", "downbeats", "time_signature", "key", "chords", "lyrics", "duration", "decisions")
    return {name: getattr(part, name) for name in names}


def chosen_stem(stems: Stems | Audio, stem: str, instrument: str) -> Audio:
    """The sound that the part was transcribed from."""
    if isinstance(stems, Audio):
        return stems
    name = stem or STEM_OF.get(instrument, "other")
    if name not in stems:
        if stem:
            raise TranscriptionError(f"No stem is called {stem!r}: there are {', '.join(stems)}.")
        name = "other" if "other" in stems else next(iter(stems))
    return stems[name]
