"""A `Part` as JSON text, and back: the format that keeps everything.

Notebook: 09
"""

from __future__ import annotations

import json
from dataclasses import asdict

from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.notes import Chord, Note, Part

FORMAT_VERSION = 1  # what was added since has a default, so that older files are read


def to_json(part: Part) -> str:
    """All of it as JSON text; `from_json` gives it back unchanged."""
    data = {"format": "musiclab-part", "version": FORMAT_VERSION, **asdict(part)}
    return json.dumps({**data, "decisions": part.decisions.as_dict()}, allow_nan=False)


def from_json(text: str) -> Part:
    """A part from the text of `to_json`; `TranscriptionError` if it is something else."""
    try:
        data = json.loads(text, parse_constant=_no_number)
        if data.pop("format") != "musiclab-part" or data.pop("version") != FORMAT_VERSION:
            raise KeyError("format")
        data["notes"] = [Note(**note) for note in data["notes"]]
        data["chords"] = [Chord(**chord) for chord in data["chords"]]
        data["decisions"] = Decisions.from_dict(data.get("decisions", {}))
        if not all(isinstance(data.get(name, ""), str) for name in ("instrument", "title", "key", "lyrics")):
            raise TypeError("text")
        part = Part(**data)
        to_json(part)  # what can't be written again was never written by us
        return part
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as err:
        raise TranscriptionError("This is not a part that musiclab saved as JSON: give another file.") from err


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number that we write.")
