"""The segment loop: a song of any length through an engine that takes a few seconds, in bounded memory, without seams.

`musiclab.separation.layout` says how segments cover the song. Each estimate is weighted by a window, added up, and
divided by the sum of the windows; whatever no later segment can change leaves the memory at once.

Notebook: 06
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from types import TracebackType

import numpy as np
import torch

from musiclab.errors import Cancelled, DeviceError, EngineError
from musiclab.progress import Cancel, Progress
from musiclab.separation.engine import Engine
from musiclab.separation.layout import Layout, Segment

SHORTEST = 1.0  # seconds: shorter songs are followed by silence, since engines that pad by reflection need some length

Read = Callable[[int, int], np.ndarray]
Write = Callable[[np.ndarray], None]


class OverlapAdd:
    """Adds weighted pieces up and gives out what is finished. All on the engine's device."""

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.base = 0  # the frame of the song at which the memory begins
        self.total = torch.zeros(*shape, 0, device=device)
        self.weight = torch.zeros(0, device=device)

    def add(self, start: int, piece: torch.Tensor, weight: torch.Tensor) -> None:
        """Add `piece` [shape=(..., frames)] times `weight` [shape=(frames,)] at frame `start` of the song."""
        first = start - self.base
        missing = first + weight.shape[0] - self.weight.shape[0]
        if missing > 0:
            self.total = torch.nn.functional.pad(self.total, (0, missing))
            self.weight = torch.nn.functional.pad(self.weight, (0, missing))
        self.total[..., first : first + weight.shape[0]].addcmul_(piece, weight)
        self.weight[first : first + weight.shape[0]] += weight

    def take(self, until: int) -> torch.Tensor:
        """Everything before frame `until`, which no later piece may touch, still on the device."""
        count = until - self.base
        done = self.total[..., :count] / self.weight[:count]
        self.total, self.weight = self.total[..., count:].clone(), self.weight[count:].clone()
        self.base = until
        return done


class Beside:
    """Writes what is finished in a thread of its own, one piece at a time, while the next is computed."""

    def __init__(self, write: Write) -> None:
        self.write, self.pool = write, ThreadPoolExecutor(1, thread_name_prefix="musiclab-write")
        self.pending: Future[None] | None = None

    def put(self, done: torch.Tensor) -> None:
        """Hand over a piece; waits for the one before, and raises what went wrong with it."""
        if self.pending is not None:
            self.pending.result()
        self.pending = self.pool.submit(lambda: self.write(done.cpu().numpy()))

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=True)
        if kind is None and self.pending is not None:
            self.pending.result()


