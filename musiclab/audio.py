"""`Audio`: sound, with its sample rate.

Conventions: samples are float32, shaped ``(channels, frames)``, nominally in [-1, 1]; time is in seconds, level in
dBFS (0 dBFS is a full-scale square wave for RMS and a sample value of 1 for peaks). Reading and writing files is the
work of `musiclab.codecs`. Sound that is longer than memory suits lies in a mapped file: see `musiclab.mapped`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musiclab import mapped
from musiclab.errors import AudioError

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

SILENCE_DB = -200.0  # what silence is called in dB, so that tables and sliders need no infinities
LOUDEST = 32768.0  # +90 dBFS, 16-bit numbers that nobody divided: beyond is no sound, and LAME falls over it
BLOCK = 1 << 18  # frames handled at once: an hour of music is measured and mixed without hour-long float64 copies

# Stereo from surround, by ITU-R BS.775 (no rescaling; the effects channel LFE is left out, as there).
# Rows: left, right. Channels in the order of WAV files: L R C LFE, then back or side pairs, left before right; in 6.1
# the centre of the back comes before the sides.
_DOWN = 0.5**0.5
_TO_STEREO = {
    1: [[1], [1]],
    3: [[1, 0, _DOWN], [0, 1, _DOWN]],
    4: [[1, 0, _DOWN, 0], [0, 1, 0, _DOWN]],
    5: [[1, 0, _DOWN, _DOWN, 0], [0, 1, _DOWN, 0, _DOWN]],
    6: [[1, 0, _DOWN, 0, _DOWN, 0], [0, 1, _DOWN, 0, 0, _DOWN]],
    7: [[1, 0, _DOWN, 0, 0.5, _DOWN, 0], [0, 1, _DOWN, 0, 0.5, 0, _DOWN]],
    8: [[1, 0, _DOWN, 0, _DOWN, 0, _DOWN, 0], [0, 1, _DOWN, 0, 0, _DOWN, 0, _DOWN]],
}


def to_db(amplitude: float) -> float:
    """Amplitude (linear, >= 0) as dB, never below `SILENCE_DB`."""
    return max(20.0 * float(np.log10(max(amplitude, 1e-30))), SILENCE_DB)


def blocks(samples: np.ndarray, size: int = BLOCK) -> Iterator[np.ndarray]:
    """Views of `samples` (channels, frames), `size` frames at a time."""
    for start in range(0, samples.shape[1], size):
        yield samples[:, start : start + size]


def envelope(samples: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a waveform's picture shows: the lowest sample, the highest and the RMS of each column [shape=(columns,)].

    Over all channels of `samples` [shape=(channels, frames)], which are read a block at a time; fewer columns if there
    are fewer frames.
    """
    channels, frames = samples.shape
    columns = min(columns, frames)
    edges = np.arange(columns + 1) * frames // columns
    low, high, energy = np.empty((3, columns), dtype=np.float32)
    first = 0
    while first < columns:
        last = max(first + 1, int(np.searchsorted(edges, edges[first] + BLOCK, "right")) - 1)
        block, starts = samples[:, edges[first] : edges[last]], edges[first:last] - edges[first]
        low[first:last] = np.minimum.reduceat(block, starts, axis=1).min(axis=0)
        high[first:last] = np.maximum.reduceat(block, starts, axis=1).max(axis=0)
        energy[first:last] = np.add.reduceat(np.square(block), starts, axis=1).sum(axis=0)
        first = last
    return low, high, np.sqrt(energy / (np.diff(edges) * channels))


def _unfit(samples: np.ndarray) -> str:
    """What to say of samples that are no sound."""
    if not all(np.isfinite(block).all() for block in blocks(samples)):
        return "The audio holds NaN or infinite samples: export it again from its source."
    return (
        f"The audio has samples beyond {LOUDEST:,.0f}, where full scale is 1: it is damaged, or its whole numbers were "
        "never divided by their full scale, as in samples / 32768."
    )


def ramp(frames: int) -> np.ndarray:
    """A fade from 0 to 1 [shape=(frames,)], float32: it and its reverse add up to one."""
    return ((np.arange(frames) + 0.5) / max(frames, 1)).astype(np.float32)


