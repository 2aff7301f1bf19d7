"""`SpectrogramExplorer`: look into a sound, from the whole song to one partial, and hear what one sees."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import traitlets

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.plots.pictures import picture
from musiclab.widgets.explorer.constantq import LOWEST_HZ, MIDDLE_HZ
from musiclab.widgets.explorer.tiles import CHANNELS, FLOOR_DB, SCALES, STEP_DB, WINDOWS, Look, Tiles
from musiclab.widgets.shared import front
from musiclab.widgets.shared.brushes import Grid, rectangle
from musiclab.widgets.shared.pixels import RANGE_DB, still
from musiclab.widgets.shared.transport import for_page, packed
from musiclab.widgets.shared.widget import Order, Widget

N_FFTS = tuple(2**k for k in range(6, 16))  # 1.5 ms to 0.74 s at 44.1 kHz
OVERLAPS = (2, 4, 8, 16)
LONGEST = 60.0  # s that are played at once
WIDEST = (2400, 1200)  # pixels of a tile, at most
LOOK = ("n_fft", "overlap", "window", "scale", "channel", "reassigned")
FADE = 0.01  # s at both ends of what is played
SLICE_S = 0.1  # of work, before the page is shown how far it is
STILL = (1200, 400)  # pixels of the picture for pages without JavaScript

# How wide a window sees, where it has fallen by 6 dB: in bins of its spectrum (Harris 1978, table 1) and as a part of
# its length. Two tones that are nearer, two clicks that are nearer, look like one.
WIDTHS = {"hann": (2.00, 0.50), "hamming": (1.81, 0.54), "blackman": (2.35, 0.40), "boxcar": (1.21, 1.00)}


class Resolution(NamedTuple):
    """How near two events may lie and still be told apart: in seconds, and in Hz."""

    seconds: float
    hz: float


class SpectrogramExplorer(Widget):
    """The spectrogram of a sound of any length, to zoom into and to listen to.

    Parameters
    ----------
    audio : Audio
        Any sound; a song of four minutes is no trouble.
    **settings
        Where to start; see the attributes.

    Attributes
    ----------
    n_fft : int
        Window length in samples, a power of two from 64 to 32768. In a constant-Q view at 1 kHz: there every
        frequency's window holds as many of its periods.
    overlap : int
        How many columns there are to a window: 2, 4, 8 or 16.
    window : str
        Its shape: ``hann``, ``hamming``, ``blackman`` or ``boxcar``.
    range_db : float
        How far below the loudest cell one sees, 20 to 120 dB.
    scale : str
        Of the frequency axis: ``linear``, ``log``, ``mel``, or ``cqt``, a constant-Q transform: logarithmic too, with
        windows that are the longer the lower, so that an interval looks alike in every octave.
    channel : str
        ``mid``, ``left``, ``right`` or ``side``.
    reassigned : bool
        Whether energy is drawn where its phase says that it lies.
    selection : tuple[float, float, float, float] or None
        From and to in seconds, from and to in Hz.
    view : tuple[float, float, float, float]
        What is shown, in the same units.
    resolution : Resolution
        What the window can tell apart; of a constant-Q view, at 1 kHz.

    Raises
    ------
    traitlets.TraitError, AudioError
        When something is set to what it can't be.

    References
    ----------
    F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66(1),
    1978. doi:10.1109/PROC.1978.10837

    Notes
    -----
    A still picture stands where no JavaScript may run.

    Notebook: 02
    """

    _esm = front.esm("explorer/explorer.js")
    _css = front.css("shared/specview.css", "explorer/explorer.css")

    n_fft = traitlets.Enum(N_FFTS, 2048).tag(sync=True)
    overlap = traitlets.Enum(OVERLAPS, 4).tag(sync=True)
    window = traitlets.Enum(WINDOWS, "hann").tag(sync=True)
    range_db = traitlets.Float(80.0, min=20.0, max=120.0).tag(sync=True)
    scale = traitlets.Enum(SCALES, "log").tag(sync=True)
    channel = traitlets.Enum(CHANNELS, "mid").tag(sync=True)
    reassigned = traitlets.Bool(False).tag(sync=True)
    selection = traitlets.Any(None, allow_none=True).tag(sync=True)
    view = traitlets.Any(None, allow_none=True).tag(sync=True)

    _sr = traitlets.Int().tag(sync=True)
    _duration = traitlets.Float().tag(sync=True)
    _hz = traitlets.Tuple().tag(sync=True)
    _channels = traitlets.Int().tag(sync=True)
    _options = traitlets.Dict().tag(sync=True)

    def __init__(self, audio: Audio, **settings: Any) -> None:
        self.audio = audio
        self._tiles = Tiles(for_page(audio))
        low, high = (LOWEST_HZ, audio.sr / 2)
        super().__init__(
            _sr=audio.sr, _duration=audio.duration, _hz=(low, high), _channels=audio.channels,
            _options={
                "n_ffts": N_FFTS, "overlaps": OVERLAPS, "windows": WINDOWS, "scales": SCALES, "channels": CHANNELS,
                "widths": WIDTHS, "step": STEP_DB, "floor": FLOOR_DB, "middle": MIDDLE_HZ,
            },
            **settings,
        )  # fmt: skip
        self.on_msg(self._on_message)

    # --- what is looked at

    @property
    def look(self) -> Look:
        """What the spectrogram is computed with."""
        return _look({name: getattr(self, name) for name in LOOK})

    @property
    def resolution(self) -> Resolution:
        """The nearest two clicks, and the nearest two tones, that this window shows as two."""
        bins, part = WIDTHS[self.window]
        return Resolution(part * self.n_fft / self._sr, bins * self._sr / self.n_fft)

    def picture(
        self, t0: float = 0.0, t1: float | None = None, low: float | None = None, high: float | None = None,
        *, width: int = 1200, height: int = 400,
    ) -> np.ndarray:  # fmt: skip
        """Levels in dBFS as they are drawn [shape=(height, width)], lowest frequency first.

        Parameters
        ----------
        t0, t1 : float
            From and to in seconds; the whole sound if left out.
        low, high : float
            From and to in Hz.
        width, height : int
            Pixels.
        """
        tile = self._tile(t0, t1, low, high, width, height, look=self.look, axis=_axis(self.scale))
        return FLOOR_DB + STEP_DB * tile.astype(np.float32)

    def _tile(
        self, t0: float, t1: float | None, low: float | None, high: float | None, width: int, height: int,
        *, look: Look, axis: str, ready: bool = False,
    ) -> np.ndarray:  # fmt: skip
        lowest = LOWEST_HZ if axis == "log" else 0.0
        low = max(lowest if low is None else low, lowest)
        high = min(self._sr / 2 if high is None else high, self._sr / 2)
        t0, t1 = max(t0, 0.0), min(self._duration if t1 is None else t1, self._duration)
        if not (t1 > t0 and high > low):
            raise AudioError("There is nothing to show there: a picture goes from an earlier to a later time, and up.")
        return self._tiles.tile(
            look, t0=t0, t1=t1, low=low, high=high, scale=axis,
            width=int(np.clip(width, 1, WIDEST[0])), height=int(np.clip(height, 1, WIDEST[1])), ready=ready,
        )  # fmt: skip

    # --- what is heard

    def sound(self, *, box: bool = True) -> Audio:
        """The selection as sound (without one: what is shown), at most a minute of it.

        Parameters
        ----------
        box : bool
            Only the frequencies selected (by a mask on the STFT); or all of them.

        Notebook: 02
        """
        t0, t1, low, high = self.selection or self.view or (0.0, self._duration, 0.0, self._sr / 2)
        t1 = min(t1, t0 + LONGEST, self._duration)
        x = self.audio[t0 : max(t1, t0 + 2 * FADE)].samples
        if box and (low > LOWEST_HZ or high < 0.98 * self._sr / 2):
            D = spectral.stft(x)
            touch = rectangle(Grid(self._sr, D.shape[-2], D.shape[-1]), 0.0, t1 - t0, low, high)
            band = np.zeros(D.shape[-2], dtype=np.float32)
            band[touch.bins] = touch.weight.max(axis=1)
            x = spectral.istft(D * band[:, None], length=x.shape[-1])
        return Audio(x, self._sr, title="selection").faded(FADE)

    @traitlets.validate("selection", "view")
    def _check_box(self, proposal: dict[str, Any]) -> tuple[float, ...] | None:
        value = proposal["value"]
        if value is None:
            return None
        t0, t1, low, high = (float(v) for v in value)
        inside = 0 <= t0 < t1 <= self.audio.duration + 1e-6 and 0 <= low < high <= self.audio.sr / 2 + 1e-3
        if not inside:
            raise AudioError(
                f"A box is (from s, to s, from Hz, to Hz) within {self.audio.duration:.2f} s and "
                f"{self.audio.sr / 2:.0f} Hz, not {value}."
            )
        return t0, min(t1, self.audio.duration), low, min(high, self.audio.sr / 2)

    # --- messages from the page

    def _orders(self) -> Mapping[str, Order]:
        return {"tile": self._send_tile, "listen": self._send_sound}

    def _send_tile(self, content: dict[str, Any]) -> None:
        """What is asked for, in the settings that the page has: those set there, or here, may still be on their way.

        They are not taken over: what was set here since would be lost, sent to the page, lost there, and so on.
        """
        settings = {name: content.get("look", {}).get(name, getattr(self, name)) for name in LOOK}
        look, axis = _look(settings), _axis(settings["scale"])
        done = self._compute(look, content["t0"], content["t1"])
        names = ("t0", "t1", "low", "high", "width", "height")
        tile = self._tile(*(content[name] for name in names), look=look, axis=axis, ready=True)
        about = {**content, "height": tile.shape[0], "width": tile.shape[1], "done": round(done, 3)}
        self.send({"tile": about}, [tile.tobytes()])

    def _compute(self, look: Look, t0: float, t1: float) -> float:
        """Work for a moment on what is to be shown; how much of it is there. The page asks again while it is not all.

        So the kernel is never busy for long: who zooms into a song that is being computed doesn't wait for the rest.
        """
        end = time.monotonic() + SLICE_S
        missing = self._tiles.missing(look, t0, t1)
        for count, index in enumerate(missing, start=1):
            self._tiles.compute(look, index)
            if time.monotonic() >= end:
                return 1 - (len(missing) - count) / len(self._tiles.chunks(look, t0, t1))
        return 1.0

    def _send_sound(self, content: dict[str, Any]) -> None:
        if "selection" in content:  # as the page has it: a trait may still be on its way
            self.selection = content["selection"]
        if "view" in content:
            self.view = content["view"]
        sound = for_page(self.sound(box=content["box"]))
        scale, samples = packed(sound)
        start = (self.selection or self.view or (0.0,))[0]
        self.send({"sound": {"start": start, "channels": sound.channels, "scale": scale}}, [samples])

    # --- how it shows itself without JavaScript

    def __repr__(self) -> str:
        return f"<SpectrogramExplorer: {self._duration:.1f} s, windows of {self.n_fft} samples, {self.scale}>"

    def _still(self) -> bytes:
        """A PNG of what is shown, quickly for any length: no more columns than the picture has room for."""
        axis = _axis(self.scale)
        t0, t1, low, high = self.view or (0.0, self._duration, LOWEST_HZ, self._sr / 2)
        x = self._tiles.channel(self.channel)[
            round(t0 * self._sr) : max(round(t1 * self._sr), round(t0 * self._sr) + 1)
        ]
        hop = max(self.look.hop_length, len(x) // (2 * STILL[0]))
        D = spectral.columns_of(
            np.pad(x, (self.n_fft // 2, self.n_fft))[None], n_fft=self.n_fft, hop_length=hop, window=self.window
        )
        drawn = picture(
            np.abs(D[0]), sr=self._sr, rows=STILL[1], columns=STILL[0], scale=axis, fmin=low, fmax=high
        )  # fmt: skip
        decibels = spectral.to_db(drawn, range_db=RANGE_DB)
        shown = np.round(255 * (1 + decibels / RANGE_DB)).astype(np.uint8)
        return still(shown, np.full_like(shown, 255), "drums", range_db=min(self.range_db, RANGE_DB))


def _look(settings: Mapping[str, Any]) -> Look:
    """What a spectrogram with the settings `LOOK` is computed with."""
    cqt = settings["scale"] == "cqt"
    n_fft, overlap, window, channel = (settings[name] for name in ("n_fft", "overlap", "window", "channel"))
    return Look(n_fft, overlap, window, channel, cqt, settings["reassigned"] and not cqt)


def _axis(scale: str) -> str:
    return "log" if scale == "cqt" else scale
