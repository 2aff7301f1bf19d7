"""`MaskLab`: see, change, paint and hear the masks that take a song apart."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.palette import colour
from musiclab.stems import RESIDUAL, Stems
from musiclab.widgets.masklab.gestures import Gesture, Shaping
from musiclab.widgets.masklab.kinds import Passage
from musiclab.widgets.masklab.passages import check, passage, put_back
from musiclab.widgets.masklab.passages import label as label_of
from musiclab.widgets.masklab.sheet import MaskSheet
from musiclab.widgets.masklab.telling import Telling
from musiclab.widgets.shared import front
from musiclab.widgets.shared.pixels import RANGE_DB, LogRows, still

LEFT_OVER_DB = -40.0  # a residual louder than this under the mixture is a source of its own
LABELS = {
    "model": "Engine",
    "ideal binary": "Ideal binary",
    "ideal ratio": "Ideal ratio",
    "phase-sensitive": "Phase-sensitive",
    "wiener": "Wiener",
    "hpss": "HPSS",
}


class MaskLab(Telling, anywidget.AnyWidget):
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
    _message = traitlets.Unicode("").tag(sync=True)

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
        check(song, stems, truth)
        self.song, self._given, self.truth = song, stems, truth
        self._from, self._to = passage(song, start, stop)
        names = list(stems)
        if stems.residual.rms_db > song.rms_db + LEFT_OVER_DB:
            names.append(RESIDUAL)
        x = song.samples[:, self._from : self._to]
        true = None if truth is None else np.stack([self._cut(truth, name) for name in names])
        estimates = np.stack([self._cut(stems, name) for name in names])
        self._passage = Passage(tuple(names), spectral.stft(x), estimates, true)
        self._x = x
        self._magnitude = np.sqrt(np.square(np.abs(self._passage.X)).mean(axis=0))
        self._pixels = LogRows(song.sr, self._magnitude.shape[0])
        self._level_table = self._pixels.level(self._magnitude)
        self._busy = True  # nothing is answered before all stands
        self._unsent: set[int] = set()
        super().__init__(
            stem=stem or names[0],
            _stems=[{"name": n, "label": label_of(n), "colour": colour(n, i)} for i, n in enumerate(names)],
            _kinds=[{"name": kind, "label": LABELS[kind]} for kind in self._passage.kinds()],
            _sr=song.sr, _start=self._from / song.sr, _frames=x.shape[1],
            _hz=(self._pixels.low, self._pixels.high), _level=self._level_table.tobytes(), _rows=self._pixels.rows,
        )  # fmt: skip
        self._sheet = MaskSheet(self._passage, self.kind, sr=song.sr)
        self._busy = False
        self.on_msg(self._on_message)

    def _cut(self, stems: Stems, name: str) -> np.ndarray:
        if name not in stems and name != RESIDUAL:
            return np.zeros((self.song.channels, self._to - self._from), dtype=np.float32)
        return stems[name].samples[:, self._from : self._to]

    # --- what comes out

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind["name"] for kind in self._kinds)

    @property
    def stems(self) -> Stems:
        """The repaired stems of the whole song: for a `Mixer`, another `MaskLab`, or to save.

        With the residual they add up to the song. A stem that nothing was painted on is the given one, bit for bit
        (as long as `kind` is ``model`` and the sliders rest).
        """
        repaired = {name: self._repaired(name) for name in self._given}
        engine = self._given.engine
        touched = any(repaired[name] is not self._given[name] for name in repaired)
        return Stems(repaired, self.song, engine=f"{engine}, repaired" if touched else engine, note=self._given.note)

    def _repaired(self, name: str) -> Audio:
        given, now = self._given[name], self._sheet.sound(name)
        here = np.s_[:, self._from : self._to]
        if np.array_equal(now, given.samples[here]):
            return given
        return put_back(given, now, self._from)

    def mask(self, name: str = "") -> np.ndarray:
        """The mask of a stem (the chosen one) as it stands [shape=(channels, bins, columns)], a copy."""
        return np.array(self._sheet.masks[self._sheet.names.index(self._known(name or self.stem))])

    def sdr(self, name: str = "") -> tuple[float, float] | None:
        """SDR of a stem (the chosen one) within the passage, before and now, in dB; None if the truth isn't known."""
        return self._sheet.sdr(self._known(name or self.stem))

    def _known(self, name: str) -> str:
        if name not in self._sheet.names:
            raise AudioError(f"No stem is called {name!r}: there are {', '.join(self._sheet.names)}.")
        return name

    # --- gestures: see `Painting`

    def undo(self) -> None:
        """Take back the last gesture or setting, bit for bit."""
        self._follow(self._sheet.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._follow(self._sheet.redo())

    def _paint(self, gesture: Gesture) -> None:
        self._tell(self._sheet.paint(gesture))

    def _follow(self, columns: slice) -> None:
        """After undo and redo: the sliders show what the masks are made with."""
        shaping, self._busy = self._sheet.state.shaping, True
        self.hardness, self.threshold, self.smoothing = shaping.hardness, shaping.threshold, shaping.smoothing
        self._busy = False
        self._tell(columns)

    # --- settings

    @traitlets.validate("stem")
    def _check_stem(self, proposal: dict[str, Any]) -> str:
        names, name = self._passage.names, proposal["value"]
        if name not in names:
            raise AudioError(f"No stem is called {name!r}: there are {', '.join(names)}.")
        return str(name)

    @traitlets.validate("kind")
    def _check_kind(self, proposal: dict[str, Any]) -> str:
        kind = proposal["value"]
        if kind not in self._passage.kinds():
            reason = "give the true stems (truth=...) for ideal masks" if self.truth is None else "see lab.kinds"
            raise AudioError(f"There are no masks of the kind {kind!r} here: {reason}.")
        return str(kind)

    @traitlets.observe("stem")
    def _on_stem(self, _change: object) -> None:
        self._comparing = None
        if not self._busy:
            self._refresh()

    @traitlets.observe("kind")
    def _on_kind(self, _change: object) -> None:
        if self._busy:
            return
        self._sheet = MaskSheet(self._passage, self.kind, sr=self.song.sr, state=self._sheet.state)
        self._refresh()

    @traitlets.observe("hardness", "threshold", "smoothing")
    def _on_shaping(self, _change: object) -> None:
        if not self._busy:
            self._tell(self._sheet.shape(Shaping(self.hardness, self.threshold, self.smoothing)))

    # --- how it shows itself without JavaScript

    def __repr__(self) -> str:
        painted = len(self._sheet.state.gestures)
        return f"<MaskLab of {self.stem}, {LABELS[self.kind]} masks: {painted} strokes>"

    def _repr_mimebundle_(self, **kwargs: Any) -> front.Bundle | None:
        def picture() -> dict[str, str | bytes]:
            masks = self._mask_bytes(slice(0, self._sheet.grid.columns))
            return {"image/png": still(self._level_table, masks, self.stem)}

        return front.with_still(super()._repr_mimebundle_(**kwargs), picture)
