"""The mask lab in a page, with Python behind it as in a notebook: paint, hear, undo, compare."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.widgets.masklab import MaskLab

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR = 44_100
SECONDS = 3.0
NOTE_HZ = 1000.0  # from 1 to 2 s: the note that the engine gave to the wrong stem


def tone(hz: float, t0: float = 0.0, t1: float = SECONDS, level: float = 0.2) -> np.ndarray:
    time = np.arange(round(SECONDS * SR)) / SR
    inside = np.clip(np.minimum(time - t0, t1 - time) * 100, 0, 1)
    return np.stack([level * inside * np.sin(2 * np.pi * hz * time)] * 2).astype(np.float32)


def make_lab(**options: Any) -> MaskLab:
    """The voice is 440 Hz and a note of 1 kHz; the engine gave the note to the bass."""
    note, voice, bass = tone(NOTE_HZ, 1, 2), tone(440), tone(110)
    mixture = Audio(voice + bass + note, SR, title="tones")
    stems = Stems({"vocals": Audio(voice, SR), "bass": Audio(bass + note, SR)}, mixture)
    truth = Stems({"vocals": Audio(voice + note, SR), "bass": Audio(bass, SR)}, mixture)
    return MaskLab(mixture, stems, truth=truth, **options)


class Notebook:
    """The page and the Python object behind it: messages go over, traits and bytes come back, as the kernel does it."""

    def __init__(self, page: Page, lab: MaskLab, mount: Mount, to_json: Callable[[Any], Any]) -> None:
        self.page, self.lab, self.to_json = page, lab, to_json
        self.saved = 0
        lab.send = self.send  # type: ignore[method-assign]
        self.outbox: list[tuple[dict[str, Any], list[str]]] = []
        page.expose_function("toPython", self.receive)
        mount(page, lab, views=0)
        page.evaluate("""() => {
          harness.model.send = (content) => toPython(content);
          const { save_changes } = harness.model;
          harness.model.save_changes = () => {
            const set = { ...harness.model.unsaved };
            save_changes.call(harness.model);
            toPython({ set });
          };
          return harness.view();
        }""")
        page.wait_for_function("document.querySelector('.ml-lab').sound.engine.ready")

    def send(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.outbox.append((content, [base64.b64encode(b).decode() for b in buffers or []]))

    def receive(self, content: dict[str, Any]) -> None:
        if "set" in content:
            for name, value in content["set"].items():
                setattr(self.lab, name, value)
        else:
            self.lab._on_message(self.lab, content, [])
        self.flush()

    def flush(self) -> None:
        """What Python has sent meanwhile reaches the page."""
        while self.outbox:  # one by one: another message may come in meanwhile
            content, buffers = self.outbox.pop(0)
            self.page.evaluate(
                """([content, buffers]) => {
                  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                  const views = buffers.map((text) => new DataView(bytes(text).buffer));
                  for (const handler of harness.model.handlers.get("msg:custom") ?? []) handler(content, views);
                }""",
                [content, buffers],
            )
        names = ("_scores", "_can_undo", "_can_redo", "_message", "stem", "kind", "hardness", "threshold", "smoothing")
        state = {name: self.to_json(getattr(self.lab, name)) for name in names}
        self.page.evaluate("(state) => harness.model.receive(state)", state)

    def heard(self, mode: str) -> np.ndarray:
        """What sounds in a mode, both channels, rendered by the page."""
        self.page.get_by_role("radio", name=mode, exact=True).click()
        rendered = self.page.evaluate("""async () => {
          const buffer = await document.querySelector(".ml-lab").sound.engine.render();
          return [0, 1].map((channel) => Array.from(buffer.getChannelData(channel)));
        }""")
        return np.array(rendered)

    def at(self, seconds: float, hz: float) -> tuple[float, float]:
        """A place in the picture as page coordinates."""
        x, y = self.page.evaluate(
            """([t, hz]) => {
              const { view } = document.querySelector(".ml-lab");
              const box = view.canvas.getBoundingClientRect();
              return [box.x + view.xOf(t), box.y + view.yOf(hz)];
            }""",
            [seconds, hz],
        )
        return x, y

    def drag(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def painted(self) -> None:
        self.page.wait_for_function("harness.model.get('_can_undo')")

    def pick(self, name: str) -> None:
        self.page.get_by_role("radio", name=name, exact=True).click()


@pytest.fixture
def notebook(page: Page, mount: Mount, to_json: Callable[[Any], Any]) -> Notebook:
    page.set_viewport_size({"width": 1100, "height": 900})
    return Notebook(page, make_lab(), mount, to_json)


def energy(x: np.ndarray, hz: float) -> float:
    """Level of a tone within the note, dB."""
    inside = x[:, round(1.2 * SR) : round(1.8 * SR)]
    wave = np.exp(-2j * np.pi * hz * np.arange(inside.shape[1]) / SR)
    return 20 * float(np.log10(2 * np.abs(inside @ wave).max() / inside.shape[1] + 1e-9))


def test_a_rectangle_moves_a_note_from_one_stem_to_the_other_and_undo_takes_it_back(notebook: Notebook) -> None:
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


def test_the_harmonic_brush_and_the_keys(notebook: Notebook) -> None:
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


def test_the_brush_leaves_the_sum_to_nobody_if_told_so(notebook: Notebook) -> None:
    notebook.page.get_by_role("combobox", name="from / to").select_option("")
    notebook.pick("Erase")
    notebook.drag((1.3, 440), (1.7, 440))
    notebook.painted()
    assert notebook.lab.stems["bass"] is notebook.lab._given["bass"]
    assert notebook.lab.stems.residual.rms_db > -40


def test_kinds_sliders_and_side_by_side(notebook: Notebook) -> None:
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


def test_it_plays_and_a_stroke_is_heard_while_it_does(notebook: Notebook) -> None:
    page = notebook.page
    notebook.pick("This stem")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-lab').sound.engine.sounding")
    notebook.pick("Erase")
    page.mouse.move(*notebook.at(0.02, 380))
    notebook.lab.paint_rectangle(0, SECONDS, 300, 600, action="take")
    notebook.flush()
    page.wait_for_function("""() => {
      const { engine } = document.querySelector(".ml-lab").sound;
      return engine.sounding && engine.position > 0.3 && engine.peaks()[3][0] < 0.01;
    }""")
    page.get_by_role("button", name="pause").click()
    expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()


def test_the_readout_and_zoom(notebook: Notebook) -> None:
    page = notebook.page
    page.mouse.move(*notebook.at(1.5, 441))
    expect(page.locator(".ml-readout")).to_contain_text("A4")
    expect(page.locator(".ml-readout")).to_contain_text("0:01.5")
    page.get_by_role("button", name="zoom in").click()
    shown = page.evaluate("document.querySelector('.ml-lab').view.view")
    assert shown["t1"] - shown["t0"] == pytest.approx(2.0)
    page.get_by_role("button", name="show all").click()


def test_it_leaves_nothing_behind(notebook: Notebook) -> None:
    page = notebook.page
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-lab').sound.engine.sounding")
    page.evaluate("window.kept = document.querySelector('.ml-lab').sound")
    page.evaluate("Promise.all(harness.cleanups.map((clean) => clean()))")
    playwrights = {"__playwright_global_listeners_check__", "contextmenu"}
    assert set(page.evaluate("harness.strays")) <= playwrights
    names = page.evaluate("[...harness.model.handlers].filter(([, list]) => list.length).map(([name]) => name)")
    assert names == ["msg:custom"]  # the model's own, for views to come
    assert page.locator(".ml-lab").count() == 0
