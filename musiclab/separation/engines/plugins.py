"""The family of engines that other packages register through the entry-point group ``musiclab.engines``.

An entry point names a class, or a function without arguments, that gives an `Engine`.

Notebook: 06
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import cast

from musiclab.errors import EngineError, MusiclabError
from musiclab.progress import Progress
from musiclab.separation.engine import Engine, EngineInfo, Licence

ENTRY_POINTS = "musiclab.engines"


def _find(name: str) -> EntryPoint | None:
    return next((point for point in entry_points(group=ENTRY_POINTS) if point.name == name), None)


def infos() -> list[EngineInfo]:
    """See `Family`."""
    return [_info(point) for point in entry_points(group=ENTRY_POINTS)]


def _info(point: EntryPoint) -> EngineInfo:
    try:
        engine = cast(Engine, point.load()())
        return EngineInfo(point.name, engine.stems, engine.licence, quality=f"from {point.value.split(':')[0]}")
    except Exception as error:  # whatever another package does, the table must stand
        trouble = f"{type(error).__name__}: {error}"
        return EngineInfo(point.name, (), Licence("not stated", "not stated"), 0, False, trouble)


def knows(name: str) -> bool:
    """See `Family`."""
    return _find(name) is not None


def load(name: str, *, progress: Progress | None = None) -> Engine:  # noqa: ARG001 - they fetch their own
    """See `Family`."""
    point = _find(name)
    assert point is not None
    try:
        return cast(Engine, point.load()())
    except MusiclabError:
        raise
    except Exception as error:
        raise EngineError(f"The engine {point.name!r} of {point.value} can't be loaded: {error}.") from error


def version(name: str, *, progress: Progress | None = None) -> str:  # noqa: ARG001 - they fetch their own
    """Not known without loading it, so the results of these engines are not kept. See `Family`."""
    return ""
