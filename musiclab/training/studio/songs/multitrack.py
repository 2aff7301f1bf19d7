"""A rendered song as a multitrack: a folder with its stems and all that is known of it (see `musiclab.datasets`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from musiclab.audio import Audio
from musiclab.training.studio.songs.library import SR
from musiclab.training.studio.songs.song import Rendering


def write_multitrack(rendering: Rendering, folder: Path) -> Path:
    """Write stems that play as FLAC, and ``song.json``, into the new folder `folder`: all of it or nothing.

    The tune of the vocals is told only where the singer follows it: clips that sound as recorded don't.
    """
    part = folder.with_suffix(".tmp")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    playing = [name for name, rows in rendering.notes.items() if rows]
    for name in playing:
        Audio(rendering.stems[name], SR).save(part / f"{name}.flac")
    told = [name for name in playing if name != "vocals" or rendering.tune_is_sung]
    beats_in_bar, beat_type = (int(part) for part in rendering.metre.split("/"))
    about = {
        "title": folder.name,
        "style": rendering.style,
        "tempo": round(rendering.tempo, 3),
        "time_signature": [beats_in_bar, beat_type],
        "key": rendering.key,
        "beats": rendering.beats,
        "notes": {name: rendering.notes[name] for name in told},
    }
    (part / "song.json").write_text(json.dumps(about), encoding="utf-8")
    return part.replace(folder)