@dataclass(frozen=True, eq=False, repr=False)
class Audio:
    """Sound: samples and their rate. Frozen; the samples are read-only, so that a view can be shared safely.

    Parameters
    ----------
    samples : np.ndarray [shape=(channels, frames) or (frames,)], any real dtype
        Copied if it has to be converted or is writeable; the caller's array is never changed.
    sr : int
        Sample rate in Hz.
    title : str
        What to call it (a file's name, a stem's name).

    Raises
    ------
    AudioError
        If the array is not one- or two-dimensional, has no frame, or holds NaN, infinity, or samples beyond `LOUDEST`.

    Notebook: 02
    """

    samples: np.ndarray
    sr: int
    title: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        samples = np.atleast_2d(np.asarray(self.samples))
        if samples.ndim != 2:
            raise AudioError(f"Audio has the shape (channels, frames), not {samples.shape}.")
        if samples.shape[1] == 0 or samples.shape[0] == 0:
            raise AudioError("There is no sound here: zero samples.")
        if samples.dtype != np.float32 or samples.flags.writeable:
            samples = mapped.copied(samples)
        if not all(block.min() >= -LOUDEST and block.max() <= LOUDEST for block in blocks(samples)):
            raise AudioError(_unfit(samples))
        samples.flags.writeable = False
        if int(self.sr) != self.sr or self.sr <= 0:
            raise AudioError(f"A sample rate is a positive whole number of Hz, not {self.sr!r}.")
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "sr", int(self.sr))

    @classmethod
    def of_checked(cls, samples: np.ndarray, sr: int, *, title: str = "") -> Audio:
        """Audio of samples that were checked when they were made, such as a mapped file of the store.

        Nothing is copied or even read: an hour of it costs no memory until it is used.

        Parameters
        ----------
        samples : np.ndarray [shape=(channels, frames)], float32, finite
            Made read-only.
        sr : int
            Sample rate in Hz.
        title : str
            What to call it.
        """
        audio = object.__new__(cls)
        view = np.asarray(samples)
        view.flags.writeable = False
        for name, value in (("samples", view), ("sr", sr), ("title", title)):
            object.__setattr__(audio, name, value)
        return audio

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sr

    @cached_property
    def rms_db(self) -> float:
        """Mean level over all channels, in dBFS."""
        energy = sum(float(np.square(block, dtype=np.float64).sum()) for block in blocks(self.samples))
        return to_db((energy / self.samples.size) ** 0.5)

    @cached_property
    def peak_db(self) -> float:
        """Highest sample, in dBFS."""
        return to_db(max(float(self.samples.max()), -float(self.samples.min())))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of rate, shape and samples: the same sound has the same digest, whatever file it came from."""
        sha = hashlib.sha256(f"{self.sr}:{self.samples.shape}:".encode())
        for block in (block for row in self.samples[:, np.newaxis] for block in blocks(row)):
            sha.update(np.ascontiguousarray(block).data)
        return sha.hexdigest()

    def __getitem__(self, span: slice) -> Audio:
        """A part of it, in seconds: ``song[30:60]`` is half a minute."""
        if not isinstance(span, slice) or span.step is not None:
            raise AudioError("Cut audio with a slice of seconds, such as song[30:60].")
        start, stop, _ = slice(*(None if t is None else round(t * self.sr) for t in (span.start, span.stop))).indices(
            self.frames
        )
        if stop <= start:
            raise AudioError(f"The slice {span.start}:{span.stop} s is empty: the audio is {self.duration:.2f} s long.")
        return Audio(self.samples[:, start:stop], self.sr, title=self.title)

    def gained(self, gain_db: float) -> Audio:
        """Louder or softer by `gain_db` dB; ``-inf`` is silence."""
        factor = np.float32(10 ** (gain_db / 20))
        return self._like(np.multiply(self.samples, factor, out=mapped.empty(self.samples.shape)))

    def faded(self, seconds: float) -> Audio:
        """Faded in and out over `seconds`, or over half of it if it is shorter: a cut is no click then."""
        frames = min(round(seconds * self.sr), self.frames // 2)
        if frames < 1:
            return self
        out, rise = mapped.copied(self.samples), ramp(frames)
        out[:, :frames] *= rise
        out[:, -frames:] *= rise[::-1]
        return self._like(out)

    def mono(self) -> Audio:
        """The mean of the channels, as one channel; itself if it has one.

        A channel that is the inverse of the loudest one is turned round first: a cable with swapped poles, or a "wide"
        effect, plays as loud as any other on two loudspeakers, but its plain mean would be silence.
        """
        if self.channels == 1:
            return self
        signs = self._polarity()
        out = mapped.empty((1, self.frames))
        if (signs > 0).all():
            return self._like(self.samples.mean(axis=0, keepdims=True, out=out))
        return self._like(np.matmul((signs / self.channels)[np.newaxis], self.samples, out=out))

    def _polarity(self) -> np.ndarray:
        """1 for each channel, −1 where it is an inverse [shape=(channels,)], float32.

        Where its correlation with the loudest channel is below −1/3, turning it round makes the mean of the two at
        least 3 dB louder. Ordinary stereo, however wide, stays above.
        """
        products = np.zeros((self.channels, self.channels))
        for block in blocks(self.samples):
            products += block.astype(np.float64) @ block.T.astype(np.float64)
        loudest = int(np.argmax(np.diag(products)))
        powers = np.diag(products) * products[loudest, loudest]
        return np.where(products[loudest] < -np.sqrt(powers) / 3, -1, 1).astype(np.float32)

    def stereo(self) -> Audio:
        """As two channels: mono on both sides; surround (3.0, quad, 5.0, 5.1, 6.1, 7.1) folded by ITU-R BS.775.

        Left and right stay as they are; centre, side and back come in at −3 dB, a single centre of the back at −6 dB
        on both sides; the effects channel (LFE) is left out. Nothing is rescaled: the sum may pass 0 dBFS.

        Raises
        ------
        AudioError
            If there are more than eight channels: no loudspeaker layout tells what they are.
        """
        if self.channels == 2:
            return self
        if self.channels not in _TO_STEREO:
            raise AudioError(
                f"No rule folds {self.channels} channels to stereo: choose two yourself, "
                "as in Audio(song.samples[:2], song.sr)."
            )
        folding = np.asarray(_TO_STEREO[self.channels], dtype=np.float32)
        return self._like(np.matmul(folding, self.samples, out=mapped.empty((2, self.frames))))

    def resampled(self, sr: int) -> Audio:
        """At another sample rate (soxr, very high quality); itself if the rate is already `sr`.

        The length is ``round(frames * sr / self.sr)`` frames, and at least one.
        """
        if sr == self.sr:
            return self
        if int(sr) != sr or sr <= 0:
            raise ValueError(f"A sample rate is a positive whole number of Hz, not {sr!r}.")
        import soxr

        out = mapped.empty((self.channels, max(1, round(self.frames * sr / self.sr))))
        for row, channel in zip(out, self.samples, strict=True):
            stream, done = soxr.ResampleStream(self.sr, sr, 1, dtype="float32", quality="VHQ"), 0
            for start in range(0, self.frames, BLOCK):
                block = np.ascontiguousarray(channel[start : start + BLOCK])
                made = stream.resample_chunk(block, last=start + BLOCK >= self.frames)[: len(row) - done]
                row[done : done + len(made)] = made
                done += len(made)
            row[done:] = 0
        return self._like(out, sr)

    def _like(self, samples: np.ndarray, sr: int | None = None) -> Audio:
        """Audio of a fresh array, which is taken over without a copy."""
        samples.flags.writeable = False
        return Audio(samples, sr or self.sr, title=self.title)

    def save(self, path: str | PathLike[str], *, subtype: str | None = None, quality: float = 0.8) -> Path:
        """Write it to a file; the format follows the file's extension. See `musiclab.codecs.save`."""
        from musiclab import codecs

        return codecs.save(self, path, subtype=subtype, quality=quality)

    def __repr__(self) -> str:
        name = f"{self.title!r}: " if self.title else ""
        return f"<Audio {name}{self.duration:.2f} s, {self.channels} ch, {self.sr} Hz, {self.rms_db:.1f} dBFS>"

    def _repr_html_(self) -> str:
        from musiclab import show

        return show.audio_html(self)
