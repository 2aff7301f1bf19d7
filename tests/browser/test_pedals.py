"""Hands-free: keys that pedals send, wherever the focus is, and MIDI where it is allowed; both can be learned."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.mixer.mixer import Mixer
from tests.packed import packed
from tests.sounds import tone

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR, SECONDS = 22_050, 8.0
CHART = Chart(BeatGrid.steady(120, SECONDS - 1), "C major", (), (Section(0.0, SECONDS, "A", 4),))
MIDI = """navigator.requestMIDIAccess = async () => {
  window.asked = (window.asked ?? 0) + 1;
  window.pedal = { name: "Stomp", onmidimessage: null };
  return window.midi = { inputs: new Map([["1", window.pedal]]), onstatechange: null };
};"""


def show(page: Page, mount: Mount) -> None:
    sound = Audio(tone(220.0, SECONDS, level=0.2, sr=SR), SR)
    mixer = packed(Mixer(Stems({"bass": sound}, sound), chart=CHART, loop=(2, 6)))
    mount(page, mixer, body="<input id=elsewhere>")
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")


@pytest.fixture
def desk(page: Page, mount: Mount) -> Page:
    show(page, mount)
    page.get_by_role("button", name="pedals").click()
    return page


def outside(page: Page, key: str) -> None:
    """A key while the focus is nowhere in the mixer."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)


def position(page: Page) -> float:
    return page.evaluate("harness.engine.position")


def test_pedals_play_from_anywhere_on_the_page_once_they_are_turned_on(desk: Page) -> None:
    outside(desk, "PageDown")
    assert not desk.evaluate("harness.engine.playing")
    desk.get_by_role("button", name="hands-free").click()
    for key in ("PageDown", "ArrowRight", "Space"):
        before = desk.evaluate("harness.engine.playing")
        outside(desk, key)
        assert desk.evaluate("harness.engine.playing") is not before
    desk.keyboard.press("ArrowDown")
    outside(desk, "PageUp")
    assert position(desk) == pytest.approx(2.0, abs=0.05)  # the start of the loop
    desk.locator("#elsewhere").focus()
    desk.keyboard.type("a b")
    desk.keyboard.press("ArrowLeft")  # who writes, writes
    expect(desk.locator("#elsewhere")).to_have_value("a b")


def test_a_key_is_learned_and_known_the_next_time(desk: Page, mount: Mount) -> None:
    desk.get_by_role("button", name="learn slower").click()
    expect(desk.get_by_role("status").filter(has_text="Press the key or pedal for “slower”")).to_be_visible()
    outside(desk, "F9")
    outside(desk, "F9")
    assert desk.evaluate("harness.model.get('speed')") == pytest.approx(0.95)
    expect(desk.get_by_role("list", name="what pedals do").get_by_text("F9")).to_be_visible()
    desk.get_by_role("button", name="learn faster").click()
    outside(desk, "Escape")
    outside(desk, "F9")
    assert desk.evaluate("harness.model.get('speed')") == pytest.approx(0.9)
    desk.reload()
    show(desk, mount)
    desk.get_by_role("button", name="pedals").click()
    expect(desk.get_by_role("list", name="what pedals do").get_by_text("F9")).to_be_visible()


def test_midi_is_asked_for_by_a_click_alone_and_learned(
    new_context: Callable[..., BrowserContext], mount: Mount
) -> None:
    page = new_context().new_page()
    page.add_init_script(MIDI)
    show(page, mount)
    page.get_by_role("button", name="pedals").click()
    page.get_by_role("button", name="hands-free").click()
    assert page.evaluate("window.asked") is None
    page.get_by_role("button", name="connect MIDI").click()
    expect(page.get_by_role("status").filter(has_text="MIDI from Stomp")).to_be_visible()
    page.get_by_role("button", name="learn a bar on", exact=True).click()
    press = "(data) => pedal.onmidimessage({ data })"
    page.evaluate(press, [0xB0, 64, 127])
    page.evaluate(press, [0xB0, 64, 0])
    assert position(page) == 0  # letting go is nothing
    page.evaluate(press, [0xB0, 64, 127])
    assert position(page) == pytest.approx(2.0)
    page.evaluate("harness.cleanups.map((clean) => clean())")
    assert page.evaluate("pedal.onmidimessage") is None
    assert page.evaluate("harness.strays.filter((type) => type === 'keydown')") == []


def test_a_browser_without_midi_says_so(page: Page, mount: Mount) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'requestMIDIAccess', {value: undefined})")
    show(page, mount)
    page.get_by_role("button", name="pedals").click()
    page.get_by_role("button", name="connect MIDI").click()
    expect(page.get_by_role("status").filter(has_text="a pedal that sends keys works")).to_be_visible()
