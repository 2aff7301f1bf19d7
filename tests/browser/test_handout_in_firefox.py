"""The hand-out in another browser: Firefox plays it, in time and in another key, fits it to its screen, keeps loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import musiclab as ml
from musiclab.audio import Audio
from musiclab.notes import Note, Part
from musiclab.stems import Stems
from tests.sounds import SR, tone

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS, CLICK = 8.0, 2.0  # the bass begins with a step at CLICK
ENGINE = "document.querySelector('.ml-mixer')?.engine"
READY = f"document.documentElement.dataset.ready !== undefined && {ENGINE}.complete"
PITCH = f"""(() => {{
  window.tap ??= new AnalyserNode({ENGINE}.context, {{ fftSize: 8192 }});
  {ENGINE}.output.connect(tap);
  const bins = new Float32Array(tap.frequencyBinCount);
  tap.getFloatFrequencyData(bins);
  const loudest = bins.indexOf(Math.max(...bins));
  return bins[loudest] > -60 ? loudest * 44100 / 8192 : 0;
}})()"""
KEY = "[...document.querySelectorAll('#desk [aria-label=key] [aria-label=higher]')][0].click()"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> str:
    bass = np.where(np.arange(round(SECONDS * SR)) < CLICK * SR, 0, tone(110, SECONDS, level=0.3))
    stems = {"bass": Audio(bass, SR), "vocals": Audio(tone(880, SECONDS, level=0.1), SR)}
    song = Stems(stems, Audio(bass + stems["vocals"].samples[0], SR, title="Line"))
    beats = tuple(np.arange(0, SECONDS, 0.5).tolist())
    notes = [Note(beat, beat + 0.4, 40 + i % 7, 90, 0.9) for i, beat in enumerate(beats)]
    part = Part(notes, "bass", title="Line", beats=beats, downbeats=beats[::4], key="G major", duration=SECONDS)
    made = ml.page(song, parts=[part], notes="Loop [bar 2](#bars=2).", tab=True, progress=False)
    [path] = made.save(tmp_path_factory.mktemp("stick") / "lesson.html")
    return Path(path).as_uri()


@pytest.mark.parametrize("size", [(360, 740), (1920, 1080)])
def test_it_fits_the_screen_and_the_score_is_there(size: tuple[int, int], lesson: str, firefox: Any) -> None:
    firefox.open(lesson, width=size[0], height=size[1])
    firefox.until(READY)
    assert firefox.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert firefox.evaluate("document.querySelectorAll('#parts .ml-page [data-note]').length") >= 16
    begins = firefox.evaluate(f"{ENGINE}.buffers[0].getChannelData(0).findIndex((x) => Math.abs(x) > 0.05) / 44100")
    assert begins == pytest.approx(CLICK, abs=0.003)


def test_it_is_heard_in_its_key_and_in_another(lesson: str, firefox: Any) -> None:
    firefox.open(lesson)
    firefox.until(READY)
    firefox.click("button", "Vocals")
    firefox.click("button", "play")
    firefox.until(f"{ENGINE}.position > 0.5")  # the clock moves
    assert abs(firefox.until(PITCH) - 880) < 12
    for _ in range(2):
        firefox.evaluate(KEY)
    firefox.until(f"Math.abs({PITCH} - {880 * 2 ** (2 / 12)}) < 12")


def test_loops_are_there_again(lesson: str, firefox: Any) -> None:
    firefox.open(lesson)
    firefox.until(READY)
    firefox.click("link", "bar 2")
    firefox.open(lesson)
    firefox.until(READY)
    assert firefox.evaluate(f"JSON.stringify({ENGINE}.loop)") == "[2,4]"
