"""How much separation helps transcription, instrument by instrument, on the same songs.

Each stem is transcribed from the mixture, from what each engine makes of the mixture, and from the true stem, which no
separation can beat. It is measured against its notes where they are known, and where nobody wrote them down against
what the same transcriber hears in the true stem: that says what separation loses, not how well the transcriber hears.
The two are never averaged, and the tables say which it is. The measure is the F-measure at 50 ms: of notes, and for
drums of the strokes of kick, snare and hi-hat together. Songs differ far more than methods do, so methods are compared
song by song: the mean of the differences, with a 95 % interval by the bootstrap over songs [1]_.

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

from musiclab import datasets, instruments
from musiclab.audio import Audio
from musiclab.errors import DatasetError
from musiclab.evaluation.recordings import read_drum_truth
from musiclab.metrics.notes import beyond_chance, drum_scores, note_score, reliability_of, right_notes
from musiclab.notes import Part
from musiclab.progress import Progress
from musiclab.separation import separate
from musiclab.stems import in_order
from musiclab.transcription import transcribe

MIXTURE, TRUE_STEM = "mixture", "true stem"
KNOWN, HEARD = "known notes", "heard in the true stem"  # what a part is measured against
RESAMPLES = 10_000
FEWEST_NOTES = 8  # fewer say nothing about a transcriber


@dataclass(frozen=True)
class PartScore:
    """Of one stem of one song, heard in one source (the mixture, an engine's stem, the true stem).

    Attributes
    ----------
    precision, recall, f : float
        At 50 ms, 0–1.
    notes : int
        How many there are in what it is measured against.
    against : str
        ``"known notes"``, or ``"heard in the true stem"`` where none are known.
    confidences : tuple of float, 0–1
        What each note that was found says of itself.
    right : tuple of bool
        Whether it is right.
    """

    song: str
    stem: str
    source: str
    precision: float
    recall: float
    f: float
    notes: int
    against: str = KNOWN
    confidences: tuple[float, ...] = ()
    right: tuple[bool, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The figures, for JSON, without the single notes."""
        return {name: value for name, value in asdict(self).items() if name not in ("confidences", "right")}


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
    against: str = KNOWN


@dataclass(frozen=True)
class PartsResult:
    """All scores; the same songs for each source of a stem."""

    scores: tuple[PartScore, ...]

    def stems(self, against: str = KNOWN) -> list[str]:
        """Names of the stems that were measured against this, in the order in which they are always told."""
        return in_order({score.stem for score in self.scores if score.against == against})

    def measures(self) -> list[tuple[str, str]]:
        """Each stem with what it is measured against: known notes first."""
        return [(stem, against) for against in (KNOWN, HEARD) for stem in self.stems(against)]

    def sources(self) -> list[str]:
        """What was transcribed: the mixture first, the true stem last."""
        found = list(dict.fromkeys(score.source for score in self.scores))
        return sorted(found, key=lambda source: source == TRUE_STEM)

    def f(self, stem: str, source: str, against: str = KNOWN) -> dict[str, float]:
        """F-measure by song."""
        wanted = (stem, source, against)
        return {s.song: s.f for s in self.scores if (s.stem, s.source, s.against) == wanted}

    def difference(self, stem: str, source: str, reference: str = MIXTURE, *, against: str = KNOWN) -> Difference:
        """How much better the stem's notes are found in `source` than in `reference`, over the songs of both."""
        here, there = self.f(stem, source, against), self.f(stem, reference, against)
        by_song = np.array([here[song] - there[song] for song in here if song in there])
        if not len(by_song):
            raise DatasetError(f"No song has its {stem} transcribed from both {source} and {reference}.")
        draws = np.random.default_rng(0).choice(by_song, size=(RESAMPLES, len(by_song))).mean(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        mean = float(by_song.mean())
        return Difference(stem, source, reference, mean, float(low), float(high), len(by_song), against)

    def reliability(self, stem: str, source: str, against: str = KNOWN) -> list[tuple[float, float, int]]:
        """Whether the confidences keep their word, over all songs: see `musiclab.metrics.notes.reliability`."""
        found = [s for s in self.scores if (s.stem, s.source, s.against) == (stem, source, against)]
        return reliability_of(
            [c for score in found for c in score.confidences], [r for score in found for r in score.right]
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows as text: mean F in each source, then what each engine's stem and the true one gain."""
        better = [source for source in self.sources() if source != MIXTURE]
        rows = []
        for stem, against in self.measures():
            means = [_mean(self.f(stem, source, against)) for source in self.sources()]
            gains = [_gain(self, stem, source, against) for source in better]
            rows.append([stem, against, str(len(self.f(stem, MIXTURE, against))), *means, *gains])
        gained = [f"{source} − {MIXTURE}" for source in better]
        return ["stem", "against", "songs", *self.sources(), *gained], rows

    def reliability_table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows as text: in each fifth of the confidences what is said, and how much of it is right.

        A star says that the two differ by more than so few notes may by chance.
        """
        rows = []
        for stem, against in self.measures():
            for source in (source for source in self.sources() if self.f(stem, source, against)):
                cells = {_fifth(one[0]): _told(*one) for one in self.reliability(stem, source, against)}
                rows.append([stem, against, source, *(cells.get(i, "–") for i in range(5))])
        return ["stem", "against", "source", *(f"{i / 5:.1f}–{(i + 1) / 5:.1f}" for i in range(5))], rows

    def as_dict(self) -> dict[str, object]:
        """For JSON: the differences from the mixture, every score, and whether confidences keep their word."""
        sources = [
            (stem, source, against)
            for stem, against in self.measures()
            for source in self.sources()
            if self.f(stem, source, against)
        ]
        differences = [
            self.difference(stem, source, against=against) for stem, source, against in sources if source != MIXTURE
        ]
        words = [
            {"stem": stem, "source": source, "against": against, "confidence": said, "right": right, "notes": count}
            for stem, source, against in sources
            for said, right, count in self.reliability(stem, source, against)
        ]
        return {
            "differences": [asdict(d) for d in differences],
            "scores": [score.as_dict() for score in self.scores],
            "reliability": words,
        }


def _fifth(confidence: float) -> int:
    return min(int(confidence * 5), 4)


def _told(said: float, right: float, count: int) -> str:
    return f"{said:.2f} → {right:.2f} ({count})" + "*" * beyond_chance(said, right, count)


def _mean(by_song: dict[str, float]) -> str:
    return f"{statistics.mean(by_song.values()):.2f}" if by_song else "–"


def _gain(result: PartsResult, stem: str, source: str, against: str) -> str:
    if not result.f(stem, source, against):
        return "–"
    gain = result.difference(stem, source, against=against)
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
        Multitracks (see `musiclab.datasets`). Notes are known from their ``song.json``, strokes from
        ``drums/NAME.onsets.txt`` in `folder` or beside it; where they are not known, a stem is measured against what
        is heard in the true one. Stems of fewer than eight notes are left out.
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
        If there is no multitrack, or none that plays enough to be measured.
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
        scores += _song_scores(song, _known_parts(song, _strokes_of(place.name, Path(folder))), engines, device)
    if not scores:
        raise DatasetError(
            f"No stem in {folder} plays {FEWEST_NOTES} notes, neither known ones (from its song.json) nor heard ones."
        )
    if progress:
        progress(1.0, "measured")
    return PartsResult(tuple(scores))


def _strokes_of(song: str, folder: Path) -> Path:
    """The annotated strokes of a song, in the folder or beside it."""
    inside = folder / "drums" / f"{song}.onsets.txt"
    return inside if inside.is_file() else folder.resolve().parent / "drums" / inside.name


def _known_parts(song: datasets.Multitrack, strokes: Path) -> dict[str, Part]:
    """The true part of each stem whose notes are known."""
    known = {stem: song.part(stem) for stem in song.stems if stem in song.notes}
    if "drums" in song.stems and strokes.is_file():
        known["drums"] = read_drum_truth(strokes)
    return known


def _song_scores(
    song: datasets.Multitrack, known: dict[str, Part], engines: Sequence[str], device: str
) -> list[PartScore]:
    """Every stem of a song that plays enough, from every source that has it."""
    heard = {stem: _heard(song.stems[stem], instruments.of_stem(stem)) for stem in song.stems if stem not in known}
    truths = {stem: part for stem, part in {**known, **heard}.items() if len(part) >= FEWEST_NOTES}
    if not truths:
        return []
    sources: dict[str, Callable[[str], Audio | None]] = {MIXTURE: lambda _: song.mixture}
    for engine in engines:
        sources[engine] = separate(song.mixture, engine=engine, device=device, progress=False).get
    sources[TRUE_STEM] = lambda stem: song.stems.get(stem) if stem in known else None
    scores = []
    for source, sound in sources.items():
        for stem, truth in truths.items():
            audio = sound(stem)
            if audio is not None:
                against = KNOWN if stem in known else HEARD
                scores.append(_score((song.name, stem, source), _heard(audio, truth.instrument), truth, against))
    return scores


def _heard(audio: Audio, instrument: str) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nothing was found: its F-measure says so
        return transcribe(audio, instrument=instrument, progress=False)


def _score(name: tuple[str, str, str], found: Part, truth: Part, against: str) -> PartScore:
    """`name`: song, stem and source."""
    of = drum_scores(found, truth)["all three"] if truth.instrument == "drums" else note_score(found, truth)
    confidences, right = right_notes(found, truth)
    return PartScore(*name, of.precision, of.recall, of.f, of.true_notes, against, confidences, right)
