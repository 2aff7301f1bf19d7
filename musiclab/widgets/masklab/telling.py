"""What a mask lab tells its page, and in which order: first what is about to be heard.

Everything is done in small steps. After a tenth of a second of them the page is told how far it has come, and asks for
more: so the kernel is never busy for long, a slider that moves on makes what it made obsolete, and another cell may run
in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from musiclab.errors import MusiclabError
from musiclab.metrics import MDX_EPS
from musiclab.widgets.masklab.kinds import HOP, Passage
from musiclab.widgets.masklab.painting import Painting
from musiclab.widgets.masklab.passages import two
from musiclab.widgets.masklab.sheet import BLOCK
from musiclab.widgets.shared.pixels import LogRows

SLICE_S = 0.1  # of work, before the page is asked whether it wants something else by now
GROUP = 3  # blocks that are told at once: 2.2 s at 44.1 kHz


class Telling(Painting):
    """Messages to the page and from it; the traits, and what is told of, are the subclass's."""

    send: Callable[..., None]  # a widget's
    hold_sync: Callable[[], Any]
    undo: Callable[[], None]
    redo: Callable[[], None]
    _at: Any  # traits
    _can_undo: Any
    _can_redo: Any
    _message: Any
    _scores: Any
    _passage: Passage
    _pixels: LogRows
    _x: np.ndarray
    _unsent: set[int]  # blocks that the page has not got as they are now
    _comparing: Iterator[float] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        raise NotImplementedError

    # --- to the page

    def _tell(self, columns: slice) -> None:
        """These columns of the chosen stem have changed."""
        if columns.stop > columns.start:
            reached = self._sheet.reached(columns)
            self._unsent |= set(range(reached.start, reached.stop))
        with self.hold_sync():
            self._can_undo, self._can_redo = self._sheet.can_undo, self._sheet.can_redo
            self._message = ""
        self._advance()

    def _refresh(self) -> None:
        self._tell(slice(0, self._sheet.grid.columns))

    def _advance(self) -> None:
        """Go on for a moment; the page asks for more."""
        end = time.monotonic() + SLICE_S
        while (done := self._step()) is not None:
            if time.monotonic() >= end:
                self.send({"working": round(done, 3)})
                return
        self._scores = [self._score(name) for name in self._sheet.names]
        self.send({"working": None})

    def _step(self) -> float | None:
        """The next thing to do, and how much is done by now; None when all is."""
        sheet = self._sheet
        learnt: float | None = next(sheet.start.learning, None)
        if learnt is not None:
            return learnt / 3
        if self._unsent:
            self._send_blocks(self._next_blocks())
        elif len(behind := sheet.behind):
            for name in sheet.names:
                sheet.sound(name, slice(behind[0], behind[0] + 1))
        elif self._comparing is not None:
            done = next(self._comparing, None)
            if done is None:
                self._comparing = None
            return done
        else:
            return None
        return 1.0 - (len(self._unsent) + len(sheet.behind)) / float(2 * sheet.blocks)

    def _next_blocks(self) -> range:
        """What is to be told next: from the playhead on, then from the beginning."""
        playing = int(self._at * self.song.sr) // (BLOCK * HOP)
        first = min((b for b in self._unsent if b >= playing), default=min(self._unsent))
        last = first
        while last - first < GROUP and last in self._unsent:
            last += 1
        return range(first, last)

    def _send_blocks(self, blocks: range) -> None:
        sheet = self._sheet
        self._unsent -= set(blocks)
        stop = blocks.stop * BLOCK if blocks.stop < sheet.blocks else sheet.grid.columns
        columns = slice(blocks.start * BLOCK, stop)
        scale, packed = packed_sound(sheet.sound(self.stem, slice(blocks.start, blocks.stop)))
        frame = blocks.start * BLOCK * HOP
        content = {"change": {"column": columns.start, "frame": frame, "scale": scale, "stem": self.stem}}
        self.send(content, [self._mask_bytes(columns).tobytes(), packed])

    def _mask_bytes(self, columns: slice) -> np.ndarray:
        M = self._sheet.part(columns)[self._sheet.names.index(self.stem)]
        return self._pixels.mask(M, np.square(np.abs(self._passage.X[..., columns])))

    def _score(self, name: str) -> list[Any]:
        before, now = self._sheet.sdr(name) or (None, None)
        change = self._sheet.change_db(name)
        return [name, round(change, 3), *(None if x is None else round(x, 3) for x in (before, now))]

    # --- side by side

    def compare(self) -> dict[str, float | None]:
        """Every kind of mask for the chosen stem, side by side in the page, and the SDR of each (None: no truth).

        Untouched, as the kinds are before anything is shaped or painted.
        """
        found: dict[str, float | None] = {}
        for _ in self._comparison(found):
            pass
        return found

    def _comparison(self, found: dict[str, float | None]) -> Iterator[float]:
        """The same step by step; each kind is told as soon as it is made."""
        p, columns = self._passage, self._sheet.grid.columns
        stem, k = self.stem, p.names.index(self.stem)
        for number, kind in enumerate(self.kinds):
            start = p.start(kind)
            for learnt in start.learning:
                yield (number + learnt / 3) / len(self.kinds)
            picture = np.empty((self._pixels.rows, columns), dtype=np.uint8)
            missed = 0.0
            for first in range(0, columns, BLOCK):
                here = slice(first, min(first + BLOCK, columns))
                M, sounds = start.piece(here, source=k)
                picture[:, here] = self._pixels.mask(M[k], np.square(np.abs(p.X[..., here])))
                if p.truth is not None:
                    true = p.truth[k, :, first * HOP : first * HOP + sounds.shape[-1]]
                    missed += float(np.square(true - sounds[0], dtype=np.float64).sum())
                yield (number + (here.stop / columns)) / len(self.kinds)
            found[kind] = None
            if p.truth is not None:
                energy = float(np.square(p.truth[k], dtype=np.float64).sum())
                found[kind] = float(10 * np.log10((energy + MDX_EPS) / (missed + MDX_EPS)))
            self.send({"compared": {"stem": stem, "kind": kind, "sdr": found[kind]}}, [picture.tobytes()])

    # --- from the page

    def _on_message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        orders: dict[str, Callable[[dict[str, Any]], object]] = {
            "hello": lambda _: self._hello(),
            "more": lambda _: self._advance(),
            "brush": lambda c: self.paint(c["points"], **c["options"]),
            "rectangle": lambda c: self.paint_rectangle(*c["corners"], **c["options"]),
            "harmonics": lambda c: self.paint_harmonics(c["points"], **c["options"]),
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "compare": lambda _: self._compare(),
        }
        try:
            if "at" in content:
                self._at = content["at"]
            if "stem" in content:  # as the page has it: the trait may still be on its way
                self.stem = content["stem"]
            orders[content["order"]](content)
        except MusiclabError as error:
            self._message = str(error)
            self.send({"working": None})

    def _compare(self) -> None:
        self._comparing = self._comparison({})
        self._advance()

    def _hello(self) -> None:
        """A page has come: it gets the mixture, and the stem as it stands."""
        scale, packed = packed_sound(self._x)
        self.send({"mixture": {"scale": scale}}, [packed])
        self._refresh()


def packed_sound(samples: np.ndarray) -> tuple[float, bytes]:
    """Sound for the page: one or two channels of 16 bits, and what one step of them is worth."""
    sound = two(samples)
    peak = max(float(np.abs(sound).max(initial=0)), 1e-6)
    return peak / 32767, np.round(sound * (32767 / peak)).astype("<i2").tobytes()
