"""Recorded one-shots: a folder with an `index.json` that tells what each file is.

The index holds ``entries``, each with ``file``, ``family``, ``kind``, ``library``, ``pitch`` (sounding MIDI number or
null), ``articulation``, ``licence`` and ``share_alike``. The folder itself is never part of the project.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from musiclab.errors import DatasetError

SR = 44100
ENVIRONMENT = "MUSICLAB_SAMPLES"
SUNG_PART = 0.5  # s of a sung sample that are measured: most notes use no more
ATTACK_DB = -26.0  # a sample begins where it first comes within this of its peak


@dataclass(frozen=True)
class RecordedSound:
    """One recorded sound and what is known of it."""

    path: Path
    family: str
    kind: str
    library: str
    articulation: str
    pitch: float | None
    share_alike: bool
    voice: str = ""

    def load(self) -> np.ndarray:
        """Mono samples at 44.1 kHz from its attack on, peak 1 [shape=(frames,)], read-only."""
        return _load(self.path)


@lru_cache(maxsize=600)
def _load(path: Path) -> np.ndarray:
    import soundfile

    samples, sr = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if sr != SR:
        import soxr

        mono = soxr.resample(mono, sr, SR)
    peak = float(np.abs(mono).max(initial=0.0))
    if peak <= 0:
        raise DatasetError(f"The sample {path} is silent: leave it out of the index.")
    mono = mono[attack_start(mono / peak) :] / peak
    mono.flags.writeable = False
    return np.asarray(mono)


@dataclass(frozen=True)
class Singing:
    """What a pitch tracker finds in a sung sample: pitch (MIDI), its spread, consonant (s), voiced part (s)."""

    pitch: float
    spread: float
    lead: float
    voiced: float


@lru_cache(maxsize=600)
def singing(sample: RecordedSound) -> Singing:
    """Measure a sung sample: a singer's note is seldom exactly what the file's name says."""
    from musiclab.audio import Audio
    from musiclab.transcription.monophonic import track_pitch
    from musiclab.transcription.pitch_track import COLUMN_S

    track = track_pitch(Audio(sample.load(), SR), low=36, high=86)
    voiced = np.flatnonzero(track.voicing > 0.5)
    if len(voiced) == 0:
        return Singing(0.0, 99.0, 0.0, 0.0)
    early = voiced[voiced < voiced[0] + SUNG_PART / COLUMN_S]
    low, pitch, high = np.quantile(track.pitch[early], (0.1, 0.5, 0.9))
    return Singing(float(pitch), float(high - low), float(voiced[0]) * COLUMN_S, len(voiced) * COLUMN_S)


def attack_start(samples: np.ndarray) -> int:
    """Where a sound of peak 1 begins: just before it first comes within `ATTACK_DB` of its peak (a sample index)."""
    block = 64  # 1.5 ms
    count = len(samples) // block
    peaks = np.abs(samples[: count * block]).reshape(count, block).max(axis=1)
    loud = np.flatnonzero(peaks > 10 ** (ATTACK_DB / 20))
    return max(0, int(loud[0]) - 1) * block if len(loud) else 0


def samples_root() -> Path:
    """The folder that the environment variable names; `DatasetError` if there is none."""
    root = os.environ.get(ENVIRONMENT)
    if not root or not (Path(root) / "index.json").is_file():
        raise DatasetError(f"Set the environment variable {ENVIRONMENT} to a folder of samples with an index.json.")
    return Path(root)


def find_samples(root: Path, keep: Callable[[dict[str, Any]], bool]) -> list[RecordedSound]:
    """The samples for whose index entry `keep` is true, in the order of their paths."""
    entries = json.loads((root / "index.json").read_text(encoding="utf-8"))["entries"]
    return [
        RecordedSound(
            root / entry["file"],
            entry["family"],
            entry["kind"],
            entry.get("library", ""),
            entry.get("articulation") or "",
            entry["pitch"],
            bool(entry.get("share_alike")),
            entry.get("voice_id", ""),
        )
        for entry in sorted(entries, key=lambda entry: str(entry["file"]))
        if keep(entry)
    ]
