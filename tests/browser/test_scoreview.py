"""The score view's front-end: what one sees follow, hears, corrects and saves. Python answers as in a notebook."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.notes import Note, Part
from musiclab.widgets.scoreview.scoreview import ScoreView
from tests.packed import packed

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR = 44_100
GRID = BeatGrid.steady(120, 8.0)
PITCHES = (43, 47, 50, 52, 50, 47, 45, 43)
SURE = (0.95, 0.9, 0.6, 0.95, 0.3, 0.9, 0.9, 0.95)


def make_view() -> ScoreView:
    """Eight notes, half a second each, as sines of their pitch."""
    notes = [Note(t, t + 0.45, pitch, 90, sure) for t, pitch, sure in zip(GRID.times, PITCHES, SURE, strict=False)]
    time = np.arange(5 * SR) / SR
    sound = np.zeros_like(time)
    for note in notes:
        inside = (time >= note.onset) & (time < note.offset)
        sound[inside] = 0.3 * np.sin(2 * np.pi * note.frequency * time[inside])
    part = Part(notes, "bass", title="Line", beats=GRID.times, downbeats=GRID.downbeats, key="G major", duration=5.0)
    return packed(ScoreView(part, Audio(np.stack([sound, sound]), SR)))


class Notebook:
    """The page and the Python object behind it: messages go over, traits come back, as the kernel would do it."""

    def __init__(self, page: Page, view: ScoreView, mount: Mount, to_json: Callable) -> None:
        self.page, self.view, self.to_json = page, view, to_json
        page.expose_function("toPython", self.receive)
        mount(page, view)
        page.evaluate("() => { harness.model.send = (content) => toPython(content); }")
        expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()
        page.wait_for_function("() => document.querySelector('.ml-score').engine.ready")

    def receive(self, content: dict) -> None:
        self.view._on_message(self.view, content, [])
        self.push()

    def push(self) -> None:
        names = ("_bars", "_decided", "_notes", "_can_undo", "_can_redo", "_message", "_svg", "_drawn")
        state = {name: self.to_json(getattr(self.view, name)) for name in names}
        self.page.evaluate("(state) => harness.model.receive(state)", state)

    @property
    def bars(self) -> int:
        return self.page.locator(".ml-page .measure").count()

    def heads(self, kind: str = "") -> int:
        return self.page.locator(f".ml-page [data-note]{kind}").count()


@pytest.fixture
def notebook(page: Page, mount: Mount, to_json: Callable) -> Notebook:
    return Notebook(page, make_view(), mount, to_json)


def test_notes_are_coloured_by_how_sure_they_are(notebook):
    assert notebook.heads() == 8
    assert notebook.heads(".ml-unsure") == 1
    assert notebook.heads(".ml-doubtful") == 1


def test_the_highlight_moves_with_the_music(notebook):
    page = notebook.page
    page.evaluate("""() => {  // each note lasts for a moment: a busy machine might ask too late
      window.lit = new Set();
      const note = () => document.querySelectorAll(".ml-page .ml-playing").forEach((e) => lit.add(e.dataset.note));
      new MutationObserver(note).observe(document.body,
        { subtree: true, attributes: true, attributeFilter: ["class"] });
    }""")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("['0', '2', '4'].every((note) => lit.has(note))")


def test_a_click_on_a_note_plays_it_alone(notebook):
    page = notebook.page
    page.locator('.ml-page [data-note="3"]').click()
    assert page.evaluate("() => document.querySelector('.ml-score').audition.played") == 1
    expect(page.locator('.ml-roll [data-note="3"]')).to_have_class("ml-note ml-selected")


def test_deleted_notes_are_gone_from_what_is_saved_and_come_back_undone(notebook, tmp_path):
    page = notebook.page
    before = notebook.view.save(tmp_path / "before.musicxml").read_text("utf-8")
    page.locator('.ml-page [data-note="4"]').click()
    page.get_by_role("button", name="delete note").click()
    expect(page.locator(".ml-page [data-note]")).to_have_count(7)
    after = notebook.view.save(tmp_path / "after.musicxml").read_text("utf-8")
    assert before.count("<pitch>") == 8
    assert after.count("<pitch>") == 7
    assert [note.semitone for note in notebook.view.part.notes] == [p for i, p in enumerate(PITCHES) if i != 4]
    page.get_by_role("button", name="undo").click()
    expect(page.locator(".ml-page [data-note]")).to_have_count(8)
    assert notebook.view.save(tmp_path / "undone.musicxml").read_text("utf-8").count("<pitch>") == 8


def test_arrow_keys_move_the_chosen_note_by_a_semitone(notebook):
    notebook.page.locator('.ml-page [data-note="0"]').click()
    notebook.page.get_by_role("group", name="score of Line").press("ArrowUp")
    notebook.page.wait_for_function("() => harness.model.get('_can_undo')")
    assert notebook.view.part.notes[0].semitone == 44
    assert notebook.view.part.notes[0].confidence == 1.0  # a person has decided


def test_arrow_keys_move_a_note_with_shift_and_its_end_with_alt(notebook):
    """By a fiftieth of a second, in the direction of the arrow."""
    page = notebook.page
    before = notebook.view.part.notes[1]
    page.locator('.ml-page [data-note="1"]').click()
    score = page.get_by_role("group", name="score of Line")
    for key, start, end in (
        ("Shift+ArrowRight", 0.02, 0.02),
        ("Alt+ArrowRight", 0.02, 0.04),
        ("Shift+ArrowLeft", 0.0, 0.02),
        ("Alt+ArrowLeft", 0.0, 0.0),
    ):
        score.press(key)
        page.wait_for_function("() => harness.model.get('_can_undo')")
        after = notebook.view.part.notes[1]
        moved = (after.onset - before.onset, after.offset - before.offset)
        assert moved == pytest.approx((start, end), abs=0.001)


def test_a_note_is_dragged_to_another_pitch_and_time(notebook):
    page = notebook.page
    box = page.locator('.ml-roll [data-note="1"]').bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 2 * 11, steps=4)
    page.mouse.up()
    page.wait_for_function("() => harness.model.get('_can_undo')")
    assert sorted(note.semitone for note in notebook.view.part.notes[:2]) == [43, 49]


def test_a_double_click_adds_a_note(notebook):
    page = notebook.page
    box = page.get_by_role("img", name="piano roll").bounding_box()
    page.mouse.dblclick(box["x"] + 4.4 * 80, box["y"] + 20)
    expect(page.locator('.ml-page [data-note="8"]')).not_to_have_count(0)  # with a tie it has two heads
    assert len(notebook.view.part.notes) == 9
    new = max(notebook.view.part.notes, key=lambda note: note.onset)
    assert new.onset == pytest.approx(4.4, abs=0.05)


def test_the_slider_tells_python_and_the_score_shrinks(notebook):
    page = notebook.page
    slider = page.get_by_role("slider", name="At least this sure")
    slider.fill("0.5")
    page.wait_for_function("() => harness.model.saves.some((saved) => saved.sure === 0.5)")
    notebook.view.sure = 0.5
    notebook.push()
    expect(page.locator(".ml-page [data-note]")).to_have_count(7)


def test_files_are_saved_as_corrected(notebook):
    """The kernel sends the file back as one message with bytes."""
    sent: list = []
    notebook.view.send = lambda content, buffers: sent.append((content, buffers))
    notebook.page.get_by_role("button", name="save as MusicXML").click()
    notebook.page.wait_for_timeout(0)
    expect(notebook.page.locator(".ml-message")).to_have_text("")
    assert sent[0][0]["file"] == "Line.musicxml"
    assert sent[0][1][0].startswith(b"<?xml")


def test_it_leaves_nothing_behind(notebook):
    page = notebook.page
    page.locator('.ml-page [data-note="0"]').click()
    page.evaluate("() => Promise.all(harness.cleanups.map((clean) => clean()))")
    playwrights = {"__playwright_global_listeners_check__", "contextmenu"}
    assert set(page.evaluate("() => harness.strays")) <= playwrights
    names = page.evaluate("() => [...harness.model.handlers].filter(([, list]) => list.length).map(([name]) => name)")
    assert names == ["change:_sound_0"]  # the model's own, for views to come


def bar(page: Page, index: int) -> tuple[float, float]:
    """The middle of a printed bar, just over its staff: no note is there."""
    box = page.locator(f'.ml-measure[data-bar="{index}"]').bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + 3


def test_bars_dragged_over_on_the_page_are_the_loop(notebook):
    page = notebook.page
    assert page.evaluate("harness.model.get('_bars')") == pytest.approx([0, 2, 4, 6][: notebook.bars + 1])
    page.mouse.move(*bar(page, 0))
    page.mouse.down()
    page.mouse.move(*bar(page, 1), steps=6)
    page.mouse.up()
    assert page.evaluate("document.querySelector('.ml-score').engine.loop") == pytest.approx([0, 4])
    expect(page.locator(".ml-measure.ml-in-loop")).to_have_count(2)
    loop = page.get_by_role("button", name="loop", exact=True)
    expect(loop).to_have_attribute("aria-pressed", "true")
    loop.click()
    expect(page.locator(".ml-measure.ml-in-loop")).to_have_count(0)
    page.mouse.click(*bar(page, 1))  # a click goes there, and chooses nothing
    assert page.evaluate("document.querySelector('.ml-score').engine.position") == pytest.approx(2.0)
    assert page.evaluate("document.querySelector('.ml-score').engine.loop") is None


def test_keys_go_by_bars_and_loop_them(notebook):
    page = notebook.page
    engine = "document.querySelector('.ml-score').engine"
    page.get_by_role("group", name="score of Line").focus()
    page.keyboard.press(".")
    assert page.evaluate(f"{engine}.position") == pytest.approx(2.0)
    page.keyboard.press("[")
    assert page.evaluate(f"{engine}.loop[0]") == pytest.approx(2.0)
    page.keyboard.press(",")
    page.keyboard.press("]")
    assert page.evaluate(f"{engine}.loop") == pytest.approx([0.0, 2.0])
    page.keyboard.press("l")
    assert page.evaluate(f"{engine}.loop") is None
    page.keyboard.press("l")
    assert page.evaluate(f"{engine}.loop") == pytest.approx([0.0, 2.0])


def test_bars_and_key_are_decided_in_the_page_and_undone(notebook):
    page = notebook.page
    page.get_by_role("button", name="bars and key").click()
    page.get_by_role("combobox", name="Metre").select_option("3/4")
    expect(page.get_by_role("button", name="undo")).to_be_enabled()
    assert notebook.view.part.time_signature == (3, 4)
    page.locator('.ml-page [data-note="1"]').first.click()
    page.get_by_role("button", name="bar one is here").click()
    page.wait_for_function("harness.model.get('_bars')[1] === 0.5")
    page.get_by_role("combobox", name="Key").select_option("Bb major")
    page.get_by_role("button", name="double the tempo").click()
    expect(page.locator(".ml-tempo")).to_have_text("240 BPM")
    assert notebook.view.part.key == "Bb major"
    page.get_by_role("combobox", name="Written as").select_option("Tablature")
    page.wait_for_function("harness.model.get('_decided').tab === 'alone'")
    assert notebook.view.writing.tab == "alone"
    for _ in range(5):
        page.get_by_role("button", name="undo").click()
    expect(page.get_by_role("button", name="undo")).to_be_disabled()
    expect(page.get_by_role("combobox", name="Metre")).to_have_value("4/4")
    assert (notebook.view.part.key, notebook.view.writing.tab) == ("G major", False)


def test_the_notes_are_heard_on_a_chosen_instrument(notebook):
    page = notebook.page
    chosen = page.get_by_role("combobox", name="instrument of the written notes")
    assert chosen.locator("option").count() == 129
    chosen.select_option("Tuba")
    assert page.evaluate("harness.model.saves.at(-1)") == {"instrument": "Tuba"}
    notebook.view.instrument = "Tuba"
    kit = {name: notebook.to_json(getattr(notebook.view, name)) for name in ("_kit_pitches", "_kit", "instrument")}
    page.evaluate("(kit) => harness.model.receive(kit)", kit)
    page.wait_for_function("document.querySelector('.ml-score').audition.kit")
    page.get_by_role("button", name="hear the written notes").click()
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-score').audition.played > 2")
    chosen.select_option("")
    page.wait_for_function("document.querySelector('.ml-score').audition.kit === null")


def test_another_key_is_said_and_written_at_a_click(notebook):
    page, told = notebook.page, notebook.page.get_by_text("Sounds 2 semitones higher than written")
    expect(told).to_have_count(0)
    page.evaluate("document.querySelector('.ml-score').engine.setPace(1, 2)")
    expect(told).to_be_visible()
    page.get_by_role("button", name="write it as it sounds").click()
    expect(told).to_have_count(0)
    assert notebook.view.writing.semitones == 2
    page.get_by_role("button", name="undo").click()
    expect(told).to_be_visible()


def test_written_notes_are_heard_at_the_speed_and_in_the_key_of_the_music(notebook):
    """The first two notes, at half speed and two semitones up: both pitches, a second apart and not half of one."""
    played = notebook.page.evaluate(
        """() => {
          const { audition } = document.querySelector(".ml-score");
          const starts = [];
          const { start } = OscillatorNode.prototype;
          OscillatorNode.prototype.start = function (when) {
            starts.push([this.frequency.value, when]);
            start.call(this, when);
          };
          audition.follow([[0, 0.4, 69], [0.06, 0.4, 71]], 0, { drums: false, speed: 0.5, semitones: 2 });
          OscillatorNode.prototype.start = start;
          return starts;
        }"""
    )
    pitches = sorted({round(12 * np.log2(hz / 440)) for hz, _ in played})
    assert {2, 4} <= set(pitches)
    times = sorted({when for _, when in played})
    assert times[-1] - times[0] == pytest.approx(0.12, abs=0.005)
