"""What a batch's processes are started with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from musiclab.batches import pool


def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    given = pool.Pool(1, threads=3)._environment(0)
    assert (given["OMP_NUM_THREADS"], given["OMP_WAIT_POLICY"]) == ("3", "PASSIVE")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert pool.Pool(1)._environment(0)["OMP_WAIT_POLICY"] == "ACTIVE"


def test_gpus_are_dealt_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    several = pool.Pool(3, gpus=["0", "GPU-7"])
    assert [several._environment(number)["CUDA_VISIBLE_DEVICES"] for number in range(3)] == ["0", "GPU-7", "0"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "CUDA_VISIBLE_DEVICES" not in pool.Pool(3)._environment(0)


class TestGpus:
    def test_those_that_are_named_are_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 3")
        assert pool._gpus() == ["2", "3"]

    @pytest.mark.skipif(sys.platform != "linux", reason="looks for Linux's devices")
    def test_linux_without_a_driver_has_none_and_torch_is_not_imported_to_ask(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(pool, "_DRIVERS", (str(tmp_path / "none"),))
        monkeypatch.setattr(pool, "has_torch", lambda: True)
        monkeypatch.setitem(sys.modules, "torch", None)  # importing it would raise
        assert pool._gpus() == []

    def test_with_a_driver_torch_says_how_many(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(pool, "_DRIVERS", (str(tmp_path / "none"), str(tmp_path)))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert pool._gpus() == ["0", "1"]
