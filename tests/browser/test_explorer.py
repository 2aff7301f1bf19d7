"""The spectrogram explorer in a page, with Python behind it as in a notebook: sliders, zoom, readout, sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from tests.sounds import noise, tone

pytestmark = pytest.mark.browser

SR = 44_100
LOW, HIGH = 20 * SR / 2048, 139 * SR / 2048  # 431 and 2993 Hz: in the middle of a bin of the first window


def tones(seconds: float = 4.0) -> Audio:
    """One tone on the left, another on the right, a click at 2 s on both."""
    x = np.stack([tone(hz, seconds, level=0.25) for hz in (LOW, HIGH)])
    x[:, 2 * SR] += 0.5
    return Audio(x, SR)


class Explorer:
    """An explorer in a page, and what one sees there."""

    def __init__(self, behind: Callable[..., Any], explorer: SpectrogramExplorer) -> None:
        self.behind, self.explorer = behind(explorer), explorer
        self.page: Page = self.behind.page
        self.drawn()

    def drawn(self) -> None:
        """Every picture that was asked for has come."""
        self.page.wait_for_function("""() => {
          const { tile, asked, answered } = document.querySelector(".ml-explorer").pictures;
          return tile && asked === answered;
        }""")

    def picture(self) -> np.ndarray:
        """What is drawn, as it was sent: levels in half dB."""
        self.drawn()
        found = self.page.evaluate("""() => {
          const { tile } = document.querySelector(".ml-explorer").pictures;
          return { ...tile, bytes: [...tile.bytes] };
        }""")
        return np.array(found["bytes"]).reshape(found["height"], found["width"])


@pytest.fixture
def notebook(behind: Callable[..., Any]) -> Explorer:
    return Explorer(behind, SpectrogramExplorer(tones()))


def height_of_tone(picture: np.ndarray, within_db: float = 12) -> int:
    """Rows nearly as loud as the loudest, a second in: how broad the line of a tone is."""
    column = picture[:, picture.shape[1] // 4]
    return int((column > column.max() - 2 * within_db).sum())


def width_of_click(picture: np.ndarray) -> int:
    row = picture[-20]  # high up, where no tone is
    return int((row > row.max() - 12).sum())


def test_the_window_slider_changes_picture_and_readout(notebook: Explorer) -> None:
    page = notebook.page
    readout = page.get_by_role("status", name="resolution")
    expect(readout).to_have_text("tells apart 23.2 ms and 43.1 Hz")
    before = notebook.picture()
    page.get_by_role("slider", name="Window").press("ArrowRight")
    page.get_by_role("slider", name="Window").press("ArrowRight")
    expect(readout).to_have_text("tells apart 92.9 ms and 10.8 Hz")
    page.wait_for_function("harness.model.get('n_fft') === 8192")
    after = notebook.picture()
    assert height_of_tone(after) < height_of_tone(before)  # tones sharper,
    assert width_of_click(after) > 1.8 * width_of_click(before)  # clicks blurred
    assert notebook.explorer.resolution == pytest.approx((0.0929, 10.77), rel=0.01)


def test_channels_scales_shapes_and_the_reassigned_view(notebook: Explorer) -> None:
    page, explorer = notebook.page, notebook.explorer
    for channel, loud, quiet in (("L", LOW, HIGH), ("R", HIGH, LOW)):
        page.get_by_role("radio", name=channel, exact=True).click()
        notebook.drawn()
        assert explorer.picture(0.5, 1.5, loud * 0.9, loud * 1.1).max() == pytest.approx(-12, abs=0.8)
        assert explorer.picture(0.5, 1.5, quiet * 0.97, quiet * 1.03).max() < -90
    for scale in ("Linear", "Mel", "CQT", "Log"):
        page.get_by_role("radio", name=scale, exact=True).click()
        notebook.drawn()
        expect(page.get_by_role("status", name="resolution")).to_contain_text("cents" if scale == "CQT" else "Hz")
        assert page.evaluate("document.querySelector('.ml-explorer').view.extent.scale") == {"CQT": "log"}.get(
            scale, scale.lower()
        )
    page.get_by_role("radio", name="L", exact=True).click()
    plain = notebook.picture()
    page.get_by_role("checkbox", name="Reassigned").check()
    page.wait_for_function("harness.model.get('reassigned')")
    assert height_of_tone(notebook.picture(), 40) < height_of_tone(plain, 40)
    page.get_by_role("radio", name="Rectangle").click()
    expect(page.get_by_role("status", name="resolution")).to_contain_text("26.1 Hz")


def test_hover_tells_time_pitch_and_level(notebook: Explorer) -> None:
    page = notebook.page
    page.mouse.move(*notebook.behind.at(1.0, LOW))
    readout = page.locator(".ml-readout")
    expect(readout).to_contain_text("0:01.0")
    expect(readout).to_contain_text("A4")
    expect(readout).to_contain_text(re.compile("−1[89]\\.. dBFS"))  # half of 0.25, since the other side is without


def test_a_box_is_selected_and_only_it_is_played(notebook: Explorer) -> None:
    page = notebook.page
    notebook.behind.drag((0.5, 2000), (1.5, 4500))
    t0, t1, low, high = notebook.explorer.selection
    assert (t0, t1) == pytest.approx((0.5, 1.5), abs=0.02)
    assert (low, high) == pytest.approx((2000, 4500), rel=0.03)
    page.get_by_role("button", name="play only the box").click()
    page.wait_for_function("document.querySelector('.ml-explorer').player.heard")
    heard = np.array(
        page.evaluate(
            "(() => { const b = document.querySelector('.ml-explorer').player.heard; return [0, 1].map((c) => Array.from(b.getChannelData(c))); })()"  # noqa: E501
        )
    )
    assert heard.shape[1] == pytest.approx((t1 - t0) * SR, abs=2)
    left, right = 20 * np.log10(np.sqrt(np.mean(np.square(heard), axis=1)) + 1e-9)
    assert right == pytest.approx(20 * np.log10(0.25 / np.sqrt(2)), abs=0.3)
    assert left < -70
    page.get_by_role("img", name="spectrogram").press("Escape")
    page.wait_for_function("harness.model.get('selection') === null")


def test_the_box_is_drawn_and_moved_by_keys(notebook: Explorer) -> None:
    canvas = notebook.page.get_by_role("img", name="spectrogram", exact=True)
    canvas.press("Shift+ArrowRight")
    notebook.behind.settled()
    t0, t1, low, high = notebook.explorer.selection
    assert (t0, t1) == pytest.approx((1.5, 2.5 + 4 / 32), abs=0.02)  # a quarter of what is shown, and a step
    canvas.press("Control+ArrowLeft")
    canvas.press("Shift+ArrowUp")
    notebook.behind.settled()
    moved = notebook.explorer.selection
    assert moved[:2] == pytest.approx((t0 - 4 / 32, t1 - 4 / 32), abs=0.01)
    assert moved[2] == pytest.approx(low, rel=0.01)
    assert moved[3] > 1.1 * high
    canvas.press("Enter")  # what is shown now is the box
    shown = notebook.page.evaluate("document.querySelector('.ml-explorer').view.view")
    assert (shown["t0"], shown["t1"]) == pytest.approx(moved[:2], abs=0.01)


def test_four_minutes_zoom_and_pan_without_waiting(
    page: Page, behind: Callable[..., Any], rng: np.random.Generator
) -> None:
    song = Audio(noise(1, 240 * SR, rng=rng), SR)
    notebook = Explorer(behind, SpectrogramExplorer(song))
    canvas = page.get_by_role("img", name="spectrogram")
    notebook.behind.took.clear()
    for key in ("+", "+", "+", "ArrowRight", "ArrowLeft", "+", "+", "+", "-", "0"):
        canvas.press(key)
        notebook.drawn()
    assert max(notebook.behind.took) < 0.1  # s of work for a picture
    drawn, seen = page.evaluate("""() => {
      const { view } = document.querySelector(".ml-explorer");
      const context = view.canvas.getContext("2d");
      const { drawImage } = context;
      let [pixels, most] = [0, 0];
      context.drawImage = (image, ...place) => {
        pixels += image.width * image.height;
        drawImage.call(context, image, ...place);
      };
      for (let i = 0; i < 20; i++) {
        view.zoom(i < 10 ? 0.8 : 1.25);
        pixels = 0;
        view.paint(context, view.width, view.height);
        most = Math.max(most, pixels);
      }
      return [most, view.canvas.width * view.canvas.height];
    }""")
    assert 0 < drawn <= 4 * seen  # a frame costs what a screen costs, however long the song is


def test_it_leaves_nothing_behind(notebook: Explorer) -> None:
    page = notebook.page
    page.get_by_role("button", name="play what is shown").click()
    page.wait_for_function("document.querySelector('.ml-explorer').player.heard")
    notebook.behind.clean_up()
    assert page.evaluate("harness.model.listeners") == 0
