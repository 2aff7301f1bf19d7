"""How a song is separated: what changes the result, and what does not.

Notebook: 06
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from musiclab.progress import Cancel, Progress, Watch
from musiclab.separation.engine import Engine

if TYPE_CHECKING:
    from musiclab.separation.layout import Layout

Quality = Literal["fast", "default", "best"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OVERLAPS: dict[str, tuple[float, int]] = {"fast": (0.03, 0), "default": (0.1, 0), "best": (0.25, 2)}  # overlap, shifts


@dataclass(frozen=True)
class SeparationSettings:
    """What a user may choose, checked. Its values, in this order, are part of every result's key.

    Parameters
    ----------
    quality, overlap, shifts, segment, precision
        As in `musiclab.separate`; None is what the quality and the engine say.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    quality: str
    overlap: float | None
    shifts: int | None
    segment: float | None
    precision: str

    def __post_init__(self) -> None:
        if self.quality not in OVERLAPS:
            raise ValueError(f"quality is one of {', '.join(OVERLAPS)}, not {self.quality!r}.")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}.")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ValueError(f"overlap is a share from 0 to below 1, not {self.overlap}.")
        if self.shifts is not None and not 0 <= self.shifts <= 20:
            raise ValueError(f"shifts is a number from 0 to 20, not {self.shifts}.")
        if self.segment is not None and not self.segment > 0:
            raise ValueError(f"segment is a length in seconds above 0, not {self.segment}.")

    def layout(self, engine: Engine) -> Layout | None:
        """How segments cover a song. An engine with context has no seams to fade over, so it needs no overlap."""
        from musiclab.separation.layout import Layout

        overlap, shifts = (0.0, 0) if engine.context else OVERLAPS[self.quality]
        overlap = overlap if self.overlap is None else self.overlap
        shifts = shifts if self.shifts is None else self.shifts
        return Layout.of(engine, segment=self.segment, overlap=overlap, shifts=shifts)


@dataclass(frozen=True)
class How:
    """What changes how long a separation takes, and who watches it; never the result.

    Parameters
    ----------
    device, batch, cancel
        As in `musiclab.separate`.
    progress : callable or None
        Called with a fraction (0 to 1) and a text.
    """

    device: str = "auto"
    batch: int | None = None
    progress: Progress | None = None
    cancel: Cancel | None = None

    def within(self, start: float, stop: float) -> How:
        """The same, for a part of the work: its progress runs from `start` to `stop`."""
        return replace(self, progress=Watch(self.progress).part(start, stop)) if self.progress else self
