"""Practising at the mixer: click, count-in, rounds and the trainer, as they are heard in the page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Download, Page, expect

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.recipes.click import click_track
from musiclab.stems import Stems
from musiclab.widgets.mixer.mixer import Mixer
from tests.packed import packed
from tests.sounds import tone

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR = 44_100


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
    return packed(Mixer(stems, chart=grid, **settings))


@pytest.fixture
def show(page: Page, mount: Mount) -> Callable[..., Page]:
    def show(grid: BeatGrid, seconds: float = 8.0, **settings: object) -> Page:
        mount(page, make_mixer(beaten(grid, seconds), grid, **settings))
        expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
        return page

    return show


TEXT = """(samples) => {
  const bytes = new Uint8Array(samples.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}"""


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.float32).astype(float)


def performed(page: Page, place: float | None = 0.0) -> np.ndarray:
    """What is heard from a press on play on, left channel: rendered by the same code that plays."""
    plan = {} if place is None else {"place": place}
    code = f"async (plan) => ({TEXT})((await harness.engine.perform(plan)).getChannelData(0))"
    return floats(page.evaluate(code, plan))


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


def db(x: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(x)) + 1e-20))


def envelope(x: np.ndarray) -> np.ndarray:
    """Levels of 20 ms, in dB above −60."""
    pieces = x[: len(x) // 882 * 882].reshape(-1, 882)
    return np.maximum(10 * np.log10(np.mean(pieces**2, axis=1) + 1e-12), -60) + 60


def test_what_python_saves_is_what_the_page_plays_to_the_sample(page: Page, mount: Mount) -> None:
    grid = drifting()
    mixer = make_mixer(beaten(grid), grid, click=True, count_in=2, master_db=-3.0, gains_db={"drums": -2})
    mixer.loop = (grid.times[4], grid.times[12])
    mount(page, mixer)
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    got = performed(page, None)
    want = mixer.perform(progress=False).sounds["as heard"].samples[0]
    assert abs(len(got) - len(want)) <= 1
    n = min(len(got), len(want))
    assert db(want) > -40
    assert db(got[:n] - want[:n]) < db(want) - 60  # the loop's ends stand on frames of their own, half a sample apart


def test_stretched_files_of_python_and_the_page_have_one_time_and_level(page: Page, mount: Mount) -> None:
    """Two builds of one stretcher, in one pass or while it plays: not the same samples, but the same music."""
    grid = drifting()
    mixer = make_mixer(beaten(grid), grid, click=True, click_db=-12.0, speed=0.75, semitones=2)
    mount(page, mixer)
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    got = performed(page)
    want = mixer.perform(progress=False).sounds["as heard"].samples[0].astype(float)
    assert abs(len(got) - len(want)) <= 1
    n = min(len(got), len(want))
    assert db(got) == pytest.approx(db(want), abs=0.5)
    assert np.corrcoef(envelope(got[:n]), envelope(want[:n]))[0, 1] > 0.97


def test_440_hz_becomes_494_two_semitones_higher(page: Page, mount: Mount) -> None:
    wave = np.stack([tone(440, 4.0, level=0.3)] * 2)
    stems = Stems({"vocals": Audio(wave, SR)}, Audio(wave, SR, title="tone"))
    mount(page, make_mixer(stems, BeatGrid.steady(120, 4), semitones=2))
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    middle = performed(page)[SR : 3 * SR]
    hz = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))) / 16
    assert hz == pytest.approx(493.9, abs=2.5)


def test_a_trainer_goes_up_its_ladder_with_a_bar_of_rest(show: Callable[..., Page]) -> None:
    grid = BeatGrid.steady(120, 8)
    trainer = {"start": 0.6, "end": 1.0, "step": 0.2, "rounds": 2}
    page = show(grid, loop=(2.0, 4.0), trainer=trainer, rest=1)
    page.evaluate("harness.model.receive({ click_db: null })")
    found = onsets(performed(page, None))
    assert len(found) == 6 * 4
    begin = 0.0
    for number, speed in enumerate((0.6, 0.6, 0.8, 0.8, 1.0, 1.0)):
        begin += 2.0 / speed if number else 0.0  # the bar of rest has the speed to come
        assert found[4 * number : 4 * number + 4] == pytest.approx(begin + np.arange(4) * 0.5 / speed, abs=0.008)
        begin += 2.0 / speed


def test_a_trainer_plays_to_its_end_and_says_where_it_is(show: Callable[..., Page]) -> None:
    page = show(BeatGrid.steady(120, 8), loop=(2.0, 2.5))
    page.get_by_text("Practice").click()
    page.get_by_label("from, %").fill("150")
    page.get_by_label("to, %").fill("200")
    page.get_by_label("in steps of, %").fill("50")
    page.get_by_label("after, rounds").fill("2")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="speed trainer").click()
    trainer = page.evaluate("harness.model.get('trainer')")
    assert trainer == {"start": 1.5, "end": 2, "step": 0.5, "rounds": 2}
    status = page.get_by_role("status", name="trainer")
    expect(status).to_have_text("Round 1 of 4 at 150 %, 180 BPM")
    page.evaluate("""() => {
      [window.told, window.began] = [[], false];  // a busy page may miss a round: it tells the one that is heard then
      const status = document.querySelector("[role=status][aria-label=trainer]");
      harness.engine.addEventListener("round", () => {
        const [, said, speed] = /^Round (\\d) of 4 at (\\d+) %/.exec(status.textContent).map(Number);
        const late = harness.engine.round - (said - 1);  // another round may have begun since it was written
        told.push([said - 1, speed === (said <= 2 ? 150 : 200) && (late === 0 || late === 1)]);
      });
      harness.engine.addEventListener("state", () => { began ||= harness.engine.playing; });
    }""")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("began && !harness.engine.playing")
    told = page.evaluate("told")
    assert told
    assert all(right for _, right in told), told
    assert [round_ for round_, _ in told] == sorted(round_ for round_, _ in told), told
    expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()
    assert page.evaluate("harness.model.get('playing')") is False


ROUND_AND_ROUND = """async ([seconds, hz]) => {
  const sound = (await harness.engine.perform({ seconds })).getChannelData(0);
  const turn = 2 * Math.cos(2 * Math.PI * hz / 44100);  // a sine obeys x[n] = turn x[n-1] - x[n-2]
  let [worst, loud, last] = [0, 0, -1e9];
  const starts = [];
  for (let n = 0; n < sound.length; n++) {
    if (n > 441) worst = Math.max(worst, Math.abs(sound[n] - turn * sound[n - 1] + sound[n - 2]));
    loud = Math.max(loud, Math.abs(sound[n]));
    if (Math.abs(sound[n]) < 0.1) continue;
    if (n - last > 2646) starts.push(n);
    last = n;
  }
  return [worst, loud, starts];
}"""


def test_three_minutes_of_looping_have_no_seam_and_no_drift(page: Page, mount: Mount) -> None:
    wave = np.stack([tone(440, 4.0, level=0.3)] * 2)
    stems = Stems({"vocals": Audio(wave, SR)}, Audio(wave, SR, title="tone"))
    grid = BeatGrid.steady(120, 4)
    mount(page, make_mixer(stems, grid, loop=(1.0, 3.0), click_db=0.0))  # whole periods of the tone, a bar of four
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    worst, loud, _ = page.evaluate(ROUND_AND_ROUND, [180, 440])
    assert loud > 0.29
    assert worst < 2e-4  # as in the tone itself: rounding to 16 bits
    page.evaluate("harness.model.receive({ click: true, muted: ['vocals'] })")
    _, _, starts = page.evaluate(ROUND_AND_ROUND, [180, 440])
    assert len(starts) == 360
    assert np.max(np.abs(np.array(starts) - starts[0] - np.arange(360) * SR / 2)) <= 2  # frames, after three minutes


LIVE = (
    """async (seconds) => {
  // what goes to the loudspeakers, caught sample by sample, and where the cursor is meanwhile
  const { engine } = harness;
  await engine.play();
  const source = `registerProcessor("catch", class extends AudioWorkletProcessor {
    process([input]) {
      this.port.postMessage([currentTime, input[0] ? input[0].slice() : null]);
      return true;
    }
  });`;
  const { context } = engine;
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(source)}`);
  const node = new AudioWorkletNode(context, "catch");
  const blocks = [];
  node.port.onmessage = ({ data }) => blocks.push(data);
  engine.output.connect(node);
  const end = context.currentTime + seconds;
  const places = [];
  while (context.currentTime < end) {
    const [now, place] = [context.currentTime, engine.position];
    if (now === context.currentTime) places.push([now - (context.outputLatency || context.baseLatency || 0), place]);
    await new Promise((done) => setTimeout(done, 15));
  }
  const from = blocks[0][0];
  const x = new Float32Array(Math.round((blocks.at(-1)[0] - from) * 44100) + 128);
  for (const [at, samples] of blocks) if (samples) x.set(samples, Math.round((at - from) * 44100));
  return [("""
    + TEXT
    + """)(x), places.map(([at, place]) => [at - from, place])];
}"""
)


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 1.5, 2.0])
def test_cursor_click_and_stretched_sound_are_within_10_ms_while_it_plays(
    show: Callable[..., Page], speed: float
) -> None:
    grid = drifting(8.0)
    page = show(grid, speed=speed, position=0.7)
    beats = np.array(grid.times)
    for change in ({}, {"click": True, "click_db": 0, "muted": ["drums"], "position": 0.7}):
        page.evaluate("(change) => { harness.engine.pause(); harness.model.receive(change); }", change)
        text, places = page.evaluate(LIVE, 1.6 + 1.1 / speed)
        at, place = np.array(places).T
        moving = (place > 0.72) & (place < 7.9)
        found = onsets(floats(text))
        found = found[found > at[moving][0]]
        assert len(found) >= 2
        cursor = np.polynomial.Polynomial.fit(at[moving], place[moving], 1)(found)
        away = np.min(np.abs(cursor[:, None] - beats), axis=1)
        assert np.max(away) / speed < 0.010


@pytest.mark.parametrize("each", [False, True])
def test_a_page_without_python_saves_what_it_plays(page: Page, mount: Mount, each: bool) -> None:
    grid = drifting()
    mixer = make_mixer(beaten(grid), grid, click=True, count_in=1, speed=0.75)
    mount(page, mixer, views=0)
    page.evaluate("harness.model.kernel = false")  # as in a hand-out
    page.evaluate("harness.view()")
    expect(page.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    page.get_by_text("Practice").click()
    downloads: list[Download] = []
    page.on("download", lambda download: downloads.append(download))
    if each:
        page.get_by_role("radio", name="Each stem").click()
    page.get_by_role("button", name="save", exact=True).click()
    done = "3 files saved by this browser" if each else "Saved by this browser"
    expect(page.get_by_role("status", name="saved")).to_have_text(done)
    while len(downloads) < (3 if each else 1):
        page.evaluate("new Promise(requestAnimationFrame)")  # meanwhile events come in
    files = {download.suggested_filename: download.path() for download in downloads}
    if each:
        assert set(files) == {"knocks (drums).wav", "knocks (residual).wav", "knocks (click).wav"}
        return
    samples, rate = soundfile.read(files["knocks (as heard).wav"])
    assert rate == SR
    assert soundfile.info(files["knocks (as heard).wav"]).subtype == "PCM_24"
    want = performed(page)
    assert len(samples) == len(want)
    lead = round(1.9 * SR)  # after it, the stretcher draws phases
    assert db(samples[:lead, 0] - want[:lead]) < -100
    assert db(samples[:, 0]) == pytest.approx(db(want), abs=0.2)


def test_the_button_asks_python_and_shows_how_far_it_is(show: Callable[..., Page]) -> None:
    page = show(drifting(), loop=(1.0, 3.0))
    page.evaluate("""() => {
      window.sent = [];
      harness.model.send = (content) => sent.push(content);
    }""")
    page.get_by_text("Practice").click()
    page.get_by_label("as", exact=True).select_option("mp3")
    page.get_by_role("button", name="save", exact=True).click()
    assert page.evaluate("sent") == [{"order": "save", "each": False, "whole": False, "format": "mp3"}]
    page.evaluate("harness.model.receive({ _saving: { share: 0.4, text: 'rendering' } })")
    assert page.get_by_role("progressbar", name="saving").evaluate("(bar) => bar.value") == 0.4
    page.get_by_role("button", name="stop saving").click()
    assert page.evaluate("sent.at(-1)") == {"order": "stop-saving"}
    page.evaluate("harness.model.receive({ _saving: { done: true, text: 'Saved Song (as heard).mp3' } })")
    expect(page.get_by_role("status", name="saved")).to_have_text("Saved Song (as heard).mp3")
    expect(page.get_by_role("progressbar", name="saving")).to_be_hidden()


def test_all_of_it_by_keys_and_each_gesture_is_told_once(show: Callable[..., Page], looks: Any) -> None:
    page = show(drifting())
    page.locator(".ml-mixer").focus()
    page.evaluate("harness.model.saves.length = 0")
    for key in ("c", "i", "i", "t"):
        page.keyboard.press(key)
    trainer = {"start": 0.6, "end": 1, "step": 0.05, "rounds": 2}
    told = [{"click": True}, {"count_in": 1}, {"count_in": 2}, {"trainer": trainer}]
    assert page.evaluate("harness.model.saves") == told
    summary = page.locator("summary")
    expect(summary).to_contain_text("click · count-in of 2 bars · trainer 60 % to 100 %")
    summary.press("Enter")
    level = page.get_by_role("slider", name="click level")
    level.press("ArrowRight")
    expect(level).to_have_attribute("aria-valuetext", "−5.0 dB")
    field = page.get_by_label("after, rounds")
    field.press("1")  # typed, not a stem's solo
    assert page.evaluate("harness.model.get('soloed')") == []
