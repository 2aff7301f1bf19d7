"""Ctrl-C and TERM at any stage of a command: loading, separating, writing. Nothing half-written is left.

How far the command has come is seen in what it has made, not told by a clock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musiclab import __main__
from musiclab.stems import Stems
from musiclab.store import Store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C otherwise")
ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143}


def test_ctrl_c_while_modules_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command has begun then that could say anything."""

    class Stopped(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "musiclab.cli", Stopped("musiclab.cli"))
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130


def separating(folder: Path) -> bool:
    return any((folder / "cache").glob("tmp/*"))


def writing(folder: Path) -> bool:
    return any((folder / "out").rglob("*.part"))


def hear_interrupts() -> None:
    """As in a terminal: a shell starts what it runs in the background deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(
    ("stage", "number"), [(separating, signal.SIGINT), (writing, signal.SIGINT), (writing, signal.SIGTERM)]
)
def test_a_command_that_is_stopped_leaves_whole_things_or_none(
    tmp_path: Path, stage: Callable[[Path], bool], number: signal.Signals
) -> None:
    sf.write(tmp_path / "song.wav", 0.1 * np.random.default_rng(0).standard_normal((22050 * 30, 2)), 22050)
    command = [sys.executable, "-m", "musiclab", "separate", "song.wav", "-e", "hpss", "-o", "out", "-f", "flac"]
    settings = {**os.environ, "MUSICLAB_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=settings, preexec_fn=hear_interrupts, **pipes) as process:
        over = threading.Event()
        while not stage(tmp_path) and process.poll() is None:
            over.wait(0.01)
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode in (0, ENDS[number], -number), said  # 0: it was done before; −: Python wasn't up yet
    assert "fault of musiclab" not in said
    if process.returncode == ENDS[number]:
        assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.part"))
    assert Store(tmp_path / "cache").verify() == []
    assert not list((tmp_path / "cache").glob("tmp/*"))
    if (tmp_path / "out" / "song" / "stems.json").exists():
        assert Stems.load(tmp_path / "out" / "song").mixture.duration == 30
