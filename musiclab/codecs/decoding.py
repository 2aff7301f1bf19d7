"""Read the sound of any file: libsndfile for plain and lossless files, FFmpeg (PyAV) for all others.

What stands behind the choices, each held by a test:

- Sample-exact. Lossy encoders put a delay before the sound and padding after it. FFmpeg removes both where the file
  tells them (LAME tag, MP4 edit list, Opus pre-skip); the end of an MP4 track is cut here, at its exact duration.
- mp3 goes to FFmpeg although libsndfile reads it: without a Xing tag libsndfile guesses the length of a VBR file from
  its first frame, and silently drops the rest.
- What is not sure goes to FFmpeg: Ogg files with damaged pages or with several streams behind each other (libsndfile
  reads the first), codings of WAV that are rare, DTS and AC-3 that pose as PCM.
- Headers are believed in nothing that the file itself can tell: see `musiclab.codecs.headers`.
- Only formats that hold sound are opened: a playlist could name any address or any other file of this machine.
- Length, channels and rate are checked before anything is allocated, and again while decoding: headers may lie.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from os import PathLike
from typing import IO, Any

import numpy as np

from musiclab.audio import Audio
from musiclab.codecs import ogg
from musiclab.codecs.headers import Mended, claims, is_plain_aiff, is_plain_wav, mended
from musiclab.codecs.readers import MAX_RATE, MIN_RATE, Decoded, Excerpt, by_ffmpeg, by_sndfile
from musiclab.codecs.source import Source, looks_cut_off, open_source
from musiclab.errors import AudioError

_WAV_MAGIC = (b"RIFF", b"RIFX", b"RF64")
_SNDFILE_MAGIC = (*_WAV_MAGIC, b"riff", b"fLaC", b"OggS", b"FORM", b"caff", b".snd", b"dns.")
_PATIENCE = 10  # times that a file may be replaced while it is read
SILENT_DB = -100.0  # a peak below this is told as silence
UNDIVIDED_DB = 40.0  # dBFS: no mix is made as loud, and 16-bit numbers taken for samples are

logger = logging.getLogger("musiclab")


def load(
    path: str | PathLike[str] | bytes | IO[bytes] | Mapping[str, Any],
    *,
    sr: int | None = None,
    mono: bool = False,
    offset: float = 0.0,
    duration: float | None = None,
    track: int | None = None,
) -> Audio:
    """Read the sound of a file: wav, flac, mp3, ogg, opus, m4a, aac, video, and whatever else FFmpeg knows.

    Parameters
    ----------
    path : path, bytes, binary file, or upload
        A path may start with ``~``. An upload is an entry of ``ipywidgets.FileUpload.value``.
    sr : int
        Sample rate to resample to, in Hz; as in the file if left out.
    mono : bool
        Whether to average the channels into one: see `Audio.mono`.
    offset, duration : float
        Which part to read, in seconds; the rest of the file is not kept in memory, nor decoded where it can be skipped.
    track : int
        Which sound track of a video, counted from 1; by default the best one, and a warning tells of the others.

    Returns
    -------
    Audio
        Not rescaled: float and lossy files may pass 0 dBFS. A file that is silent, or that breaks off or is damaged in
        the middle, is read as far as it goes, and a warning in the log ``musiclab`` says so.

    Raises
    ------
    AudioError
        If there is no such file, it holds no sound, nothing of it can be read, it holds NaN, or the part asked for
        is longer than `MAX_DURATION`, has more than `MAX_CHANNELS` channels or an odd rate.
    ValueError
        If `sr`, `offset`, `duration` or `track` can't be.

    Notebook: 01
    """
    if not 0 <= offset < float("inf") or (duration is not None and not 0 < duration < float("inf")):
        raise ValueError(f"The part from {offset!r} s, {duration!r} s long, can't be: offset >= 0 and duration > 0.")
    if sr is not None and not MIN_RATE <= sr <= MAX_RATE:
        raise ValueError(f"A sample rate lies between {MIN_RATE} and {MAX_RATE} Hz, not at {sr!r}.")
    if track is not None and track < 1:
        raise ValueError(f"Tracks are counted from 1: there is no track {track!r}.")
    source = open_source(path)
    audio = read(source, offset=offset, duration=duration, track=track)
    if audio.peak_db < SILENT_DB:
        logger.warning("%s is silent: is it the right file?", source.label)
    if audio.peak_db > UNDIVIDED_DB:
        told = "%s has samples up to %.0f, where full scale is 1: were its whole numbers never divided by 32768?"
        logger.warning(told, source.label, 10 ** (audio.peak_db / 20))
    audio = audio.mono() if mono else audio
    return audio if sr is None else audio.resampled(sr)


def read(source: Source, *, offset: float = 0.0, duration: float | None = None, track: int | None = None) -> Audio:
    """A part of an open source, as it is; silence is nothing to speak of here, as in a stem that pauses."""
    samples, rate = _decode_settled(source, Excerpt(source.label, offset, duration, track))
    samples.flags.writeable = False
    try:
        return Audio(samples, rate, title=source.title)
    except AudioError as error:
        raise AudioError(f"{source.label} can't be used. {error}") from None


def _decode_settled(source: Source, excerpt: Excerpt) -> tuple[np.ndarray, int]:
    """As `_decode`; once more if the file was replaced meanwhile, so that its header and its sound are of one file."""
    for _ in range(_PATIENCE):
        try:
            made = _decode(source, excerpt)
        except AudioError:
            if (now := source.again()) is None:
                raise
        else:
            if (now := source.again()) is None:
                return made
        source = now
    raise AudioError(f"{source.label} is being written to: wait until it is complete.")


def _decode(source: Source, excerpt: Excerpt) -> tuple[np.ndarray, int]:
    """Samples (channels, frames) and rate; what could not be read is told in the log."""
    try:
        seen = mended(source)
    except struct.error:  # it ends where its header goes on
        seen = Mended(source)
    if told := claims(seen.source):
        excerpt.span(*told, None)  # refuses what can't be
    decoded = _by_the_surest(seen.source, excerpt)
    if decoded.samples.shape[1] == 0:
        raise AudioError(f"{source.label} holds no sound that can be read: it is empty, cut off or damaged.")
    _tell(seen.source, decoded, excerpt)
    if seen.remark:
        logger.warning("%s: %s.", source.label, seen.remark)
    return decoded.samples, decoded.rate


def _by_the_surest(source: Source, excerpt: Excerpt) -> Decoded:
    """What libsndfile reads, where it can be trusted with the file; else, or if it stops too soon, FFmpeg."""
    holes = 0
    plain = source.head.startswith(_SNDFILE_MAGIC)
    if source.head.startswith(_WAV_MAGIC):
        plain = is_plain_wav(source)
    elif source.head.startswith(b"FORM"):
        plain = is_plain_aiff(source)
    elif source.head.startswith(b"OggS"):
        pages = ogg.look_at(source)
        plain, holes = pages.sure, pages.holes
    decoded = by_sndfile(source, excerpt) if plain and excerpt.track is None else None
    if decoded is None:
        decoded = by_ffmpeg(source, excerpt)
        return replace(decoded, damaged=max(holes, decoded.damaged))
    if decoded.missing:  # FFmpeg often gets further through a damaged file
        with suppress(AudioError):
            further = max(decoded, by_ffmpeg(source, excerpt), key=lambda attempt: attempt.samples.shape[1])
            return replace(further, damaged=max(1, further.damaged))
    return decoded


def _tell(source: Source, decoded: Decoded, excerpt: Excerpt) -> None:
    """Log what a user must know about a broken file."""
    got, missing = decoded.samples.shape[1] / decoded.rate, decoded.missing / decoded.rate
    if missing > 0:
        logger.warning(
            "%s is cut off or damaged: %.1f s of its %.1f s could be read; copy or export it again.",
            *(source.label, got, got + missing),
        )
    elif decoded.damaged:
        logger.warning(
            "%s is damaged: what can't be read of it (%d times) was left out.", source.label, decoded.damaged
        )
    elif excerpt.duration is None and looks_cut_off(source):
        logger.warning("%s is cut off: what there is of it, %.1f s, was read.", source.label, got)
