"""The two writers: libsndfile for wav, flac, ogg and mp3, FFmpeg for opus and m4a."""

from __future__ import annotations

import errno
import inspect
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from musiclab.audio import Audio, blocks
from musiclab.codecs.formats import Format
from musiclab.codecs.pcm import fitting_gain, on_grid, quantised, remainder
from musiclab.codecs.readers import VORBIS_ORDER, sndfile_target
from musiclab.errors import AudioError, ExportError
from musiclab.packages import need

if TYPE_CHECKING:
    import av

_LAYOUTS = {1: "mono", 2: "stereo"}
_WAV_LIMIT = 4_000_000_000  # bytes: beyond, a WAV can't state its own size, and RF64 is written
_SYSTEM_ERROR = 2  # libsndfile's code for a refusal by the system
_WRITE_BLOCK = 1 << 16  # frames: libsndfile's Vorbis writer keeps a whole write on the stack

# Opus at half of its effort, which the ear can't tell and takes half the time. AAC at its best: FFmpeg's fast way
# changes the level of a tone by up to 0.3 dB.
_OPTIONS = {"libopus": {"compression_level": "5"}, "aac": {"aac_coder": "twoloop"}}

logger = logging.getLogger("musiclab")


@dataclass(frozen=True)
class Take:
    """One file to be: its audio, and for a residual in whole numbers what it is the rest of.

    With `whole` and `parts`, formats of whole numbers hold exactly ``whole - sum(parts)`` as those are rounded, so
    that the files add up to the rounded mixture: rounding errors don't pile up.
    """

    audio: Audio
    seed: int = 0
    whole: Audio | None = None
    parts: tuple[Audio, ...] = ()

    def fitting_gain(self, format: Format) -> float:
        """The gain (linear) under which the audio fits the format; 1 or more if it fits as it is."""
        if format.bits and (self.parts or not on_grid(self.audio.samples, format.bits)):
            # Dither and rounding need a step and a half, for each signal that goes in.
            return fitting_gain(self.audio.samples, format.bits, spare=2 + 2 * len(self.parts))
        return 10 ** (-self.audio.peak_db / 20) if format.lossy else np.inf

    def folded(self, format: Format) -> Take:
        """Itself, or as stereo where the format has no room for surround.

        Raises
        ------
        ExportError
            If no rule folds so many channels.
        """
        if self.audio.channels <= format.max_channels:
            return self
        try:
            whole = self.whole.stereo() if self.whole else None
            return Take(self.audio.stereo(), self.seed, whole, tuple(part.stereo() for part in self.parts))
        except AudioError as error:
            raise ExportError(f"{format.name} holds at most {format.max_channels} channels. {error}") from error

    def steps(self, bits: int, gain: float) -> Iterator[np.ndarray]:
        """Blocks (channels, frames) of whole numbers."""
        if self.whole is None:
            return quantised(self.audio.samples, bits, gain=gain, seed=self.seed)
        parts = [part.samples for part in self.parts]
        return remainder(self.whole.samples, parts, bits, gain=gain, seeds=range(1, len(parts) + 1))


def write(take: Take, target: Path | io.BytesIO, format: Format, *, gain: float, quality: float) -> None:
    """Encode one take into a file or a buffer.

    Raises
    ------
    ExportError
        If the format can't hold it.
    OSError
        If the system refuses.
    """
    if not 0 <= quality <= 1:
        raise ValueError(f"Quality lies between 0 and 1, not at {quality!r}.")
    audio = take.audio
    if audio.channels > format.max_channels:
        raise ExportError(
            f"{format.name} holds at most {format.max_channels} channels and this has {audio.channels}: "
            "save it as wav, or fold it down with audio.stereo()."
        )
    rate = format.rate_for(audio.sr)
    if rate != audio.sr:
        logger.debug("%s has no rate of %d Hz: it is written at %d Hz.", format.name, audio.sr, rate)
        take = Take(audio.resampled(rate))
    if format.codec:
        _by_ffmpeg(take.audio, target, format, gain, quality)
    else:
        _by_sndfile(take, target, format, gain, quality)


