"""A rating test without its sounds and its page: who is hidden where, what was said, and what it says of the engines.

This follows the method of ITU-R BS.1534 (MUSHRA, "multiple stimuli with hidden reference and anchors") as far as a
notebook can: the reference is open and, once more, hidden among the others; two anchors, low-passed copies of the
reference, tie the scale to something that everybody has heard; the order is drawn anew for each excerpt; the scale goes
from 0 to 100. What it can't promise is the room, the headphones, and trained listeners: hence MUSHRA-*like*.

References
----------
ITU-R BS.1534-3, "Method for the subjective assessment of intermediate quality level of audio systems", 2015.

Notebook: 07
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import AudioError

REFERENCE = "hidden reference"
LABELS = ("Excellent", "Good", "Fair", "Poor", "Bad")  # of 100-80, 80-60, ... (BS.1534-3)
LETTERS = "ABCDEFGHIJKL"
MOST = len(LETTERS)  # sounds to an excerpt, at most (BS.1534-3)
KNOWN = 90.0  # whoever rates the hidden reference below this has not heard it (BS.1534-3)
STOP_DB = 60.0  # of the anchors' filters


class Rating(NamedTuple):
    """What a condition got: median and quartiles, the mean with its interval (95 %), and how many ratings that is."""

    name: str
    median: float
    lower: float
    upper: float
    mean: float
    low: float
    high: float
    number: int


@dataclass
class Ratings:
    """Which sound stands behind which letter, and how each was rated.

    Parameters
    ----------
    names : sequence of str
        All conditions, the hidden reference and the anchors among them.
    excerpts : int
        How many passages are rated.
    seed : int or None
        Of the orders; None for new ones each time.

    Notebook: 07
    """

    names: tuple[str, ...]
    excerpts: int
    seed: int | None = None
    said: list[dict[str, float]] = field(default_factory=list, init=False)
    orders: tuple[tuple[str, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if REFERENCE not in self.names or len(set(self.names)) != len(self.names) or self.excerpts < 1:
            raise ValueError(f"A test has the {REFERENCE!r}, names that differ, and at least one excerpt.")
        if len(self.names) > MOST:
            raise ValueError(f"At most {MOST} sounds can be compared at once, not {len(self.names)}.")
        rng = np.random.default_rng(self.seed)
        self.orders = tuple(tuple(rng.permutation(self.names).tolist()) for _ in range(self.excerpts))

    @property
    def done(self) -> bool:
        return len(self.said) == self.excerpts

    def rate(self, values: list[float]) -> None:
        """The ratings of the next excerpt, in the order in which its sounds stood there.

        Raises
        ------
        ValueError
            If there are too few or too many, one is not between 0 and 100, or the test is over.
        """
        if self.done:
            raise ValueError(f"The test is over: all {self.excerpts} excerpts are rated.")
        order = self.orders[len(self.said)]
        if len(values) != len(order) or not all(0 <= value <= 100 for value in values):
            raise ValueError(f"Rate each of the {len(order)} sounds from 0 to 100.")
        self.said.append(dict(zip(order, map(float, values), strict=True)))

    @property
    def missed(self) -> int:
        """In how many excerpts the hidden reference was not recognised: rated below 90."""
        return sum(said[REFERENCE] < KNOWN for said in self.said)

    @property
    def trusted(self) -> bool:
        """Whether this listener counts: the reference missed in at most 15 % of the excerpts (BS.1534-3)."""
        return self.missed <= 0.15 * len(self.said)

    def save(self, path: str | Path, starts: list[float]) -> Path:
        """Write a row for each sound of each excerpt that was rated: excerpt, start in s, letter, condition, rating."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["excerpt", "start_s", "letter", "condition", "rating"])
            for number, (said, order) in enumerate(zip(self.said, self.orders, strict=False), start=1):
                for letter, name in zip(LETTERS, order, strict=False):
                    writer.writerow([number, starts[number - 1], letter, name, f"{said[name]:g}"])
        return path

    def results(self) -> list[Rating]:
        """Each condition's figures, the best first."""
        rows = [summary(name, [said[name] for said in self.said]) for name in self.names]
        return sorted(rows, key=lambda row: (-row.median, -row.mean))


def summary(name: str, values: list[float]) -> Rating:
    """Median, quartiles, mean, and the interval of the mean (Student's t, 95 %; all of the scale for one rating).

    Notebook: 07
    """
    from scipy.stats import t

    x = np.array(values, dtype=float)
    if not x.size:
        raise ValueError(f"Nothing was said about {name!r} yet.")
    lower, median, upper = (float(q) for q in np.percentile(x, [25, 50, 75]))
    half = 100.0
    if len(x) > 1:
        half = float(t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    mean = float(x.mean())
    return Rating(name, median, lower, upper, mean, max(mean - half, 0.0), min(mean + half, 100.0), len(x))


def read_ratings(*paths: str | Path) -> list[Rating]:
    """The figures of several listeners together, from the files that their tests saved.

    Notebook: 07
    """
    values: dict[str, list[float]] = {}
    for path in paths:
        with Path(path).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                values.setdefault(row["condition"], []).append(float(row["rating"]))
    if not values:
        raise AudioError("There are no ratings in these files.")
    return sorted((summary(*item) for item in values.items()), key=lambda row: (-row.median, -row.mean))


def anchor(sound: Audio, cutoff: float) -> Audio:
    """A low-passed copy: flat to `cutoff` Hz, 60 dB down from 8/7 of it on, no delay.

    Steeper than BS.1534-3 asks for its anchors at 3.5 and 7 kHz (25 dB down at 4 kHz, 50 dB at 4.5 kHz).

    Notebook: 07
    """
    from scipy.signal import fftconvolve, firwin, kaiserord

    stop = cutoff * 8 / 7
    if stop >= sound.sr / 2:
        return sound
    taps, beta = kaiserord(STOP_DB + 6, (stop - cutoff) / (sound.sr / 2))
    low_pass = firwin(taps | 1, (cutoff + stop) / 2, window=("kaiser", beta), fs=sound.sr)
    filtered = fftconvolve(sound.samples.astype(np.float64), low_pass[None], mode="same", axes=-1)
    return Audio(filtered.astype(np.float32), sound.sr, title=f"{cutoff / 1000:g} kHz anchor")
