"""What jobs do: each tool of the server is a job of the package, by engines that have names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.progress import Watch
from musiclab.recipes import jobs


def run(tool: str, song: Audio, arguments: Mapping[str, Any], folder: Path, watch: Watch) -> jobs.Made:
    """Do what `tool` does: see `jobs.run`.

    Raises
    ------
    EngineError
        If there is no such engine: only names are taken here, no folders.
    """
    if (engine := arguments.get("engine", "auto")) != "auto":
        from musiclab.separation import registry

        names = [info.name for info in registry.engines()]
        if engine not in names:
            raise EngineError(f"There is no engine {engine!r}: choose auto, {', '.join(names)}.")
    return jobs.run(tool, song, arguments, folder, watch)
