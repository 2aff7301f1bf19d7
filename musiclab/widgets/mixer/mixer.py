"""`Mixer`: hear each instrument. A fader, mute, solo and meter for every stem, sample-locked in the page."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from musiclab.audio import Audio
from musiclab.codecs.files import safe_name
from musiclab.grid import BeatGrid
from musiclab.notes import Part
from musiclab.palette import colour
from musiclab.stems import RESIDUAL, Stems
from musiclab.transcription.chart import Chart
from musiclab.widgets.mixer.keeping import KeepingWidget
from musiclab.widgets.mixer.saving import Saving
from musiclab.widgets.mixer.settings import (
    GAINS,
    LEVEL,
    PACE,
    SEQUENCE,
    SILENT,
    Gains,
    checked_gains,
    checked_level,
    checked_loop,
    checked_names,
    checked_time,
)
from musiclab.widgets.mixer.waves import Lane, columns_for, picture, waveform
from musiclab.widgets.shared import front
from musiclab.widgets.shared.limiter import limit
from musiclab.widgets.shared.transport import MUCH_MEMORY, page_memory

logger = logging.getLogger("musiclab")


class Mixer(Saving, KeepingWidget):
    """A mixing desk for stems, in a notebook.

    Every setting works two ways: what is moved in the page can be read here, what is set here moves in the page.
    All faders at 0 dB give the mixture itself: the residual (what the stems leave over) has a fader too.

    Parameters
    ----------
    stems : Stems
        Any number of them, mono or stereo, at any sample rate.
    chart : Chart, Part or BeatGrid
        What is known of the song's time; the rest is found in the background, and kept for the next time.
    gains_db, muted, soloed, master_db, loop
        Where to start; see the attributes.

    Attributes
    ----------
    gains_db : Mapping[str, float]
        The faders in dB, from ``-inf`` (silent) to +12. Set one (``mixer.gains_db["bass"] = 3``) or all
        (``mixer.gains_db = {"bass": 3}``: names left out go to 0 dB).
    muted, soloed : tuple[str, ...]
        Names. With any soloed, only these sound; what is muted stays silent. Set them from any iterable, or one name.
    master_db : float
        The master fader in dB. After it a limiter keeps the sum within full scale; it leaves alone what fits.
    position : float
        Where the song is, in seconds; reported about four times a second while it plays. Set it to seek.
    playing : bool
        Browsers let sound start only after a click somewhere in the page.
    loop : tuple[float, float] or None
        From A to B in seconds, repeated to the sample.
    speed : float
        0.25 to 2, without a change of pitch; 1 is the song's own. For listening only: `mix` does not change.
    semitones : int
        Another key, -12 to 12 semitones, without a change of speed. For listening only.
    click, click_db, click_division, click_accents, count_in, count_in_rounds, rest, trainer, round
        How it is practised: see `Practising`.
    preset : str
        ``"everything"``, ``"karaoke"`` (no vocals), a stem's name (it alone), or ``""`` when the desk is set by hand.
    chart : Chart or None
        Beats, bars, chords, key and sections (`musiclab.transcription.chart`); None until they are known. Set it from a
        `Chart`, a `Part` or a `BeatGrid` to correct it.
    keeps, section_names
        Loops and mixes kept with a name and a note, names of sections: there again when the song is opened the next
        time. See `keep_loop`, `keep_mix`, `recall`.
    clock : str
        The name under which this mixer's clock can be followed in the page; see ``clock.js``.

    Raises
    ------
    traitlets.TraitError
        When something is set to what it can't be: an unknown name, a gain above +12 dB, a loop outside the song.

    Notes
    -----
    The widget shows a still picture where no JavaScript may run (a notebook that is not trusted).
    The page gets short songs as FLAC and long ones as Ogg Vorbis, encoded in the background. It can play once the first
    seconds are there; where the rest has yet to come it waits, and goes on.

    Notebook: 01
    """

    _esm = front.esm("mixer/mixer.js")
    _css = front.css("mixer/mixer.css", "mixer/practice.css")

    gains_db = traitlets.Any().tag(sync=True, **GAINS)
    muted = traitlets.Any(()).tag(sync=True, **SEQUENCE)
    soloed = traitlets.Any(()).tag(sync=True, **SEQUENCE)
    master_db = traitlets.Any(0.0).tag(sync=True, **LEVEL)
    position = traitlets.Float(0.0).tag(sync=True, echo_update=False)
    playing = traitlets.Bool(False).tag(sync=True)
    loop = traitlets.Any(None, allow_none=True).tag(sync=True, **SEQUENCE)
    speed = traitlets.Float(1.0).tag(sync=True)
    semitones = traitlets.Int(0).tag(sync=True)
    clock = traitlets.Unicode(read_only=True).tag(sync=True)

    _tracks: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    _presets: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    _duration = traitlets.Float().tag(sync=True)
    _columns = traitlets.Int().tag(sync=True)
    _scale = traitlets.Float().tag(sync=True)  # the amplitude that fills a lane
    _waves = traitlets.Bytes().tag(sync=True)
    _pace = traitlets.Dict(PACE).tag(sync=True)  # from and to of speed and key
    _stretch = traitlets.Unicode(front.text("shared/signalsmith-stretch.mjs")).tag(sync=True)

    def __init__(self, stems: Stems, *, chart: Chart | Part | BeatGrid | None = None, **settings: Any) -> None:
        self.stems = stems
        self._names = (*stems, RESIDUAL)
        sounds = [stems[name] for name in self._names]
        scale = max(10 ** (sound.peak_db / 20) for sound in sounds)
        columns = columns_for(stems.duration)
        self._wave_table = np.stack([waveform(sound.samples, scale=scale, columns=columns) for sound in sounds])
        if (needed := page_memory(sounds)) > MUCH_MEMORY:
            logger.warning("The page needs %.1f GB for this song: cut it, as in song[0:600].", needed / 1e9)
        super().__init__(
            sounds,
            song=stems,
            chart=chart,
            _tracks=[
                {"name": name, "label": _label(name), "colour": colour(name, i)} for i, name in enumerate(self._names)
            ],
            _presets=self._describe_presets(),
            _duration=stems.duration,
            _title=safe_name(stems.mixture.title or "song"),
            _columns=self._wave_table.shape[1],
            _scale=scale,
            _waves=self._wave_table.tobytes(),
            **({"gains_db": {}} | settings),
        )
        self.set_trait("clock", f"mixer-{uuid.uuid4().hex[:12]}")

    # --- what is heard

    def mix(self, *, limited: bool = True) -> Audio:
        """What is heard: faders, mutes, solos and master applied, from the first sample to the last.

        Parameters
        ----------
        limited : bool
            Through the master's limiter, as in the page. Without it, peaks may pass 0 dBFS.

        Returns
        -------
        Audio
            At the stems' own rate and channels. With everything at 0 dB it is the mixture, bit for bit (a mixture
            that itself passes 0 dBFS is limited).
        """
        gains = {name: self.gains_db[name] if self.audible(name) else SILENT for name in self._names}
        mixed = self.stems.mix(gains).samples * np.float32(10 ** (self.master_db / 20))
        if limited:
            mixed, _ = limit(mixed, self.stems.sr)
        return Audio(mixed, self.stems.sr, title=self.stems.mixture.title)

    def audible(self, name: str) -> bool:
        """Whether a stem gets through mutes and solos."""
        return name not in self.muted and (not self.soloed or name in self.soloed)

    @property
    def preset(self) -> str:
        """The preset that the desk stands at, or ``""``."""
        if any(gain != 0 for gain in self.gains_db.values()):
            return ""
        state = (set(self.muted), set(self.soloed))
        found = (p["name"] for p in self._presets if (set(p["muted"]), set(p["soloed"])) == state)
        return next(found, "")

    @preset.setter
    def preset(self, name: str) -> None:
        chosen = next((p for p in self._presets if p["name"] == name), None)
        if chosen is None:
            raise traitlets.TraitError(f"No preset {name!r}: there are {', '.join(p['name'] for p in self._presets)}.")
        with self.hold_sync():
            self.gains_db = {}
            self.muted = chosen["muted"]
            self.soloed = chosen["soloed"]

    def _recall_mix(self, mix: dict[str, Any]) -> None:
        gains = {name: SILENT if db is None else db for name, db in mix["gains_db"].items() if name in self._names}
        self.gains_db = gains
        for name in ("muted", "soloed"):
            setattr(self, name, [stem for stem in mix[name] if stem in self._names])
        self.master_db = SILENT if mix["master_db"] is None else mix["master_db"]

    def _describe_presets(self) -> list[dict[str, Any]]:
        def describe(name: str, label: str, title: str, *, muted: str = "", soloed: str = "") -> dict[str, Any]:
            hue = colour(soloed, self._names.index(soloed)) if soloed else ""
            lists = {"muted": [muted] if muted else [], "soloed": [soloed] if soloed else []}
            return {"name": name, "label": label, "title": title, "colour": hue, **lists}

        presets = [describe("everything", "Everything", "The whole mixture")]
        if "vocals" in self._names:
            presets.append(describe("karaoke", "Karaoke", "Everything but the vocals", muted="vocals"))
        alone = (describe(name, _label(name), f"Only {name}", soloed=name) for name in self.stems)
        return presets + list(alone)

    # --- what may be set

    def _move(self, name: str, gain_db: float) -> Mapping[str, float]:
        # a new mapping: were the old one changed in place, the trait would see no change
        self.gains_db = dict(self.gains_db) | {name: gain_db}
        return self.gains_db

    @traitlets.validate("gains_db")
    def _check_gains(self, proposal: dict[str, Any]) -> Gains:
        return Gains(checked_gains(proposal["value"], self._names), self._move)

    @traitlets.validate("muted", "soloed")
    def _check_names(self, proposal: dict[str, Any]) -> tuple[str, ...]:
        return checked_names(proposal["value"], self._names, proposal["trait"].name)

    @traitlets.validate("master_db")
    def _check_master(self, proposal: dict[str, Any]) -> float:
        return checked_level(proposal["value"], "The master")

    @traitlets.validate("speed", "semitones")
    def _check_pace(self, proposal: dict[str, Any]) -> Any:
        name = proposal["trait"].name
        low, high = PACE[name]
        if not low <= proposal["value"] <= high:
            raise traitlets.TraitError(f"{name} goes from {low} to {high}, not {proposal['value']}.")
        return proposal["value"]

    @traitlets.validate("position")
    def _check_position(self, proposal: dict[str, Any]) -> float:
        return checked_time(proposal["value"], self.stems.duration, "position")

    @traitlets.validate("loop")
    def _check_loop(self, proposal: dict[str, Any]) -> tuple[float, float] | None:
        return checked_loop(proposal["value"], self.stems.duration)

    # --- how it shows itself without JavaScript

    def __repr__(self) -> str:
        return f"<Mixer of {', '.join(self.stems)}: {self.stems.duration:.1f} s>"

    def _still(self) -> bytes:
        lanes = [
            Lane(
                track["label"],
                track["colour"],
                _level_text(self.gains_db[track["name"]]),
                wave,
                self.audible(track["name"]),
            )
            for track, wave in zip(self._tracks, self._wave_table, strict=True)
        ]
        minutes, seconds = divmod(self.stems.duration, 60)
        return picture(lanes, f"{minutes:.0f}:{seconds:04.1f}")


def _label(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _level_text(gain_db: float) -> str:
    return "−∞ dB" if gain_db == SILENT else f"{gain_db:+.1f} dB".replace("-", "−").replace("+0.0", "0.0")
