"""The manifest of weights that can be had: which engine they belong to, where they come from, under which licence.

Notebook: 06
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from musiclab.errors import EngineError
from musiclab.separation.engine import EngineInfo, Licence


@dataclass(frozen=True)
class Source:
    """One place that weights can be had from.

    Parameters
    ----------
    kind : {"hub", "package", "archive", "folder"}
        A repository on the Hugging Face hub, an installed Python package (whose files are read, never imported), a
        ``.tar.gz`` at an address, or a folder of the user's own.
    place : str
        Its name or address.
    files : dict
        Path of each file, with its SHA-256 (None: nobody has stated it; it is recorded when the file is first kept).
    size : int
        Bytes to fetch, about.
    sha256 : str
        Of an archive.
    extra : str
        What to install to get a package.
    """

    kind: str
    place: str
    files: dict[str, str | None]
    size: int
    sha256: str = ""
    extra: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}"


@dataclass(frozen=True)
class Weights:
    """One entry of the manifest.

    Parameters
    ----------
    name : str
        Of the engine.
    family : str
        Which family of engines reads them.
    sources : tuple of Source
        Where they can be had, the one to be fetched from last.
    stored : tuple of str
        The files that are kept in the store.
    stems, licence, quality, sdr
        As in `EngineInfo`.
    """

    name: str
    family: str
    sources: tuple[Source, ...]
    stored: tuple[str, ...]
    stems: tuple[str, ...]
    licence: Licence
    quality: str
    sdr: float | None = None
    aliases: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """Bytes to fetch, about."""
        return self.sources[-1].size

    def info(self, *, ready: bool) -> EngineInfo:
        """The engine's line in the table."""
        why_not = "" if ready else "fetched at first use"
        return EngineInfo(self.name, self.stems, self.licence, self.size, ready, why_not, self.quality, self.sdr)


@cache
def _manifest() -> dict[str, Weights]:
    raw = json.loads((Path(__file__).parent / "manifest.json").read_text(encoding="utf-8"))
    found: dict[str, Weights] = {}
    for name, item in raw["weights"].items():
        sources = tuple(_source(each) for each in item["sources"])
        found[name] = Weights(
            name=name,
            family=item["family"],
            sources=sources,
            stored=tuple(item.get("stored", sources[-1].files)),
            stems=tuple(item["stems"]),
            licence=Licence(**raw["licences"][item["licence"]]),
            quality=item["quality"],
            sdr=item.get("sdr"),
            aliases=tuple(item.get("aliases", ())),
        )
    return found


def _source(raw: dict[str, object]) -> Source:
    files: dict[str, dict[str, object]] = raw.pop("files")  # type: ignore[assignment]
    size = sum(int(about["size"]) for about in files.values())  # type: ignore[call-overload]
    return Source(**{"size": size, "files": {file: about["sha256"] for file, about in files.items()}, **raw})  # type: ignore[arg-type]


def names(family: str | None = None) -> tuple[str, ...]:
    """The engines whose weights can be fetched, the best first; those of one family, if it is named."""
    return tuple(name for name, item in _manifest().items() if family in (None, item.family))


def entry(name: str) -> Weights:
    """What the manifest says of one of them.

    Raises
    ------
    EngineError
        If it isn't there.
    """
    found = next((item for item in _manifest().values() if name in (item.name, *item.aliases)), None)
    if found is None:
        raise EngineError(f"No weights are called {name!r}: there are {', '.join(names())}.")
    return found
