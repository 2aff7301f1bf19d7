"""What is asked of every song of a batch: checked once, before the first song."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from musiclab.errors import BatchError, EngineError
from musiclab.recipes.jobs import JOBS
from musiclab.store import key_of

VERSION = 1  # part of every request's digest: raise it when what a batch writes for the same request changes
SCREEN = frozenset({"progress", "cancel"})
OTHER_NAMES = {"score": "sheet_music"}  # what a terminal calls it, where that is another word


@dataclass(frozen=True)
class Request:
    """A job and its options, as JSON can write them.

    Attributes
    ----------
    job : str
        One of `musiclab.recipes.jobs.JOBS`.
    options : mapping
        The job's own; the engine by its name.
    version : str
        Of the engine: the digest of its weights.
    made_by : str
        Version of musiclab.
    """

    job: str
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    made_by: str = ""

    @property
    def digest(self) -> str:
        """Another for every request whose results differ; where it is computed is no part of that."""
        asked = {name: value for name, value in self.options.items() if name not in ("device", "cache", "batch")}
        return key_of("batch", VERSION, self.job, asked, self.version, self.made_by)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {**asdict(self), "options": dict(self.options)}


def request_for(job: str, options: Mapping[str, Any]) -> Request:
    """A job's name and options, checked, with the engine that ``"auto"`` means here and now.

    Raises
    ------
    BatchError
        If there is no such job, or it has no such option, or lacks one.
    EngineError
        If there is no such engine, or its weights can't be had.
    """
    from musiclab import __version__

    name = job.strip().replace("-", "_").lower()
    name = OTHER_NAMES.get(name, name)
    if name not in JOBS:
        raise BatchError(f"There is no job {job!r}: choose one of {', '.join(JOBS)}.")
    known = JOBS[name].options
    if unknown := [option for option in options if option not in known]:
        there = ", ".join(option for option in known if option not in SCREEN)
        raise BatchError(f"{name} has no option {unknown[0]!r}: it has {there}.")
    if missing := [option for option, needed in known.items() if needed and option not in options]:
        raise BatchError(f"{name} has to be told its {' and '.join(missing)}.")
    try:
        plain = json.loads(json.dumps(dict(options), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BatchError(f"Options of a batch are texts, numbers, lists and mappings: {error}.") from error
    _check_files(plain)
    if not JOBS[name].separates:
        return Request(name, plain, made_by=__version__)
    engine, version = _engine(str(plain.get("engine", "auto")))
    return Request(name, {"cache": False, **plain, "engine": engine}, version, __version__)


def _check_files(options: Mapping[str, Any]) -> None:
    """A wrong format is said before the work."""
    if "format" in options or "subtype" in options:
        from musiclab.codecs.formats import find_format

        find_format(options.get("format", "wav"), options.get("subtype"))
    if "formats" in options:
        from musiclab.recipes.sheet_music import checked_formats

        checked_formats(options["formats"])


def _engine(name: str) -> tuple[str, str]:
    """The engine's name and version: one for all songs and all workers."""
    from musiclab.separation import registry

    if name == "auto":
        name = next((choice for choice, _ in registry.choices()), "")
        if not name:
            raise EngineError("No engine can be used: reinstall musiclab.")
    return name, registry.version(name)
