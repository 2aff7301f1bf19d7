"""The mask lab in a page, with Python behind it as in a notebook: paint, hear, undo, compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.widgets.masklab.masklab import MaskLab
from tests.sounds import noise, song, times, tone

pytestmark = pytest.mark.browser

SR = 44_100
SECONDS = 3.0
NOTE_HZ = 1000.0  # from 1 to 2 s: the note that the engine gave to the wrong stem


def played(hz: float, t0: float = 0.0, t1: float = SECONDS, level: float = 0.2) -> np.ndarray:
    time = times(SECONDS)
    inside = np.clip(np.minimum(time - t0, t1 - time) * 100, 0, 1)
    return np.stack([inside * tone(hz, SECONDS, level=level)] * 2).astype(np.float32)


def make_lab(**options: Any) -> MaskLab:
    """The voice is 440 Hz and a note of 1 kHz; the engine gave the note to the bass."""
    note, voice, bass = played(NOTE_HZ, 1, 2), played(440), played(110)
    mixture = Audio(voice + bass + note, SR, title="tones")
    stems = Stems({"vocals": Audio(voice, SR), "bass": Audio(bass + note, SR)}, mixture)
    truth = Stems({"vocals": Audio(voice + note, SR), "bass": Audio(bass, SR)}, mixture)
    return MaskLab(mixture, stems, truth=truth, **options)


class Lab:
    """A mask lab in a page, and what one does there."""

    def __init__(self, behind: Callable[..., Any], lab: MaskLab) -> None:
        self.behind, self.lab = behind(lab), lab
        self.page: Page = self.behind.page
        self.drag = self.behind.drag
        self.settled()

    def settled(self) -> None:
        """All that was asked for has come."""
        self.page.wait_for_function("document.querySelector('.ml-lab').idle()", timeout=60_000)

    def heard(self, mode: str) -> np.ndarray:
        """What sounds in a mode, both channels, rendered by the page."""
        self.settled()
        self.pick(mode)
        rendered = self.page.evaluate("""async () => {
          const buffer = await document.querySelector(".ml-lab").sound.engine.render();
          return [0, 1].map((channel) => Array.from(buffer.getChannelData(channel)));
        }""")
        return np.array(rendered)

    def painted(self) -> None:
        self.page.wait_for_function("harness.model.get('_can_undo')")
        self.settled()

    def pick(self, name: str) -> None:
        self.page.get_by_role("radio", name=name, exact=True).click()


@pytest.fixture
def notebook(page: Page, behind: Callable[..., Any]) -> Lab:
    page.set_viewport_size({"width": 1100, "height": 900})
    return Lab(behind, make_lab())


def energy(x: np.ndarray, hz: float) -> float:
    """Level of a tone within the note, dB."""
    inside = x[:, round(1.2 * SR) : round(1.8 * SR)]
    wave = np.exp(-2j * np.pi * hz * np.arange(inside.shape[1]) / SR)
    return 20 * float(np.log10(2 * np.abs(inside @ wave).max() / inside.shape[1] + 1e-9))


def test_a_rectangle_moves_a_note_from_one_stem_to_the_other_and_undo_takes_it_back(notebook: Lab) -> None:
    lab, given = notebook.lab, dict(notebook.lab.stems)
    voice, rest, mixture = (notebook.heard(mode) for mode in ("This stem", "Everything else", "Mixture"))
    assert energy(voice, NOTE_HZ) < -60
    assert energy(rest, NOTE_HZ) == pytest.approx(20 * np.log10(0.2), abs=0.2)

    notebook.pick("Rectangle")
    notebook.drag((0.9, 800), (2.1, 1250))
    notebook.painted()
    after, rest_after = notebook.heard("This stem"), notebook.heard("Everything else")
    assert energy(after, NOTE_HZ) == pytest.approx(20 * np.log10(0.2), abs=0.2)  # the note is the voice's now
    assert energy(rest_after, NOTE_HZ) < -60
    assert energy(after, 440) == pytest.approx(energy(voice, 440), abs=0.01)  # and nothing else has moved
    assert np.abs(after + rest_after - mixture).max() < 1e-4
    repaired = lab.stems
    total = sum(repaired[name].samples.astype(float) for name in (*repaired, "residual"))
    assert np.abs(total - lab.song.samples).max() < 10 ** (-90 / 20)
    before, now = lab.sdr("vocals") or (0.0, 0.0)
    assert now > before + 15
    expect(notebook.page.get_by_role("row", name="Vocals")).to_contain_text(f"{now:.2f}")

    notebook.page.get_by_role("button", name="undo").click()
    notebook.page.wait_for_function("!harness.model.get('_can_undo')")
    assert np.array_equal(notebook.heard("This stem"), voice)  # bit for bit, as heard
    assert all(np.array_equal(lab.stems[name].samples, given[name].samples) for name in given)
    notebook.page.get_by_role("button", name="redo").click()
    notebook.page.wait_for_function("harness.model.get('_can_undo')")
    assert np.array_equal(lab.stems["vocals"].samples, repaired["vocals"].samples)


def test_the_harmonic_brush_and_the_keys(notebook: Lab) -> None:
    page = notebook.page
    page.get_by_role("img", name="spectrogram with mask").focus()
    for key in ("h", "e"):
        page.keyboard.press(key)
    expect(page.get_by_role("radio", name="Harmonics")).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("radio", name="Erase")).to_have_attribute("aria-checked", "true")
    notebook.drag((0.5, 445), (2.5, 432))  # drawn badly: it looks for the pitch itself
    notebook.painted()
    assert energy(notebook.heard("This stem"), 440) < -40
    page.get_by_role("img", name="spectrogram with mask").focus()
    page.keyboard.press("Control+z")
    page.wait_for_function("!harness.model.get('_can_undo')")
    assert energy(notebook.heard("This stem"), 440) == pytest.approx(20 * np.log10(0.2), abs=0.05)


def test_painting_by_keys_is_painting(notebook: Lab) -> None:
    """The same rectangle that the pointer would draw: arrow keys move a cross, Enter begins and ends."""
    page = notebook.page
    canvas = page.get_by_role("img", name="spectrogram with mask")
    canvas.press("r")
    canvas.press("Enter")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowRight"):
        canvas.press(key)
    wide, high = page.evaluate("(({ view }) => [view.width, view.height])(document.querySelector('.ml-masklab'))")
    canvas.press("Enter")
    notebook.painted()
    (gesture,) = notebook.lab._session.sheet.state.gestures
    (t0, low), (t1, top) = gesture.points
    assert gesture.shape == "rectangle"
    assert t0 == pytest.approx(SECONDS / 2, abs=0.01)  # it began in the middle
    assert t1 - t0 == pytest.approx((12 + 12 + 3) / wide * SECONDS, abs=0.005)
    assert np.log2(top / low) == pytest.approx(8 / high * np.log2(18_000 / 30), rel=0.02)
    canvas.press("Enter")
    canvas.press("ArrowRight")
    canvas.press("Escape")  # dropped
    canvas.press("Enter")
    canvas.press("Control+z")
    page.wait_for_function("!harness.model.get('_can_undo')")


def test_the_brush_leaves_the_sum_to_nobody_if_told_so(notebook: Lab) -> None:
    notebook.page.get_by_role("combobox", name="from / to").select_option("")
    notebook.pick("Erase")
    notebook.drag((1.3, 440), (1.7, 440))
    notebook.painted()
    assert notebook.lab.stems["bass"] is notebook.lab._session.given["bass"]
    assert notebook.lab.stems.residual.rms_db > -40


def test_kinds_sliders_and_side_by_side(notebook: Lab) -> None:
    page, lab = notebook.page, notebook.lab
    page.get_by_role("radio", name="Ideal ratio").click()
    page.wait_for_function("harness.model.get('_scores')[0][2] > 15")
    assert lab.kind == "ideal ratio"
    soft = lab.mask("vocals")
    hardness = page.get_by_role("slider", name="Hardness")
    hardness.press("End")
    page.wait_for_function("harness.model.get('hardness') > 7.9")
    assert np.abs(lab.mask("vocals") - 0.5).mean() > np.abs(soft - 0.5).mean() + 0.02
    assert np.allclose(lab.mask("vocals") + lab.mask("bass"), 1, atol=1e-5)
    page.get_by_role("button", name="undo").click()
    page.wait_for_function("harness.model.get('hardness') === 1")
    assert np.array_equal(lab.mask("vocals"), soft)
    page.get_by_role("button", name="compare all kinds side by side").click()
    expect(page.locator(".ml-card")).to_have_count(len(lab.kinds))
    page.get_by_role("button", name="take Ideal binary").click()
    page.wait_for_function("harness.model.get('kind') === 'ideal binary'")
    assert set(np.unique(lab.mask("vocals"))) == {0.0, 1.0}


def test_it_plays_and_a_stroke_is_heard_while_it_does(notebook: Lab) -> None:
    page = notebook.page
    notebook.pick("This stem")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-lab').sound.engine.sounding")
    page.evaluate("document.querySelector('.ml-lab').sound.engine.setLoop([0, 2])")  # a busy machine may take its time
    notebook.pick("Erase")
    page.mouse.move(*notebook.behind.at(0.02, 380))
    notebook.lab.paint_rectangle(0, SECONDS, 300, 600, action="take")
    notebook.behind.flush()
    page.wait_for_function("""() => {
      const { engine } = document.querySelector(".ml-lab").sound;
      return engine.sounding && engine.position > 0.3 && engine.peaks()[3][0] < 0.01;
    }""")
    page.get_by_role("button", name="pause").click()
    expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()


def test_the_readout_and_zoom(notebook: Lab) -> None:
    page = notebook.page
    page.mouse.move(*notebook.behind.at(1.5, 441))
    expect(page.locator(".ml-readout")).to_contain_text("A4")
    expect(page.locator(".ml-readout")).to_contain_text("0:01.5")
    page.get_by_role("button", name="zoom in").click()
    shown = page.evaluate("document.querySelector('.ml-lab').view.view")
    assert shown["t1"] - shown["t0"] == pytest.approx(2.0)
    page.get_by_role("button", name="show all").click()


def test_it_leaves_nothing_behind(notebook: Lab) -> None:
    page = notebook.page
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-lab').sound.engine.sounding")
    page.evaluate("window.kept = document.querySelector('.ml-lab').sound")
    notebook.behind.clean_up()
    names = page.evaluate("[...harness.model.handlers].filter(([, list]) => list.length).map(([name]) => name)")
    assert names == ["msg:custom"]  # the model's own, for views to come


MOVE = """(to) => {
  const { sound } = document.querySelector(".ml-lab");
  const slider = document.querySelector("input[aria-label=Hardness]");
  window.renewed = sound.renewed;
  slider.value = to;
  slider.dispatchEvent(new Event("change"));
}"""


def test_a_slider_is_heard_before_the_rest_of_the_song_is_made_anew(
    behind: Callable[..., Any], rng: np.random.Generator
) -> None:
    names = ("vocals", "drums", "bass", "other")
    stems = song({name: noise(2, 30 * SR, level=0.05, rng=rng) for name in names})
    notebook = Lab(behind, MaskLab(stems.mixture, stems, truth=stems))
    page = notebook.page
    notebook.pick("This stem")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-lab').sound.engine.sounding")
    worked = []
    for to in (2, -1, 1, 0):  # octaves of the exponent
        page.evaluate("document.querySelector('.ml-lab').sound.engine.seek(3)")
        before = len(notebook.behind.took)
        page.evaluate(MOVE, to)
        page.wait_for_function("document.querySelector('.ml-lab').sound.renewed > renewed")
        worked.append(notebook.behind.took[before])
        notebook.settled()
    # s of the kernel's processor time before the first sound is on its way: the quietest, as others may be busy too
    assert min(worked) < 0.2, worked
