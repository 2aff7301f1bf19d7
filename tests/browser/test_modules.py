"""Single modules of the front-end, without a widget around them: what is exact can be asked for exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from musiclab.widgets.shared.front import esm

pytestmark = pytest.mark.browser

HARNESS = (Path(__file__).parent / "harness.js").read_text("utf-8")
CLOCK = """
  window.now = 1000;
  performance.now = () => now;
  window.told = [];
  window.life = new AbortController();
  const onChange = (detail) => told.push(detail.position);
  window.follower = module.followClock("mine", { onChange, signal: life.signal });
  window.say = (detail) => document.dispatchEvent(new CustomEvent("musiclab:clock", { detail: {
    clock: "mine", position: 2, playing: true, speed: 1, loop: null, duration: 10, at: 1000, ...detail } }));
  window.at = (ms, detail) => { now = 1000; say(detail); now = ms; return follower.now(); };
"""
DESK = """
  const state = {
    _tracks: [{ name: "a" }, { name: "b" }], _presets: [], _duration: 8, clock: "mine", _stretch: "", chart: null,
    gains_db: { a: 0, b: 0 }, muted: [], soloed: [], master_db: 0, click_db: 0, speed: 1, semitones: 0, loop: null,
    position: 0, playing: false, round: 0, _cuts: [], _pace: { speed: [0.25, 2], semitones: [-12, 12] }, keeps: [],
    click: false, click_division: 1, click_accents: true, count_in: 0, count_in_rounds: false, rest: 0, trainer: null,
  };
  window.model = new FakeModel(state);
  window.desk = new module.Desk(model);
  desk.acquire();
  model.saves.length = 0;
