"""Write audio: wav (16 or 24 bits, float), flac, mp3, ogg, opus, m4a.

Two promises, each held by a test:

- Never clipped, never silently rescaled. Float WAV takes any level as it is. Where a file would clip, in whole numbers
  or when a lossy file is decoded (which overshoots), one gain is taken off everything that is written together, and a
  warning in the log ``musiclab`` says how much.
- Nothing half-written. Files are made under a temporary name in their folder and renamed when all are complete: when
  the disk is full, the old files are still there, and the sound is still in memory.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from musiclab.audio import Audio, to_db
from musiclab.codecs.files import replacing
from musiclab.codecs.formats import Format, find_format
from musiclab.codecs.readers import Excerpt, by_ffmpeg
from musiclab.codecs.source import open_source
from musiclab.codecs.writers import Take, write
from musiclab.errors import ExportError
from musiclab.threads import pool

QUALITY = 0.8  # of lossy files that people keep; 0.5 is for listening in a page

logger = logging.getLogger("musiclab")


def save(audio: Audio, path: str | PathLike[str], *, subtype: str | None = None, quality: float = QUALITY) -> Path:
    """Write `audio` to a file; the format follows the file's extension.

    Parameters
    ----------
    audio : Audio
        What to write. It is never changed.
    path : path
        Ends in ``.wav``, ``.flac``, ``.mp3``, ``.ogg``, ``.opus`` or ``.m4a``; folders that lack are made.
    subtype : str
        ``"float"`` (default), ``"24"`` or ``"16"`` for wav; ``"24"`` (default) or ``"16"`` for flac. 16 bits get
        triangular dither, unless the samples are 16-bit numbers already: those are written bit for bit.
    quality : float
        Of lossy formats, from 0 (small) to 1 (best).

    Returns
    -------
    Path
        The file, complete. If all had to be made softer to fit, or surround was folded down to stereo because the
        format holds no more, a warning in the log ``musiclab`` says so.

    Raises
    ------
    ExportError
        If the format is not known or can't hold the audio, or the folder or disk refuses. Nothing is lost then:
        no half file is left, and a file that was there before is unchanged.

    Notebook: 01
    """
    path = Path(path).expanduser()
    format = find_format(path.suffix, subtype)
    write_together([Take(audio)], [path], format, quality=quality)
    return path


def encode(audio: Audio, *, format: str = "ogg", subtype: str | None = None, quality: float = 0.5) -> bytes:
    """The bytes of an audio file, at the very level of `audio`: for players in a page.

    Parameters
    ----------
    audio : Audio
        What to encode.
    format : str
        ``wav``, ``flac``, ``mp3``, ``ogg`` (Vorbis), ``opus`` (in Ogg), ``webm`` (Opus) or ``m4a``. Opus is the
        fastest and the smallest; it is always at 48 kHz. WebM is for players alone: its clock counts milliseconds, and
        browsers decode it half a millisecond early; all others come out with no offset.
    subtype : str
        As in `save`.
    quality : float
        Of lossy formats, from 0 (small) to 1 (best).

    Raises
    ------
    ExportError
        If the format is not known or can't hold the audio, or would clip it. Float WAV, mp3 and ogg take any level,
        and decoders that work in float, as browsers do, give it back.
    """
    kind = find_format(format, subtype)
    take = Take(audio)
    if (kind.bits or kind.clips) and take.fitting_gain(kind) < 1:
        raise ExportError(
            f"At {audio.peak_db:+.1f} dBFS the audio would clip in {kind.name}: lower it first, "
            f"as in audio.gained({-audio.peak_db - 0.01:.2f}), or use float WAV or ogg."
        )
    buffer = io.BytesIO()
    write(take, buffer, kind, gain=1.0, quality=quality)
    return buffer.getvalue()


def write_together(takes: Sequence[Take], paths: Sequence[Path], format: Format, *, quality: float) -> float:
    """Write each take to its path, all with one gain, all or none. Returns the gain (linear, at most 1).

    Raises
    ------
    ExportError
        If anything refuses; then no file has been touched.
    """
    if takes[0].audio.channels > format.max_channels:
        logger.warning(
            "%s holds two channels: the %d of the sound are folded down to stereo.",
            *(format.name, takes[0].audio.channels),
        )
    takes = [take.folded(format) for take in takes]
    gain = min(1.0, *(take.fitting_gain(format) for take in takes))
    with replacing(paths) as temporary:
        for _ in range(3):  # a second round if decoding overshoots; a third would be for a very odd sound
            _write_all(takes, temporary, format, gain, quality)
            excess = _overshoot(takes, temporary, gain) if format.lossy else 0.0
            if excess <= 1.0:
                break
            gain /= excess * 1.01
    if gain < 1.0:
        _tell_gain(gain, paths, format)
    return gain


def _write_all(takes: Sequence[Take], paths: Sequence[Path], format: Format, gain: float, quality: float) -> None:
    """Encode in threads: the encoders release Python's lock."""
    with pool(min(len(takes), os.cpu_count() or 1)) as workers:
        jobs = [
            workers.submit(write, take, path, format, gain=gain, quality=quality)
            for take, path in zip(takes, paths, strict=True)
        ]
        for job in jobs:
            job.result()


def _overshoot(takes: Sequence[Take], paths: Sequence[Path], gain: float) -> float:
    """The highest sample (linear) of the files that might pass full scale when they are decoded: in threads, too."""
    # no encoder overshoots by 8 dB at our qualities
    loud = [path for take, path in zip(takes, paths, strict=True) if take.audio.peak_db + to_db(gain) > -8.0]
    with pool() as workers:
        return max(workers.map(_decoded_peak, loud), default=0.0)


def _decoded_peak(path: Path) -> float:
    samples = by_ffmpeg(open_source(path), Excerpt(path.name, 0.0, None)).samples
    return max(float(samples.max()), -float(samples.min()))


def _tell_gain(gain: float, paths: Sequence[Path], format: Format) -> None:
    what = f"{paths[0].name!r} was" if len(paths) == 1 else f"All {len(paths)} files were, alike,"
    logger.warning(
        "%s made softer by %.3g dB so that nothing clips in %s; float WAV would keep the level.",
        *(what, -to_db(gain), format.name),
    )
