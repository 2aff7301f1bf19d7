"""The family that comes with the package: the embedded network and the classical methods.

Notebook: 06
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from musiclab.errors import EngineError, MusiclabError, WeightsError
from musiclab.progress import Progress
from musiclab.separation.engine import STEMS_4, Engine, EngineInfo, Licence
from musiclab.store import sha256_of

METHODS = "2"  # the version of our own methods: raise it when the results of one of them change
OURS = Licence(code="MIT", weights="none needed")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class BuiltIn:
    """An engine of this package: where its class is, and what is said of it."""

    info: EngineInfo
    where: str  # "module:attribute", relative to this folder
    file: str = ""  # the weights that must lie in the package, relative to this folder
    method: str = ""  # changes when what is done with the weights changes the results of this engine alone

    def current(self) -> EngineInfo:
        """What is said of it, with what the disk says now."""
        if not self.file:
            return self.info
        path = HERE / self.file
        if path.is_file():
            return replace(self.info, size_bytes=path.stat().st_size)
        return replace(self.info, ready=False, why_not="its weights are missing from this installation")

    def load(self) -> Engine:
        """The engine, its weights read."""
        module, attribute = self.where.split(":")
        try:
            engine = cast(Engine, getattr(importlib.import_module(f"{__package__}.{module}"), attribute)())
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


def _classical(name: str, attribute: str, stems: tuple[str, ...], quality: str, sdr: float | None = None) -> BuiltIn:
    return BuiltIn(EngineInfo(name, stems, OURS, quality=quality, sdr=sdr), f"classical:{attribute}")


BUILT_IN = (
    BuiltIn(
        EngineInfo(
            "embedded",
            STEMS_4,
            Licence(code="MIT", weights="MIT", source="https://spdx.org/licenses/MIT.html"),
            quality="good: 8.5 dB SDR on six real songs, comes with musiclab",
            sdr=8.5,
        ),
        "embedded:EmbeddedEngine",
        "embedded/weights.safetensors",
        method="wiener",
    ),
    _classical("hpss", "HPSS", STEMS_4, "rough: tells steady, struck, low and middle sounds apart", 0.0),
    _classical("repet-sim", "REPETSim", ("vocals", "accompaniment"), "rough: what does not repeat against what does"),
    _classical("nmf", "NMF", STEMS_4, "rough: learns spectra and groups them"),
    _classical("centre", "Centre", ("centre", "sides"), "rough: what is panned to the middle, by stereo alone"),
)


def _find(name: str) -> BuiltIn:
    return next(builtin for builtin in BUILT_IN if builtin.info.name == name)


def infos() -> list[EngineInfo]:
    """See `Family`."""
    return [builtin.current() for builtin in BUILT_IN]


def knows(name: str) -> bool:
    """See `Family`."""
    return any(builtin.info.name == name for builtin in BUILT_IN)


def load(name: str, *, progress: Progress | None = None) -> Engine:  # noqa: ARG001 - nothing has to be fetched
    """See `Family`."""
    info = _find(name).current()
    if not info.ready:
        raise EngineError(f"The engine {name!r} can't be used: {info.why_not}. Choose another from engines().")
    return _find(name).load()


def version(name: str, *, progress: Progress | None = None) -> str:  # noqa: ARG001 - nothing has to be fetched
    """The version of our methods, with the digest of the weights and what is done with them. See `Family`."""
    builtin = _find(name)
    file = HERE / builtin.file
    digest = sha256_of(file) if file.is_file() else ""
    return ":".join(part for part in (METHODS, digest, builtin.method) if part)
