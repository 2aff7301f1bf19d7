"""The two readers, libsndfile and FFmpeg, and what both are asked: a part of a file, within limits."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from musiclab import mapped
from musiclab.audio import BLOCK
from musiclab.codecs.source import Source, has_xing_tag
from musiclab.errors import AudioError
from musiclab.packages import need

if TYPE_CHECKING:
    import av
    import soundfile
    from av.container import InputContainer

MAX_DURATION = 4 * 3600  # seconds
MAX_CHANNELS = 64
MIN_RATE, MAX_RATE = 1_000, 768_000  # Hz
MAX_SAMPLES = 2 * 48_000 * MAX_DURATION  # over all channels: 5.5 GB as float32

_PREROLL = 0.5  # seconds decoded and dropped before an offset, until a lossy decoder has settled
_LIKELY = 64  # samples that a byte of a file holds at most, mostly: Opus for speech comes near, silence passes it
_PADDING = 8192  # frames: no encoder pads the end of a track by more
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"  # FFmpeg's name for the MP4 family
_FFMPEG_FORMATS = (
    f"{_MP4},matroska,webm,mp3,ogg,flac,wav,w64,aiff,caf,au,aac,ac3,eac3,asf,avi,flv,mpeg,mpegts,"
    "amr,ape,dsf,dts,mpc,mpc8,mxf,rm,tak,truehd,tta,voc,wv"
)
_EXACT_LENGTH = {_MP4, "mp3", "flac", "ogg", "wav", "w64", "aiff", "caf"}  # others give it to the millisecond, or guess
_EXACT_SEEK = {_MP4, "mp3"}  # their time stamps name the very sample after a seek

_MANY = 8  # channels from which on PyAV 18 looks for one plane more than a frame has, and crashes

# Ogg files keep centre second and LFE last, and libsndfile leaves them so: Vorbis I specification, section 4.3.9.
# Where in such a file the channels of a WAV are (L R C LFE back side), by their number:
VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}

logger = logging.getLogger("musiclab")


@dataclass(frozen=True)
class Decoded:
    """What a reader got out of a file."""

    samples: np.ndarray
    rate: int
    missing: int = 0  # frames that the file announced and did not give
    damaged: int = 0  # packets that could not be decoded


@dataclass(frozen=True)
class Excerpt:
    """The part of a file that is wanted, in seconds, and the limits on it."""

    label: str
    offset: float
    duration: float | None
    track: int | None = None  # of several, counted from 1

    def span(self, rate: int, channels: int, total: int | None) -> tuple[int, int | None]:
        """First frame and number of frames; None if it goes to an end that is not known before.

        Raises
        ------
        AudioError
            If rate, channels or length are beyond the limits, or the file ends before the part begins.
        """
        if not MIN_RATE <= rate <= MAX_RATE:
            raise AudioError(f"{self.label} has a sample rate of {rate} Hz: only {MIN_RATE} to {MAX_RATE} Hz is sound.")
        if not 1 <= channels <= MAX_CHANNELS:
            raise AudioError(f"{self.label} has {channels} channels: at most {MAX_CHANNELS} can be read.")
        start = round(self.offset * rate)
        if total is not None and start and start >= total:
            raise self.begins_late(total / rate)
        count = None if self.duration is None else max(1, round(self.duration * rate))
        if total is not None:
            count = total - start if count is None else min(count, total - start)
        if count is not None and count > self.limit(rate, channels):
            raise self.too_long(rate, channels, count)
        return start, count

    @staticmethod
    def limit(rate: int, channels: int) -> int:
        """The most frames that may be read."""
        return min(MAX_DURATION * rate, MAX_SAMPLES // channels)

    def too_long(self, rate: int, channels: int, count: int) -> AudioError:
        most, length = self.limit(rate, channels) / rate / 60, count / rate / 60
        return AudioError(
            f"{self.label} would give {length:,.0f} minutes of sound, and {most:.0f} are the limit for its "
            f"{channels} channels at {rate} Hz: load a part of it with offset= and duration=."
        )

    def begins_late(self, end: float) -> AudioError:
        return AudioError(f"{self.label} ends at {end:.2f} s, before the offset of {self.offset:g} s.")


class Tape:
    """Samples (channels, frames) that grow as they are decoded: no list of blocks that would double the memory."""

    def __init__(self, channels: int, expected: int, size: int) -> None:
        """Room for `expected` frames, but not for more than a file of `size` bytes is likely to hold."""
        likely = max(BLOCK, size * _LIKELY // channels)
        self._samples = mapped.empty((channels, max(1, min(expected, likely))))
        self._expected, self.length = expected, 0

    def add(self, block: np.ndarray) -> None:
        end = self.length + block.shape[1]
        if end > self._samples.shape[1]:
            more = min(self._expected - end, 2 * end) if self._expected > end else max(end // 4, BLOCK)
            grown = mapped.empty((len(self._samples), end + more))
            grown[:, : self.length] = self._samples[:, : self.length]
            self._samples = grown
        self._samples[:, self.length : end] = block
        self.length = end

    def cut(self, length: int | None = None) -> np.ndarray:
        """What was recorded, at most `length` frames, without spare room if that is much."""
        used = self._samples[:, : self.length if length is None else min(length, self.length)]
        return used if used.size * 1.02 > self._samples.size else mapped.copied(used)


def sndfile_target(target: Path | io.BytesIO | io.RawIOBase) -> str | bytes | io.BytesIO | io.RawIOBase:
    """What soundfile opens: on Unix a path's very bytes, since it refuses names that are not UTF-8."""
    if isinstance(target, Path):
        return str(target) if os.name == "nt" else os.fsencode(target)
    return target


