"""Recorded samples: an index of one-shots, multi-samples and voices, read when they are first asked for.

The folder holds `index.json` with a row for each file (its schema stands in `SOURCES.md`). Files with a share-alike
licence may be used to render training songs, never for the demo songs that are given away under CC0: open the library
with `share_alike=False` for those.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import soundfile
import soxr
from numpy.typing import NDArray

from musiclab.errors import DatasetError

SR = 44100
Wave = NDArray[np.float32]

_TRIM = 0.02  # a one-shot starts where it first passes this part of its peak (−34 dB) ...
_PRE_ROLL = 88  # ... less 2 ms, so that the attack keeps its shape


@dataclass(frozen=True)
class Sample:
    """One recorded file: what it is, and where it came from."""

    file: Path
    family: str
    kind: str
    library: str
    articulation: str
    pitch: float | None  # MIDI, with the measured deviation in cents
    layer: float  # loudness layer, 0 (softest) to 1 (hardest)
    kit: str
    voice: str
    mode: str  # voices: sung, spoken, growl
    bandwidth: float  # kHz
    f0: float | None  # Hz, median
    seconds: float
    row: Mapping[str, Any]


@dataclass(frozen=True)
class SampledInstrument:
    """Samples of one instrument over its range."""

    name: str
    samples: tuple[Sample, ...]
    sustains: bool = False  # bowed, blown or keyed: a long note may loop its middle

    def nearest(self, pitch: float, velocity: float, rng: np.random.Generator) -> Sample:
        """The sample whose pitch lies nearest, then the nearest loudness layer; ties by chance."""
        gaps = np.array([abs((s.pitch or 0.0) - pitch) for s in self.samples])
        near = [s for s, gap in zip(self.samples, gaps, strict=True) if gap <= gaps.min() + 0.6]
        layers = np.array([abs(s.layer - velocity) for s in near])
        best = [s for s, gap in zip(near, layers, strict=True) if gap <= layers.min() + 0.05]
        return best[int(rng.integers(len(best)))]


SUSTAINING = ("winds", "brass", "strings", "synth")


class Library:
    """The samples of a folder.

    Parameters
    ----------
    folder : Path
        Holds `index.json` and the files that it names.
    share_alike : bool
        Whether files under a share-alike licence are taken too.
    licences : iterable of str, optional
        Take only files whose licence starts with one of these.

    Raises
    ------
    DatasetError
        No readable index in the folder.

    Notebook: 06
    """

    def __init__(self, folder: Path, *, share_alike: bool = True, licences: Iterable[str] | None = None) -> None:
        self.folder = Path(folder)
        index = self.folder / "index.json"
        try:
            rows = json.loads(index.read_text(encoding="utf-8"))["entries"]
        except (OSError, ValueError, KeyError) as error:
            raise DatasetError(
                f"{index} is no index of samples ({error}): set MUSICLAB_SAMPLES to a folder that has one."
            ) from error
        allowed = tuple(licences) if licences is not None else None
        rows = [r for r in rows if share_alike or not r.get("share_alike")]
        rows = [r for r in rows if allowed is None or str(r["licence"]).startswith(allowed)]
        self.samples = _samples(self.folder, sorted(rows, key=lambda r: str(r["file"])))
        self._audio: dict[Path, NDArray[np.int16]] = {}
        self._tones: dict[tuple[Path, int], Wave] = {}
        self.attachments: dict[str, object] = {}  # what others derive from the library and keep with it

    @classmethod
    def default(cls, *, share_alike: bool = True) -> Library:
        """The library that the environment variable MUSICLAB_SAMPLES names.

        Raises
        ------
        DatasetError
            The variable is not set.
        """
        folder = os.environ.get("MUSICLAB_SAMPLES")
        if not folder:
            raise DatasetError("no samples to render from: set MUSICLAB_SAMPLES to a folder with index.json.")
        return cls(Path(folder), share_alike=share_alike)

    def instruments(self, family: str, *kinds: str) -> list[SampledInstrument]:
        """Multi-samples of a family whose kind starts with one of `kinds` (all kinds if none is given)."""
        groups: dict[str, list[Sample]] = defaultdict(list)
        for s in self.samples:
            if s.family == family and s.pitch is not None and (not kinds or s.kind.startswith(kinds)):
                groups[f"{s.library}/{s.kind}/{s.articulation}"].append(s)
        sustains = family in SUSTAINING
        return [
            SampledInstrument(name, tuple(group), sustains and "pizz" not in name)
            for name, group in sorted(groups.items())
            if len(group) >= 4
        ]

    def kits(self) -> dict[str, dict[str, list[Sample]]]:
        """Drum kits: name to piece (kick, snare, ...) to samples."""
        kits: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        for s in self.samples:
            if s.family == "drums":
                kits[s.kit][s.kind].append(s)
        return {kit: dict(pieces) for kit, pieces in sorted(kits.items())}

    def voices(self) -> dict[str, list[Sample]]:
        """Recorded voices: the name of a singer or speaker to the clips; growls are left out."""
        voices: dict[str, list[Sample]] = defaultdict(list)
        for s in self.samples:
            if s.family == "voice" and s.mode != "growl" and s.kind != "choir":
                voices[s.voice].append(s)
        return dict(sorted(voices.items()))

    def adopt(self, sample: Sample, wave: NDArray[np.int16]) -> None:
        """Take in a sample that is no file of the folder."""
        self._audio.setdefault(sample.file, wave)

    def audio(self, sample: Sample) -> Wave:
        """A whole file as mono `(frames,)` float32 at 44.1 kHz, peak 1, without the silence before its attack."""
        if sample.file not in self._audio:
            self._audio[sample.file] = _read(sample.file)
        return self._audio[sample.file].astype(np.float32) / 32767.0

    def repitched(self, sample: Sample, pitch: float) -> Wave:
        """`audio` resampled so that it sounds at `pitch` (MIDI); kept, for songs repeat their notes."""
        return self.retuned(sample, 0.0 if sample.pitch is None else pitch - sample.pitch)

    def retuned(self, sample: Sample, semitones: float) -> Wave:
        """`audio` resampled to sound `semitones` higher, to the nearest 5 cents."""
        cents = round(semitones * 20) * 5
        key = (sample.file, cents)
        if key not in self._tones:
            if len(self._tones) > 600:
                self._tones.clear()
            self._tones[key] = shift_pitch(self.audio(sample), cents / 100)
        return self._tones[key]


def shift_pitch(x: Wave, semitones: float) -> Wave:
    """Resample so that `(frames,)` sounds `semitones` higher, and is that much shorter."""
    if abs(semitones) < 0.01 or len(x) < 2:
        return x
    return np.asarray(soxr.resample(x, SR, SR / 2.0 ** (semitones / 12), quality="MQ"), dtype=np.float32)


def _read(file: Path) -> NDArray[np.int16]:
    x, sr = soundfile.read(file, dtype="float32", always_2d=True)
    mono = x.mean(axis=1)
    return condition(mono if sr == SR else soxr.resample(mono, sr, SR))


def condition(mono: Wave) -> NDArray[np.int16]:
    """`(frames,)` at full scale, from 2 ms before its attack on."""
    peak = float(np.abs(mono).max(initial=0.0))
    if not np.isfinite(peak) or peak <= 0:
        return np.zeros(1, dtype=np.int16)
    start = max(0, int(np.argmax(np.abs(mono) > _TRIM * peak)) - _PRE_ROLL)
    return np.asarray(np.round(mono[start:] * (32767.0 / peak)), dtype=np.int16)


def cache_folder(kind: str) -> Path:
    """Where what is derived from samples is kept: in MUSICLAB_CACHE, or the user's cache folder."""
    folder = Path(os.environ.get("MUSICLAB_CACHE") or platformdirs.user_cache_dir("musiclab")) / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _samples(folder: Path, rows: list[dict[str, Any]]) -> list[Sample]:
    groups: dict[tuple[str, str, str], set[float]] = defaultdict(set)
    for r in rows:
        groups[_group(r)].add(_velocity(r.get("vel")))
    ladders = {group: sorted(values) for group, values in groups.items()}
    return [_sample(folder, r, ladders[_group(r)]) for r in rows]


