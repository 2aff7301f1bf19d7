"""`MaskLab`: see, change, paint and hear the masks that take a song apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import traitlets

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.palette import colour
from musiclab.stems import Stems
from musiclab.widgets.masklab.gestures import OTHERS, Gesture, Shaping
from musiclab.widgets.masklab.kinds import LABELS
from musiclab.widgets.masklab.passages import label as label_of
from musiclab.widgets.masklab.session import MaskSession
from musiclab.widgets.shared import front
from musiclab.widgets.shared.brushes import Points
from musiclab.widgets.shared.pixels import RANGE_DB, still
from musiclab.widgets.shared.widget import Order, Widget

SLICE_S = 0.1  # of work, before the page is asked whether it wants something else by now


class MaskLab(Widget):
    """The mask of a stem over the mixture's spectrogram: to compare, to shape, to paint, to hear at once.

    Everything that the page can do is a method or an attribute here too.

    Parameters
    ----------
    song : Audio
        The mixture.
    stems : Stems
        What an engine made of it.
    truth : Stems
        The true stems, if they are known: then there are ideal masks, and every step is scored.
    stem : str
        Which stem to begin with; the first if left out.
    start, stop : float
        The passage to work on, in seconds; at most a minute. The first minute if left out.

    Attributes
    ----------
    stem : str
        The stem whose mask is shown and painted.
    kind : str
        What the masks start from: one of `kinds`. Changing it keeps what was painted.
    hardness : float
        Exponent of all masks, 0.2 to 8: higher is harder.
    threshold : float
        Shares smaller than this (0 to 0.9) are set to zero.
    smoothing : int
        Size of the box in cells, 1 to 15, over which masks are averaged.
    kinds : tuple[str, ...]
        ``model`` (shares by the engine's estimates), ``ideal binary``, ``ideal ratio`` and ``phase-sensitive`` (from
        the truth), ``wiener`` (multichannel, from the estimates), ``hpss``.

    Raises
    ------
    AudioError
        If song, stems and truth differ in rate or length, or there is no such stem or passage.

    Notes
    -----
    A still picture stands where no JavaScript may run.

    Notebook: 03, 08
    """

    _esm = front.esm("masklab/masklab.js")
    _css = front.css("shared/specview.css", "masklab/masklab.css")

    stem = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode("model").tag(sync=True)
    hardness = traitlets.Float(1.0, min=0.2, max=8.0).tag(sync=True)
    threshold = traitlets.Float(0.0, min=0.0, max=0.9).tag(sync=True)
    smoothing = traitlets.Int(1, min=1, max=15).tag(sync=True)

    _stems: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)  # name, label, colour of each
    _kinds: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)  # name, label
    _sr = traitlets.Int().tag(sync=True)
    _start = traitlets.Float().tag(sync=True)
    _frames = traitlets.Int().tag(sync=True)
    _hop = traitlets.Int(spectral.HOP_LENGTH).tag(sync=True)
    _hz = traitlets.Tuple().tag(sync=True)  # lowest and highest
    _range = traitlets.Float(RANGE_DB).tag(sync=True)
    _level = traitlets.Bytes().tag(sync=True)  # rows x columns, lowest row first
    _rows = traitlets.Int().tag(sync=True)
    # name, change in dB, SDR before and now (None where the truth is not known)
    _scores: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    _at = traitlets.Float(0.0).tag(sync=True)  # where the playhead is, s of the passage: what is told first
    _can_undo = traitlets.Bool(False).tag(sync=True)
    _can_redo = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        song: Audio,
        stems: Stems,
        *,
        truth: Stems | None = None,
        stem: str = "",
        start: float = 0.0,
        stop: float | None = None,
    ) -> None:
        self.song, self.truth = song, truth
        session = self._session = MaskSession(song, stems, truth=truth, start=start, stop=stop)
        names, kinds = session.passage.names, session.passage.kinds()
        self._level_table = session.pixels.level(session.magnitude)
        self._busy = True  # nothing is answered before all stands
        super().__init__(
            stem=session.known(stem or names[0]),
            _stems=[{"name": n, "label": label_of(n), "colour": colour(n, i)} for i, n in enumerate(names)],
            _kinds=[{"name": kind, "label": LABELS[kind]} for kind in kinds],
            _sr=song.sr, _start=session.first / song.sr, _frames=session.last - session.first,
            _hz=(session.pixels.low, session.pixels.high), _level=self._level_table.tobytes(),
            _rows=session.pixels.rows,
        )  # fmt: skip
        session.stem = self.stem
        self._busy = False
        self.on_msg(self._on_message)

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind["name"] for kind in self._kinds)

    @property
    def stems(self) -> Stems:
        """The repaired stems of the whole song: for a `Mixer`, another `MaskLab`, or to save.

        With the residual they add up to the song. A stem that nothing was painted on is the given one, bit for bit
        (as long as `kind` is ``model`` and the sliders rest).
        """
        return self._session.repaired()

    def mask(self, name: str = "") -> np.ndarray:
        """The mask of a stem (the chosen one) as it stands [shape=(channels, bins, columns)], a copy."""
        sheet = self._session.sheet
        return np.array(sheet.masks[sheet.names.index(self._session.known(name or self.stem))])

    def sdr(self, name: str = "") -> tuple[float, float] | None:
        """SDR of a stem (the chosen one) within the passage, before and now, in dB; None if the truth isn't known."""
        return self._session.sheet.sdr(self._session.known(name or self.stem))

    def compare(self) -> dict[str, float | None]:
        """Every kind of mask for the chosen stem, side by side in the page, and the SDR of each (None: no truth).

        Untouched, as the kinds are before anything is shaped or painted.
        """
        told = list(self._session.comparison())
        for message in told:
            self.send(*message)
        return {about["compared"]["kind"]: about["compared"]["sdr"] for about, _ in told}

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
        near = self._session.local(points)
        self._paint(Gesture(self.stem, action, "brush", near, strength, partner, seconds, semitones))

    def paint_rectangle(
        self, t0: float, t1: float, f0: float, f1: float, strength: float = 1.0, *, action: str = "give",
        partner: str = OTHERS,
    ) -> None:  # fmt: skip
        """Everything from `t0` to `t1` seconds and from `f0` to `f1` Hz. Options as in `paint`."""
        corners = self._session.local([(t0, f0), (t1, f1)])
        self._paint(Gesture(self.stem, action, "rectangle", corners, strength, partner))

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
        near = self._session.local(points)
        near = self._session.snapped(near) if snap else near
        self._paint(
            Gesture(self.stem, action, "harmonics", near, strength, partner, overtones=overtones, cents=cents)
        )  # fmt: skip

    def undo(self) -> None:
        """Take back the last gesture or setting, bit for bit."""
        self._do(self._session.undo)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._do(self._session.redo)

    def _paint(self, gesture: Gesture) -> None:
        self._do(lambda: self._session.paint(gesture))

    def _do(self, act: Callable[[], None]) -> None:
        """Do it, show on the sliders what the masks are made with now, and tell the page."""
        act()
        shaping, self._busy = self._session.sheet.state.shaping, True
        self.hardness, self.threshold, self.smoothing = shaping.hardness, shaping.threshold, shaping.smoothing
        self._busy = False
        self._advance()

    @traitlets.validate("stem")
    def _check_stem(self, proposal: dict[str, Any]) -> str:
        return self._session.known(proposal["value"])

    @traitlets.validate("kind")
    def _check_kind(self, proposal: dict[str, Any]) -> str:
        return self._session.known_kind(proposal["value"])

    @traitlets.observe("stem", "kind", "hardness", "threshold", "smoothing")
    def _on_setting(self, change: Any) -> None:
        if self._busy:
            return
        if change["name"] == "stem":
            self._session.choose(self.stem)
        elif change["name"] == "kind":
            self._session.start_from(self.kind)
        else:
            self._session.shape(Shaping(self.hardness, self.threshold, self.smoothing))
        self._advance()

    def _advance(self) -> None:
        """Go on for a moment, and send what is to be told; the page asks for more."""
        sheet = self._session.sheet
        with self.hold_sync():
            self._can_undo, self._can_redo = sheet.can_undo, sheet.can_redo
            self._message = ""
        self._session.at = self._at
        end = time.monotonic() + SLICE_S
        for step in self._session.steps():
            if step.message is not None:
                self.send(*step.message)
            if time.monotonic() >= end:
                self.send({"working": round(step.done, 3)})
                return
        self._scores = self._session.scores()
        self.send({"working": None})

    def _orders(self) -> Mapping[str, Order]:
        return {
            "hello": lambda _: self._do(lambda: self.send(*self._session.hello())),
            "more": lambda _: self._advance(),
            "brush": lambda c: self.paint(c["points"], **c["options"]),
            "rectangle": lambda c: self.paint_rectangle(*c["corners"], **c["options"]),
            "harmonics": lambda c: self.paint_harmonics(c["points"], **c["options"]),
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "compare": lambda _: self._do(self._session.compare),
        }

    def _on_message(self, widget: object, content: dict[str, Any], buffers: object) -> None:
        self._at = content.get("at", self._at)
        if "stem" in content:  # as the page has it: the trait may still be on its way
            self.stem = content["stem"]
        super()._on_message(widget, content, buffers)
        if self._message:
            self.send({"working": None})

    # --- how it shows itself without JavaScript

    def __repr__(self) -> str:
        painted = len(self._session.sheet.state.gestures)
        return f"<MaskLab of {self.stem}, {LABELS[self.kind]} masks: {painted} strokes>"

    def _still(self) -> bytes:
        return still(self._level_table, self._session.picture(), self.stem)
