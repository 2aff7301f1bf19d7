"""`RatingTest`: rate several versions of a sound against the original, blind, as in a MUSHRA test.

What is counted stands in `musiclab.widgets.blind.ratings`; here are the sounds and the page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.blind.levelled import clip_starts, matched
from musiclab.widgets.blind.ratings import LABELS, REFERENCE, Rating, Ratings, anchor
from musiclab.widgets.shared import front
from musiclab.widgets.shared.widget import Widget

ANCHORS = {"3.5 kHz anchor": 3500.0, "7 kHz anchor": 7000.0}
LONGEST = 12.0  # s of an excerpt: about what one keeps in mind (BS.1534-3)
FADE = 0.01  # s at both ends of an excerpt


class RatingTest(Widget):
    """A blind rating of several sounds against a reference, from 0 to 100: MUSHRA-like (ITU-R BS.1534-3).

    Each excerpt is heard as the open reference and, in an order drawn anew, as the versions to be judged, the reference
    once more, and two low-passed anchors. All play on one clock at one level: one switches between them in the middle
    of a note. The ratings are saved after every excerpt.

    Parameters
    ----------
    reference : Audio
        The original, such as a true stem.
    sounds : mapping of str to Audio
        What is to be judged, by name; of the same length and sample rate. `Stems` of several engines, say.
    excerpts : int
        How many passages to rate.
    seconds : float
        Length of each, at most 12.
    anchors : bool
        Whether the low-passed copies are among them.
    folder : str or Path
        Where the ratings are saved, as ``rating test DATE TIME.csv``.
    seed : int or None
        Of the orders and the places; None for new ones each time.

    Attributes
    ----------
    ratings : Ratings
        What was said so far; `Ratings.results` has the figures.
    path : Path
        The file.

    Raises
    ------
    AudioError
        If the sounds differ in length or sample rate, one is silent, or there is nothing to judge.

    References
    ----------
    ITU-R BS.1534-3, "Method for the subjective assessment of intermediate quality level of audio systems", 2015.

    Notebook: 07
    """

    _esm = front.esm("blind/rating.js")
    _css = front.css("shared/specview.css", "blind/rating.css")

    _number = traitlets.Int(0).tag(sync=True)  # of the excerpt, from 0
    _excerpts = traitlets.Int().tag(sync=True)
    _seconds = traitlets.Float().tag(sync=True)
    _channels = traitlets.Int().tag(sync=True)
    _files: traitlets.List[bytes] = traitlets.List(traitlets.Bytes()).tag(sync=True)  # the reference, then A, B ...
    _labels: traitlets.List[str] = traitlets.List(list(LABELS)).tag(sync=True)
    _results: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)  # empty until the end
    _verdict = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        reference: Audio,
        sounds: Mapping[str, Audio],
        *,
        excerpts: int = 4,
        seconds: float = 8.0,
        anchors: bool = True,
        folder: str | Path = "exports",
        seed: int | None = None,
    ) -> None:
        if not sounds or not 0 < seconds <= LONGEST:
            raise AudioError(f"Give at least one sound to be judged, and excerpts of at most {LONGEST:g} s.")
        if any((s.sr, s.frames) != (reference.sr, reference.frames) for s in sounds.values()):
            raise AudioError("The sounds differ in length or sample rate: cut them alike first.")
        self._sounds = dict(sounds) | {REFERENCE: reference}
        if anchors:
            self._sounds |= {name: anchor(reference, cutoff) for name, cutoff in ANCHORS.items()}
        matched(*self._sounds.values())  # says so now if one is silent
        self.ratings = Ratings(tuple(self._sounds), excerpts, seed)
        self.path = Path(folder) / f"rating test {datetime.now():%Y-%m-%d %H.%M.%S}.csv"
        places = clip_starts(reference, *sounds.values(), seconds=seconds)
        rng = np.random.default_rng(seed)
        self.starts: list[float] = rng.choice(places, excerpts, replace=len(places) < excerpts).tolist()
        self._length = min(seconds, reference.duration)
        super().__init__(
            _excerpts=excerpts, _seconds=self._length, _files=self._encoded(), _channels=reference.channels
        )
        self.on_msg(self._on_message)

    def rate(self, values: list[float]) -> None:
        """Rate the sounds of the excerpt, in the order in which they stand there, as the page does.

        The ratings so far are saved, and the next excerpt is there, or the result.
        """
        self.ratings.rate(values)
        self.ratings.save(self.path, self.starts)
        with self.hold_sync():
            if self.ratings.done:
                self._files = []
                self._results = [list(row) for row in self.ratings.results()]
                self._verdict = self.verdict()
            else:
                self._files = self._encoded(len(self.ratings.said))
            self._number = len(self.ratings.said)

    def results(self) -> list[Rating]:
        """Median, quartiles and mean of each sound, the best first; once something is rated."""
        return self.ratings.results()

    def verdict(self) -> str:
        """The result in a sentence or two."""
        r = self.ratings
        if not r.said:
            return f"{_excerpts(r.excerpts)}; nothing is rated yet."
        told = f"The hidden reference was recognised in {len(r.said) - r.missed} of {_excerpts(len(r.said))}."
        if not r.trusted:
            told += " BS.1534 leaves out listeners who miss it in more than 15 %: this result does not count."
        return f"{told} Saved as {self.path}."

    def _encoded(self, number: int = 0) -> list[bytes]:
        """The excerpt as files: the open reference first, then all in their hidden order, at one level."""
        start = self.starts[number]
        names = (REFERENCE, *self.ratings.orders[number])
        cut = matched(*(self._sounds[name][start : start + self._length] for name in names))
        return [codecs.encode(clip.faded(FADE), format="flac") for clip in cut]

    def _on_message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content["number"] == self._number:  # else it was told twice
            self.rate(content["values"])

    def __repr__(self) -> str:
        return f"<RatingTest of {len(self.ratings.names)} sounds: {self._number} of {self._excerpts} excerpts rated>"

    def _still(self) -> str:
        said = self.verdict() if self.ratings.said else f"{_excerpts(self._excerpts)}; run this notebook to take it."
        return f"<p><b>Rating test (MUSHRA-like)</b>: {html.escape(said)}</p>"


def _excerpts(number: int) -> str:
    return "1 excerpt" if number == 1 else f"{number} excerpts"
