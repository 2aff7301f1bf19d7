"""What is done to masks, as data: shaping and gestures, and the state that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musiclab import masks
from musiclab.errors import AudioError
from musiclab.widgets.shared import brushes
from musiclab.widgets.shared.brushes import Grid, Touch

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
        """Shaped masks [shape=(sources, channels, bins, columns)]; the same array if there is nothing to do."""
        if self.hardness != 1:
            M = masks.harden(M, self.hardness)
        if self.threshold > 0:
            M = masks.threshold(M, self.threshold)
        if self.smoothing > 1:
            M = masks.smooth(M, bins=self.smoothing, columns=self.smoothing)
        return M

    @property
    def margin(self) -> int:
        """Columns on either side that a shaped column depends on."""
        return self.smoothing if self.smoothing > 1 else 0


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

    def check(self, names: tuple[str, ...]) -> None:
        """Raises AudioError or ValueError for what can't be done to these sources."""
        if self.stem not in names:
            raise AudioError(f"No stem is called {self.stem!r}: there are {', '.join(names)}.")
        if self.action not in ACTIONS or self.shape not in SHAPES or not self.points:
            raise ValueError(f"A gesture is to {', '.join(ACTIONS)}, with {', '.join(SHAPES)}, along some points.")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"Strength goes from 0 to 1, not to {self.strength}.")
        if self.partner not in (NOBODY, OTHERS, *names) or self.partner == self.stem:
            raise AudioError(f"{self.partner!r} can't give to {self.stem!r}, or take from it.")

    def touch(self, grid: Grid) -> Touch:
        """The cells that it covers."""
        if self.shape == "rectangle":
            (t0, f0), (t1, f1) = self.points
            return brushes.rectangle(grid, t0, t1, f0, f1)
        if self.shape == "brush":
            return brushes.stroke(grid, self.points, seconds=self.seconds, semitones=self.semitones)
        return brushes.harmonics(grid, self.points, overtones=self.overtones, cents=self.cents)

    def move(self, M: np.ndarray, start: np.ndarray, weight: np.ndarray, names: tuple[str, ...]) -> None:
        """Move shares, in place: what the stem gains its partner loses, never more than there is.

        Parameters
        ----------
        M, start : np.ndarray [shape=(sources, channels, bins, columns)]
            The touched masks as they stand, and before anything was painted.
        weight : np.ndarray [shape=(bins, columns)]
            How fully each cell is covered.
        names : tuple of str
            The sources.
        """
        w = weight * np.float32(self.strength)
        if self.action == "restore":
            M += w * (start - M)
            return
        k = names.index(self.stem)
        partners = [j for j, name in enumerate(names) if j != k and self.partner in (OTHERS, name)]
        held = M[partners].sum(axis=0) if partners else np.zeros_like(M[k])
        ceiling = M[k] + held if partners else np.maximum(M[k], np.float32(1))
        target = ceiling if self.action == "give" else np.float32(0)
        new = np.clip(M[k] + w * (target - M[k]), 0, None)
        moved = new - M[k]
        if partners:
            share = np.where(held > 0, M[partners] / np.where(held > 0, held, 1), np.float32(1 / len(partners)))
            M[partners] = np.clip(M[partners] - share * moved, 0, None)
        M[k] = new


@dataclass(frozen=True)
class State:
    """All that a sheet's masks follow from: undoing is going back to an older one."""

    shaping: Shaping = Shaping()
    gestures: tuple[Gesture, ...] = ()