def _by_sndfile(take: Take, target: Path | io.BytesIO, format: Format, gain: float, quality: float) -> None:
    import soundfile as sf

    audio, container = take.audio, format.container
    subtype, settings = (f"PCM_{format.bits}" if format.bits else "FLOAT"), dict[str, Any]()
    if container == "MP3":  # FFmpeg's writer gets the length wrong by a few frames for one length in twenty
        subtype, settings = "MPEG_LAYER_III", {"compression_level": 0.9 * (1 - quality), "bitrate_mode": "VARIABLE"}
    elif container == "OGG":
        subtype, settings = "VORBIS", {"compression_level": 1 - quality}
    elif container == "WAV" and audio.samples.nbytes > _WAV_LIMIT:
        container = "RF64"
    if "compression_level" not in inspect.signature(sf.SoundFile).parameters:
        settings = {}  # before soundfile 0.13, as the browser's Python has it: libsndfile's own quality
    order = np.argsort(VORBIS_ORDER[audio.channels]) if container == "OGG" and audio.channels in VORBIS_ORDER else None
    try:
        file = sf.SoundFile(
            *(sndfile_target(target), "w", audio.sr, audio.channels),
            subtype=subtype,
            format=container,
            **settings,
        )
    except sf.LibsndfileError as error:
        if error.code == _SYSTEM_ERROR:
            raise OSError(errno.ENOSPC, "not even the header could be written") from error
        raise ExportError(
            f"{format.name} can't hold {audio.channels} channels at {audio.sr} Hz: save it as wav."
        ) from error
    try:
        with file:
            for block in _file_blocks(take, format, gain):
                for piece in blocks(block if order is None else block[order], _WRITE_BLOCK):
                    file.write(np.ascontiguousarray(piece.T))
        if isinstance(target, Path):
            _check_end(target, audio.frames)
    except (sf.LibsndfileError, AssertionError) as error:  # soundfile asserts that all frames went out
        raise OSError(errno.ENOSPC, "not all of it could be written") from error


def _check_end(path: Path, frames: int) -> None:
    """That the last frame is there: libsndfile doesn't tell when the disk is full at the last write."""
    import soundfile as sf

    with sf.SoundFile(sndfile_target(path)) as file:
        file.seek(max(0, min(frames, file.frames) - 1))
        if file.frames != frames or len(file.read(1)) != 1:
            raise OSError(errno.ENOSPC, "the end is missing")


def _file_blocks(take: Take, format: Format, gain: float) -> Iterator[np.ndarray]:
    """Blocks (channels, frames) as libsndfile takes them: int16, int32 with the sample in its high bits, or float32."""
    if format.bits:
        for steps in take.steps(format.bits, gain):
            yield steps.astype(np.int16) if format.bits == 16 else steps << (32 - format.bits)
    else:
        yield from _scaled(take.audio, gain)


def _scaled(audio: Audio, gain: float) -> Iterator[np.ndarray]:
    for block in blocks(audio.samples):
        yield block if gain == 1.0 else block * np.float32(gain)


def _by_ffmpeg(audio: Audio, target: Path | io.BytesIO, format: Format, gain: float, quality: float) -> None:
    need("av", f"Writing {format.name}")
    import av

    # An edit list counts in the movie's time scale, milliseconds by default: too coarse for an exact length.
    options = {"movie_timescale": str(audio.sr)} if format.codec == "aac" else {}
    with av.open(
        str(target) if isinstance(target, Path) else target, "w", format=format.container, options=options
    ) as file:
        added = file.add_stream(format.codec, rate=audio.sr, options=_OPTIONS[format.codec])
        stream = cast("av.AudioStream", added)
        stream.layout = _LAYOUTS[audio.channels]
        stream.bit_rate = _bit_rate(format.codec, quality, audio.channels)
        place = 0
        for block in _scaled(audio, gain):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", _LAYOUTS[audio.channels])
            frame.sample_rate, frame.pts = audio.sr, place
            place += block.shape[1]
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _bit_rate(codec: str, quality: float, channels: int) -> int:
    """Bits per second: for stereo 64 to 192 k in Opus, 96 to 288 k in AAC, half of that for mono."""
    low, high = (32_000, 96_000) if codec == "libopus" else (48_000, 144_000)
    return round(low + (high - low) * quality) * channels
