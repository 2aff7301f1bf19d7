"""How much separation helps transcription, instrument by instrument, on the same songs.

Each stem whose notes are known is transcribed from the mixture, from what each engine makes of the mixture, and from
the true stem, which no separation can beat. The measure is the F-measure at 50 ms: of notes, and for drums of the
strokes of kick, snare and hi-hat together. Songs differ far more than methods do, so methods are compared song by song:
the mean of the differences, with a 95 % interval by the bootstrap over songs [1]_.

References
----------
.. [1] Efron, Tibshirani: "An Introduction to the Bootstrap", Chapman & Hall 1993, chapter 13

Notebook: 07
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.errors import DatasetError
from musiclab.evaluation.recordings import read_drum_truth
from musiclab.metrics.notes import drum_scores, note_score
from musiclab.notes import Part
from musiclab.progress import Progress
from musiclab.separation import separate
from musiclab.stems import in_order
from musiclab.transcription import transcribe

MIXTURE, TRUE_STEM = "mixture", "true stem"
RESAMPLES = 10_000
FEWEST_NOTES = 8  # fewer say nothing about a transcriber


@dataclass(frozen=True)
class PartScore:
    """Of one stem of one song, heard in one source (the mixture, an engine's stem, the true stem): F-measure, 0–1."""

    song: str
    stem: str
    source: str
    precision: float
    recall: float
    f: float
    notes: int


@dataclass(frozen=True)
class Difference:
    """Mean over songs of the F-measure in `source` less that in `reference`, and its 95 % interval."""

    stem: str
    source: str
    reference: str
    mean: float
    low: float
    high: float
    songs: int


@dataclass(frozen=True)
class PartsResult:
    """All scores; the same songs for each source of a stem."""

    scores: tuple[PartScore, ...]

    def stems(self) -> list[str]:
        """Names of the stems, in the order in which they are always told."""
        return in_order({score.stem for score in self.scores})

    def sources(self) -> list[str]:
        """What was transcribed: the mixture first, the true stem last."""
        return list(dict.fromkeys(score.source for score in self.scores))

    def f(self, stem: str, source: str) -> dict[str, float]:
        """F-measure by song."""
        return {s.song: s.f for s in self.scores if (s.stem, s.source) == (stem, source)}

    def difference(self, stem: str, source: str, reference: str = MIXTURE) -> Difference:
        """How much better the stem's notes are found in `source` than in `reference`, over the songs of both."""
        here, there = self.f(stem, source), self.f(stem, reference)
        by_song = np.array([here[song] - there[song] for song in here if song in there])
        if not len(by_song):
            raise DatasetError(f"No song has its {stem} transcribed from both {source} and {reference}.")
        draws = np.random.default_rng(0).choice(by_song, size=(RESAMPLES, len(by_song))).mean(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        return Difference(stem, source, reference, float(by_song.mean()), float(low), float(high), len(by_song))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows as text: mean F in each source, then what each engine's stem and the true one gain."""
        better = [source for source in self.sources() if source != MIXTURE]
        rows = []
        for stem in self.stems():
            means = [_mean(self.f(stem, source)) for source in self.sources()]
            gains = [_gain(self, stem, source) for source in better]
            rows.append([stem, str(len(self.f(stem, MIXTURE))), *means, *gains])
        return ["stem", "songs", *self.sources(), *(f"{source} − {MIXTURE}" for source in better)], rows

    def as_dict(self) -> dict[str, object]:
        """For JSON: the differences from the mixture, and every score."""
        pairs = [(stem, source) for stem in self.stems() for source in self.sources() if self.f(stem, source)]
        differences = [self.difference(stem, source) for stem, source in pairs if source != MIXTURE]
        return {"differences": [asdict(d) for d in differences], "scores": [asdict(score) for score in self.scores]}


def _mean(by_song: dict[str, float]) -> str:
    return f"{statistics.mean(by_song.values()):.2f}" if by_song else "–"


def _gain(result: PartsResult, stem: str, source: str) -> str:
    if not result.f(stem, source):
        return "–"
    gain = result.difference(stem, source)
    return f"{gain.mean:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"


def parts(
    folder: str | Path,
    *,
    engines: Sequence[str] = ("embedded", "hpss"),
    device: str = "auto",
    progress: Progress | None = None,
) -> PartsResult:
    """F-measures of each stem's notes, heard in the mixture, in engines' stems, and in the true stem.

    Parameters
    ----------
    folder : str or Path
        Multitracks (see `musiclab.datasets`) whose ``song.json`` tells the notes, or with ``drums/NAME.onsets.txt`` in
        `folder` for the strokes. Stems without known notes, or with fewer than eight, are left out.
    engines : sequence of str
        Names as in `musiclab.engines`.
    device : str
        As in `musiclab.separate`.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text; it may raise to cancel.

    Returns
    -------
    PartsResult

    Raises
    ------
    DatasetError
        If there is no multitrack, or none whose notes are known.
    EngineError
        If an engine is not known or can't work.

    Notebook: 07
    """
    folders = datasets.multitrack_folders(folder)
    scores: list[PartScore] = []
    for number, place in enumerate(folders):
        if progress:
            progress(number / len(folders), place.name)
        song = datasets.load_multitrack(place)
        truths = _known_parts(song, Path(folder) / "drums" / f"{place.name}.onsets.txt")
        if truths:
            scores += _song_scores(song, truths, engines, device)
    if not scores:
        raise DatasetError(f"No multitrack in {folder} has known notes: write them into its song.json.")
    if progress:
        progress(1.0, "measured")
    return PartsResult(tuple(scores))


def _known_parts(song: datasets.Multitrack, strokes: Path) -> dict[str, Part]:
    """The true part of each stem whose notes are known."""
    known = {stem: song.part(stem) for stem in song.stems if stem in song.notes}
    if "drums" in song.stems and strokes.is_file():
        known["drums"] = read_drum_truth(strokes)
    return {stem: part for stem, part in known.items() if len(part) >= FEWEST_NOTES}


def _song_scores(
    song: datasets.Multitrack, truths: dict[str, Part], engines: Sequence[str], device: str
) -> list[PartScore]:
    """Every known stem of a song, from every source that has it."""
    sources: dict[str, Callable[[str], Audio | None]] = {MIXTURE: lambda _: song.mixture}
    for engine in engines:
        sources[engine] = separate(song.mixture, engine=engine, device=device, progress=False).get
    sources[TRUE_STEM] = song.stems.get
    scores = []
    for source, sound in sources.items():
        for stem, truth in truths.items():
            audio = sound(stem)
            if audio is not None:
                scores.append(_score(song.name, stem, source, audio, truth))
    return scores


def _score(song: str, stem: str, source: str, audio: Audio, truth: Part) -> PartScore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nothing was found: its F-measure says so
        found = transcribe(audio, instrument=truth.instrument, progress=False)
    of = drum_scores(found, truth)["all three"] if stem == "drums" else note_score(found, truth)
    return PartScore(song, stem, source, of.precision, of.recall, of.f, of.true_notes)
