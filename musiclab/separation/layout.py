"""How overlapping segments cover a song, and with which window they fade into each other.

The window is Demucs's: a triangle over the segment, so that where two segments overlap one fades into the other, and
the middle of a segment, which knows most of its surroundings, counts most. With ``context = 0`` the segments too are
laid out as Demucs lays them out, and the result equals that of ``demucs.apply.apply_model`` (A. Défossez, "Hybrid
Spectrogram and Waveform Source Separation", 2021, arXiv:2111.03600, and its code).

An engine that hears only so far (a filter, an STFT with a small network) says so in its ``context``: that much at each
side of a segment only informs the middle and is thrown away, and the result equals the run on the whole song.

Notebook: 06
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from musiclab.errors import EngineError
from musiclab.separation.engine import Engine

MAX_SHIFT = 0.5  # seconds over which shifted grids are spread, as in Demucs


@dataclass(frozen=True)
class Segment:
    """What one call of the engine reads and writes, in frames of the song.

    Parameters
    ----------
    read : tuple of int
        First frame and end of what the engine hears; what lies outside the song is silence.
    write : tuple of int
        First frame and end of what is kept of its answer.
    phase : int
        Where in the window the first kept frame lies.
    """

    read: tuple[int, int]
    write: tuple[int, int]
    phase: int

    @property
    def length(self) -> int:
        return self.read[1] - self.read[0]

    def widened(self, frames: int) -> Segment:
        """The same, hearing `frames` more at its end; itself if that is not above 0."""
        return replace(self, read=(self.read[0], self.read[1] + frames)) if frames > 0 else self


@dataclass(frozen=True)
class Layout:
    """How segments cover a song. All in frames.

    Parameters
    ----------
    length : int
        What an engine hears at once.
    overlap : float
        Share of what a segment keeps that it has in common with the next, 0 to below 1.
    context : int
        Thrown away at each side.
    align : int
        Segments start at multiples of it.
    fixed : bool
        Whether every segment has the full length, the last one centred in silence.
    shifts : int
        How many grids of segments are laid, shifted against each other; 0 is as 1. Each costs a whole run.
    shift : int
        How far the grids are spread.
    padded : bool
        Whether every segment has its whole context, with silence where the song has not begun or is over.
    """

    length: int
    overlap: float = 0.25
    context: int = 0
    align: int = 1
    fixed: bool = False
    shifts: int = 0
    shift: int = 0
    padded: bool = False

    @classmethod
    def of(cls, engine: Engine, *, segment: float | None, overlap: float, shifts: int) -> Layout | None:
        """The layout for an engine and what the user asked for; None if the engine takes the song whole."""
        if engine.segment is None:
            return None
        seconds = float(engine.segment) if segment is None else float(segment)
        if seconds <= 0 or (engine.fixed and seconds > float(engine.segment)):
            raise EngineError(
                f"{engine.name!r} takes segments of up to {float(engine.segment):.2f} s, not {seconds} s."
            )
        length = int(seconds * engine.sr + 1e-6)  # 7.8 s are 343,980 frames, whatever binary floats make of it
        context = math.ceil(engine.context * engine.sr / engine.align) * engine.align
        if length - 2 * context < engine.align:
            raise EngineError(f"{engine.name!r} needs segments longer than {2 * context / engine.sr:.2f} s.")
        padded = getattr(engine, "padded", False)
        return cls(length, overlap, context, engine.align, engine.fixed, shifts, int(MAX_SHIFT * engine.sr), padded)

    @property
    def kept(self) -> int:
        """Frames that a segment keeps."""
        return (self.length - 2 * self.context) // self.align * self.align

    @property
    def stride(self) -> int:
        """Frames from one segment to the next."""
        return max(int((1 - self.overlap) * self.kept) // self.align * self.align, self.align)

    def window(self) -> torch.Tensor:
        """The weight of each kept frame, above 0 and at most 1: a triangle."""
        half = self.kept // 2
        rise, fall = torch.arange(1, half + 1), torch.arange(self.kept - half, 0, -1)
        weight = torch.cat([rise, fall]).float()
        return weight / weight.max()

    def segments(self, total: int) -> list[Segment]:
        """The segments of a song of `total` frames, by where they begin to write."""
        grids = max(self.shifts, 1)
        starts = (
            range(-(k * self.shift // grids) // self.align * self.align, total, self.stride) for k in range(grids)
        )
        offsets = sorted(offset for grid in starts for offset in grid if offset + self.kept > 0)
        return [self._segment(offset, total) for offset in offsets]

    def _segment(self, offset: int, total: int) -> Segment:
        start, stop = max(offset, 0), min(offset + self.kept, total)
        if self.fixed and stop - start < self.kept:
            first = start - (self.length - (stop - start)) // 2
            return Segment((first, first + self.length), (start, stop), start - offset)
        read = (offset - self.context, offset + self.length - self.context)
        if not (self.fixed or self.padded):
            read = (max(read[0], 0), min(read[1], total))
        return Segment(read, (start, stop), start - offset)
