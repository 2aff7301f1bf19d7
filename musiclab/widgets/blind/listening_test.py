"""A blind listening test in the notebook: can you hear the difference at all?

ABX is the plainest test there is. A and B are known, X is one of the two by the toss of a coin, and the listener says
which. Whoever hears no difference is right half of the time; how unlikely a result is for such a listener is counted
out, not felt. Both sounds are brought to the same level first: the louder one of two always seems the better.

References
----------
W. A. Munson, M. B. Gardner, "Standardizing auditory tests", JASA 22(5), 1950. doi:10.1121/1.1917190

ITU-R BS.1116-3, "Methods for the subjective assessment of small impairments in audio systems", 2015.

Notebook: 07
"""

from __future__ import annotations

import csv
import html
from dataclasses import dataclass, field
from datetime import datetime
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.blind.levelled import clip_starts, matched
from musiclab.widgets.shared import front
from musiclab.widgets.shared.widget import Widget


@dataclass
class Abx:
    """The test without its sounds: what X was, what was said, and what that proves.

    Parameters
    ----------
    trials : int
        How many times to ask. Fewer than 5 can't prove anything: 1 / 2**4 is more than 5 %.
    seed : int or None
        Of the coin; None for a new one each time.

    Notebook: 07
    """

    trials: int = 12
    seed: int | None = None
    answers: list[str] = field(default_factory=list, init=False)
    xs: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ValueError(f"A test has at least one trial, not {self.trials}.")
        self.xs = tuple(np.random.default_rng(self.seed).choice(["A", "B"], self.trials).tolist())

    @property
    def done(self) -> bool:
        return len(self.answers) == self.trials

    @property
    def right(self) -> int:
        """Right answers so far."""
        return sum(said == x for said, x in zip(self.answers, self.xs, strict=False))

    @property
    def p_value(self) -> float:
        """Probability that somebody who only guesses has at least as many right; 1 before the first answer."""
        return guessing(self.right, len(self.answers))

    def answer(self, said: str) -> None:
        """Say what X is.

        Parameters
        ----------
        said : str
            ``"A"`` or ``"B"``.

        Raises
        ------
        ValueError
            If it is neither, or the test is over.
        """
        if said not in ("A", "B"):
            raise ValueError(f"X is A or B, not {said!r}.")
        if self.done:
            raise ValueError(f"The test is over: all {self.trials} answers are given.")
        self.answers.append(said)

    def verdict(self) -> str:
        """The result in a sentence or two."""
        counted = f"{self.right} of {len(self.answers)} right; by guessing as many or more come in {self.p_value:.1%}."
        if self.p_value < 0.05:
            return f"{counted} You hear a difference."
        return f"{counted} This doesn't show that you hear a difference; nor that there is none."


def guessing(right: int, trials: int) -> float:
    """Probability of at least `right` heads in `trials` tosses of a fair coin (one-sided binomial test).

    Notebook: 07
    """
    ways: int = sum(comb(trials, count) for count in range(right, trials + 1))
    return ways * 0.5**trials


class ListeningTest(Widget):
    """A blind test (ABX) of two sounds: A, B and X on one clock, two buttons, and the result as a CSV file.

    Each trial plays the same few seconds of both, from another place of the song, at the same level; one switches
    between them in the middle of a note. Nothing is said about right or wrong before the end, for that would teach.
    The result is saved after every answer.

    Parameters
    ----------
    a, b : Audio
        What to compare, say a true stem and an estimate; of the same length and sample rate.
    names : (str, str)
        What A and B are called on the page.
    trials : int
        How many times to ask.
    seconds : float
        Length of the clips.
    folder : str or Path
        Where the result is saved, as ``listening test DATE TIME.csv``.
    seed : int or None
        Of the coin and of the places; None for new ones each time.

    Raises
    ------
    AudioError
        If the sounds differ in length or sample rate, or one is silent.

    Notebook: 07
    """

    _esm = front.esm("blind/abx.js")
    _css = front.css("shared/specview.css", "blind/rating.css")

    _number = traitlets.Int(0).tag(sync=True)  # of the trial, from 0
    _trials = traitlets.Int().tag(sync=True)
    _seconds = traitlets.Float().tag(sync=True)
    _channels = traitlets.Int().tag(sync=True)
    _names: traitlets.List[str] = traitlets.List().tag(sync=True)
    _files: traitlets.List[bytes] = traitlets.List(traitlets.Bytes()).tag(sync=True)  # A, B, X
    _verdict = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        a: Audio,
        b: Audio,
        *,
        names: tuple[str, str] = ("A", "B"),
        trials: int = 12,
        seconds: float = 4.0,
        folder: str | Path = "exports",
        seed: int | None = None,
    ) -> None:
        if (a.sr, a.frames) != (b.sr, b.frames):
            raise AudioError("The two sounds differ in length or sample rate: cut them alike first.")
        matched(a, b)  # says so now if one is silent
        self.abx = Abx(trials, seed)
        self.names = names
        self.path = Path(folder) / f"listening test {datetime.now():%Y-%m-%d %H.%M.%S}.csv"
        places = clip_starts(a, b, seconds=seconds)
        self.starts: list[float] = np.random.default_rng(seed).choice(places, trials).tolist()
        self._sounds, self._length = (a, b), min(seconds, a.duration)
        super().__init__(
            _trials=trials, _seconds=self._length, _channels=a.channels, _names=list(names), _files=self._encoded()
        )
        self.on_msg(self._on_message)

    def answer(self, said: str) -> None:
        """Say ``"A"`` or ``"B"``, as its button does; the result so far is saved, and the next clips are there."""
        self.abx.answer(said)
        self.save(self.path)
        self._show()

    def save(self, path: str | Path) -> Path:
        """Write a row for each answer: trial, start of the clip in s, what X was, what was said, whether it is right.

        The last column is the p-value after that answer.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["trial", "a", "b", "start_s", "x", "answer", "right", "p_value"])
            right = 0
            for number, (said, x) in enumerate(zip(self.abx.answers, self.abx.xs, strict=False), start=1):
                right += said == x
                p_value = f"{guessing(right, number):.4f}"
                writer.writerow([number, *self.names, self.starts[number - 1], x, said, int(said == x), p_value])
        return path

    def _show(self) -> None:
        """The clips of the next trial, or the result."""
        with self.hold_sync():
            self._files = [] if self.abx.done else self._encoded()
            self._verdict = f"{self.abx.verdict()} Saved as {self.path}." if self.abx.done else ""
            self._number = len(self.abx.answers)

    def _encoded(self) -> list[bytes]:
        """A, B and X of the trial as files, at one level."""
        number = len(self.abx.answers)
        start = self.starts[number]
        a, b = (
            codecs.encode(clip, format="flac")
            for clip in matched(*(sound[start : start + self._length] for sound in self._sounds))
        )
        return [a, b, a if self.abx.xs[number] == "A" else b]

    def _on_message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content["number"] == self._number:  # else it was told twice
            self.answer(content["said"])

    def __repr__(self) -> str:
        return f"<ListeningTest: {self._number} of {self._trials} trials>"

    def _still(self) -> str:
        to_take = f"{self.abx.trials} trials; run this notebook to take it."
        said = self.abx.verdict() if self.abx.answers else to_take
        return f"<p><b>Blind listening test</b>: {html.escape(said)}</p>"
