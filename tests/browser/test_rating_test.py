"""The blind tests in a page: what is heard when one switches, and what is said, saved and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.widgets.blind.listening_test import ListeningTest
from musiclab.widgets.blind.rating_test import RatingTest
from musiclab.widgets.blind.ratings import REFERENCE
from tests.sounds import tone

pytestmark = pytest.mark.browser
SR = 44_100
LEVEL = """async (hz) => {
  const { excerpt, trial } = document.querySelector(".ml-rating");
  const { engine } = excerpt ?? trial;
  const x = (await engine.render(0.2, 0.5)).getChannelData(0);
  let re = 0, im = 0;
  x.forEach((v, n) => { const a = 2 * Math.PI * hz * n / 44100; re += v * Math.cos(a); im += v * Math.sin(a); });
  return 20 * Math.log10(2 * Math.hypot(re, im) / x.length + 1e-9);
}"""


@pytest.fixture
def test(tmp_path: Path) -> RatingTest:
    """The reference has a tone of 440 Hz and one of 10 kHz; the estimate has lost the high one."""
    low, high = (tone(hz, 3, level=0.2) for hz in (440, 10_000))
    estimate = Audio(low + 0.01 * high, SR)
    return RatingTest(Audio(low + high, SR), {"engine": estimate}, excerpts=2, seconds=1, folder=tmp_path, seed=1)


def test_switching_rating_and_the_result(page: Page, behind: Callable[..., Any], test: RatingTest) -> None:
    bridge = behind(test)
    status = page.locator(".ml-rating .ml-message")
    next_excerpt = page.get_by_role("button", name="next excerpt")
    for number in range(2):
        order = test.ratings.orders[number]
        expect(page.get_by_text(f"Excerpt {number + 1} of 2")).to_be_visible()
        expect(status).to_have_text("4 still to rate")
        for letter, name in zip("ABCD", order, strict=True):
            page.get_by_role("button", name=f"hear {letter}").click()
            audible = page.evaluate(LEVEL, 10_000) > -40
            assert audible == (name == REFERENCE)  # what is heard is what stands behind the letter
        page.get_by_role("group", name="rating test").press("r")
        assert page.evaluate(LEVEL, 10_000) > -20
        for letter, name in zip("ABCD", order, strict=True):
            slider = page.get_by_role("slider", name=f"rating of {letter}")
            slider.press("Home")
            expect(next_excerpt).to_be_disabled()  # nobody has 100 yet
            if name == REFERENCE:
                target = letter
        page.get_by_role("slider", name=f"rating of {target}").press("End")
        next_excerpt.click()
    table = page.get_by_role("table", name="results")
    expect(table.get_by_role("row")).to_have_count(5)
    expect(table.get_by_role("row").nth(1)).to_contain_text(REFERENCE)
    expect(page.get_by_text("recognised in 2 of 2")).to_be_visible()
    assert [said[REFERENCE] for said in test.ratings.said] == [100, 100]
    assert test.path.is_file()
    bridge.clean_up()
    assert page.evaluate("harness.model.listeners") == 0


def test_it_goes_on_where_it_is_while_one_switches(page: Page, behind: Callable[..., Any], test: RatingTest) -> None:
    behind(test)
    expect(page.locator(".ml-rating .ml-message")).to_have_text("4 still to rate")
    page.evaluate("window.engine = document.querySelector('.ml-rating').trial.engine")
    page.get_by_role("button", name="play").click()
    page.wait_for_function("engine.sounding && engine.position > 0.1")
    starts = page.evaluate(
        """() => {
          let starts = 0;
          const { start } = AudioBufferSourceNode.prototype;
          AudioBufferSourceNode.prototype.start = function (...args) { starts++; return start.apply(this, args); };
          for (const which of [1, 3, 0, 2]) document.querySelector(".ml-rating").trial.hear(which);
          return starts;
        }"""
    )
    assert starts == 0  # only gains have moved: nothing was started again
    assert page.evaluate("engine.sounding")
    page.get_by_role("group", name="rating test").press(" ")
    expect(page.get_by_role("button", name="play")).to_be_visible()


def test_abx_by_its_buttons(page: Page, behind: Callable[..., Any], tmp_path: Path) -> None:
    low, high = (tone(hz, 3, level=0.2) for hz in (440, 10_000))
    test = ListeningTest(Audio(low + high, SR), Audio(low, SR), trials=3, seconds=1, folder=tmp_path, seed=4)
    bridge = behind(test)
    for number in range(3):
        expect(page.get_by_text(f"Trial {number + 1} of 3")).to_be_visible()
        expect(page.get_by_role("button", name="X is A")).to_be_enabled()
        for key, audible in (("a", True), ("b", False)):
            page.get_by_role("group", name="blind listening test").press(key)
            assert (page.evaluate(LEVEL, 10_000) > -40) == audible
        page.get_by_role("button", name="hear X").click()
        bright = page.evaluate(LEVEL, 10_000) > -40
        page.get_by_role("button", name="X is A" if bright else "X is B").click()
    expect(page.get_by_text("3 of 3 right")).to_be_visible()
    assert test.abx.right == 3
    bridge.clean_up()
