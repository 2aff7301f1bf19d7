"""How well engines separate songs whose stems are known.

The measure is SDR over the whole clip, as in the Music Demixing Challenge: `musiclab.metrics.sdr`. Engines are
compared with silence (0 dB by definition: below it, a stem is worse than nothing), with HPSS (what a classical method
does) and with ideal ratio masks (what no mask that keeps the mixture's phase does much better). Comparing with the
mixture itself would flatter everything. A stem more than 15 dB under its mixture is left out: its SDR swings wildly.

Notebook: 07
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from musiclab import datasets, metrics
from musiclab.errors import DatasetError
from musiclab.progress import Progress
from musiclab.separation import separate
from musiclab.separation.engines.oracle import ideal
from musiclab.stems import Stems, in_order

QUIET = 15.0  # dB under the mixture at which a stem is left out
SILENCE = "silence"


@dataclass(frozen=True)
class StemScore:
    """SDR in dB of one stem of one song by one method."""

    song: str
    method: str
    stem: str
    sdr: float


@dataclass(frozen=True)
class SeparationResult:
    """All scores, and the stems (as ``song/stem``) that were too quiet to be measured."""

    scores: tuple[StemScore, ...]
    left_out: tuple[str, ...]

    def songs(self) -> list[str]:
        """Names of the songs, in order."""
        return list(dict.fromkeys(score.song for score in self.scores))

    def methods(self) -> list[str]:
        """What was measured, in order."""
        return list(dict.fromkeys(score.method for score in self.scores))

    def stems(self) -> list[str]:
        """Names of the stems, in the order in which they are always told."""
        return in_order({score.stem for score in self.scores})

    def values(self, method: str, stem: str, song: str | None = None) -> list[float]:
        """The SDRs of a method on a stem, over all songs or of one."""
        return [s.sdr for s in self.scores if (s.method, s.stem) == (method, stem) and song in (None, s.song)]

    def average(self, method: str, song: str | None = None, *, of: Callable[[list[float]], float]) -> float:
        """The mean over stems of `of` (such as `statistics.mean`) over songs."""
        return statistics.mean(of(found) for stem in self.stems() if (found := self.values(method, stem, song)))

    def table(self, song: str | None = None) -> tuple[list[str], list[list[str]]]:
        """Headings and rows as text: the mean over the songs with the median in brackets, or one song's figures."""
        rows = []
        for method in self.methods():
            cells = [_cell(self.values(method, stem, song)) for stem in self.stems()]
            mean = self.average(method, song, of=statistics.mean)
            median = self.average(method, song, of=statistics.median)
            total = f"{mean:.1f}" if song else f"{mean:.1f} ({median:.1f})"
            rows.append([method, *cells, total])
        return ["", *self.stems(), "average"], rows

    def as_dict(self) -> dict[str, object]:
        """For JSON: the means over songs, every score, and what was left out."""
        means = {
            method: {stem: statistics.mean(found) for stem in self.stems() if (found := self.values(method, stem))}
            | {"average": self.average(method, of=statistics.mean)}
            for method in self.methods()
        }
        return {
            "mean": means,
            "scores": [asdict(score) for score in self.scores],
            "left_out": list(self.left_out),
        }


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ({statistics.median(values):.1f})"


def separation(
    folder: str | Path,
    *,
    engines: Sequence[str] = ("auto",),
    device: str = "auto",
    references: bool = True,
    ideals: Sequence[str] = ("ratio",),
    progress: Progress | None = None,
) -> SeparationResult:
    """SDR of each stem of every multitrack in a folder, by each engine.

    Parameters
    ----------
    folder : str or Path
        See `musiclab.datasets` for its layout.
    engines : sequence of str
        Names as in `musiclab.engines`. An engine is measured on the stems that it and the song have.
    device : str
        As in `musiclab.separate`.
    references : bool
        Measure silence, HPSS and ideal masks too.
    ideals : sequence of str
        Which ideal masks: see `musiclab.separation.engines.oracle.ideal`.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text.

    Returns
    -------
    SeparationResult

    Raises
    ------
    DatasetError
        If there is no multitrack, or no stem that could be measured.
    EngineError
        If an engine is not known or can't work.

    Notebook: 07
    """
    folders = datasets.multitrack_folders(folder)
    methods = list(dict.fromkeys([*engines, *(["hpss"] if references else [])]))
    scores: list[StemScore] = []
    left_out: list[str] = []
    for number, place in enumerate(folders):
        song = datasets.load_multitrack(place)
        loud = [name for name in song.stems if song.stems[name].rms_db > song.mixture.rms_db - QUIET]
        left_out += [f"{song.name}/{name}" for name in song.stems if name not in loud]
        if references:
            scores += [StemScore(song.name, SILENCE, stem, 0.0) for stem in loud]
        found: dict[str, Stems] = {}
        for step, engine in enumerate(methods):
            if progress:
                progress((number + step / len(methods)) / len(folders), f"{song.name} by {engine}")
            estimates = separate(song.mixture, engine=engine, device=device, progress=False)
            found[estimates.engine or engine] = estimates  # "auto" may turn out to be one that was measured already
        if references:
            found |= {estimates.engine: estimates for estimates in (ideal(song.stems, kind=kind) for kind in ideals)}
        for method, estimates in found.items():
            table = metrics.sdr_table({name: song.stems[name] for name in loud}, estimates)
            scores += [StemScore(song.name, method, stem, value) for stem, value in table.items()]
    if not any(score.method != SILENCE for score in scores):
        raise DatasetError(f"No stem in {folder} could be measured: they are silent, or no engine makes such stems.")
    if progress:
        progress(1.0, "measured")
    return SeparationResult(tuple(scores), tuple(left_out))
