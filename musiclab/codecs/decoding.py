"""Read the sound of any file: libsndfile for plain and lossless files, FFmpeg (PyAV) for all others.

What stands behind the choices, each held by a test:

- Sample-exact. Lossy encoders put a delay before the sound and padding after it. FFmpeg removes both where the file
  tells them (LAME tag, MP4 edit list, Opus pre-skip); the end of an MP4 track is cut here, at its exact duration.
- mp3 goes to FFmpeg although libsndfile reads it: without a Xing tag libsndfile guesses the length of a VBR file from
  its first frame, and silently drops the rest.
- Only formats that hold sound are opened: a playlist could name any address or any other file of this machine.
- Length, channels and rate are checked before anything is allocated, and again while decoding: headers may lie.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from os import PathLike
from typing import IO, Any

import numpy as np

from musiclab.audio import Audio
from musiclab.codecs.readers import MAX_RATE, MIN_RATE, Decoded, Excerpt, by_ffmpeg, by_sndfile
from musiclab.codecs.source import Source, is_adpcm, looks_cut_off, open_source
from musiclab.errors import AudioError

_SNDFILE_MAGIC = (b"RIFF", b"RF64", b"riff", b"fLaC", b"OggS", b"FORM", b"caff", b".snd")
SILENT_DB = -100.0  # a peak below this is told as silence

logger = logging.getLogger("musiclab")


def load(
    path: str | PathLike[str] | bytes | IO[bytes] | Mapping[str, Any],
    *,
    sr: int | None = None,
    mono: bool = False,
    offset: float = 0.0,
    duration: float | None = None,
) -> Audio:
    """Read the sound of a file: wav, flac, mp3, ogg, opus, m4a, aac, video, and whatever else FFmpeg knows.

    Parameters
    ----------
    path : path, bytes, binary file, or upload
        A path may start with ``~``. An upload is an entry of ``ipywidgets.FileUpload.value``.
    sr : int
        Sample rate to resample to, in Hz; as in the file if left out.
    mono : bool
        Whether to average the channels into one.
    offset, duration : float
        Which part to read, in seconds; the rest of the file is not kept in memory, nor decoded where it can be skipped.

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
        If `sr`, `offset` or `duration` can't be.

    Notebook: 01
    """
    if not 0 <= offset < float("inf") or (duration is not None and not 0 < duration < float("inf")):
        raise ValueError(f"The part from {offset!r} s, {duration!r} s long, can't be: offset >= 0 and duration > 0.")
    if sr is not None and not MIN_RATE <= sr <= MAX_RATE:
        raise ValueError(f"A sample rate lies between {MIN_RATE} and {MAX_RATE} Hz, not at {sr!r}.")
    source = open_source(path)
    audio = read(source, offset=offset, duration=duration)
    if audio.peak_db < SILENT_DB:
        logger.warning("%s is silent: is it the right file?", source.label)
    audio = audio.mono() if mono else audio
    return audio if sr is None else audio.resampled(sr)


def read(source: Source, *, offset: float = 0.0, duration: float | None = None) -> Audio:
    """A part of an open source, as it is; silence is nothing to speak of here, as in a stem that pauses."""
    samples, rate = _decode(source, Excerpt(source.label, offset, duration))
    samples.flags.writeable = False
    try:
        return Audio(samples, rate, title=source.title)
    except AudioError as error:
        raise AudioError(f"{source.label} can't be used. {error}") from None


def _decode(source: Source, excerpt: Excerpt) -> tuple[np.ndarray, int]:
    """Samples (channels, frames) and rate; what could not be read is told in the log."""
    plain = source.head.startswith(_SNDFILE_MAGIC) and not is_adpcm(source.head)
    decoded = by_sndfile(source, excerpt) if plain else None
    if decoded is None:
        decoded = by_ffmpeg(source, excerpt)
    elif decoded.missing:  # FFmpeg often gets further through a damaged file
        with suppress(AudioError):
            further = max(decoded, by_ffmpeg(source, excerpt), key=lambda attempt: attempt.samples.shape[1])
            decoded = replace(further, damaged=max(1, further.damaged))
    if decoded.samples.shape[1] == 0:
        raise AudioError(f"{source.label} holds no sound that can be read: it is empty, cut off or damaged.")
    _tell(source, decoded, excerpt)
    return decoded.samples, decoded.rate


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
