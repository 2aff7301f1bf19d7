"""The masks of a passage, as something to paint on: what `MaskLab` does, without a page.

A sheet keeps the masks of all sources, and the sound of each. The sound is the one that it began with, plus what the
*change* of its mask lets through of the mixture: cells that nobody touched sound exactly as before, to the bit. It is
computed in blocks of some columns, each from the masks around it alone, so that a gesture costs as much as it is long,
and the same masks always give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclab import masks, spectral
from musiclab.errors import AudioError
from musiclab.metrics import MDX_EPS
from musiclab.widgets import brushes
from musiclab.widgets.brushes import Grid, Touch

HOP = spectral.HOP_LENGTH
REACH = spectral.N_FFT // HOP // 2  # columns from the middle of a window to its end
PIECE = 24  # columns that are shaped at once
BLOCK = 32  # columns of a block of sound: 0.74 s at 44.1 kHz
PATCH_BYTES = 64_000_000  # what one step may keep for undoing it at once; larger ones are undone by doing all anew

OTHERS = "others"  # partners: all other sources by their share,
NOBODY = ""  # or none: what the mask gains or loses comes from and goes to the residual
ACTIONS = ("give", "take", "restore")
SHAPES = ("brush", "rectangle", "harmonics")


@dataclass(frozen=True)
class Shaping:
    """What is done to whole masks: exponent, smallest share that is kept, size of the smoothing box in cells."""

    hardness: float = 1.0
    threshold: float = 0.0
    smoothing: int = 1

    def applied(self, M: np.ndarray) -> np.ndarray:
        """Shaped masks [shape=(sources, channels, bins, columns)], a new array.

        Some columns at a time: what fits the processor's cache is done several times as fast.
        """
        out = np.empty_like(M)
        columns, margin = M.shape[-1], self.smoothing
        for start in range(0, columns, PIECE):
            first = max(start - margin, 0)
            piece = self._applied(M[..., first : start + PIECE + margin])
            out[..., start : start + PIECE] = piece[..., start - first : start - first + PIECE]
        return out

    def _applied(self, M: np.ndarray) -> np.ndarray:
        if self.hardness != 1:
            M = masks.harden(M, self.hardness)
        if self.threshold > 0:
            M = masks.threshold(M, self.threshold)
        if self.smoothing > 1:
            M = masks.smooth(M, bins=self.smoothing, columns=self.smoothing)
        return M


@dataclass(frozen=True)
class Gesture:
    """One stroke: which stem, what is done to it, along which points (seconds, Hz), with what.

    `action` is ``give`` (to the stem), ``take`` (from it) or ``restore`` (all sources, as they were); `partner` is a
    source, ``others`` or ``""``; a rectangle has two points, opposite corners.
    """

    stem: str
    action: str
    shape: str
    points: tuple[tuple[float, float], ...]
    strength: float = 1.0
    partner: str = OTHERS
    seconds: float = 0.06
    semitones: float = 2.0
    overtones: int = 16
    cents: float = 50.0

    def touch(self, grid: Grid) -> Touch:
        if self.shape == "rectangle":
            (t0, f0), (t1, f1) = self.points
            return brushes.rectangle(grid, t0, t1, f0, f1)
        if self.shape == "brush":
            return brushes.stroke(grid, self.points, seconds=self.seconds, semitones=self.semitones)
        return brushes.harmonics(grid, self.points, overtones=self.overtones, cents=self.cents)


@dataclass(frozen=True)
class State:
    """All that a sheet's masks follow from: undoing is going back to an older one."""

    shaping: Shaping = Shaping()
    gestures: tuple[Gesture, ...] = ()


@dataclass
class _Step:
    before: State
    touch: Touch | None = None  # of a gesture
    cells: np.ndarray | None = None  # what stood there before (or, undone, after) it


