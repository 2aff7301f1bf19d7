"""What is told of separated songs, printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from musiclab.audio import SILENCE_DB
from musiclab.cli import console
from musiclab.recipes.report import SongReport


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
            (Path(r.song).name, r.engine, time_text(r.duration), f"{r.seconds:.1f} s", _sum_text(r), r.folder)
            for r in done
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
        rows.append(
            (line.name, level_text(line.level_db), level_text(line.peak_db), *((sdr,) if with_sdr else ()), line.file)
        )
    title = f"{Path(report.song).name}, {time_text(report.duration)}: by {report.engine} in {report.seconds:.1f} s"
    console.print_table(title, headings, rows, numbers=(1, 2, 3) if with_sdr else (1, 2))
    if report.null_db is not None:
        console.stdout().print(f"The files add up to the song: what is left has {_sum_text(report)}.", style="dim")
    if report.gain_db < 0:
        console.note(f"All files were made {-report.gain_db:.2f} dB softer, so that none clips.")


def _sum_text(report: SongReport) -> str:
    return "" if report.null_db is None else level_text(report.null_db)


def level_text(db: float) -> str:
    """A level in dBFS, for people."""
    return "silent" if db <= SILENCE_DB else f"{db:.1f} dBFS"


def time_text(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