def _group(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["library"]), str(row["kind"]), str(row.get("articulation"))


def _velocity(value: Any) -> float:
    """Velocities come as MIDI values, layer numbers or ranges: only their order within an instrument counts."""
    if isinstance(value, list):
        return float(np.mean(value))
    return float(value) if isinstance(value, int | float) else 0.0


def _sample(folder: Path, row: Mapping[str, Any], ladder: list[float]) -> Sample:
    pitch = row.get("pitch")
    if row.get("pitch_verified") is False:
        pitch = None
    cents = float(row.get("cents") or 0.0)
    return Sample(
        file=folder / str(row["file"]),
        family=str(row["family"]),
        kind=str(row["kind"]),
        library=str(row["library"]),
        articulation=str(row.get("articulation") or ""),
        pitch=None if pitch is None else float(pitch) + (cents / 100 if abs(cents) < 60 else 0.0),
        layer=(ladder.index(_velocity(row.get("vel"))) + 1) / len(ladder),
        kit=str(row.get("kit") or ""),
        voice=str(row.get("voice_id") or ""),
        mode=str(row.get("mode") or ""),
        bandwidth=float(row.get("bandwidth_khz") or 0.0),
        f0=row.get("f0_median_hz") or row.get("voice_f0_hz"),
        seconds=float(row["dur"]),
        row=row,
    )
