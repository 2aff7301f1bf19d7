"""The masks of a passage, as something to paint on: what `MaskLab` does, without a page.

A sheet keeps the masks of all sources, and the sound of each. The sound is the one that it began with, plus what the
*change* of its mask lets through of the mixture: cells that nobody touched sound exactly as before, to the bit.

Everything is computed in blocks of some columns, each when it is first asked for and from the state alone (the kind,
the shaping, the gestures): whoever moves a slider hears the block under the playhead long before the last one is done,
and the same state always gives the same bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musiclab import spectral
from musiclab.history import History
from musiclab.metrics import sdr_of_energies
from musiclab.widgets.masklab.gestures import Gesture, Shaping, State
from musiclab.widgets.masklab.kinds import REACH, Passage
from musiclab.widgets.shared.brushes import Grid, Touch

HOP = spectral.HOP_LENGTH
BLOCK = 32  # columns: 0.74 s at 44.1 kHz
NOTHING = slice(0, 0)


class MaskSheet:
    """Masks and sounds of a passage.

    Parameters
    ----------
    passage : Passage
        The mixture, what an engine made of it, and the truth if it is known.
    kind : str
        What the masks start from.
    sr : int
        Sample rate in Hz.
    state : State
        What is already done to them.
    """

    def __init__(self, passage: Passage, kind: str = "model", *, sr: int, state: State | None = None) -> None:
        self.passage, self.names = passage, passage.names
        self.grid = Grid(sr, *passage.X.shape[1:])
        self.start = passage.start(kind)
        state = state or State()
        self._history = History(replace(state, gestures=()))
        for count in range(len(state.gestures)):  # what was painted before can be taken back, stroke by stroke
            self._history.do(replace(state, gestures=state.gestures[: count + 1]))
        shape = (len(self.names), *passage.X.shape)
        sounds = passage.estimates
        self.frames = sounds.shape[-1]
        self.blocks = -(-self.frames // (BLOCK * HOP))  # of sound; the masks may reach into one more
        count = -(-self.grid.columns // BLOCK)
        self._begun, self._shaped = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        self._start, self._masks = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        self._sounds, self._heard = np.empty_like(sounds), np.empty_like(sounds)
        self._rendered = np.zeros((len(self.names), self.blocks), dtype=bool)
        self._energies, self._errors = (np.zeros((2, len(self.names), self.blocks)) for _ in range(2))  # before, now
        self._touches: dict[Gesture, Touch] = {}

    # --- doing and undoing

    @property
    def state(self) -> State:
        """What is done to the masks."""
        return self._history.present

    def paint(self, gesture: Gesture) -> slice:
        """Do a gesture; the columns that it touched."""
        gesture.check(self.names)
        touch = self._touch(gesture)
        if touch.empty:
            return NOTHING
        for block in self._blocks(touch.columns):
            if self._shaped[block]:
                self._do(gesture, block)
        self._history.do(replace(self.state, gestures=(*self.state.gestures, gesture)))
        self._mute(touch.columns)
        return touch.columns

    def shape(self, shaping: Shaping) -> slice:
        """Set hardness, threshold and smoothing; what was painted is painted again on top."""
        if shaping == self.state.shaping:
            return NOTHING
        return self._changed(self.state, self._history.do(replace(self.state, shaping=shaping)))

    def undo(self) -> slice:
        """Take back the last step, bit for bit; the columns that changed."""
        return self._changed(self.state, self._history.undo())

    def redo(self) -> slice:
        """Do again what was taken back."""
        return self._changed(self.state, self._history.redo())

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    def _changed(self, old: State, new: State) -> slice:
        """From one state to another: what that changes is computed anew when it is asked for."""
        if new is old:
            return NOTHING
        columns = slice(0, self.grid.columns)
        if new.shaping == old.shaping:
            columns = self._touch(max(new.gestures, old.gestures, key=len)[-1]).columns
        for block in self._blocks(columns):
            self._shaped[block] = False
        self._mute(columns)
        return columns

    def _touch(self, gesture: Gesture) -> Touch:
        if gesture not in self._touches:
            self._touches[gesture] = gesture.touch(self.grid)
        return self._touches[gesture]

    # --- masks

    @property
    def masks(self) -> np.ndarray:
        """All masks as they stand [shape=(sources, channels, bins, columns)]; not to be written to."""
        return self.part(slice(0, self.grid.columns))

    def part(self, columns: slice) -> np.ndarray:
        """The masks of some columns [shape=(sources, channels, bins, columns)]; a view."""
        for block in self._blocks(columns):
            if not self._shaped[block]:
                self._shape_block(block)
        return self._masks[..., columns]

    def _blocks(self, columns: slice) -> range:
        return range(columns.start // BLOCK, -(-columns.stop // BLOCK))

    def _shape_block(self, block: int) -> None:
        here = slice(block * BLOCK, min((block + 1) * BLOCK, self.grid.columns))
        margin = self.state.shaping.margin
        around = slice(max(here.start - margin, 0), min(here.stop + margin, self.grid.columns))
        self._begin(around)
        shaped = self.state.shaping.applied(self._start[..., around])
        self._masks[..., here] = shaped[..., here.start - around.start : here.stop - around.start]
        for gesture in self.state.gestures:
            self._do(gesture, block)
        self._shaped[block] = True

    def _do(self, gesture: Gesture, block: int) -> None:
        touch = self._touch(gesture)
        first, last = max(touch.columns.start, block * BLOCK), min(touch.columns.stop, (block + 1) * BLOCK)
        if first < last:
            box = np.s_[:, :, touch.bins, first:last]
            weight = touch.weight[:, first - touch.columns.start : last - touch.columns.start]
            gesture.move(self._masks[box], self._start[box], weight, self.names)

    def _begin(self, columns: slice) -> None:
        """What the kind says of these columns: masks, sound, and how good it is."""
        for block in self._blocks(columns):
            if self._begun[block]:
                continue
            self._begun[block] = True
            here = slice(block * BLOCK, min((block + 1) * BLOCK, self.grid.columns))
            self._start[..., here], sounds = self.start.piece(here)
            if block < self.blocks:
                frames = self._frames(block)
                self._sounds[..., frames] = sounds
                for k in range(len(self.names)):
                    self._measure(k, block, self._sounds, 0)

    # --- what it sounds like

    def _mute(self, columns: slice) -> None:
        """These columns have changed: what they reach sounds otherwise."""
        self._rendered[:, self.reached(columns)] = False

    def reached(self, columns: slice) -> slice:
        """The blocks of sound that a change of these columns can reach."""
        last = (columns.stop - 1 + REACH) // BLOCK + 1
        return slice(max(columns.start - REACH, 0) // BLOCK, min(last, self.blocks))

    def span(self, columns: slice) -> tuple[int, int]:
        """The samples of these blocks: from and to."""
        reached = self.reached(columns)
        return reached.start * BLOCK * HOP, min(reached.stop * BLOCK * HOP, self.frames)

    def sound(self, name: str, blocks: slice = slice(None)) -> np.ndarray:
        """A source as it sounds now [shape=(channels, frames)], float32; a view, not to be written to."""
        k = self.names.index(name)
        for block in range(*blocks.indices(self.blocks)):
            if not self._rendered[k, block]:
                self._render(k, block)
        frames = slice(*(None if b is None else b * BLOCK * HOP for b in (blocks.start, blocks.stop)))
        heard: np.ndarray = self._heard[k][:, frames]
        return heard

    @property
    def behind(self) -> np.ndarray:
        """The blocks in which some source is still to be computed."""
        return np.flatnonzero(~self._rendered.all(axis=0))

    def _frames(self, block: int) -> slice:
        return slice(block * BLOCK * HOP, min((block + 1) * BLOCK * HOP, self.frames))

    def _render(self, k: int, block: int) -> None:
        frames = self._frames(block)
        first, last = max(block * BLOCK - REACH, 0), min((block + 1) * BLOCK + REACH + 1, self.grid.columns)
        cells = np.s_[..., first:last]
        change = self.part(slice(first, last))[k] - self._start[k][cells]
        here = np.s_[k, :, frames]
        self._heard[here] = self._sounds[here]
        if change.any():
            skip = frames.start - first * HOP
            length = skip + frames.stop - frames.start
            self._heard[here] += spectral.istft(change * self.passage.X[cells], length=length)[..., skip:]
        self._measure(k, block, self._heard, 1)
        self._rendered[k, block] = True

    # --- what it is worth

    def _measure(self, k: int, block: int, sounds: np.ndarray, when: int) -> None:
        here = np.s_[k, :, self._frames(block)]
        self._energies[when, k, block] = np.square(sounds[here], dtype=np.float64).sum()
        if self.passage.truth is not None:
            missed = self.passage.truth[here] - sounds[here]
            self._errors[when, k, block] = np.square(missed, dtype=np.float64).sum()

    def sdr(self, name: str) -> tuple[float, float] | None:
        """SDR in dB before anything was done, and now; None where the truth isn't known."""
        if self.passage.truth is None:
            return None
        k = self.names.index(name)
        self.sound(name)
        energy = float(np.square(self.passage.truth[k], dtype=np.float64).sum())
        before, now = (sdr_of_energies(energy, float(error)) for error in self._errors[:, k].sum(axis=1))
        return before, now

    def change_db(self, name: str) -> float:
        """How much louder (+) or softer (−) a source has become, in dB."""
        k = self.names.index(name)
        self.sound(name)
        before, now = self._energies[:, k].sum(axis=1) + 1e-9
        return float(10 * np.log10(now / before))
