"""A library of recorded samples that the tests make themselves."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musiclab.training.studio.songs.library import SR
from tests.sounds import harmonics, times


def sample(pitch: float, seconds: float = 0.8) -> np.ndarray:
    """A dying note with silence before it, as samples have."""
    dying = harmonics(pitch, seconds, 5, sr=SR) * np.exp(-times(seconds, sr=SR))
    return np.concatenate([np.zeros(2000), 0.3 * dying])


def voice(pitch: float, rng: np.random.Generator) -> np.ndarray:
    """Syllables: a hiss, then a vowel-like pulse train."""
    out = []
    for _ in range(4):
        t = np.arange(int(0.25 * SR)) / SR
        f = 440 * 2 ** ((pitch - 69) / 12)
        weights = [np.exp(-(((f * k - 700) / 500) ** 2)) + 0.05 for k in range(1, 30)]
        vowel = sum(w * np.sin(2 * np.pi * f * k * t) for k, w in enumerate(weights, 1)) * np.hanning(len(t))
        hiss = np.diff(rng.standard_normal(int(0.08 * SR)), prepend=0) * 0.1
        out += [hiss, vowel]
    return 0.1 * np.concatenate(out)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(1)
    rows: list[dict[str, object]] = []

    def add(family: str, kind: str, name: str, x: np.ndarray, **more: object) -> None:
        file = f"{family}-{kind}-{name}.wav"
        soundfile.write(root / file, x, SR)
        row = {"file": file, "family": family, "kind": kind, "library": f"{family}-{kind}", "articulation": "",
               "pitch": None, "vel": 100, "dur": len(x) / SR, "licence": "CC0-1.0", "share_alike": False,
               "repo": "someone/somewhere@0", "attribution": "nobody"}  # fmt: skip
        rows.append(row | more)

    for family, kind in [("bass", "electric-bass"), ("guitar", "electric"), ("keys", "grand-piano"),
                         ("synth", "transistor-organ"), ("winds", "saxophone"), ("strings", "cello")]:  # fmt: skip
        for pitch in range(28, 90, 10):
            add(family, kind, str(pitch), sample(pitch), pitch=pitch, cents=0, pitch_verified=True)
    for kind in ("kick", "snare", "hihat-closed", "hihat-open", "tom", "crash", "ride", "percussion"):
        burst = rng.standard_normal(SR // 4) * np.exp(-np.arange(SR // 4) / 2000)
        add("drums", kind, "1", 0.3 * burst, kit="noise", share_alike=kind == "ride")
    for who, pitch in (("a", 57), ("b", 64)):
        add("voice", "sung", who, voice(pitch, rng), voice_id=who, mode="sung", bandwidth_khz=20.0, f0_median_hz=220.0)
    add("voice", "spoken", "c", voice(50, rng), voice_id="c", mode="spoken", bandwidth_khz=6.0)
    (root / "index.json").write_text(json.dumps({"entries": rows}), encoding="utf-8")
    return root
