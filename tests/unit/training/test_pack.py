"""Songs with known stems as training songs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from musiclab.datasets import Multitrack
from musiclab.errors import DatasetError
from musiclab.separation.engines.embedded.network import SR, STEMS
from musiclab.training.separator.data import SongPool, pack
from tests.sounds import song


def multitrack(sounds: dict[str, np.ndarray], sr: int = SR) -> Multitrack:
    return Multitrack("a song", song(sounds, sr=sr))


def test_packed_song_is_what_the_training_reads(tmp_path: Path, rng: np.random.Generator) -> None:
    sounds = {name: rng.uniform(-0.2, 0.2, (2, SR)) for name in ("bass", "drums", "guitar", "other")}
    path = pack(multitrack(sounds), tmp_path / "new")
    assert [file.name for file in path.parent.iterdir()] == ["a song.npy"]
    (piece,) = SongPool([path.parent], torch.device("cpu")).songs
    assert piece.shape == (len(STEMS), 2, SR)
    expected = {**sounds, "vocals": np.zeros((2, SR)), "other": sounds["guitar"] + sounds["other"]}
    for name, stem in zip(STEMS, piece, strict=True):
        np.testing.assert_allclose(stem / 32768, expected[name], atol=5e-5)


def test_loud_stems_are_turned_down_alike(tmp_path: Path, rng: np.random.Generator) -> None:
    sounds = {"vocals": rng.uniform(-3, 3, (2, 1000)), "bass": rng.uniform(-0.5, 0.5, (2, 1000))}
    packed = np.load(pack(multitrack(sounds), tmp_path)) / 32767
    assert np.abs(packed).max() == pytest.approx(1, abs=1e-4)
    gain = 1 / np.abs(sounds["vocals"]).max()
    np.testing.assert_allclose(packed[STEMS.index("bass")], sounds["bass"] * gain, atol=5e-5)


def test_mono_and_other_rates_are_brought_to_ours(tmp_path: Path, rng: np.random.Generator) -> None:
    packed = np.load(pack(multitrack({"bass": rng.uniform(-0.2, 0.2, (1, 22_050))}, 22_050), tmp_path))
    assert packed.shape == (4, 2, SR)
    np.testing.assert_array_equal(packed[STEMS.index("bass"), 0], packed[STEMS.index("bass"), 1])
    assert packed[STEMS.index("bass")].any()


def test_a_stem_of_everything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="accompaniment"):
        pack(multitrack({"vocals": np.ones((2, 100)), "accompaniment": np.ones((2, 100))}), tmp_path)
    assert not list(tmp_path.iterdir())
