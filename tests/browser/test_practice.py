"""Practising at the mixer: click, count-in, rounds and the trainer, as they are heard in the page."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.recipes.click import click_track
from musiclab.stems import Stems
from musiclab.widgets.mixer.mixer import Mixer

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR = 44_100
MS = SR / 1000


def drifting(duration: float = 8.0, first: int = 1) -> BeatGrid:
    """A song that hurries: beats from 0.5 s apart to 0.4 s, the first one at 0.6 s."""
    steps = np.linspace(0.5, 0.4, int(duration / 0.4))
    times = 0.6 + np.concatenate([[0], np.cumsum(steps)])
    return BeatGrid(tuple(times[times < duration]), first)


def beaten(grid: BeatGrid, seconds: float = 8.0) -> Stems:
    """A song whose only stem is a low knock on each beat: far from the click's pitch, and as sharp."""
    t = np.arange(round(0.08 * SR)) / SR
    knock = 0.5 * np.exp(-t / 0.02) * np.sin(2 * np.pi * 300 * t)
    x = np.zeros(round(seconds * SR), dtype=np.float32)
    for time in grid.times:
        start = round(time * SR)
        x[start : start + len(knock)] += knock[: len(x) - start]
    return Stems({"drums": Audio(np.stack([x, x]), SR)}, Audio(np.stack([x, x]), SR, title="knocks"))


def make_mixer(stems: Stems, grid: BeatGrid, **settings: object) -> Mixer:
    mixer = Mixer(stems, chart=grid, **settings)
    mixer._asked.set()
    mixer._packing.join()
    return mixer


@pytest.fixture
def show(page: Page, mount: Mount) -> Callable[..., Page]:
    def show(grid: BeatGrid, seconds: float = 8.0, **settings: object) -> Page:
        mount(page, make_mixer(beaten(grid, seconds), grid, **settings))
        expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
        return page

    return show


def performed(page: Page, place: float = 0.0) -> np.ndarray:
    """What is heard from a press on play on, left channel: rendered by the same code that plays."""
    data = page.evaluate(
        """async (place) => {
          const buffer = await harness.engine.perform({ place });
          const bytes = new Uint8Array(buffer.getChannelData(0).buffer);
          let text = "";
          for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
          return btoa(text);
        }""",
        place,
    )
    return np.frombuffer(base64.b64decode(data), dtype=np.float32).astype(float)


def onsets(x: np.ndarray, level: float = 0.1) -> np.ndarray:
    """When sounds begin, in s: where they rise past a share of the loudest."""
    loud = np.flatnonzero(np.abs(x) > level * np.max(np.abs(x)))
    return loud[np.concatenate([[True], np.diff(loud) > 0.06 * SR])] / SR


def clicks(page: Page, place: float = 0.0) -> np.ndarray:
    """When clicks sound, seen without the song."""
    page.evaluate("harness.model.receive({ muted: ['drums'], click_db: 0 })")
    return onsets(performed(page, place))


def knocks(page: Page, place: float = 0.0) -> np.ndarray:
    """When the song's beats sound, seen without the clicks."""
    page.evaluate("harness.model.receive({ muted: [], click_db: null })")
    return onsets(performed(page, place))


def test_the_click_is_that_of_the_recipes_and_falls_on_the_drifting_beats(show: Callable[..., Page]) -> None:
    grid = drifting()
    page = show(grid, click=True, click_db=0.0, muted=["drums"])
    x = performed(page)
    want = click_track(grid, len(x), SR).samples[0]
    assert np.max(np.abs(want)) > 0.3
    assert np.max(np.abs(x - want)) < 1e-4  # to the frame


def test_divisions_stand_between_the_beats_and_accents_can_be_left_out(show: Callable[..., Page]) -> None:
    grid = drifting()
    page = show(grid, click=True, click_division=3, click_accents=False)
    found = clicks(page)
    between = grid.seconds_at(np.arange(0, len(grid.times), 1 / 3))
    between = between[between < 7.99]
    assert len(found) == len(between)
    assert np.max(np.abs(found - between)) < 0.001


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
def test_stretched_sound_and_click_are_within_10_ms(show: Callable[..., Page], speed: float) -> None:
    grid = drifting(4.0)
    page = show(grid, 4.0, click=True, speed=speed)
    true = np.array(grid.times) / speed
    found = clicks(page)
    assert len(found) == len(true)
    assert np.max(np.abs(found - true)) < 0.001  # sharp at any speed
    found = knocks(page)
    assert len(found) == len(true)
    assert np.max(np.abs(found - true)) < 0.010


@pytest.mark.parametrize(("bars", "first", "beats"), [(1, 1, 4), (2, 1, 8), (1, 4, 7)])
def test_a_count_in_lies_before_the_first_beat_by_exactly_its_bars(
    show: Callable[..., Page], bars: int, first: int, beats: int
) -> None:
    """Before a pick-up it has the missing beats of that bar, too."""
    grid = drifting(first=first)
    page = show(grid, count_in=bars)
    found = clicks(page)
    bar = (grid.times[4] - grid.times[0]) / 4
    lead = beats * bar - grid.times[0]
    assert len(found) == beats
    assert found == pytest.approx(lead + grid.times[0] - bar * np.arange(beats, 0, -1), abs=0.001)
    assert knocks(page)[0] == pytest.approx(lead + grid.times[0], abs=0.001)


def test_a_count_in_into_the_middle_of_a_bar_begins_on_a_one(show: Callable[..., Page]) -> None:
    grid = drifting()
    page = show(grid, count_in=1, click=True)
    start = grid.times[6]  # the third beat of a bar: one, two, three, four, one, two come before
    found, first = clicks(page, start), knocks(page, start)[0]
    assert np.sum(found < first - 0.1) == 6
    assert found[6] == pytest.approx(first, abs=0.003)
