"""Between a user's audio and an engine's: any rate and any number of channels to stereo at the engine's rate, and back.

Channels are separated two at a time, as they stand in the file (a 5.1 song: front pair, centre and LFE, back pair); a
single one is given to both sides. Whatever the engine's rate is, stems come back at the rate and length of the mixture,
so that they and their residual add up to it.

Nothing here holds a whole song: an hour of four stereo stems is 5 GB. Stems go to disk as they are made.

Notebook: 06
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import soxr

from musiclab.audio import Audio, blocks
from musiclab.mapped import reserve

QUALITY = "VHQ"
BLOCK = 1 << 18  # frames resampled at once
SILENCE = 1e-8  # added to a deviation, as Demucs does, so that silence can be divided by it


class EngineInput:
    """A mixture as an engine hears it.

    Parameters
    ----------
    mixture : Audio
        What the user gave.
    sr : int
        The engine's rate in Hz.
    normalise : bool
        Whether each pair of channels is brought to the mean 0 and the deviation 1 of its mono sum.
    scratch : Path
        A file for the resampled song, if it has to be resampled.
    """

    def __init__(self, mixture: Audio, sr: int, *, normalise: bool, scratch: Path) -> None:
        self.samples, self.scratch = mixture.samples, None if mixture.sr == sr else scratch
        self.frames = mixture.frames if mixture.sr == sr else _resample(mixture, sr, scratch)
        last = mixture.channels - 1
        self.pairs = [(i, min(i + 1, last)) for i in range(0, mixture.channels, 2)]
        moments = [self._moments(pair) if normalise else (0.0, 1.0) for pair in self.pairs]
        self.mean, self.deviation = (np.array(m, np.float32)[:, None, None] for m in zip(*moments, strict=True))

    @property
    def silent(self) -> bool:
        """Whether every sample is 0."""
        return not any(block.any() for block in blocks(self.samples))

    def _slice(self, start: int, stop: int) -> np.ndarray:
        """Frames inside the song [shape=(channels, stop - start)].

        The file of a resampled song is mapped anew each time: a map that stays would count as memory page by page.
        """
        if self.scratch is None:
            return self.samples[:, start:stop]
        return np.array(np.load(self.scratch, mmap_mode="r")[:, start:stop])

    def _moments(self, pair: tuple[int, int]) -> tuple[float, float]:
        """Mean and deviation of the mono sum of a pair, over the whole song, a block at a time."""
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, self.frames, BLOCK):
            block = self._slice(start, min(start + BLOCK, self.frames))
            mono = (block[pair[0]] + block[pair[1]]).astype(np.float64) / 2
            count, total, squares = count + mono.size, total + mono.sum(), squares + mono @ mono
        mean = total / count
        variance = max(squares - count * mean * mean, 0.0) / max(count - 1, 1)
        return mean, variance**0.5 + SILENCE

    def read(self, start: int, stop: int) -> np.ndarray:
        """Frames `start` to `stop`, normalised; silence (before it is normalised) lies outside the song.

        Returns
        -------
        np.ndarray [shape=(pairs, 2, stop - start)], float32
        """
        out = np.zeros((len(self.pairs), 2, stop - start), dtype=np.float32)
        first, last = max(start, 0), min(stop, self.frames)
        if first < last:
            inside = out[..., first - start : last - start]
            samples = self._slice(first, last)
            for group, pair in zip(inside, self.pairs, strict=True):
                for row, channel in zip(group, pair, strict=True):
                    row[:] = samples[channel]
            inside -= self.mean
            inside /= self.deviation
        return out


def _resample(mixture: Audio, sr: int, scratch: Path) -> int:
    """Write the mixture at another rate into the file `scratch`; returns its frames."""
    frames = max(1, round(mixture.frames * sr / mixture.sr))
    with Frames(scratch, mixture.channels, frames) as out:
        stream = soxr.ResampleStream(mixture.sr, sr, mixture.channels, dtype="float32", quality=QUALITY)
        for start in range(0, mixture.frames, BLOCK):
            block = mixture.samples[:, start : start + BLOCK]
            out.write(stream.resample_chunk(block.T, last=start + BLOCK >= mixture.frames).T)
    return frames


class Frames:
    """A ``.npy`` file of float32 [shape=(channels, frames)], written from left to right.

    It is written with plain writes: a memory map would count its unwritten pages as memory of this process. What is
    written beyond the last frame is dropped; frames that were never written are silence.
    """

    def __init__(self, path: Path, channels: int, frames: int) -> None:
        self.channels, self.frames, self.done = channels, frames, 0
        self.file: BinaryIO = path.open("wb")
        head = {"descr": "<f4", "fortran_order": False, "shape": (channels, frames)}
        np.lib.format.write_array_header_1_0(self.file, head)
        self.start = self.file.tell()
        self.file.flush()
        try:
            reserve(self.file, self.start + 4 * channels * frames, path.parent)
        except OSError:
            self.file.close()
            raise

    def write(self, samples: np.ndarray) -> None:
        """Append `samples` [shape=(channels, n)]."""
        samples = samples[:, : self.frames - self.done]
        for channel, row in enumerate(samples):
            self.file.seek(self.start + 4 * (channel * self.frames + self.done))
            self.file.write(np.ascontiguousarray(row, dtype="<f4").data)
        self.done += samples.shape[1]

    def __enter__(self) -> Frames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.file:
            if kind is None:
                self.file.truncate(self.start + 4 * self.channels * self.frames)


class StemWriter:
    """Takes an engine's estimates in order and writes each stem at the mixture's rate and shape.

    Parameters
    ----------
    folder : Path
        Gets one file ``NAME.npy`` for each stem.
    names : sequence of str
        The stems, in the engine's order.
    mixture : Audio
        Whose rate, channels and length the stems get.
    heard : EngineInput
        How the mixture was given to the engine.
    sr : int
        The engine's rate in Hz.
    """

    def __init__(self, folder: Path, names: Sequence[str], mixture: Audio, heard: EngineInput, sr: int) -> None:
        self.heard, self.channels = heard, mixture.channels
        with ExitStack() as stack:  # closed again if there is no room for one of them
            shape = mixture.channels, mixture.frames
            self.files = [stack.enter_context(Frames(folder / f"{name}.npy", *shape)) for name in names]
            stack.pop_all()
        self.stream = (
            None
            if mixture.sr == sr
            else soxr.ResampleStream(sr, mixture.sr, len(names) * mixture.channels, dtype="float32", quality=QUALITY)
        )

    def write(self, estimates: np.ndarray) -> None:
        """Append estimates [shape=(stems, pairs, 2, frames)]."""
        self._put(estimates * self.heard.deviation + self.heard.mean)

    def _put(self, estimates: np.ndarray, *, last: bool = False) -> None:
        stems, pairs, _, frames = estimates.shape
        rows = estimates.reshape(stems, pairs * 2, frames)[:, : self.channels].copy()
        if self.channels % 2:  # the last channel stood on both sides: what came back of it is their mean
            rows[:, -1] = estimates[:, -1].mean(axis=1)
        if self.stream is not None:
            flat = np.ascontiguousarray(rows.reshape(stems * self.channels, frames).T)
            rows = self.stream.resample_chunk(flat, last=last).T.reshape(stems, self.channels, -1)
        for file, row in zip(self.files, rows, strict=True):
            file.write(row)

    def __enter__(self) -> StemWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            for file in self.files:
                stack.push(file)
            if kind is None and self.stream is not None:
                self._put(np.zeros((len(self.files), len(self.heard.pairs), 2, 0), np.float32), last=True)
