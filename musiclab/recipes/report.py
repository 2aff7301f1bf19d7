"""What is told of separated songs: levels, files, times, and whether the files add up to the song."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musiclab import metrics
from musiclab.audio import SILENCE_DB, Audio, to_db
from musiclab.stems import Stems

if TYPE_CHECKING:
    from musiclab.stemfiles import SavedStems

BLOCK = 1 << 20  # frames of each file that the sum check reads at once
LOSSLESS = (".wav", ".flac")


@dataclass(frozen=True)
class StemLine:
    """What is told of one written stem: levels in dBFS, as in the file; SDR in dB where the true stem is known."""

    name: str
    file: str
    level_db: float
    peak_db: float
    sdr_db: float | None = None


@dataclass(frozen=True)
class SongReport:
    """What is told of one song: either an error, or all the rest.

    Parameters
    ----------
    duration, seconds : float
        How long the song is, and how long the work on it took, in seconds.
    gain_db : float
        What was taken off all files alike so that none clips.
    null_db : float or None
        RMS in dBFS of what is left when the written files are subtracted from the song; None for lossy formats.
    """

    song: str
    error: str = ""
    engine: str = ""
    note: str = ""
    duration: float = 0.0
    seconds: float = 0.0
    folder: str = ""
    gain_db: float = 0.0
    null_db: float | None = None
    stems: tuple[StemLine, ...] = ()


def report(
    song: str, stems: Stems, saved: SavedStems, *, began: float, truth: Mapping[str, Audio] | None = None
) -> SongReport:
    """The report of a song whose stems have been written. `began` is when `time.perf_counter` was started."""
    seconds = time.perf_counter() - began
    files = list(saved.values())
    return SongReport(
        song=song,
        engine=stems.engine,
        note=stems.note,
        duration=stems.duration,
        seconds=seconds,
        folder=str(files[0].parent),
        gain_db=saved.gain_db,
        null_db=null_db(stems.mixture, files, saved.gain_db),
        stems=tuple(_line(name, stems[name], path, saved.gain_db, truth or {}) for name, path in saved.items()),
    )


def _line(name: str, stem: Audio, path: Path, gain_db: float, truth: Mapping[str, Audio]) -> StemLine:
    comparable = name in truth and truth[name].samples.shape == stem.samples.shape
    sdr = metrics.sdr(truth[name], stem) if comparable else None
    level, peak = (max(db + gain_db, SILENCE_DB) for db in (stem.rms_db, stem.peak_db))
    return StemLine(name, str(path), level, peak, sdr)


def null_db(mixture: Audio, files: Sequence[Path], gain_db: float) -> float | None:
    """RMS, in dBFS, of the mixture minus the sum of the files as they lie on the disk; None if they are lossy."""
    import soundfile as sf

    if any(file.suffix not in LOSSLESS for file in files):
        return None
    gain, energy = 10 ** (gain_db / 20), 0.0
    for start in range(0, mixture.frames, BLOCK):
        left = mixture.samples[:, start : start + BLOCK] * gain
        for file in files:
            left -= sf.read(file, frames=left.shape[1], start=start, always_2d=True)[0].T
        energy += float(np.sum(np.square(left, dtype=np.float64)))
    return to_db(float(np.sqrt(energy / mixture.samples.size)))
