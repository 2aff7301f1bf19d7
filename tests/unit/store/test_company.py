"""Others delete while we look: what is gone is gone, and nobody is told that the store is broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from musiclab.audio import Audio
from musiclab.separation import Engine, Licence, separate
from musiclab.store import Store, entries
from tests.sounds import noise


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def write(value: str, folder: Path) -> None:
    (folder / "value").write_text(value)


def test_an_entry_that_another_process_deletes_before_it_is_read_is_computed(store: Store) -> None:
    def read(folder: Path) -> str:
        shutil.rmtree(folder)
        return (folder / "value").read_text()

    assert store.recall("k1", lambda: "one", write=write, read=read) == "one"
    assert store.recall("k1", lambda: "two", write=write, read=read) == "two"


def test_trouble_of_what_is_computed_is_passed_on(store: Store) -> None:
    def compute() -> str:
        raise FileNotFoundError("a song")

    with pytest.raises(FileNotFoundError, match="a song"):
        store.recall("k1", compute, write=write, read=lambda folder: "")


def test_two_that_remove_one_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, lock = store.entry("k1", lambda folder: write("x", folder)), Store._lock

    @contextmanager
    def late(*arguments: Any, **options: Any) -> Iterator[None]:
        with lock(*arguments, **options):
            shutil.rmtree(folder, ignore_errors=True)  # the other one came first
            yield

    monkeypatch.setattr(Store, "_lock", late)
    store.remove("k1")
    assert not folder.exists()


def test_an_entry_that_goes_while_it_is_verified_is_not_damaged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.entry("k1", lambda folder: write("x", folder))
    spoilt = store.entry("k2", lambda folder: write("x", folder))
    (spoilt / "value").write_text("y")
    damage: Callable[..., list[str]] = entries.damage

    def slow(folder: Path, **options: bool) -> list[str]:
        if folder.name == "k1":
            shutil.rmtree(folder)
        return damage(folder, **options)

    monkeypatch.setattr(entries, "damage", slow)
    assert store.verify() == [spoilt]


def test_a_store_that_is_cleared_before_the_stems_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(Engine):
        name, stems, sr, licence, segment = "half", ("a", "b"), 8000, Licence("MIT", "none needed"), 0.5
        version = "cleared"

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.stack([mixture / 2] * 2, dim=1)

    def cleared(self: Store, *arguments: Any, **options: Any) -> Path:
        folder = entry(self, *arguments, **options)
        shutil.rmtree(folder)
        return folder

    entry = Store.entry
    monkeypatch.setattr(Store, "entry", cleared)
    song = Audio(noise(2, 8000), 8000)
    stems = separate(song, engine=Half(), progress=False)
    assert np.allclose(stems["a"].samples, song.samples / 2, atol=1e-6)
