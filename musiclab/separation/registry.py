"""Which engines there are, what each needs, and how to get one by its name.

Nothing heavy is imported before an engine is asked for: the table of `engines()` is made from the manifest of weights
and from a look at the disk. Others register an engine through the entry-point group ``musiclab.engines``; the entry
point names a class, or a function without arguments, that gives an `Engine`.

Notebook: 06
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from musiclab.errors import EngineError, MusiclabError, StoreError, WeightsError
from musiclab.separation import weights
from musiclab.separation.engine import STEMS_4, Engine, EngineInfo, EngineTable, Licence
from musiclab.store import sha256_of

log = logging.getLogger("musiclab")

ENTRY_POINTS = "musiclab.engines"
LOCAL = "demucs:"  # "demucs:/folder" is a Demucs whose weights lie in that folder
METHODS = "2"  # the version of our own methods: raise it when the results of one of them change
OURS = Licence(code="MIT", weights="none needed")


@dataclass(frozen=True)
class BuiltIn:
    """An engine of this package: where its class is, and what is said of it."""

    info: EngineInfo
    where: str  # "module:attribute", relative to musiclab.separation
    file: str = ""  # the weights that must lie in the package, relative to musiclab/separation
    method: str = ""  # changes when what is done with the weights changes the results of this engine alone

    def exists(self) -> bool:
        module = self.where.split(":")[0]
        return find_spec(f"musiclab.separation.{module}") is not None

    def current(self) -> EngineInfo:
        """What is said of it, with what the disk says now."""
        if not self.file:
            return self.info
        path = Path(__file__).parent / self.file
        if path.is_file():
            return replace(self.info, size_bytes=path.stat().st_size)
        return replace(self.info, ready=False, why_not="its weights are missing from this installation")

    def load(self) -> Engine:
        module, attribute = self.where.split(":")
        try:
            engine = cast(Engine, getattr(importlib.import_module(f"musiclab.separation.{module}"), attribute)())
            if self.file:  # its weights are read at the first use: do so now, while another engine can be chosen
                getattr(engine, "network", None)
            return engine
        except MusiclabError:
            raise
        except Exception as error:  # a broken installation: another engine may still do
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise WeightsError(
                f"The engine {self.info.name!r} can't be loaded ({reason}): reinstall musiclab."
            ) from error


def _classical(name: str, attribute: str, stems: tuple[str, ...], quality: str) -> BuiltIn:
    return BuiltIn(EngineInfo(name, stems, OURS, quality=quality), f"engines.classical:{attribute}")


BUILT_IN = (
    BuiltIn(
        EngineInfo(
            "embedded",
            STEMS_4,
            Licence(code="MIT", weights="MIT", source="https://spdx.org/licenses/MIT.html"),
            quality="good: a small network that comes with musiclab, 8.5 dB on six real songs",
        ),
        "engines.embedded:EmbeddedEngine",
        "engines/embedded/weights.safetensors",
        method="wiener",
    ),
    _classical("hpss", "HPSS", STEMS_4, "rough: tells steady, struck, low and middle sounds apart"),
    _classical("repet-sim", "REPETSim", ("vocals", "accompaniment"), "rough: what does not repeat against what does"),
    _classical("nmf", "NMF", STEMS_4, "rough: learns spectra and groups them"),
    _classical("centre", "Centre", ("centre", "sides"), "rough: what is panned to the middle, by stereo alone"),
)


def _demucs_info(name: str) -> EngineInfo:
    entry = weights.entry(name)
    ready = weights.is_here(name)
    why_not = "" if ready else "fetched at first use"
    return EngineInfo(name, entry.stems, entry.licence, entry.size, ready, why_not, entry.quality)


def _plugins() -> Iterator[EntryPoint]:
    taken = {*weights.names(), *(builtin.info.name for builtin in BUILT_IN)}
    for point in entry_points(group=ENTRY_POINTS):
        if point.name in taken:
            log.warning("The engine %r of %s is left out: its name is taken.", point.name, point.value)
        else:
            yield point


def _plugin_info(point: EntryPoint) -> EngineInfo:
    try:
        engine = cast(Engine, point.load()())
        return EngineInfo(point.name, engine.stems, engine.licence, quality=f"from {point.value.split(':')[0]}")
    except Exception as error:  # whatever another package does, the table must stand
        trouble = f"{type(error).__name__}: {error}"
        return EngineInfo(point.name, (), Licence("not stated", "not stated"), 0, False, trouble)


def engines() -> EngineTable:
    """All engines: name, stems, licences, size of the weights, and whether each is ready with no network.

    Returns
    -------
    EngineTable
        A list of `EngineInfo`, the best first; it shows itself as a table.

    Notebook: 01
    """
    infos = [_demucs_info(name) for name in weights.names()]
    infos += [builtin.current() for builtin in BUILT_IN if builtin.exists()]
    infos += [_plugin_info(point) for point in _plugins()]
    return EngineTable(infos)


def load_engine(name: str, *, progress: Callable[[float, str], None] | None = None) -> Engine:
    """An engine by its name, its weights fetched if need be.

    Parameters
    ----------
    name : str
        One of `engines()`, or ``"demucs:FOLDER"`` for a Demucs whose weights lie in a folder of yours.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text while weights are fetched.

    Raises
    ------
    EngineError
        If there is no such engine.
    OfflineError
        If its weights are not here and can't be fetched (told within 5 seconds).
    WeightsError
        If its weights are not what they were when they were first fetched.

    Notebook: 06
    """
    if name.startswith(LOCAL):
        from musiclab.separation.engines.demucs import adapter as demucs

        return demucs.from_folder(Path(name.removeprefix(LOCAL)).expanduser())
    if name in weights.names():
        from musiclab.separation.engines.demucs import adapter as demucs

        return demucs.from_hub(name, progress=progress)
    for builtin in BUILT_IN:
        if builtin.info.name == name and builtin.exists():
            info = builtin.current()
            if not info.ready:
                raise EngineError(f"The engine {name!r} can't be used: {info.why_not}. Choose another from engines().")
            return builtin.load()
    for point in _plugins():
        if point.name == name:
            return _load_plugin(point)
    raise EngineError(f"There is no engine {name!r}: choose one of {', '.join(info.name for info in engines())}.")


def _load_plugin(point: EntryPoint) -> Engine:
    try:
        return cast(Engine, point.load()())
    except MusiclabError:
        raise
    except Exception as error:
        raise EngineError(f"The engine {point.name!r} of {point.value} can't be loaded: {error}.") from error


def choices(*, progress: Callable[[float, str], None] | None = None) -> Iterator[tuple[str, str]]:
    """The engines that ``"auto"`` may take, by name, the best first, each with one sentence on why.

    Demucs first (8.8 dB on MUSDB18-HQ), its weights fetched if need be; where it can't be had, the embedded network;
    else harmonic-percussive separation, which needs nothing at all.
    """
    best = "htdemucs"
    here = weights.is_here(best)
    trouble = "" if here else weights.unreachable()
    if not trouble:
        try:
            weights.fetch(best, progress=progress)
            yield best, f"{best}: the best engine, " + ("ready on this machine." if here else "fetched just now.")
            trouble = "it can't be loaded"
        except (EngineError, StoreError) as error:
            trouble = str(error).rstrip(".")
    costs = {"embedded": "its stems are less clean", "hpss": "it is rough: sounds leak between its stems"}
    for builtin in BUILT_IN:
        name = builtin.info.name
        if name in costs and builtin.exists() and builtin.current().ready:
            yield name, f"{name}: {best} can't be had ({trouble}); {costs[name]}."


def version(name: str, *, progress: Callable[[float, str], None] | None = None) -> str:
    """What changes when an engine's results change, found without loading it; empty if that can't be told.

    Weights that are not here yet are fetched.

    It is the digest of the weights; for a method without weights, the version of musiclab's separation code.
    """
    if name.startswith(LOCAL):
        return weights.digest_of(Path(name.removeprefix(LOCAL)).expanduser())
    if name in weights.names():
        if not weights.version(name):
            weights.fetch(name, progress=progress)
        return weights.version(name)
    for builtin in BUILT_IN:
        if builtin.info.name == name:
            file = Path(__file__).parent / builtin.file
            digest = sha256_of(file) if builtin.file and file.is_file() else ""
            return ":".join(part for part in (METHODS, digest, builtin.method) if part)
    return ""
