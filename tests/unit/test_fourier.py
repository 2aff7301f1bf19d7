"""With torch and without it: the same figures."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement

from musiclab import fourier, spectral
from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.widgets.explorer import tiles
from tests.sounds import SR, tone

HEAVY = {
    "torch", "onnxruntime", "av", "librosa", "numba", "sklearn", "demucs", "resampy", "safetensors", "huggingface_hub",
    "mir_eval", "swift_f0",
}  # fmt: skip
LIGHT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
import musiclab as ml
from musiclab.notes import Note, Part
stems = ml.Stems.load({folder!r})
part = Part([Note(b / 2, b / 2 + 0.4, 40 + b, 90, 0.9) for b in range(4)], "bass", beats=(0.0, 0.5, 1.0, 1.5, 2.0),
            downbeats=(0.0, 2.0), key="G major", duration=2.0)
mixer = ml.Mixer(stems)
mixer.gains_db["bass"] = -6
lab = ml.MaskLab(stems.mixture, stems)
lab.paint_rectangle(0.5, 1.0, 100, 1000)
widgets = [mixer, ml.SpectrogramExplorer(stems.mixture), lab, ml.ScoreView(part, stems)]
print([len(widget._still()) > 1000 for widget in widgets], mixer.mix().frames)
print(widgets[3].save({folder!r} + "/bass.musicxml").name)
assert not set(sys.modules) & {heavy}
from importlib.metadata import packages_distributions
known, used = packages_distributions(), {{name.split(".")[0] for name in sys.modules}}
print(*sorted({{package for name in used for package in known.get(name, [])}}))
"""
REPO = Path(__file__).parents[2]


Arrays = tuple[np.ndarray, ...]


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fourier, "has_torch", lambda: False)
    fourier.window_samples.cache_clear()
    yield
    fourier.window_samples.cache_clear()


def all_of_it(x: np.ndarray, **how: Any) -> Arrays:
    D = spectral.stft(x, **how)
    return D, spectral.istft(D, length=x.shape[-1], **how), spectral.reassigned(x, sr=8000, **how)[2]


def test_pieces_are_views_that_no_python_is_too_small_for(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 50)).astype(np.float32)
    for size, step in ((8, 3), (50, 7), (1, 1)):
        np.testing.assert_array_equal(
            fourier.pieces(x, size, step), np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[:, ::step]
        )
    assert fourier.pieces(x, 51, 4).shape == (2, 0, 51)
    assert np.shares_memory(x, fourier.pieces(x, 8, 3))
    endless = np.broadcast_to(np.float32(0), 1 << 40)
    assert fourier.pieces(endless, 1 << 23, 1 << 38).shape == (4, 1 << 23)  # 2^65 bytes, if it began at every sample


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
@pytest.mark.parametrize(("n_fft", "hop_length"), [(512, 128), (1000, 333)])
def test_both_ways_agree(
    rng: np.random.Generator, request: pytest.FixtureRequest, window: str, n_fft: int, hop_length: int
) -> None:
    x = rng.standard_normal((3, 2500)).astype(np.float32)
    how = {"n_fft": n_fft, "hop_length": hop_length, "window": window}
    fast = all_of_it(x, **how)
    request.getfixturevalue("without_torch")
    for one, other in zip(fast, all_of_it(x, **how), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, atol=2e-6 * np.abs(one).max())


@pytest.mark.usefixtures("without_torch")
def test_there_and_back_without_torch(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3000)).astype(np.float32)
    kept = x.copy()
    back = spectral.istft(spectral.stft(x), length=3000)
    np.testing.assert_allclose(back, x, atol=1e-5)
    np.testing.assert_array_equal(x, kept)


def test_the_explorers_bytes_are_the_same_both_ways(rng: np.random.Generator, request: pytest.FixtureRequest) -> None:
    S = np.abs(rng.standard_normal((65, 40))).astype(np.float32) * 10.0 ** rng.uniform(-6, 0, (65, 1)).astype(
        np.float32
    )
    fast = tiles.to_bytes(S.copy())
    request.getfixturevalue("without_torch")
    assert np.abs(fast.astype(int) - tiles.to_bytes(S)).max() <= 1  # half a dB, where rounding falls the other way
    assert (fast != tiles.to_bytes(S)).mean() < 0.01


def test_widgets_over_stems_that_are_there_need_nothing_heavy(tmp_path: Path) -> None:
    """Mixer, explorer, mask lab and score view, in a Python that has neither torch nor onnxruntime nor av."""
    vocals, bass = Audio(tone(440, 2.0, level=0.2), SR), Audio(tone(110, 2.0, level=0.2), SR)
    Stems({"vocals": vocals, "bass": bass}, Audio(vocals.samples + bass.samples, SR)).save(tmp_path)
    script = LIGHT.format(heavy=HEAVY, folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *made, used = done.stdout.splitlines()
    assert made == ["[True, True, True, True] 88200", "bass.musicxml"]
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    ours = {Requirement(line).name for line in project["dependencies"]}
    lines = (REPO / "requirements-lite.txt").read_text("utf-8").splitlines()
    light = {Requirement(line).name for line in lines if not line.startswith("#")}
    assert {name for name in ours if name in used.split()} <= light <= ours
