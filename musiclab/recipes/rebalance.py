"""`rebalance`: a finished song with some of its instruments louder or softer.

Notebook: 12
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from musiclab import show
from musiclab.audio import Audio
from musiclab.codecs.encoding import QUALITY
from musiclab.codecs.formats import FORMATS
from musiclab.errors import AudioError
from musiclab.metrics.loudness import loudness
from musiclab.progress import Cancel, Progress, watching
from musiclab.recipes.result import Result, SavedFiles, deliver, sound_format
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.separation.engine import Engine
from musiclab.stems import RESIDUAL, Stems

LOUDEST = 24.0  # dB up; more would bring up nothing but what leaked
CEILING_DB = -0.1  # dBFS that the result never passes
NAME = "rebalanced"


@dataclass(frozen=True, eq=False, kw_only=True)
class Rebalanced(Result):
    """What `rebalance` made.

    Attributes
    ----------
    audio, original : Audio
        The song with the new balance; the song.
    gains_db : Mapping[str, float]
        As asked for.
    gain_db : float
        What the whole was turned up or down by, in dB: to the song's loudness, as far as nothing clips.

    Notebook: 12
    """

    audio: Audio
    original: Audio
    gains_db: Mapping[str, float]
    gain_db: float

    @property
    def sounds(self) -> Mapping[str, Audio]:
        return {NAME: self.audio}

    @property
    def facts(self) -> dict[str, Any]:
        gains = {name: (None if math.isinf(gain) else gain) for name, gain in self.gains_db.items()}
        return {
            "gains_db": gains,  # None: muted
            "gain_db": self.gain_db,
            "loudness_lufs": {"before": loudness(self.original), "after": loudness(self.audio)},
            "peak_db": {"before": self.original.peak_db, "after": self.audio.peak_db},
            "channels": self.audio.channels,
        }

    def save(
        self, folder: str | PathLike[str], *, format: str = "wav", subtype: str | None = None, quality: float = QUALITY
    ) -> SavedFiles:
        """Write it into a folder, or to a file whose name ends as a sound's does (``"louder.flac"``).

        See `Result.save`; the end of a file's name decides on its format.
        """
        path = Path(folder).expanduser()
        suffix = path.suffix.lower().lstrip(".")
        if suffix not in FORMATS:
            return super().save(path, format=format, subtype=subtype, quality=quality)
        return deliver(path.parent, {path.name: self.audio}, {}, sound_format(suffix, subtype), quality=quality)

    def _repr_html_(self) -> str:
        return show.sounds_html(
            self.title, {"before": self.original, NAME: self.audio}, kind="rebalanced", notes=self.remarks
        )


def rebalance(
    song: Song,
    gains_db: Mapping[str, float],
    *,
    match_loudness: bool = True,
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Rebalanced:
    """A song with some instruments louder or softer, as loud as before, never clipping; mono stays mono.

    Parameters
    ----------
    song : path, Audio or Stems
        The song, or its stems if they are there.
    gains_db : Mapping[str, float]
        Gain in dB for each stem: ``{"vocals": +3, "drums": -2}``; up to +24, ``-inf`` mutes; ``residual`` is one too.
    match_loudness : bool
        Whether the result is brought to the loudness of the song (BS.1770); otherwise it is only kept from clipping.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Raises
    ------
    AudioError, EngineError
        If the song, a gain or the engine won't do, or it finds no such stem.
    Cancelled
        If `cancel` was set.

    Notebook: 12
    """
    wanted = _checked(gains_db)
    mixture = mixture_of(song)
    with watching(progress, cancel) as watch:
        whole = song if isinstance(song, Stems) else mixture
        named = [name for name in wanted if name != RESIDUAL]
        stems = stems_of(whole, How(engine, quality, device, cache), watch.part(0.0, 0.9), wanted=named)
        watch(0.9, "mixing")
        mixed = stems.mix(wanted)
        before, after = loudness(mixture), loudness(mixed)
        gain = before - after if match_loudness and min(before, after) > -100 else 0.0
        limited = min(gain, CEILING_DB - mixed.peak_db)
        audio = replace(mixed.gained(limited), title=NAME)
        watch(1.0, "done")
    said = [stems.note] if stems.note else []
    said.append(_told(wanted, before, after + limited, gain, limited))
    return Rebalanced(
        title=mixture.title or "song",
        engine=stems.engine,
        remarks=tuple(said),
        audio=audio,
        original=mixture,
        gains_db=wanted,
        gain_db=limited,
    )


def _checked(gains_db: Mapping[str, float]) -> dict[str, float]:
    wanted: dict[str, float] = {}
    for name, value in gains_db.items():
        try:
            gain = float(value)
        except (TypeError, ValueError):
            gain = math.nan
        if not gain <= LOUDEST:
            raise AudioError(f"The gain of {name!r} is a number of dB up to +{LOUDEST:g}, not {value!r}.")
        wanted[name] = gain
    if not wanted:
        raise AudioError("Say what is to be louder or softer, such as vocals +3.")
    return wanted


def _told(gains: Mapping[str, float], before: float, after: float, gain: float, limited: float) -> str:
    changes = ", ".join(f"{name} {_db(value)}" for name, value in gains.items())
    text = f"{changes}; the whole {_db(limited)}: {before:.1f} LUFS before, {after:.1f} LUFS after."
    if limited < gain - 0.05:
        text += f" It is {gain - limited:.1f} dB softer than it could be, so that nothing clips."
    return text.replace("-", "−")


def _db(value: float) -> str:
    return "muted" if math.isinf(value) else f"{value:+.1f} dB"