class MaskSheet:
    """Masks and sounds of a passage.

    Parameters
    ----------
    names : sequence of str
        The sources.
    mixture : np.ndarray [shape=(channels, frames)]
        The passage.
    sounds : np.ndarray [shape=(sources, channels, frames)], float32
        What the sources sound like before anything is painted.
    start : np.ndarray [shape=(sources, channels, bins, columns)], float32
        Their masks.
    sr : int
        Sample rate in Hz.
    X : np.ndarray [shape=(channels, bins, columns)], complex64
        STFT of the mixture.
    truth : np.ndarray [shape=(sources, channels, frames)]
        The true sources, if they are known.
    """

    def __init__(
        self,
        names: Sequence[str],
        mixture: np.ndarray,
        sounds: np.ndarray,
        start: np.ndarray,
        *,
        sr: int,
        X: np.ndarray,
        truth: np.ndarray | None = None,
    ) -> None:
        self.names = tuple(names)
        self.mixture, self.sounds, self.start, self.X, self.truth = mixture, sounds, start, X, truth
        self.grid = Grid(sr, X.shape[1], X.shape[2])
        self.blocks = -(-mixture.shape[1] // (BLOCK * HOP))
        self.state = State()
        self.masks = start.copy()
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._heard = sounds.copy()
        self._stale = np.zeros((len(self.names), self.blocks), dtype=bool)
        self._energies = np.zeros((len(self.names), self.blocks))
        self._errors = np.zeros((len(self.names), self.blocks))
        for k, block in np.ndindex(self._stale.shape):
            self._measure(k, block)
        self.energy_before = self._energies.sum(axis=1)
        self.errors_before = self._errors.sum(axis=1)

    # --- doing and undoing

    def paint(self, gesture: Gesture) -> slice:
        """Do a gesture; the columns that it touched."""
        touch = self._checked(gesture).touch(self.grid)
        if touch.empty:
            return slice(0, 0)
        box = np.s_[:, :, touch.bins, touch.columns]
        before = self.masks[box].copy()
        step = _Step(self.state, touch, before if before.nbytes <= PATCH_BYTES else None)
        self._past.append(step)
        self._future.clear()
        self._do(gesture, touch)
        self.state = replace(self.state, gestures=(*self.state.gestures, gesture))
        return touch.columns

    def shape(self, shaping: Shaping) -> slice:
        """Set hardness, threshold and smoothing; what was painted is painted again on top."""
        if shaping == self.state.shaping:
            return slice(0, 0)
        self._past.append(_Step(self.state))
        self._future.clear()
        return self._rebuild(replace(self.state, shaping=shaping))

    def undo(self) -> slice:
        """Take back the last step, bit for bit; the columns that changed."""
        return self._swap(self._past, self._future)

    def redo(self) -> slice:
        """Do again what was taken back."""
        return self._swap(self._future, self._past)

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def _swap(self, source: list[_Step], target: list[_Step]) -> slice:
        if not source:
            return slice(0, 0)
        step = source.pop()
        target.append(step)
        step.before, wanted = self.state, step.before
        if step.touch is None or step.cells is None:
            return self._rebuild(wanted)
        box = np.s_[:, :, step.touch.bins, step.touch.columns]
        now = self.masks[box].copy()
        self.masks[box], step.cells = step.cells, now
        self.state = wanted
        self._spoil(step.touch.columns)
        return step.touch.columns

    def _rebuild(self, state: State) -> slice:
        """All masks anew: shaped, then every gesture in its order."""
        self.masks = state.shaping.applied(self.start)
        for gesture in state.gestures:
            self._do(gesture, gesture.touch(self.grid))
        self.state = state
        everything = slice(0, self.grid.columns)
        self._spoil(everything)
        return everything

    def _checked(self, gesture: Gesture) -> Gesture:
        if gesture.stem not in self.names:
            raise AudioError(f"No stem is called {gesture.stem!r}: there are {', '.join(self.names)}.")
        if gesture.action not in ACTIONS or gesture.shape not in SHAPES or not gesture.points:
            raise ValueError(f"A gesture is to {', '.join(ACTIONS)}, with {', '.join(SHAPES)}, along some points.")
        if not 0 <= gesture.strength <= 1:
            raise ValueError(f"Strength goes from 0 to 1, not to {gesture.strength}.")
        if gesture.partner not in (NOBODY, OTHERS, *self.names) or gesture.partner == gesture.stem:
            raise AudioError(f"{gesture.partner!r} can't give to {gesture.stem!r}, or take from it.")
        return gesture

    def _do(self, gesture: Gesture, touch: Touch) -> None:
        """Move shares within the touched box: what the stem gains its partner loses, never more than there is."""
        box = np.s_[:, :, touch.bins, touch.columns]
        M = self.masks[box]
        w = touch.weight * np.float32(gesture.strength)
        if gesture.action == "restore":
            M += w * (self.start[box] - M)
            self._spoil(touch.columns)
            return
        k = self.names.index(gesture.stem)
        partners = [j for j, name in enumerate(self.names) if j != k and gesture.partner in (OTHERS, name)]
        held = M[partners].sum(axis=0) if partners else np.zeros_like(M[k])
        ceiling = M[k] + held if partners else np.maximum(M[k], np.float32(1))
        target = ceiling if gesture.action == "give" else np.float32(0)
        new = np.clip(M[k] + w * (target - M[k]), 0, None)
        moved = new - M[k]
        if partners:
            share = np.where(held > 0, M[partners] / np.where(held > 0, held, 1), np.float32(1 / len(partners)))
            M[partners] = np.clip(M[partners] - share * moved, 0, None)
        M[k] = new
        self._spoil(touch.columns)

    # --- what it sounds like

    def _spoil(self, columns: slice) -> None:
        first = max(columns.start - REACH, 0) // BLOCK
        last = (columns.stop - 1 + REACH) // BLOCK
        self._stale[:, first : last + 1] = True

    def sound(self, name: str) -> np.ndarray:
        """A source as it sounds now [shape=(channels, frames)], float32; a view, not to be written to."""
        self._render(self.names.index(name))
        heard: np.ndarray = self._heard[self.names.index(name)]
        return heard

    def span(self, columns: slice) -> tuple[int, int]:
        """The samples of the blocks that a change of these columns can reach."""
        first = max(columns.start - REACH, 0) // BLOCK
        last = (columns.stop - 1 + REACH) // BLOCK
        return first * BLOCK * HOP, min((last + 1) * BLOCK * HOP, self.mixture.shape[1])

    def _render(self, k: int) -> None:
        for block in np.flatnonzero(self._stale[k]):
            self._render_block(k, int(block))
            self._measure(k, int(block))
        self._stale[k] = False

    def _render_block(self, k: int, block: int) -> None:
        start, stop = block * BLOCK * HOP, min((block + 1) * BLOCK * HOP, self.mixture.shape[1])
        first, last = max(block * BLOCK - REACH, 0), min((block + 1) * BLOCK + REACH + 1, self.grid.columns)
        cells = np.s_[..., first:last]
        change = self.masks[k][cells] - self.start[k][cells]
        here = np.s_[k, :, start:stop]
        if not change.any():
            self._heard[here] = self.sounds[here]
            return
        skip = start - first * HOP
        added = spectral.istft(change * self.X[cells], length=skip + stop - start)[..., skip:]
        self._heard[here] = self.sounds[here] + added

    # --- what it is worth

    def _measure(self, k: int, block: int) -> None:
        here = np.s_[k, :, block * BLOCK * HOP : (block + 1) * BLOCK * HOP]
        self._energies[k, block] = np.square(self._heard[here], dtype=np.float64).sum()
        if self.truth is not None:
            self._errors[k, block] = np.square(self.truth[here] - self._heard[here], dtype=np.float64).sum()

    def sdr(self, name: str) -> tuple[float, float] | None:
        """SDR in dB before anything was done, and now; None where the truth isn't known."""
        if self.truth is None:
            return None
        k = self.names.index(name)
        self._render(k)
        energy = float(np.square(self.truth[k], dtype=np.float64).sum()) + MDX_EPS
        before, now = (10 * np.log10(energy / (e + MDX_EPS)) for e in (self.errors_before[k], self._errors[k].sum()))
        return float(before), float(now)

    def change_db(self, name: str) -> float:
        """How much louder (+) or softer (−) a source has become, in dB."""
        k = self.names.index(name)
        self._render(k)
        return float(10 * np.log10((self._energies[k].sum() + 1e-9) / (self.energy_before[k] + 1e-9)))
