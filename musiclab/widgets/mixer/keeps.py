"""What a player keeps of a song: loops and mixes with a name and a note each, and names of its sections.

They are a file for each song in a folder of the user's own (no cache: nothing there goes by itself), named by the
song's content. So they are there when the song is opened again, from whatever file, separated by whatever engine.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from traitlets import TraitError

from musiclab.codecs.files import write_whole
from musiclab.errors import MusiclabError
from musiclab.widgets.mixer.settings import PACE, checked_loop

logger = logging.getLogger("musiclab")

LONGEST = 2000  # characters of a name or a note
FIELDS = {"name", "note", "loop", "speed", "semitones", "mix"}


def keeps_folder() -> Path:
    """Where they are: ``MUSICLAB_KEEPS``, or else this user's folder for data of programs."""
    named = os.environ.get("MUSICLAB_KEEPS")
    return Path(named) if named else Path(platformdirs.user_data_dir("musiclab", appauthor=False)) / "keeps"


def read_keeps(song: str, duration: float) -> dict[str, Any]:
    """What is kept of the song with this digest, which lasts `duration` s; what can't be understood is left out."""
    path = keeps_folder() / f"{song}.json"
    try:
        found = json.loads(path.read_text("utf-8"))
        names = {str(start): str(name) for start, name in found.get("section_names", {}).items()}
        return {"keeps": _readable(found.get("keeps", []), duration), "section_names": names}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        logger.warning("The kept loops and mixes of this song can't be read (%s): %s", path, error)
        return {}


def _readable(entries: Iterable[Any], duration: float) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        try:
            kept += checked_keeps([entry], duration)
        except TraitError as error:
            logger.warning("One of the kept loops and mixes is left out: %s", error)
    return kept


def write_keeps(song: str, kept: Mapping[str, Any]) -> str:
    """Keep it for the next time. What went wrong is returned as a sentence; "" if nothing did."""
    path = keeps_folder() / f"{song}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(kept, indent=1, ensure_ascii=False).encode())
    except (OSError, MusiclabError) as error:
        logger.warning("Loops and mixes could not be kept: %s", error)
        return f"Loops and mixes can't be kept for the next time: {error}"
    return ""


def checked_keeps(value: Any, duration: float) -> list[dict[str, Any]]:
    """Loops and mixes as they travel and are stored: see `Mixer.keeps`."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise TraitError(f"keeps is a list of loops and mixes, not {value!r:.60}.")
    return [_checked(entry, duration) for entry in value]


def _checked(entry: Any, duration: float) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or set(entry) - FIELDS or not str(entry.get("name", "")).strip():
        raise TraitError(f"What is kept has a name, and of {', '.join(sorted(FIELDS))} what is known: {entry!r:.80}.")
    loop = checked_loop(entry.get("loop"), duration)
    pace = {}
    for name, usual in (("speed", 1.0), ("semitones", 0)):
        low, high = PACE[name]
        pace[name] = min(max(entry.get(name, usual), low), high)
    mix = entry.get("mix")
    if mix is not None and not isinstance(mix, Mapping):
        raise TraitError(f"A mix that is kept has gains_db, muted, soloed and master_db, not {mix!r:.60}.")
    words = {name: str(entry.get(name, ""))[:LONGEST] for name in ("name", "note")}
    return {**words, "loop": list(loop) if loop else None, **pace, "mix": dict(mix) if mix else None}
