"""Bars on the mixer's timeline: chords, sections, loops that keep to bars, and a view that comes down to a beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.notes import Chord
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.mixer.mixer import Mixer
from tests.packed import packed
from tests.sounds import tone

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR, SECONDS = 22_050, 17.0
GRID = BeatGrid.steady(120, 16.0, start=0.5)  # bars of two seconds: 0.5, 2.5, 4.5, ...
CHART = Chart(
    BeatGrid(GRID.times[:33], 1, (4, 4)),
    "G major",
    (Chord(0.5, 4.5, "G"), Chord(4.5, 8.5, "Em7"), Chord(8.5, 16.5, "C")),
    (Section(0.5, 8.5, "A", 4), Section(8.5, 12.5, "B", 2), Section(12.5, SECONDS, "A", 2)),
)


def make_mixer(**settings: Any) -> Mixer:
    parts = {name: Audio(tone(hz, SECONDS, level=0.2, sr=SR), SR) for name, hz in (("vocals", 440.0), ("bass", 110.0))}
    mixture = Audio(np.sum([part.samples for part in parts.values()], axis=0), SR)
    return packed(Mixer(Stems(parts, mixture), **({"chart": CHART} | settings)))


@pytest.fixture
def desk(page: Page, mount: Mount) -> Page:
    mount(page, make_mixer())
    ready(page)
    return page


def ready(page: Page) -> None:
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    frames(page)


def frames(page: Page, count: int = 2) -> None:
    """Wait until so many frames have been drawn."""
    page.evaluate(
        "(n) => new Promise((done) => { const f = () => (n-- ? requestAnimationFrame(f) : done()); f(); })", count
    )


def seen(page: Page) -> tuple[float, float]:
    """From where to where the timeline shows the song, s: as its minimap says."""
    frames(page)
    return tuple(
        page.evaluate(
            """() => {
              const pane = document.querySelector(".ml-pane");
              if (pane.hidden) return [0, harness.model.get("_duration")];
              const [left, width] = ["left", "width"].map((side) => parseFloat(pane.style[side]) / 100);
              return [left, left + width].map((part) => part * harness.model.get("_duration"));
            }"""
        )
    )


def texts(page: Page, row: str) -> list[str]:
    frames(page)
    return page.locator(f"{row} span:not([hidden])").all_inner_texts()


def box(page: Page, row: str = ".ml-lanes") -> dict[str, float]:
    found = page.locator(row).bounding_box()
    assert found is not None
    return found


def at(page: Page, seconds: float, row: str = ".ml-ruler") -> tuple[float, float]:
    """The place of a time on a row, in px, while the whole song is seen."""
    place = box(page, row)
    return place["x"] + place["width"] * seconds / SECONDS, place["y"] + place["height"] / 2


def drag(page: Page, from_s: float, to_s: float) -> None:
    page.mouse.move(*at(page, from_s))
    page.mouse.down()
    page.mouse.move(*at(page, (from_s + to_s) / 2))
    page.mouse.move(*at(page, to_s))
    page.mouse.up()


def loop(page: Page) -> list[float] | None:
    return page.evaluate("harness.model.get('loop')")


def wheel(page: Page, seconds: float, by: float, *, ctrl: bool = False, shift: bool = False) -> None:
    page.mouse.move(*at(page, seconds, ".ml-lanes"))
    for key, held in (("Control", ctrl), ("Shift", shift)):
        if held:
            page.keyboard.down(key)
    page.mouse.wheel(0, by)
    for key, held in (("Control", ctrl), ("Shift", shift)):
        if held:
            page.keyboard.up(key)


def test_bars_chords_key_and_sections_stand_over_the_waves(desk: Page) -> None:
    assert texts(desk, ".ml-ruler .ml-ticks") == [str(bar) for bar in range(1, 10)]
    assert texts(desk, ".ml-chords") == ["G", "Em7", "C"]
    expect(desk.locator(".ml-about")).to_have_text("G major · 4/4 · 120 BPM", use_inner_text=False)
    names = desk.get_by_role("group", name="sections").get_by_role("button")
    expect(names).to_have_text(["A", "B", "A"])
    names.nth(1).click()
    assert desk.evaluate("harness.engine.position") == pytest.approx(8.5, abs=1e-3)
    names.nth(1).click(modifiers=["Alt"])
    assert loop(desk) == [8.5, 12.5]
    frames(desk)
    told = desk.get_by_role("slider", name="position")
    expect(told).to_have_attribute("aria-valuetext", "0:08 of 0:17: bar 5, beat 1, C, B")


def test_chords_and_key_are_those_that_are_heard(desk: Page) -> None:
    desk.evaluate("harness.model.receive({semitones: -2, speed: 0.75})")
    assert texts(desk, ".ml-chords") == ["F", "Dm7", "Bb"]
    expect(desk.locator(".ml-about")).to_have_text("F major · 4/4 · 90 BPM", use_inner_text=False)


def test_a_loop_keeps_to_bars_and_needs_not(desk: Page) -> None:
    drag(desk, 2.9, 6.1)
    assert loop(desk) == pytest.approx([2.5, 6.5])
    expect(desk.locator(".ml-handle.ml-start")).to_be_visible()
    desk.keyboard.down("Alt")
    drag(desk, 2.9, 6.1)
    desk.keyboard.up("Alt")
    assert loop(desk) == pytest.approx([2.9, 6.1], abs=0.05)
    drag(desk, 4.7, 5.3)  # within a bar: that bar
    assert loop(desk) == pytest.approx([4.5, 6.5])
    end = desk.get_by_role("slider", name="loop end")
    end.press("ArrowRight")
    assert loop(desk) == pytest.approx([4.5, 8.5])
    desk.get_by_role("button", name="loops keep to bars").click()
    drag(desk, 2.9, 6.1)
    assert loop(desk) == pytest.approx([2.9, 6.1], abs=0.05)
    end.press("ArrowLeft")
    assert loop(desk) == pytest.approx([2.9, 6.0], abs=0.05)


def test_keys_go_by_bars_and_the_first_loop_is_four_of_them(desk: Page) -> None:
    mixer = desk.get_by_role("application", name="mixer")
    mixer.focus()
    for key, where in ((".", 0.5), (".", 2.5), (".", 4.5), (",", 2.5)):
        desk.keyboard.press(key)
        assert desk.evaluate("harness.engine.position") == pytest.approx(where, abs=1e-3)
    desk.keyboard.press("l")
    assert loop(desk) == [2.5, 10.5]
    desk.keyboard.press("l")
    desk.evaluate("harness.model.receive({position: 4.7})")
    desk.keyboard.press("[")
    assert loop(desk) == [4.5, SECONDS]


def test_the_wheel_zooms_around_the_pointer_and_alone_it_scrolls_the_page(desk: Page) -> None:
    wheel(desk, 5.0, 120)
    assert seen(desk) == (0, SECONDS)
    wheel(desk, 5.0, -80, ctrl=True)
    from_s, to_s = seen(desk)
    assert to_s - from_s < 0.7 * SECONDS
    assert (5.0 - from_s) / (to_s - from_s) == pytest.approx(5.0 / SECONDS, abs=0.01)  # it stays under the pointer
    wheel(desk, 5.0, 100, shift=True)
    moved = seen(desk)
    assert moved[0] > from_s
    assert moved[1] - moved[0] == pytest.approx(to_s - from_s, rel=1e-3)


def test_keys_zoom_down_to_a_beat_and_back(desk: Page) -> None:
    desk.get_by_role("application", name="mixer").focus()
    for _ in range(12):
        desk.keyboard.press("+")
    from_s, to_s = seen(desk)
    assert to_s - from_s == pytest.approx(0.25, abs=0.01)  # half a beat at 120
    desk.keyboard.press("-")
    assert seen(desk)[1] > to_s
    desk.keyboard.press("0")
    assert seen(desk) == (0, SECONDS)
    desk.get_by_role("button", name="zoom in").click()
    assert seen(desk)[1] == pytest.approx(0.6 * SECONDS, rel=0.01)
    desk.get_by_role("button", name="whole song").click()
    assert seen(desk) == (0, SECONDS)


def test_beats_have_numbers_close_by_and_waves_come_from_the_sound_itself(desk: Page) -> None:
    desk.get_by_role("application", name="mixer").focus()
    for _ in range(3):
        desk.keyboard.press("+")
    assert {"1", "1.2", "1.3", "1.4", "2"} <= set(texts(desk, ".ml-ruler .ml-ticks"))
    desk.evaluate("harness.model.state._waves = new DataView(new ArrayBuffer(harness.model.state._waves.byteLength))")
    desk.keyboard.press("+")  # the small picture is empty now: what is drawn comes from the sound
    frames(desk)
    drawn = desk.evaluate(
        """() => {
          const canvas = document.querySelector(".ml-lanes canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let opaque = 0;
          for (let i = 3; i < data.length; i += 4) opaque += data[i] > 200;
          return opaque / (data.length / 4);
        }"""
    )
    assert drawn > 0.1


def test_the_page_turns_with_the_music_unless_one_looks_elsewhere(desk: Page) -> None:
    desk.get_by_role("application", name="mixer").focus()
    for _ in range(3):
        desk.keyboard.press("+")
    desk.evaluate("harness.model.receive({position: 12})")  # a seek is shown
    expect(desk.locator(".ml-head")).not_to_have_attribute("hidden", "")
    assert seen(desk)[0] < 12 < seen(desk)[1]
    window = desk.get_by_role("slider", name="part of the song that is seen")
    window.focus()
    window.press("Home")
    assert seen(desk)[0] == 0
    frames(desk, 5)
    assert seen(desk)[0] == 0  # it is left where one looks
    expect(desk.locator(".ml-head")).to_have_attribute("hidden", "")


def test_the_overview_moves_the_view(desk: Page) -> None:
    desk.get_by_role("application", name="mixer").focus()
    desk.keyboard.press("+")
    desk.keyboard.press("+")
    before = seen(desk)
    desk.mouse.move(*at(desk, 1.0, ".ml-overview"))
    desk.mouse.down()
    desk.mouse.move(*at(desk, 4.0, ".ml-overview"))
    desk.mouse.up()
    after = seen(desk)
    assert after[0] - before[0] == pytest.approx(3.0, abs=0.1)
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], rel=1e-3)


def test_a_section_gets_a_name_in_place_and_those_alike_get_it_too(desk: Page) -> None:
    names = desk.get_by_role("group", name="sections").get_by_role("button")
    names.first.dblclick()
    field = desk.get_by_role("textbox", name="name of the section")
    field.fill("Verse")
    field.press("Enter")
    expect(names).to_have_text(["Verse", "B", "Verse"])
    names.nth(2).press("F2")
    field.fill("Last verse")
    field.press("Enter")
    expect(names).to_have_text(["Verse", "B", "Last verse"])
    names.nth(1).press("F2")
    field.fill("nothing")
    field.press("Escape")
    expect(names).to_have_text(["Verse", "B", "Last verse"])
    assert desk.evaluate("harness.model.get('section_names')") == {"0.50": "Verse", "12.50": "Last verse"}


def test_bars_come_when_they_are_known_and_leave_no_gap_where_there_are_none(
    page: Page, mount: Mount, to_json: Any
) -> None:
    mount(page, make_mixer(chart=None))
    ready(page)
    page.evaluate("harness.model.receive({chart: null, _charting: true})")  # Python may have them already
    expect(page.get_by_role("status").filter(has_text="on their way")).to_be_visible()
    assert texts(page, ".ml-ruler .ml-ticks")[:2] == ["0:00", "0:02"]
    page.evaluate("(chart) => harness.model.receive({chart, _charting: false})", to_json(CHART.as_dict()))
    assert texts(page, ".ml-ruler .ml-ticks")[:2] == ["1", "2"]
    page.evaluate("harness.model.receive({chart: null, _charting: false})")
    expect(page.locator(".ml-bars")).to_be_hidden()
    top, lanes = (box(page, row)["y"] for row in (".ml-timeline", ".ml-lanes"))
    assert lanes - top == pytest.approx(24, abs=1)


def test_two_fingers_zoom(new_context: Callable[..., BrowserContext], mount: Mount) -> None:
    page = new_context(has_touch=True, viewport={"width": 360, "height": 740}).new_page()
    mount(page, make_mixer())
    ready(page)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *seconds: float) -> None:
        points = [dict(zip("xy", at(page, s, ".ml-lanes"), strict=True)) | {"id": i} for i, s in enumerate(seconds)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 6.0)
    fingers("touchStart", 6.0, 8.0)
    for apart in (2.0, 3.0, 4.0):
        fingers("touchMove", 7.0 - apart, 7.0 + apart)
    fingers("touchEnd")
    from_s, to_s = seen(page)
    assert to_s - from_s == pytest.approx(SECONDS / 4, rel=0.05)  # from two seconds apart to eight
    assert (from_s + to_s) / 2 == pytest.approx(7.4, abs=0.3)


def test_a_frame_of_a_zoom_over_four_minutes_costs_little(page: Page, mount: Mount) -> None:
    seconds, sr = 240.0, 8000
    rng = np.random.default_rng(0)
    parts = {
        name: Audio(rng.uniform(-0.2, 0.2, round(seconds * sr)), sr) for name in ("vocals", "drums", "bass", "other")
    }
    mixture = Audio(np.sum([part.samples for part in parts.values()], axis=0), sr)
    grid = BeatGrid.steady(120, seconds - 1)
    chords = tuple(Chord(t, t + 2, "Am7") for t in np.arange(0, seconds - 2, 2.0).tolist())
    form = tuple(Section(t, t + 16, "AB"[i % 2], 8) for i, t in enumerate(np.arange(0, seconds, 16.0).tolist()))
    mount(page, Mixer(Stems(parts, mixture), chart=Chart(grid, "A minor", chords, form)))
    page.get_by_role("application", name="mixer").focus()
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})  # what the page's thread computes: no waiting

    def spent() -> float:
        listed = metrics.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in listed if metric["name"] == "TaskDuration")

    count = 40
    before = spent()
    page.evaluate(
        """async (count) => {
          const lanes = document.querySelector(".ml-lanes");
          const { left, width } = lanes.getBoundingClientRect();
          for (let i = 0; i < count; i++) {
            lanes.dispatchEvent(new WheelEvent("wheel", {
              deltaY: i < count / 2 ? -24 : 24, ctrlKey: true, clientX: left + width / 3,
              bubbles: true, cancelable: true,
            }));
            await new Promise(requestAnimationFrame);
          }
        }""",
        count,
    )
    cost = (spent() - before) / count
    assert cost < 1 / 30  # s of the processor's time: thirty frames a second have room for it
