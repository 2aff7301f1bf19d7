"""What is told of separated songs: levels, files, times, and whether the files add up to the song."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musiclab.audio import SILENCE_DB, Audio, to_db
from musiclab.cli import console
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
    from musiclab import metrics

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


def tell(reports: Sequence[SongReport]) -> None:
    """Print them: one song with all its stems, several as one line each."""
    done = [report for report in reports if not report.error]
    for report in done:
        if report.note:
            console.note(report.note)
    if len(reports) == 1 and done:
        _tell_one(done[0])
    elif done:
        rows = [
            (Path(r.song).name, r.engine, _time(r.duration), f"{r.seconds:.1f} s", _sum_text(r), r.folder) for r in done
        ]
        headings = ("song", "engine", "length", "took", "files minus song", "folder")
        console.print_table(f"{len(done)} of {len(reports)} songs", headings, rows, numbers=(2, 3, 4))
    for report in reports:
        if report.error:
            console.complain(f"{report.song}: {report.error}")


def _tell_one(report: SongReport) -> None:
    with_sdr = any(line.sdr_db is not None for line in report.stems)
    headings = ("stem", "level", "peak", *(("SDR",) if with_sdr else ()), "file")
    rows = []
    for line in report.stems:
        sdr = "" if line.sdr_db is None else f"{line.sdr_db:.1f} dB"
        rows.append((line.name, _level(line.level_db), _level(line.peak_db), *((sdr,) if with_sdr else ()), line.file))
    title = f"{Path(report.song).name}, {_time(report.duration)}: by {report.engine} in {report.seconds:.1f} s"
    console.print_table(title, headings, rows, numbers=(1, 2, 3) if with_sdr else (1, 2))
    if report.null_db is not None:
        console.stdout().print(f"The files add up to the song: what is left has {_sum_text(report)}.", style="dim")
    if report.gain_db < 0:
        console.note(f"All files were made {-report.gain_db:.2f} dB softer, so that none clips.")


def _sum_text(report: SongReport) -> str:
    return "" if report.null_db is None else _level(report.null_db)


def _level(db: float) -> str:
    return "silent" if db <= SILENCE_DB else f"{db:.1f} dBFS"


def _time(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