@dataclass
class Run:
    """One run of an engine over a song.

    Parameters
    ----------
    engine : Engine
        What separates.
    device : torch.device
        Where.
    layout : Layout or None
        How the song is cut; None to give it whole.
    batch : int
        Segments at once, to begin with; halved when memory runs out.
    dtype : torch.dtype
        Of the engine's arithmetic: float32, or a half type through autocast.
    """

    engine: Engine
    device: torch.device
    layout: Layout | None
    batch: int = 1
    dtype: torch.dtype = torch.float32

    def separate(
        self, read: Read, total: int, write: Write, *, progress: Progress | None = None, cancel: Cancel | None = None
    ) -> None:
        """Separate a song.

        Parameters
        ----------
        read : callable
            ``read(start, stop)`` gives frames of the song, float32 [shape=(groups, 2, stop - start)]; outside the song
            it gives silence. Groups are pairs of channels, separated each for itself.
        total : int
            Frames of the song.
        write : callable
            Gets the estimates in order, as float32 [shape=(stems, groups, 2, frames)], in another thread.
        progress : callable, optional
            Called with a fraction (0 to 1) and a text.
        cancel : Cancel, optional
            Looked at before each batch.

        Raises
        ------
        Cancelled
            If `cancel` was set.
        DeviceError
            If the memory doesn't suffice for a single segment.
        """
        segments = self.layout.segments(total) if self.layout else [Segment((0, total), (0, total), 0)]
        if not self.engine.fixed:
            segments = [segment.widened(int(SHORTEST * self.engine.sr) - total) for segment in segments]
        window = (self.layout.window() if self.layout else torch.ones(total)).to(self.device)
        clock = _Clock(segments, self.engine, progress, cancel)
        groups = read(0, 1).shape[0]
        adder = OverlapAdd((len(self.engine.stems), groups, 2), self.device)
        with torch.inference_mode(), Beside(write) as beside:
            for segment, estimate in self._estimates(segments, read, clock):
                if segment.write[0] > adder.base:
                    beside.put(adder.take(segment.write[0]))
                first, count = segment.write[0] - segment.read[0], segment.write[1] - segment.write[0]
                weight = window[segment.phase : segment.phase + count]
                adder.add(segment.write[0], estimate[..., first : first + count], weight)
            beside.put(adder.take(total))

    def _estimates(self, segments: list[Segment], read: Read, clock: _Clock) -> Iterator[tuple[Segment, torch.Tensor]]:
        """Each segment with its estimate [shape=(stems, groups, 2, frames)]."""
        done = 0
        while done < len(segments):
            clock.tick(done)
            batch = _alike(segments[done : done + self.batch])
            estimates = self._attempt(batch, read)
            if estimates is None:
                self._shrink(len(batch))
                continue
            yield from zip(batch, estimates, strict=True)
            done += len(batch)
        clock.tick(done)

    def _attempt(self, batch: list[Segment], read: Read) -> torch.Tensor | None:
        """Estimates [shape=(segments, stems, groups, 2, frames)] of segments of one length; None if memory ran out."""
        try:
            mixture = np.stack([read(*segment.read) for segment in batch])
            count, groups, channels, frames = mixture.shape
            x = torch.from_numpy(mixture).flatten(0, 1)
            if self.device.type == "cuda":  # from pinned memory the copy runs beside what is computed
                x = x.pin_memory()
            x = x.to(self.device, non_blocking=True)
            half = self.dtype != torch.float32
            with torch.autocast(self.device.type, dtype=self.dtype if half else torch.bfloat16, enabled=half):
                y = self.engine.separate(x)
            expected = (count * groups, len(self.engine.stems), channels, frames)
            if tuple(y.shape) != expected:
                raise EngineError(f"{self.engine.name!r} gave the shape {tuple(y.shape)} where {expected} was due.")
            y = y.to(self.device, torch.float32)
            return y.reshape(count, groups, *expected[1:-1], frames).transpose(1, 2)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        return None

    def _shrink(self, tried: int) -> None:
        """Halve the batch, now that the memory of the failed attempt is free."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        elif self.device.type == "mps":
            torch.mps.empty_cache()
        if tried == 1:
            raise DeviceError(
                f"The memory of {self.device} is too small for one segment of {self.engine.name!r}: close other "
                'programs, choose device="cpu", or give a shorter `segment` if the engine takes one.'
            )
        self.batch = tried // 2


def _alike(segments: list[Segment]) -> list[Segment]:
    """As many from the beginning as have one length, so that they fit into one tensor."""
    return list(takewhile(lambda segment: segment.length == segments[0].length, segments))


class _Clock:
    """Tells how far it is and how long it will take, and stops where it should."""

    def __init__(
        self, segments: list[Segment], engine: Engine, progress: Progress | None, cancel: Cancel | None
    ) -> None:
        self.count, self.name, self.progress, self.cancel = len(segments), engine.name, progress, cancel
        self.start = time.monotonic()

    def tick(self, done: int) -> None:
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("The separation was stopped; nothing half-done was kept.")
        if self.progress is None:
            return
        left = (time.monotonic() - self.start) * (self.count / done - 1) if done else None
        text = f"separating with {self.name}"
        if left is not None and done < self.count:
            text += f", {math.ceil(left) // 60}:{math.ceil(left) % 60:02d} left"
        self.progress(done / self.count, text)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory ran out: each back-end says it in its own words."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate", "alloc_failed")
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in text for word in words)
