"""Whole jobs by their names, for those who ask for one in words: an agent's server, a batch of songs.

A job takes a song and a folder; it gives the files that it wrote, and what it tells in numbers as JSON can write it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclab.audio import Audio
from musiclab.progress import Watch

Made = tuple[list[Path], dict[str, Any]]
_OURS = frozenset({"progress", "cancel", "grid"})  # options that aren't the asker's, or have no name in words
_SOUNDS = ("format", "subtype")


@dataclass(frozen=True)
class Job:
    """A job that can be asked for by its name.

    Attributes
    ----------
    where : str
        The function, ``"module:name"``.
    saving : sequence of str
        What can be said of its files besides: keywords of `save`.
    own : sequence of str
        Options that are this module's, not the function's.
    """

    where: str
    saving: Sequence[str] = ()
    own: Sequence[str] = ()

    @property
    def function(self) -> Any:
        """What does it."""
        module, name = self.where.split(":")
        return getattr(importlib.import_module(module), name)

    @property
    def separates(self) -> bool:
        """Whether it takes the song apart."""
        return "engine" in self.options

    @property
    def options(self) -> dict[str, bool]:
        """The names of what it can be told, and whether it has to be."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]  # the first is the song
        asked = {p.name: p.default is inspect.Parameter.empty for p in parameters if p.name not in _OURS}
        return {**asked, **dict.fromkeys((*self.saving, *self.own), False)}


JOBS: Mapping[str, Job] = {
    "separate": Job("musiclab.separation.run:separate", _SOUNDS, ("stems",)),
    "describe": Job("musiclab.recipes.describe:describe"),
    "karaoke": Job("musiclab.recipes.karaoke:karaoke", _SOUNDS),
    "minus_one": Job("musiclab.recipes.minus_one:minus_one", _SOUNDS),
    "remix_pack": Job("musiclab.recipes.remix.pack:remix_pack"),
    "samples": Job("musiclab.recipes.sampling.pack:samples"),
    "rebalance": Job("musiclab.recipes.rebalance:rebalance", _SOUNDS),
    "sheet_music": Job("musiclab.recipes.sheet_music:sheet_music", ("formats",)),
    "play_as": Job("musiclab.recipes.play_as:play_as", _SOUNDS),
}


def run(name: str, song: Audio, options: Mapping[str, Any], folder: Path, watch: Watch) -> Made:
    """Do the job `name`.

    Parameters
    ----------
    name : str
        One of `JOBS`.
    song : Audio
        The song.
    options : mapping
        The job's own, and what it takes for its files; ``format`` is passed over where files have formats of their own.
    folder : Path
        Where files go.
    watch : Watch
        Who is told, and who may stop it.

    Returns
    -------
    files : list of Path
        What was written; `describe` writes nothing.
    told : dict
        Levels in dBFS, times in seconds, and the job's own numbers.
    """
    job = JOBS[name]
    saving = {key: value for key, value in options.items() if key in job.saving}
    asked = {key: value for key, value in options.items() if key not in (*_SOUNDS, *job.saving, *job.own)}
    made = job.function(song, **asked, progress=watch, cancel=watch.cancel)
    if name == "separate":
        return _stems_saved(made, folder, options.get("stems", ()), saving)
    if name == "describe":
        return [], made.as_dict()
    files = made.save(folder, **saving)
    return list(files), {**made.as_dict(), "gain_db": files.gain_db}


def _stems_saved(made: Any, folder: Path, wanted: Sequence[str], saving: Mapping[str, Any]) -> Made:
    from musiclab.recipes.report import null_db
    from musiclab.recipes.source import only

    stems = only(made, list(wanted))
    saved = stems.save(folder, **saving)
    files = list(saved.values())
    levels = {name: {"level_db": stems[name].rms_db, "peak_db": stems[name].peak_db} for name in saved}
    told = {"title": stems.mixture.title, "engine": stems.engine, "remarks": [stems.note] if stems.note else []}
    null = null_db(stems.mixture, files, saved.gain_db)
    return files, {**told, "stems": levels, "gain_db": saved.gain_db, "null_db": null}
