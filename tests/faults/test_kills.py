"""Kills at any moment: the store and folders of stems hold whole things, and a retry works.

Fifty kills in every run; by hand ``python -m pytest tests/faults/test_kills.py --kills 500``. The moment of a kill is
chance, and no time is asserted.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from musiclab.errors import AudioError
from musiclab.stems import Stems
from musiclab.store import Store, key_of
from tests.faults import child

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


def start(job: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.child", job, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    settings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started: subprocess.Popen[str] = subprocess.Popen(command, text=True, env=settings, **pipes)  # type: ignore[call-overload]
    return started


def kill_after_chance(process: subprocess.Popen[str], chance: random.Random, signals: tuple[int, ...]) -> None:
    """Wait until it works, and a moment more; then end it."""
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        timer = threading.Timer(chance.uniform(0.0, 0.08), process.send_signal, [chance.choice(signals)])
        timer.start()
        process.wait()
        timer.join()


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--kills"))


@pytest.mark.timeout(0)
def test_the_store_is_whole_after_every_kill(tmp_path: Path, kills: int) -> None:
    chance, store, interrupted = random.Random(1), Store(tmp_path), 0
    for _ in range(kills // 2):
        kill_after_chance(start("fill", tmp_path), chance, (signal.SIGKILL,))
        interrupted += any(tmp_path.glob("tmp/*"))
        assert store.verify() == []
        for seed in range(40):
            place = store.peek(key_of("faults", seed))
            if place is not None:
                for name, stem in child.stems(seed).items():
                    np.testing.assert_array_equal(np.load(place / f"{name}.npy"), stem.samples)
    store.entry("after", lambda place: (place / "x").write_text("x") and None)
    assert list(tmp_path.glob("tmp/*")) == []
    assert interrupted, "the kills must have hit the middle of something"


@pytest.mark.timeout(0)
def test_files_of_stems_are_whole_after_every_kill(tmp_path: Path, kills: int) -> None:
    """Each file is one that was written, old or new. Only an unheard kill may leave a hidden folder behind."""
    chance = random.Random(2)
    for _ in range(kills - kills // 2):
        kill_after_chance(start("save", tmp_path), chance, (signal.SIGKILL, signal.SIGTERM))
        for path in tmp_path.glob("*.*"):
            if path.suffix in (".wav", ".flac"):
                from musiclab import codecs

                heard = codecs.load(path)
                assert heard.frames == child.song(0).frames
    Stems.load(tmp_path) if (tmp_path / "stems.json").exists() else pytest.raises(AudioError)
    child.stems(1).save(tmp_path / "again")


def test_eight_processes_that_ask_for_one_song_make_it_once(tmp_path: Path) -> None:
    processes = [start("once", tmp_path) for _ in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = set()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        answers.add(process.communicate()[0].strip())
        assert process.returncode == 0
    place = Store(tmp_path).peek(key_of("faults", 7))
    assert place is not None
    assert answers == {hashlib.sha256((place / "vocals.npy").read_bytes()).hexdigest()}
    assert (tmp_path / "log").read_text() == "made\n"
