"""The studio as its users have it: from a song to sound and to a PDF, no line of code seen; nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from tests.sounds import SR, tone

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

START = 120  # s that Voila may take on a busy machine
LONG = 180_000  # ms for what Python does


class Studio:
    """``musiclab studio`` as a process."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        private = {"MUSICLAB_CACHE": "cache", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
        env = os.environ | {name: str(folder / place) for name, place in private.items()}
        run = [sys.executable, "-m", "musiclab", "studio", f"--port={port}", "--no-browser"]
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(run, env=env, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/voila/static/voila.js", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError(self.log.read())

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    pytest.importorskip("voila")
    studio = Studio(tmp_path)
    yield studio
    family = studio.family() if studio.process.poll() is None else []
    for process in (*family, studio.process):
        process.kill()
    studio.process.wait()
    studio.log.close()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A line of a bass below a high tone, for four seconds."""
    line = np.concatenate([tone(hz, 0.5, level=0.4) for hz in (55, 65.4, 73.4, 82.4) * 2])
    return Audio(line + tone(1760, 4.0, level=0.05), SR).save(tmp_path / "my song.wav")


def ends(studio: Studio, how: signal.Signals) -> None:
    """What it started ends with it."""
    family = studio.family()
    assert len(family) >= 2  # the server, and the visitor's kernel
    studio.process.send_signal(how)
    assert studio.process.wait(START) == 0
    _, left = psutil.wait_procs(family, timeout=START)
    assert left == []


def test_from_a_song_to_sound_and_to_a_pdf_until_ctrl_c(studio: Studio, visitor: Page, song: Path, looks: Any) -> None:
    visitor.goto(studio.url, timeout=LONG)
    expect(visitor.get_by_text("Begin with a song.")).to_be_visible(timeout=LONG)
    brought_home(visitor, song)
    visitor.set_viewport_size({"width": 360, "height": 740})
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 360
    looks.assert_accessible(visitor, ".musiclab-studio")
    ends(studio, signal.SIGINT)


def test_who_terminates_it_ends_the_kernels_too(studio: Studio, visitor: Page) -> None:
    visitor.goto(studio.url, timeout=LONG)
    expect(visitor.get_by_text("Begin with a song.")).to_be_visible(timeout=LONG)
    ends(studio, signal.SIGTERM)


def brought_home(page: Page, song: Path) -> None:
    """A song is chosen, taken apart, heard, written and saved as a PDF."""
    page.get_by_label("choose a song").set_input_files(song)
    expect(page.get_by_text("Now take it apart.")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Take it apart").click()
    expect(page.get_by_text("Taken apart by")).to_be_visible(timeout=LONG)
    desk = page.locator(".ml-mixer")
    desk.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-mixer').engine.position > 0.3")
    desk.get_by_role("button", name="pause", exact=True).click()
    page.locator(".musiclab-studio > * > button", has_text="Bass").click()
    expect(page.get_by_text("The part of bass")).to_be_visible(timeout=LONG)
    expect(page.locator(".ml-page [data-note]").first).to_be_visible()
    with page.expect_download(timeout=LONG) as download:
        page.get_by_role("button", name="save as PDF").click()
    assert download.value.suggested_filename == "bass.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    for code in ("import musiclab", "ml.studio", "Traceback"):
        expect(page.get_by_text(code)).to_have_count(0)
