"""What an engine is: anything that turns a mixture into stems, and what is said about it before it is chosen.

An engine only has to separate one batch of short pieces. Cutting a song into segments, putting them together without
seams, devices, memory, progress and the cache are the work of `musiclab.separation.loop`, the same for all engines.

Notebook: 06
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from musiclab.progress import Progress

if TYPE_CHECKING:
    import torch

STEMS_4 = ("vocals", "drums", "bass", "other")
STEMS_6 = (*STEMS_4, "guitar", "piano")


@dataclass(frozen=True)
class Licence:
    """Under which terms an engine may be used, as its authors state it.

    Parameters
    ----------
    code : str
        Licence of the code, as an SPDX name where there is one.
    weights : str
        Licence of the trained weights; ``"none needed"`` for a method without any.
    source : str
        Where the authors say so (an address).
    disputed : str
        Empty, or one sentence on what speaks against the stated licence.
    """

    code: str
    weights: str
    source: str = ""
    disputed: str = ""


@runtime_checkable
class Engine(Protocol):
    """What the segment loop needs. Inherit from it to get the defaults; any object with the same members will do.

    Attributes
    ----------
    name : str
        What a user types.
    stems : tuple of str
        Names of the stems, in the order in which `separate` returns them.
    sr : int
        Sample rate in Hz that `separate` works at.
    licence : Licence
        Of code and weights.
    segment : float or None
        Seconds of mixture that one call of `separate` takes at most; None for a method that needs the whole song.
    context : float
        Seconds at each side of a segment that only inform the middle and are thrown away. An engine that hears no
        further than this gives the same result in segments as on the whole file, to rounding.
    align : int
        Segments start at multiples of this many frames (the hop of an engine that works on an STFT).
    fixed : bool
        Whether `separate` wants exactly ``segment`` seconds: a shorter end is then centred in silence, as Demucs does.
    normalise : bool
        Whether the mixture is brought to zero mean and unit deviation (over the whole song) before, and back after.
    padded : bool
        Whether each segment is given its whole context, with silence for what lies outside of the song.
    half : bool
        Whether bfloat16 has been checked to be accurate enough (better than -40 dB).
    voice_share : float
        How much this engine's voice counts, 0 to 1, where it is the second of two: see `engines.together`.
    version : str
        Changes when the results change: the digest of the weights, the version of a method. Part of the cache's key;
        empty: the results are not kept, as is right for an engine that is still being made.
    """

    name: str
    stems: tuple[str, ...]
    sr: int
    licence: Licence
    segment: float | None
    context: float = 0.0
    align: int = 1
    fixed: bool = False
    normalise: bool = False
    padded: bool = False
    half: bool = False
    voice_share: float = 0.5
    version: str = ""

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """Separate a batch of pieces, on the device they are on.

        Parameters
        ----------
        mixture : torch.Tensor [shape=(batch, 2, frames)], float32
            Stereo at `sr`.

        Returns
        -------
        torch.Tensor [shape=(batch, len(stems), 2, frames)], float32
        """
        ...


@dataclass(frozen=True)
class EngineInfo:
    """One line of `engines()`.

    Parameters
    ----------
    name, stems, licence
        As in `Engine`.
    size_bytes : int
        Of the weights.
    ready : bool
        Whether it works now, with no network.
    why_not : str
        If it is not ready: what is missing, and what to do.
    quality : str
        What to expect of it, in one line.
    sdr : float or None
        Mean SDR of its stems in dB, where it was measured as `quality` says: what ``"auto"`` goes by.
    """

    name: str
    stems: tuple[str, ...]
    licence: Licence
    size_bytes: int = 0
    ready: bool = True
    why_not: str = ""
    quality: str = ""
    sdr: float | None = None


class Family(Protocol):
    """Engines of one kind. The registry asks the families in turn; a module with these functions is one.

    Asking what there is must stay cheap: nothing heavy is imported before an engine is loaded.
    """

    def infos(self) -> list[EngineInfo]:
        """A line for each engine, the best first."""
        ...

    def knows(self, name: str, /) -> bool:
        """Whether `name` is one of these engines, or a folder of weights for them."""
        ...

    def load(self, name: str, /, *, progress: Progress | None = None) -> Engine:
        """One of them, its weights fetched if need be."""
        ...

    def version(self, name: str, /, *, progress: Progress | None = None) -> str:
        """What changes when an engine's results change, without loading it; empty if that can't be told."""
        ...


HEADINGS = ("engine", "stems", "ready offline", "size", "code", "weights", "quality")


class EngineTable(list[EngineInfo]):
    """A list of `EngineInfo` that shows itself as a table, in a notebook and in a terminal."""

    def __init__(self, infos: Iterable[EngineInfo] = ()) -> None:
        super().__init__(infos)

    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table, as text, in the order of `HEADINGS`."""
        return [
            (
                info.name,
                " ".join(info.stems),
                "yes" if info.ready else f"no: {info.why_not}",
                f"{info.size_bytes / 1e6:.0f} MB" if info.size_bytes >= 5e5 else "–",
                info.licence.code,
                info.licence.weights + (" (disputed)" if info.licence.disputed else ""),
                info.quality,
            )
            for info in self
        ]

    def __repr__(self) -> str:
        rows = [HEADINGS, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        notes = [f"{info.name}: {info.licence.disputed} ({info.licence.source})" for info in self._disputed()]
        return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:], *notes])

    def _disputed(self) -> list[EngineInfo]:
        """The engines whose licence is disputed, the first of each dispute only."""
        first: dict[str, EngineInfo] = {}
        for info in self:
            if info.licence.disputed:
                first.setdefault(info.licence.disputed, info)
        return list(first.values())

    def _repr_html_(self) -> str:
        head = "".join(f"<th scope='col' style='text-align:left'>{cell}</th>" for cell in HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows()
        )
        notes = "".join(
            f"<p><small>{escape(info.name)}: {escape(info.licence.disputed)} "
            f"<a href='{escape(info.licence.source, quote=True)}'>source</a></small></p>"
            for info in self._disputed()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