def by_sndfile(source: Source, excerpt: Excerpt) -> Decoded | None:
    """Decode with libsndfile; None if it can't."""
    import soundfile as sf

    try:
        with sf.SoundFile(sndfile_target(source.rewound())) as file:
            if file.frames >= 1 << 62:
                return None  # a stream of unknown length
            start, count = excerpt.span(file.samplerate, file.channels, file.frames)
            assert count is not None  # since the total is known
            tape, holes = Tape(file.channels, count, source.size), 0
            try:
                _skip(file, start)
                while tape.length < count:
                    wanted = min(BLOCK, count - tape.length)
                    block = file.read(wanted, dtype="float32", always_2d=True)
                    if not len(block):
                        break
                    holes += len(block) < wanted and file.format == "OGG"  # a page is missing
                    order = VORBIS_ORDER.get(file.channels) if file.format == "OGG" else None
                    tape.add(block.T if order is None else block.T[order])
            except sf.LibsndfileError:
                logger.debug("libsndfile stopped in %s", source.label, exc_info=True)
            return Decoded(tape.cut(), file.samplerate, missing=count - tape.length, damaged=holes)
    except sf.LibsndfileError:
        return None


def _skip(file: soundfile.SoundFile, frames: int) -> None:
    """Move on from the beginning. Ogg is read, since libsndfile's seek falls over damage that its pages don't show."""
    if file.format != "OGG":
        file.seek(frames)
        return
    while frames > 0 and (got := len(file.read(min(BLOCK, frames), dtype="float32", always_2d=True))):
        frames -= got


