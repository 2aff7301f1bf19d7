"""A mask lab without a page and without traits: what is done to the masks, and the messages that tell of it.

Everything is done in small steps, first what is about to be heard. `MaskSession.steps` does one after the other; who
drives it may stop at any time, hear what is wanted by now, and go on: so a kernel is never busy for long, and a slider
that moves on makes what it made obsolete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.stems import RESIDUAL, Stems
from musiclab.widgets.masklab.comparison import compared
from musiclab.widgets.masklab.gestures import Gesture, Shaping
from musiclab.widgets.masklab.kinds import HOP, Passage
from musiclab.widgets.masklab.messages import Message, Step
from musiclab.widgets.masklab.passages import check, passage, put_back
from musiclab.widgets.masklab.sheet import BLOCK, MaskSheet
from musiclab.widgets.shared.brushes import Points, snapped
from musiclab.widgets.shared.pixels import LogRows
from musiclab.widgets.shared.transport import for_page, packed

GROUP = 3  # blocks that are told at once: 2.2 s at 44.1 kHz
LEFT_OVER_DB = -40.0  # a residual louder than this under the mixture is a source of its own


class MaskSession:
    """The masks of a passage, the stem that is looked at, and what is still to be told of them.

    Parameters
    ----------
    song : Audio
        The mixture.
    stems : Stems
        What an engine made of it.
    truth : Stems
        The true stems, if they are known.
    start, stop : float
        The passage in seconds; at most a minute. The first minute if left out.

    Attributes
    ----------
    sheet : MaskSheet
        The masks as they stand.
    stem, kind : str
        Which stem is looked at, and what the masks start from.
    at : float
        Where the playhead is, in seconds of the passage: what sounds next is told first.

    Raises
    ------
    AudioError
        If song, stems and truth differ in rate or length, or there is no such passage.
    """

    def __init__(self, song: Audio, stems: Stems, *, truth: Stems | None, start: float, stop: float | None) -> None:
        check(song, stems, truth)
        self.song, self.given = song, stems
        self.first, self.last = passage(song, start, stop)  # frames
        names = list(stems)
        if stems.residual.rms_db > song.rms_db + LEFT_OVER_DB:
            names.append(RESIDUAL)
        x = self._cut(song)
        self._sound = packed(for_page(x))
        true = None if truth is None else np.stack([self._of(truth, name) for name in names])
        estimates = np.stack([self._of(stems, name) for name in names])
        self.passage = Passage(tuple(names), spectral.stft(x.samples), estimates, true)
        self.magnitude = np.sqrt(np.square(np.abs(self.passage.X)).mean(axis=0))
        self.pixels = LogRows(song.sr, self.magnitude.shape[0])
        self.stem, self.kind, self.at = names[0], "model", 0.0
        self.sheet = MaskSheet(self.passage, self.kind, sr=song.sr)
        self._unsent: set[int] = set()  # blocks that the page has not got as they are now
        self._comparing: Iterator[Step] | None = None

    def _cut(self, sound: Audio) -> Audio:
        return Audio(sound.samples[:, self.first : self.last], sound.sr)

    def _of(self, stems: Stems, name: str) -> np.ndarray:
        if name not in stems and name != RESIDUAL:
            return np.zeros((self.song.channels, self.last - self.first), dtype=np.float32)
        return self._cut(stems[name]).samples

    def known(self, name: str) -> str:
        """A stem's name; AudioError for one that is not here."""
        if name not in self.passage.names:
            raise AudioError(f"No stem is called {name!r}: there are {', '.join(self.passage.names)}.")
        return name

    def known_kind(self, kind: str) -> str:
        """A kind of mask; AudioError for one that can't be made here."""
        if kind not in self.passage.kinds():
            known = (
                "see lab.kinds" if self.passage.truth is not None else "give the true stems (truth=...) for ideal masks"
            )
            raise AudioError(f"There are no masks of the kind {kind!r} here: {known}.")
        return kind

    # --- what is done

    def choose(self, stem: str) -> None:
        """Look at another stem."""
        self.stem, self._comparing = self.known(stem), None
        self._changed(self._all)

    def start_from(self, kind: str) -> None:
        """Start from another kind of mask; what was painted stays."""
        self.kind = kind
        self.sheet = MaskSheet(self.passage, kind, sr=self.song.sr, state=self.sheet.state)
        self._changed(self._all)

    def shape(self, shaping: Shaping) -> None:
        """Set hardness, threshold and smoothing."""
        self._changed(self.sheet.shape(shaping))

    def paint(self, gesture: Gesture) -> None:
        """Do a gesture, in seconds of the passage."""
        self._changed(self.sheet.paint(gesture))

    def undo(self) -> None:
        """Take back the last gesture or shaping, bit for bit."""
        self._changed(self.sheet.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._changed(self.sheet.redo())

    def compare(self) -> None:
        """All kinds of mask for the stem are to be made, and told of, when everything else is."""
        self._comparing = compared(self.passage, self.stem, self.pixels)

    def comparison(self) -> Iterator[Message]:
        """The same at once."""
        steps = compared(self.passage, self.stem, self.pixels)
        return (step.message for step in steps if step.message is not None)

    @property
    def _all(self) -> slice:
        return slice(0, self.sheet.grid.columns)

    def _changed(self, columns: slice) -> None:
        if columns.stop > columns.start:
            reached = self.sheet.reached(columns)
            self._unsent |= set(range(reached.start, reached.stop))

    def local(self, points: Points) -> tuple[tuple[float, float], ...]:
        """Points of the song (seconds, Hz) in seconds of the passage, kept within it."""
        if len(points) == 0:
            raise AudioError("A gesture needs at least one point, as (seconds, Hz).")
        start, length = self.first / self.song.sr, (self.last - self.first) / self.song.sr
        return tuple((float(np.clip(t - start, 0, length)), float(max(f, 1.0))) for t, f in points)

    def snapped(self, points: Points) -> tuple[tuple[float, float], ...]:
        """Points of the passage moved to the pitch that sounds there."""
        return tuple(snapped(self.magnitude, self.sheet.grid, points))

    # --- what comes of it

    def repaired(self) -> Stems:
        """The stems of the whole song; those that sound as before are the given ones."""
        made = {name: self._repaired(name) for name in self.given}
        touched = any(made[name] is not self.given[name] for name in made)
        engine = self.given.engine
        return Stems(made, self.song, engine=f"{engine}, repaired" if touched else engine, note=self.given.note)

    def _repaired(self, name: str) -> Audio:
        given, now = self.given[name], self.sheet.sound(name)
        if np.array_equal(now, given.samples[:, self.first : self.last]):
            return given
        return put_back(given, now, self.first)

    def scores(self) -> list[list[Any]]:
        """Of each stem: name, change of level, SDR before and now, in dB (None where the truth isn't known)."""
        return [self._score(name) for name in self.sheet.names]

    def _score(self, name: str) -> list[Any]:
        before, now = self.sheet.sdr(name) or (None, None)
        change = self.sheet.change_db(name)
        return [name, round(change, 3), *(None if x is None else round(x, 3) for x in (before, now))]

    def picture(self, columns: slice | None = None) -> np.ndarray:
        """The stem's mask as bytes [shape=(rows, columns)]: see `LogRows.mask`."""
        columns = columns or self._all
        M = self.sheet.part(columns)[self.sheet.names.index(self.stem)]
        return self.pixels.mask(M, np.square(np.abs(self.passage.X[..., columns])))

    # --- messages

    def hello(self) -> Message:
        """For a page that has come: the mixture. The stem as it stands follows in `steps`."""
        self._changed(self._all)
        scale, sound = self._sound
        return {"mixture": {"scale": scale}}, [sound]

    def steps(self) -> Iterator[Step]:
        """Do what is to be done, step by step, until all is."""
        while (step := self._step()) is not None:
            yield step

    def _step(self) -> Step | None:
        sheet, message = self.sheet, None
        learnt: float | None = next(sheet.start.learning, None)
        if learnt is not None:
            return Step(learnt / 3)
        if self._unsent:
            message = self._told(self._next_blocks())
        elif len(behind := sheet.behind):
            for name in sheet.names:
                sheet.sound(name, slice(behind[0], behind[0] + 1))
        else:
            return self._comparison_step()
        return Step(1.0 - (len(self._unsent) + len(sheet.behind)) / float(2 * sheet.blocks), message)

    def _comparison_step(self) -> Step | None:
        step = next(self._comparing, None) if self._comparing else None
        if step is None:
            self._comparing = None
        return step

    def _next_blocks(self) -> range:
        """What is to be told next: from the playhead on, then from the beginning."""
        playing = int(self.at * self.song.sr) // (BLOCK * HOP)
        first = min((b for b in self._unsent if b >= playing), default=min(self._unsent))
        last = first
        while last - first < GROUP and last in self._unsent:
            last += 1
        return range(first, last)

    def _told(self, blocks: range) -> Message:
        """Mask and sound of the stem in these blocks."""
        self._unsent -= set(blocks)
        stop = blocks.stop * BLOCK if blocks.stop < self.sheet.blocks else self.sheet.grid.columns
        columns = slice(blocks.start * BLOCK, stop)
        sound = Audio(self.sheet.sound(self.stem, slice(blocks.start, blocks.stop)), self.song.sr)
        scale, samples = packed(for_page(sound))
        about = {"column": columns.start, "frame": blocks.start * BLOCK * HOP, "scale": scale, "stem": self.stem}
        return {"change": about}, [self.picture(columns).tobytes(), samples]