"""


@pytest.fixture
def module(page: Page) -> Callable[[str, str], Page]:
    """``module("shared/clock.js", script)``: a page in which a script has run that knows the module as `module`."""

    def load(name: str, script: str) -> Page:
        page.route("**/*", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html"))
        page.goto("http://localhost/")
        page.add_script_tag(content=HARNESS)
        found = "URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))"
        page.evaluate(f"async (source) => {{ const module = await import({found}); {script} }}", esm(name))
        return page

    return load


def test_who_follows_a_clock_goes_at_the_speed_of_the_music(module: Callable[..., Page]) -> None:
    page = module("shared/clock.js", CLOCK)
    at = "([ms, detail]) => at(ms, detail)"
    for speed in (0.25, 1, 1.5):
        assert page.evaluate(at, [3000, {"speed": speed}]) == pytest.approx(2 + 2 * speed)
        assert page.evaluate(at, [3000, {"speed": speed, "playing": False}]) == 2
        assert page.evaluate(at, [3000, {"speed": speed, "at": 2500}]) == pytest.approx(2 + 0.5 * speed)
        assert page.evaluate(at, [3000, {"speed": speed, "at": 4000}]) == 2  # it begins later
        assert page.evaluate(at, [60_000, {"speed": speed}]) == 10  # and never goes past the end
        loop = {"speed": speed, "loop": [1, 3]}
        assert page.evaluate(at, [1000 + 1500 / speed, loop]) == pytest.approx(1.5)  # 1 s to its end, then 0.5 s more
        assert page.evaluate(at, [1000 + 7250 / speed, loop]) == pytest.approx(1.25)
        behind = {**loop, "position": 5}
        assert page.evaluate(at, [1000 + 1500 / speed, behind]) == pytest.approx(6.5)


def test_who_follows_hears_of_its_own_clock_alone_and_only_while_it_lives(module: Callable[..., Page]) -> None:
    page = module("shared/clock.js", CLOCK)
    page.evaluate("say({ position: 3 }); say({ clock: 'other', position: 4 }); life.abort(); say({ position: 5 })")
    assert page.evaluate("told") == [3]
    assert page.evaluate("harness.strays.filter((type) => type.startsWith('musiclab'))") == []


STEPS = [  # key, level before, after it, after it with Shift
    ("ArrowUp", -3, -2, -2.9),
    ("ArrowRight", -3, -2, -2.9),
    ("ArrowDown", -3, -4, -3.1),
    ("ArrowLeft", 0, -1, -0.1),
    ("PageUp", -10, -4, -9.4),
    ("PageDown", -10, -16, -10.6),
    ("ArrowUp", 12, 12, 12),
]


def test_a_fader_moves_in_tenths_with_shift(module: Callable[..., Page]) -> None:
    page = module(
        "mixer/fader.js",
        """
          window.level = 0;
          const { signal } = new AbortController();
          const fader = module.createFader({ name: "x", get: () => level, set: (db) => { level = db; },
            commit: () => {} }, signal);
          document.body.append(fader.element);
          window.press = (key, shiftKey) => document.querySelector(".ml-fader").dispatchEvent(
            new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
        """,
    )
    press = "([start, key, shift]) => { level = start; press(key, shift); return level; }"
    for key, start, plain, fine in STEPS:
        assert page.evaluate(press, [start, key, False]) == pytest.approx(plain)
        assert page.evaluate(press, [start, key, True]) == pytest.approx(fine)


def test_the_last_value_of_a_drag_is_saved_when_the_mixer_closes(module: Callable[..., Page]) -> None:
    page = module("mixer/desk.js", DESK)
    last = "for (const db of [-1, -2, -3]) desk.setGain('a', db, { stream: true }); desk.release()"
    assert page.evaluate(f"() => {{ {last}; return [...model.saves]; }}") == [
        {"gains_db": {"a": -3, "b": 0}}
    ]  # at once
    assert page.evaluate("model.listeners") == 0


def test_no_place_lies_outside_the_song_and_no_pace_beyond_its_limits(module: Callable[..., Page]) -> None:
    page = module("mixer/desk.js", DESK)
    order = "musiclab:clock-order"
    for wanted, place in ((-3, 0), (0, 0), (2.5, 2.5), (8, 8), (99, 8)):
        for seek in (
            "(t) => desk.seek(t)",
            "(t) => model.receive({ position: t })",
            f"(t) => document.dispatchEvent(new CustomEvent('{order}', {{ detail: {{ clock: 'mine', seek: t }} }}))",
        ):
            page.evaluate("desk.seek(1)")
            page.evaluate(seek, wanted)
            assert page.evaluate("desk.engine.position") == place
        assert page.evaluate("model.get('position')") == place
    for name, low, high in (("Speed", 0.25, 2), ("Semitones", -12, 12)):
        for value, got in ((low - 1, low), (high + 1, high), (1, 1)):
            page.evaluate(f"(value) => desk.set{name}(value)", value)
            assert page.evaluate(f"model.get('{name.lower()}')") == got
    page.evaluate("model.saves.length = 0; desk.setGain('a', -3); desk.release()")
    assert page.evaluate("model.saves") == [{"gains_db": {"a": -3, "b": 0}}]  # what is saved is not saved again


def test_a_slider_that_was_just_moved_tells_it_when_it_goes(module: Callable[..., Page]) -> None:
    page = module(
        "shared/controls.js",
        """
          window.life = new AbortController();
          window.model = new FakeModel({ amount: 2 });
          const made = module.traitSlider(model, "amount", "amount", { min: 0, max: 10, step: 1 }, life.signal);
          document.body.append(made.element);
          window.drag = (to) => {
            const input = document.querySelector("input");
            input.value = to;
            input.dispatchEvent(new Event("input"));
          };
        """,
    )
    page.evaluate("drag(5); drag(7); life.abort()")
    assert page.evaluate("model.saves") == [{"amount": 7}]


def test_a_slider_of_the_score_that_was_just_moved_tells_it_when_it_goes(module: Callable[..., Any]) -> None:
    """Also while a drawing is waited for, which nobody will see."""
    page = module(
        "scoreview/settings.js",
        """
          window.life = new AbortController();
          window.model = new FakeModel({ sure: 0.5, onset_threshold: 0.3, frame_threshold: 0.3, _thresholds: true });
          document.body.append(module.createSettings(model, life.signal));
          window.drag = (to, type) => {
            const input = document.querySelector("input");
            input.value = to;
            input.dispatchEvent(new Event(type));
          };
        """,
    )
    page.evaluate("drag(0.6, 'change'); drag(0.7, 'input'); life.abort()")
    assert page.evaluate("model.saves") == [{"sure": 0.6}, {"sure": 0.7}]
