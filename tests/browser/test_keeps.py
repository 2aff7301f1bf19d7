"""Loops and mixes that are kept: named, with notes, used again by a click or a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.mixer.mixer import Mixer
from tests.packed import packed
from tests.sounds import tone

pytestmark = pytest.mark.browser

SR, SECONDS = 22_050, 8.0
CHART = Chart(BeatGrid.steady(120, SECONDS - 1), "C major", (), (Section(0.0, SECONDS, "A", 4),))


@pytest.fixture
def desk(page: Page, mount: Callable[..., None]) -> Page:
    parts = {name: Audio(tone(hz, SECONDS, level=0.2, sr=SR), SR) for name, hz in (("vocals", 440.0), ("bass", 110.0))}
    mixture = Audio(np.sum([part.samples for part in parts.values()], axis=0), SR)
    mixer = packed(Mixer(Stems(parts, mixture), chart=CHART))
    mount(page, mixer)
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    return page


def kept(page: Page) -> list[dict[str, Any]]:
    return page.evaluate("harness.model.get('keeps')")


def test_a_loop_is_kept_named_noted_and_used_again(desk: Page) -> None:
    desk.evaluate("harness.model.receive({loop: [2, 6], speed: 0.7, semitones: -2})")
    desk.get_by_role("application", name="mixer").focus()
    desk.keyboard.press("k")
    name = desk.get_by_role("textbox", name="name of bars 2–3, 70 %, −2")
    expect(name).to_be_focused()
    expect(name).to_have_value("A, bars 2–3")
    desk.keyboard.type("Hard bit m 1")  # its letters are no orders to the desk
    desk.keyboard.press("Tab")
    note = desk.get_by_role("textbox", name="note of bars 2–3")
    expect(note).to_be_focused()
    desk.keyboard.type("left hand, slowly")
    desk.keyboard.press("Enter")
    (entry,) = kept(desk)
    assert entry == {
        "name": "Hard bit m 1", "note": "left hand, slowly", "loop": [2, 6], "speed": 0.7, "semitones": -2, "mix": None,
    }  # fmt: skip
    assert desk.evaluate("harness.model.get('muted')") == []
    desk.get_by_role("button", name="reset").click()
    desk.get_by_role("button", name="use Hard bit m 1").click()
    state = desk.evaluate("['loop', 'speed', 'semitones'].map((name) => harness.model.get(name))")
    assert state == [[2, 6], 0.7, -2]
    assert desk.evaluate("harness.engine.position") == pytest.approx(2.0)


def test_keys_step_through_kept_loops(desk: Page) -> None:
    loops = [[0, 2], [2, 4], [4, 8]]
    entries = [
        {"name": f"{n}", "note": "", "loop": loop, "speed": 1, "semitones": 0, "mix": None}
        for n, loop in enumerate(loops)
    ]
    desk.evaluate("(keeps) => harness.model.receive({keeps})", entries)
    desk.get_by_role("application", name="mixer").focus()
    for key, index in (("n", 0), ("n", 1), ("n", 2), ("n", 0), ("p", 2)):
        desk.keyboard.press(key)
        assert desk.evaluate("harness.model.get('loop')") == loops[index]


def test_a_mix_is_kept_taken_away_and_brought_back(desk: Page) -> None:
    desk.get_by_role("button", name="mute vocals").click()
    desk.get_by_role("slider", name="bass level").press("Home")
    desk.get_by_role("button", name="loops and mixes").click()
    expect(desk.get_by_role("button", name="Keep this loop")).to_be_disabled()
    desk.get_by_role("button", name="Keep this mix").click()
    desk.get_by_role("button", name="reset").click()
    desk.get_by_role("button", name="use Mix").click()
    assert desk.evaluate("harness.model.get('muted')") == ["vocals"]
    assert desk.evaluate("harness.model.get('gains_db')") == {"vocals": 0, "bass": None, "residual": 0}
    desk.get_by_role("button", name="take away Mix").click()
    assert kept(desk) == []
    desk.get_by_role("button", name="Undo").click()
    assert [entry["name"] for entry in kept(desk)] == ["Mix"]
