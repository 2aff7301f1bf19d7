"""Gestures on masks, as methods: the part of `MaskLab` that paints."""

from __future__ import annotations

from typing import Any

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.masklab.gestures import OTHERS, Gesture
from musiclab.widgets.masklab.sheet import MaskSheet
from musiclab.widgets.shared.brushes import Points, snapped


class Painting:
    """Brush, rectangle and harmonics, in the song's own seconds and Hz; what is painted on is the subclass's."""

    song: Audio
    stem: Any  # a trait of the widget
    _from: int
    _to: int
    _magnitude: np.ndarray
    _sheet: MaskSheet

    def _paint(self, gesture: Gesture) -> None:
        raise NotImplementedError

    def paint(
        self, points: Points, *, action: str = "give", strength: float = 1.0, partner: str = OTHERS,
        seconds: float = 0.06, semitones: float = 2.0,
    ) -> None:  # fmt: skip
        """Draw with a round brush.

        Parameters
        ----------
        points : sequence of (seconds, Hz)
            Along which to draw, in the song's time.
        action : {"give", "take", "restore"}
            To the chosen stem, from it, or all stems as they were.
        strength : float
            How much of the way, 0 to 1.
        partner : str
            Where it comes from or goes to: ``others`` (by their share), a stem's name, or ``""`` for nobody: then the
            masks no longer sum to one, and the residual takes up the difference.
        seconds, semitones : float
            The brush's radii.
        """
        self._paint(
            Gesture(self.stem, action, "brush", self._local(points), strength, partner, seconds, semitones)
        )  # fmt: skip

    def erase(self, points: Points, **options: Any) -> None:
        """Take what lies along `points` away from the chosen stem. Options as in `paint`."""
        self.paint(points, action="take", **options)

    def paint_rectangle(
        self, t0: float, t1: float, f0: float, f1: float, strength: float = 1.0, *, action: str = "give",
        partner: str = OTHERS,
    ) -> None:  # fmt: skip
        """Everything from `t0` to `t1` seconds and from `f0` to `f1` Hz. Options as in `paint`."""
        points = self._local([(t0, f0), (t1, f1)])
        self._paint(Gesture(self.stem, action, "rectangle", points, strength, partner))

    def paint_harmonics(
        self, points: Points, strength: float = 1.0, *, action: str = "give", partner: str = OTHERS,
        overtones: int = 16, cents: float = 50.0, snap: bool = True,
    ) -> None:  # fmt: skip
        """A note with its overtones.

        Parameters
        ----------
        points : sequence of (seconds, Hz)
            The fundamental, from the note's beginning to its end.
        strength, action, partner
            As in `paint`.
        overtones : int
            How many partials, the fundamental among them.
        cents : float
            Half the width of each, in hundredths of a semitone.
        snap : bool
            Whether to look for the pitch that sounds within 60 cents of what was drawn.
        """
        near = self._local(points)
        if snap:
            near = tuple(snapped(self._magnitude, self._sheet.grid, near))
        gesture = Gesture(
            self.stem, action, "harmonics", near, strength, partner, overtones=overtones, cents=cents
        )  # fmt: skip
        self._paint(gesture)

    def _local(self, points: Points) -> tuple[tuple[float, float], ...]:
        if len(points) == 0:
            raise AudioError("A gesture needs at least one point, as (seconds, Hz).")
        start, length = self._from / self.song.sr, (self._to - self._from) / self.song.sr
        return tuple((float(np.clip(t - start, 0, length)), float(max(f, 1.0))) for t, f in points)