def by_ffmpeg(source: Source, excerpt: Excerpt) -> Decoded:
    """Decode with FFmpeg.

    Raises
    ------
    AudioError
        If it is none of the formats that hold sound, has no sound track, or breaks a limit.
    """
    need("av", f"Reading {source.label}")
    import av

    target = source.rewound()
    try:
        container = av.open(
            str(target) if isinstance(target, Path) else target,
            options={"format_whitelist": _FFMPEG_FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(
            f"{source.label} is no audio in a form known here, or it is damaged: "
            "give a wav, flac, mp3, ogg, opus, m4a or video file."
        ) from error
    with container:
        given = cast("InputContainer", container)
        return _read_stream(given, _chosen(given, excerpt), source, excerpt)


def _chosen(container: InputContainer, excerpt: Excerpt) -> av.AudioStream:
    """The sound track that was asked for, or the best one; others are told of."""
    tracks, best = container.streams.audio, container.streams.best("audio")
    if not tracks:
        raise AudioError(f"{excerpt.label} has no sound track: give another file.")
    if excerpt.track is not None and excerpt.track > len(tracks):
        raise AudioError(f"{excerpt.label} has {len(tracks)} sound track(s): there is no track {excerpt.track}.")
    numbers = {track.index: number for number, track in enumerate(tracks, start=1)}
    number = excerpt.track or (numbers[best.index] if best else 1)
    chosen = tracks[number - 1]
    if chosen.codec_context is None or not chosen.codec_context.channels:
        raise AudioError(f"The sound of {excerpt.label} is in a coding not known here: export it as wav or flac.")
    if len(tracks) > 1 and excerpt.track is None:
        names = ", ".join(f"{n} ({_track_name(track)})" for n, track in enumerate(tracks, start=1))
        logger.warning("%s has several sound tracks: %s; track %d was read.", excerpt.label, names, number)
    return chosen


def _track_name(track: av.AudioStream) -> str:
    """What tells one sound track from the others: its language, its title, its channels."""
    layout = "" if track.codec_context is None else track.codec_context.layout.name
    words = (track.metadata.get("language", ""), track.metadata.get("title", ""), layout)
    return " ".join(word[:40] for word in words if word and word != "und")


def _read_stream(container: InputContainer, stream: av.AudioStream, source: Source, excerpt: Excerpt) -> Decoded:
    """The wanted part of one sound track."""
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    format = container.format.name
    announced = round(stream.duration * stream.time_base * rate) if stream.duration and stream.time_base else 0
    exact = announced > 0 and format in _EXACT_LENGTH and (format != "mp3" or has_xing_tag(source))
    exact &= format != "aiff" or stream.codec_context.name.startswith("pcm")
    start, count = excerpt.span(rate, channels, announced if exact else None)
    limit = excerpt.limit(rate, channels)
    tape = Tape(channels, min((announced - start if count is None else count) + _PADDING, limit), source.size)
    faults: list[str] = []
    position = -1 if _skip_to(container, stream, start) else 0  # of the next frame; -1: its time stamp tells
    for block, stamp in _blocks(container, stream, faults):
        position = stamp if position < 0 else position
        tape.add(block[:, max(0, start - position) :])
        position += block.shape[1]
        if excerpt.duration is not None and count is not None and tape.length >= count:
            break
        if tape.length > limit:
            raise excerpt.too_long(rate, channels, tape.length)
    if start and not tape.length and 0 < position <= start:
        raise excerpt.begins_late(position / rate)
    # Padding after the announced end is cut; much more than padding is sound that the header doesn't know of.
    end = count if count is not None and (excerpt.duration is not None or tape.length <= count + _PADDING) else None
    missing = count - tape.length if exact and count is not None else 0
    return Decoded(tape.cut(end), rate, missing=missing if missing > _PADDING else 0, damaged=len(faults))


def _skip_to(container: InputContainer, stream: av.AudioStream, start: int) -> bool:
    """Whether reading could be moved to shortly before the frame `start`."""
    rate, time_base = stream.codec_context.sample_rate, stream.time_base
    if container.format.name not in _EXACT_SEEK or start < 2 * _PREROLL * rate or not time_base:
        return False
    container.seek(int((start / rate - _PREROLL) / time_base) + (stream.start_time or 0), stream=stream, backward=True)
    return True


def _blocks(container: InputContainer, stream: av.AudioStream, faults: list[str]) -> Iterator[tuple[np.ndarray, int]]:
    """Samples (channels, frames) as they are decoded, with their place in frames by time stamp.

    Packets that can't be decoded are left out, and noted in `faults`.
    """
    import av

    rate, layout = stream.codec_context.sample_rate, stream.codec_context.layout
    packets, converter = container.demux(stream), None
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except av.FFmpegError as error:
            faults.append(str(error))
            continue
        for frame in frames:
            place = round(((frame.pts or 0) - (stream.start_time or 0)) * (frame.time_base or 0) * rate)
            kind = (frame.format.name, frame.sample_rate, frame.layout.name)
            if kind == ("fltp", rate, layout.name) and layout.nb_channels < _MANY:
                yield frame.to_ndarray(), place
                continue
            if converter is None or converter[0] != kind:  # also when a stream changes on its way
                converter = kind, av.AudioResampler(format="flt", layout=layout, rate=rate)
            for converted in converter[1].resample(frame):
                yield converted.to_ndarray().reshape(-1, layout.nb_channels).T, place
