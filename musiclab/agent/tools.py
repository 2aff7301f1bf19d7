"""What jobs do: each tool of the server as a call of the package, with its files and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.progress import Watch

Made = tuple[list[Path], dict[str, Any]]
NO_FORMAT = frozenset({"remix_pack", "samples", "sheet_music"})  # their files have formats of their own


def _separate(song: Audio, folder: Path, watch: Watch, *, format: str, **options: Any) -> Made:
    import musiclab as ml

    stems = ml.separate(song, progress=watch, cancel=watch.cancel, **options)
    saved = stems.save(folder, format=format)
    levels = {name: {"level_db": stems[name].rms_db, "peak_db": stems[name].peak_db} for name in saved}
    told = {"title": song.title, "engine": stems.engine, "remarks": [stems.note] if stems.note else []}
    return list(saved.values()), {**told, "stems": levels, "gain_db": saved.gain_db}


def _describe(song: Audio, folder: Path, watch: Watch) -> Made:  # noqa: ARG001  # it makes no files
    from musiclab.recipes.describe import describe

    return [], describe(song, progress=watch, cancel=watch.cancel).as_dict()


def _recipe(name: str) -> Callable[..., Made]:
    def run(song: Audio, folder: Path, watch: Watch, *, format: str = "", **options: Any) -> Made:
        import musiclab as ml

        result = getattr(ml, name)(song, progress=watch, cancel=watch.cancel, **options)
        files = result.save(folder, **({"format": format} if format and name not in NO_FORMAT else {}))
        return list(files), {**result.as_dict(), "gain_db": files.gain_db}

    return run


RECIPES = ("karaoke", "minus_one", "remix_pack", "samples", "rebalance", "sheet_music", "play_as")
TOOLS: Mapping[str, Callable[..., Made]] = {
    "separate": _separate,
    "describe": _describe,
    **{name: _recipe(name) for name in RECIPES},
}


def run(tool: str, song: Audio, arguments: Mapping[str, Any], folder: Path, watch: Watch) -> Made:
    """Do what `tool` does.

    Parameters
    ----------
    tool : str
        One of `TOOLS`.
    song : Audio
        The song.
    arguments : mapping
        The tool's own.
    folder : Path
        Where files go.
    watch : Watch
        Who is told, and who may stop it.

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
    return TOOLS[tool](song, folder, watch, **arguments)
