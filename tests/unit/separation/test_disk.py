"""A disk without room: said before the work begins where that can be, and nothing half-written stays."""

from __future__ import annotations

import errno
import gc
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch

from musiclab import mapped
from musiclab.audio import Audio
from musiclab.errors import StoreError
from musiclab.separation import Engine, Licence, separate
from musiclab.separation import streams as convert
from tests.sounds import noise

SR = 8000


class Same(Engine):
    """Gives the mixture back, twice, and counts how often it was asked."""

    name, stems, sr, licence, segment = "same", ("a", "b"), SR, Licence("MIT", "none needed"), 0.5
    version = "1"

    def __init__(self) -> None:
        self.asked = 0

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return torch.stack([mixture, mixture], dim=1)


@pytest.fixture
def song(rng: np.random.Generator) -> Audio:
    return Audio(noise(2, 3 * SR, rng=rng), SR)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def full(*folders: Path) -> object:
    """`reserve` on a machine on which the disks of these folders are full."""
    real = mapped.reserve

    def reserve(file: BinaryIO, size: int, place: Path) -> None:
        if any(folder in (place, *place.parents) for folder in folders):
            raise mapped.NoRoomError(errno.ENOSPC, "No space left on device", str(place))
        real(file, size, place)

    return reserve


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock"]


def test_where_the_store_has_no_room_the_work_is_done_elsewhere(
    song: Audio, own_cache: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(convert, "reserve", full(own_cache))
    engine = Same()
    stems = separate(song, engine=engine)
    np.testing.assert_allclose(stems["a"].samples, song.samples, atol=1e-6)
    assert "not kept" in caplog.text
    assert files_in(own_cache) == []
    assert files_in(scratch)
    del stems
    gc.collect()
    assert files_in(scratch) == []


def test_no_room_at_all_is_said_before_the_work(
    song: Audio, own_cache: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "reserve", full(own_cache, scratch))
    engine = Same()
    with pytest.raises(StoreError, match="free some space, or set MUSICLAB_CACHE") as caught:
        separate(song, engine=engine)
    assert len(re.findall(r"\.(?= |$)", str(caught.value))) == 1  # one sentence
    assert engine.asked == 0
    assert files_in(own_cache) == files_in(scratch) == []


@pytest.mark.parametrize("cache", [True, False])
def test_a_disk_that_breaks_off_in_the_middle_leaves_nothing(
    song: Audio, cache: bool, own_cache: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over a network, where room can't be reserved."""
    real = convert.Frames.write

    def write(self: convert.Frames, samples: np.ndarray) -> None:
        if self.done > SR:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, samples)

    engine = Same()
    with monkeypatch.context() as patched:
        patched.setattr(convert.Frames, "write", write)
        with pytest.raises(StoreError, match="free some space, or set MUSICLAB_CACHE"):
            separate(song, engine=engine, cache=cache)
    assert 1 < engine.asked < 7  # it stopped
    assert files_in(own_cache) == files_in(scratch) == []
    np.testing.assert_allclose(separate(song, engine=engine)["b"].samples, song.samples, atol=1e-6)


def test_the_room_is_taken_when_the_file_is_made(tmp_path: Path) -> None:
    with convert.Frames(tmp_path / "a.npy", 2, 100_000) as frames:
        taken = (tmp_path / "a.npy").stat().st_size
        frames.write(np.ones((2, 10), np.float32))
    if hasattr(os, "posix_fallocate"):
        assert taken > 800_000
    loaded = np.load(tmp_path / "a.npy")
    assert loaded.shape == (2, 100_000)
    assert loaded.sum() == 20


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EOPNOTSUPP])
def test_a_disk_that_is_too_small(tmp_path: Path, trouble: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fallocate(*_: object) -> None:
        raise OSError(trouble, os.strerror(trouble))

    monkeypatch.setattr(os, "posix_fallocate", fallocate, raising=False)
    with (tmp_path / "x").open("wb") as file:
        with pytest.raises(mapped.NoRoomError):
            mapped.reserve(file, 10**18, tmp_path)
        if trouble == errno.EOPNOTSUPP:
            mapped.reserve(file, 10, tmp_path)  # there is room for so little
