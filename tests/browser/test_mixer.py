"""The mixer's front-end alone: what is heard, what Python is told, what is left behind. No Jupyter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.mixer.mixer import Mixer
from tests.packed import packed
from tests.sounds import tone

pytestmark = pytest.mark.browser

Mount = Callable[..., None]
SR = 44_100
SECONDS = 4.0
UNMEASURED = Chart(sections=(Section(0, SECONDS, "A", 1),))  # no beats are known, and none are looked for
HZ = {"vocals": 440.0, "drums": 1323.0, "bass": 110.0, "other": 882.0, "residual": 3000.0}


def make_stems(sr: int = SR, level: float = 0.18) -> Stems:
    """Every stem a tone of its own, so that each can be found again in the sum."""
    sides = np.array([[1.0], [0.7]])
    parts = {name: sides * tone(hz, SECONDS, level=level, sr=sr) for name, hz in HZ.items()}
    stems = {name: Audio(samples, sr) for name, samples in parts.items() if name != "residual"}
    return Stems(stems, Audio(np.sum(list(parts.values()), axis=0), sr, title="tones"))


def make_mixer(stems: Stems | None = None, **settings: object) -> Mixer:
    return packed(Mixer(stems or make_stems(), **({"chart": UNMEASURED} | settings)))


@pytest.fixture
def desk(page: Page, mount: Mount) -> Page:
    mount(page, make_mixer())
    ready(page)
    return page


def ready(page: Page) -> None:
    expect(page.get_by_role("button", name="play", exact=True).first).to_have_attribute("aria-disabled", "false")


def heard(page: Page, name: str | None = None) -> float:
    """The level of one stem's tone in what is heard, dBFS."""
    return page.evaluate("(hz) => harness.heard(hz)", HZ[name] if name else None)


def samples(page: Page, seconds: float = 1.0) -> np.ndarray:
    return np.array(page.evaluate("(seconds) => harness.samples(0, seconds)", seconds), dtype=np.float64)


def saves(page: Page) -> list[dict[str, object]]:
    return page.evaluate("harness.model.saves")


def forget(page: Page) -> None:
    page.evaluate("harness.model.saves.length = 0")


def rms_db(x: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(x)) + 1e-20)


def test_all_faders_at_0_db_give_the_mixture(desk: Page) -> None:
    want = make_stems().mixture.samples[:, :SR]
    assert rms_db(samples(desk) - want) < -88  # what is left is the rounding of five 16-bit files


def test_muting_the_vocals_takes_them_from_what_is_heard_and_nothing_else(desk: Page) -> None:
    before = {name: heard(desk, name) for name in HZ}
    desk.get_by_role("button", name="mute vocals").click()
    after = {name: heard(desk, name) for name in HZ}
    assert after["vocals"] < before["vocals"] - 70
    assert all(after[name] == pytest.approx(before[name], abs=0.01) for name in HZ if name != "vocals")


def test_the_fader_is_in_db(desk: Page) -> None:
    fader = desk.get_by_role("slider", name="bass level")
    before = heard(desk, "bass")
    fader.focus()
    for key in ("ArrowDown", "ArrowDown", "PageDown", "ArrowUp"):
        fader.press(key)
    expect(fader).to_have_attribute("aria-valuetext", "−7.0 dB")
    assert heard(desk, "bass") == pytest.approx(before - 7, abs=0.01)
    fader.press("Home")
    expect(fader).to_have_attribute("aria-valuetext", "silent, −∞ dB")
    assert heard(desk, "bass") < before - 70
    fader.press("End")
    expect(fader).to_have_attribute("aria-valuenow", "12")
    fader.dblclick()
    expect(fader).to_have_attribute("aria-valuetext", "0.0 dB")


def test_solo_adds_and_alt_solo_replaces(desk: Page) -> None:
    def soloed() -> object:
        return desk.evaluate("harness.model.get('soloed')")

    desk.get_by_role("button", name="solo drums").click()
    desk.get_by_role("button", name="solo vocals").click()
    assert soloed() == ["vocals", "drums"]
    assert heard(desk, "bass") < -70
    assert heard(desk, "drums") > -30
    desk.get_by_role("button", name="solo bass").click(modifiers=["Alt"])
    assert soloed() == ["bass"]
    desk.get_by_role("button", name="mute bass").click()
    assert heard(desk) < -80  # what is muted stays silent, soloed or not


def test_two_equal_sources_null_to_exactly_nothing(page: Page, mount: Mount, rng: np.random.Generator) -> None:
    noise = rng.uniform(-0.5, 0.5, (2, SR)).astype(np.float32)
    silence = Audio(np.zeros_like(noise), SR)
    mount(page, make_mixer(Stems({"one": Audio(noise, SR), "minus": Audio(-noise, SR)}, silence)))
    ready(page)
    # FLAC rounds x and -x to opposite numbers only if it rounds symmetrically: mute each in turn to see that both sound
    alone = samples(page, 0.5)
    page.get_by_role("button", name="mute one").click()
    assert rms_db(samples(page, 0.5)) > -12
    assert np.max(np.abs(alone)) <= 1 / 32768


@pytest.mark.parametrize("level", [0.18, 0.9])
def test_the_page_sounds_as_mix_says_with_limiter_and_master(page: Page, mount: Mount, level: float) -> None:
    mixer = make_mixer(make_stems(level=level))
    mixer.gains_db = {"vocals": 6, "bass": -3, "drums": float("-inf")}
    mixer.muted = ["other"]
    mixer.master_db = 4
    mount(page, mixer)
    ready(page)
    got, want = samples(page, 1.0), mixer.mix().samples[:, :SR]
    assert np.max(np.abs(got)) <= 1
    assert rms_db(got - want) < rms_db(want) - 70
    if level == 0.9:  # it did have to limit
        assert np.max(np.abs(mixer.mix(limited=False).samples)) > 1.5


def test_python_moves_the_page(desk: Page) -> None:
    desk.evaluate("harness.model.receive({gains_db: {vocals: null, drums: 0, bass: -12}, muted: [`drums`]})")
    expect(desk.get_by_role("slider", name="vocals level")).to_have_attribute("aria-valuetext", "silent, −∞ dB")
    expect(desk.get_by_role("button", name="mute drums")).to_have_attribute("aria-pressed", "true")
    assert heard(desk, "vocals") < -80
    assert heard(desk, "drums") < -80
    assert saves(desk) == []  # nothing is sent back


def test_a_gesture_is_told_once_and_a_drag_streams_at_most_20_a_second(desk: Page) -> None:
    desk.get_by_role("button", name="mute drums").click()
    assert saves(desk) == [{"muted": ["drums"]}]
    forget(desk)
    box = desk.get_by_role("slider", name="vocals level").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    desk.mouse.move(box["x"] + box["width"] * 0.7, y)
    started = desk.evaluate("performance.now()")
    desk.mouse.down()
    for part in np.linspace(0.7, 0.2, 60):
        desk.mouse.move(box["x"] + box["width"] * part, y)
    desk.mouse.up()
    took = desk.evaluate("performance.now()") - started
    sent = saves(desk)
    assert 1 <= len(sent) <= took / 50 + 2
    final = desk.evaluate("harness.model.get('gains_db').vocals")
    assert sent[-1]["gains_db"]["vocals"] == final  # type: ignore[index]
    assert -45 < final < -20


def test_presets_and_reset(desk: Page) -> None:
    karaoke = desk.get_by_role("button", name="Karaoke")
    desk.get_by_role("slider", name="bass level").press("Home")
    karaoke.click()
    expect(karaoke).to_have_attribute("aria-pressed", "true")
    assert heard(desk, "vocals") < -80
    assert heard(desk, "bass") > -30  # a preset sets every fader
    desk.get_by_role("button", name="Bass", exact=True).click()
    assert heard(desk, "bass") > -30
    assert heard(desk, "drums") < -80
    desk.get_by_role("slider", name="master level").press("PageDown")
    forget(desk)
    desk.get_by_role("button", name="reset").click()
    assert len(saves(desk)) == 1
    assert heard(desk, "drums") > -30
    expect(desk.get_by_role("button", name="Everything")).to_have_attribute("aria-pressed", "true")
    expect(desk.get_by_role("slider", name="master level")).to_have_attribute("aria-valuetext", "0.0 dB")


def test_it_plays_and_the_meters_show_what_sounds(desk: Page) -> None:
    desk.get_by_role("button", name="mute drums").click()
    desk.get_by_role("button", name="play", exact=True).click()
    expect(desk.get_by_role("button", name="pause")).to_be_visible()
    desk.wait_for_function("Number(document.querySelector('[aria-label=\"vocals meter\"]').ariaValueNow) > -20")
    peaks = desk.evaluate("harness.engine.peaks()")
    assert peaks[0][0] == pytest.approx(0.18, rel=0.02)  # vocals, left
    assert peaks[0][1] == pytest.approx(0.126, rel=0.02)  # right
    assert peaks[1] == [0, 0]  # drums
    desk.wait_for_function("harness.model.get('position') > 0.4")
    positions = [save["position"] for save in saves(desk) if "position" in save]
    assert len(positions) <= 6
    desk.keyboard.press("Space")
    expect(desk.get_by_role("button", name="play", exact=True)).to_be_visible()
    assert desk.evaluate("harness.model.get('playing')") is False


def test_stems_stay_locked_through_seeks_and_loops(page: Page, mount: Mount, rng: np.random.Generator) -> None:
    """Noise against its negative: any slip of one sample would be loud."""
    noise = rng.uniform(-0.5, 0.5, (2, 3 * SR)).astype(np.float32)
    silence = Audio(np.zeros_like(noise), SR)
    mount(page, make_mixer(Stems({"one": Audio(noise, SR), "minus": Audio(-noise, SR)}, silence)))
    ready(page)
    page.get_by_role("button", name="play", exact=True).click()
    worst = page.evaluate("""async () => {
      const { engine } = harness;
      let [worst, loudest] = [0, 0];
      const watch = async (ms) => {
        const end = performance.now() + ms;
        while (performance.now() < end) {
          const peaks = engine.peaks();
          if (peaks) { worst = Math.max(worst, ...peaks.at(-1)); loudest = Math.max(loudest, ...peaks[0]); }
          await new Promise(requestAnimationFrame);
        }
      };
      await watch(300);
      for (const place of [1.234, 0.5, 2.1]) { engine.seek(place); await watch(120); }
      for (const loop of [[0.5, 0.7], [0.51, 0.6], null]) { engine.setLoop(loop); await watch(250); }
      return [worst, loudest];
    }""")
    assert worst[1] > 0.4
    assert worst[0] <= 1 / 32768


def test_a_loop_repeats_to_the_sample(page: Page, mount: Mount) -> None:
    """A loop of whole periods of a tone goes on as one tone: no seam, whatever the number of rounds."""
    mount(page, make_mixer())
    ready(page)
    page.evaluate("harness.model.receive({loop: [1.0, 1.1], position: 1.0})")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("harness.engine.peaks()?.[0][0] > 0.17")
    steps = page.evaluate("""async () => {
      const { engine } = harness;
      const analyser = new AnalyserNode(engine.context, { fftSize: 32768 });
      harness.model.receive({ soloed: ["vocals"] });
      await new Promise((done) => setTimeout(done, 900));
      engine.output.connect(analyser);
      await new Promise((done) => setTimeout(done, 900));
      const x = new Float32Array(32768);
      analyser.getFloatTimeDomainData(x);
      const w = 2 * Math.cos(2 * Math.PI * 440 / 44100);  // a sine obeys x[n] = w x[n-1] - x[n-2]
      let worst = 0;
      for (let n = 2; n < x.length; n++) worst = Math.max(worst, Math.abs(x[n] - w * x[n - 1] + x[n - 2]));
      return [worst, Math.max(...x)];
    }""")
    assert steps[1] > 0.15  # the mean of both channels
    assert steps[0] < 2e-4
    where = page.evaluate("harness.engine.position")
    assert 1.0 <= where < 1.1


def test_loop_by_drag_on_the_ruler_handles_and_keys(desk: Page) -> None:
    ruler = desk.locator(".ml-ruler").bounding_box()
    assert ruler
    y = ruler["y"] + 8
    desk.mouse.move(ruler["x"] + ruler["width"] * 0.25, y)
    desk.mouse.down()
    desk.mouse.move(ruler["x"] + ruler["width"] * 0.5, y, steps=5)
    desk.mouse.up()
    assert desk.evaluate("harness.model.get('loop')") == pytest.approx([1.0, 2.0], abs=0.03)
    desk.get_by_role("slider", name="loop end").press("PageUp")
    assert desk.evaluate("harness.model.get('loop')") == pytest.approx([1.0, 3.0], abs=0.03)
    desk.get_by_role("slider", name="position").press("End")
    desk.keyboard.press("l")
    expect(desk.get_by_role("button", name="loop", exact=True)).to_have_attribute("aria-pressed", "false")
    assert desk.evaluate("harness.model.get('loop')") is None
    desk.keyboard.press("Backspace")
    desk.get_by_role("slider", name="position").press("ArrowRight")
    desk.keyboard.press("[")
    assert desk.evaluate("harness.model.get('loop')") == pytest.approx([1.0, 4.0], abs=0.01)


def test_with_shift_arrow_keys_go_by_tenths(desk: Page) -> None:
    """Of a step: a tenth of a second at the waves, a hundredth at the ends of a loop."""
    lanes, position = desk.get_by_role("slider", name="position"), "harness.engine.position"
    for key, where in (("ArrowRight", 1.0), ("Shift+ArrowRight", 1.1), ("Shift+ArrowLeft", 1.0), ("ArrowLeft", 0.0)):
        lanes.press(key)
        assert desk.evaluate(position) == pytest.approx(where, abs=0.001)
    desk.evaluate("harness.model.receive({ loop: [1, 2] })")
    for end, key, loop in (
        ("loop start", "Shift+ArrowRight", [1.01, 2.0]),
        ("loop start", "ArrowLeft", [0.91, 2.0]),
        ("loop end", "Shift+ArrowLeft", [0.91, 1.99]),
        ("loop end", "ArrowRight", [0.91, 2.09]),
    ):
        desk.get_by_role("slider", name=end).press(key)
        assert desk.evaluate("harness.model.get('loop')") == pytest.approx(loop, abs=0.001)


def test_seek_on_the_waves(desk: Page) -> None:
    lanes = desk.get_by_role("slider", name="position")
    box = lanes.bounding_box()
    assert box
    forget(desk)
    lanes.click(position={"x": box["width"] * 0.75, "y": 30})
    assert desk.evaluate("harness.engine.position") == pytest.approx(3.0, abs=0.02)
    assert len(saves(desk)) == 1
    expect(lanes).to_have_attribute("aria-valuetext", "0:03 of 0:04")


def test_the_limiter_light(page: Page, mount: Mount) -> None:
    mount(page, make_mixer(make_stems(level=0.6)))
    ready(page)
    expect(page.get_by_role("status", name="limiter off")).to_be_visible()
    page.get_by_role("button", name="play", exact=True).click()
    expect(page.get_by_role("status", name="limiter on")).to_be_visible()
    page.get_by_role("slider", name="master level").press("Home")
    expect(page.get_by_role("status", name="limiter off")).to_be_visible()


def test_two_views_share_one_engine_and_leave_nothing_behind(page: Page, mount: Mount) -> None:
    mount(page, make_mixer(), views=2)
    ready(page)
    assert page.evaluate("new Set([...document.querySelectorAll('.ml-mixer')].map((m) => m.engine)).size === 1")
    page.get_by_role("button", name="mute bass").first.click()
    expect(page.get_by_role("button", name="mute bass").nth(1)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="play", exact=True).first.click()
    page.wait_for_function("harness.engine.sounding")
    page.evaluate("window.kept = harness.engine.context; harness.cleanups[0]()")
    assert page.evaluate("harness.engine.sounding && kept.state === 'running'")
    page.evaluate("harness.cleanups[1]()")
    page.wait_for_function("kept.state === 'closed'")
    assert page.evaluate("harness.model.listeners") == 0
    playwrights = {"__playwright_global_listeners_check__", "contextmenu"}
    assert set(page.evaluate("harness.strays")) <= playwrights
    assert page.evaluate("document.querySelectorAll('.ml-mixer').length") == 0
    page.evaluate("harness.view()")  # shown again, it works again
    ready(page)
    assert heard(page, "vocals") > -30


def test_the_clock_can_be_followed(desk: Page) -> None:
    desk.evaluate("""() => {
      window.said = [];
      document.addEventListener("musiclab:clock", ({ detail }) => said.push(detail));
      const clock = harness.model.get("clock");
      const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail: { clock, ...detail } }));
      const order = (detail) => tell("musiclab:clock-order", detail);
      tell("musiclab:clock-request", {});
      order({ seek: 1.5 });
      order({ playing: true });
    }""")
    desk.wait_for_function("""() => {
      const { playing, position, at } = said.at(-1);
      const slip = position + (performance.now() - at) / 1000 - harness.engine.position;
      return playing && said.length > 4 && Math.abs(slip) < 0.02;
    }""")  # on a busy machine the sound itself stops for a moment now and then
    assert desk.evaluate("said[0].position") == 0
    assert desk.evaluate("said[0].duration") == SECONDS


def test_who_follows_the_clock_may_set_the_loop(desk: Page) -> None:
    order = "(loop) => document.dispatchEvent(new CustomEvent('musiclab:clock-order', {detail: {clock: %s, loop}}))"
    order %= "harness.model.get('clock')"
    desk.evaluate(order, [1, 2.5])
    assert desk.evaluate("[harness.model.get('loop'), harness.engine.loop]") == [[1, 2.5], [1, 2.5]]
    desk.evaluate(order, None)
    assert desk.evaluate("harness.model.get('loop')") is None


def test_a_browser_without_the_codec_asks_for_mp3(
    page: Page, mount: Mount, to_json: Callable[[object], object]
) -> None:
    mixer = make_mixer()
    mixer.set_trait("_sound_0", [b"not a sound"] * len(HZ))
    mount(page, mixer)
    page.wait_for_function("harness.model.get('_format') === 'mp3'")
    mixer._format = "mp3"
    mixer._asked.set()
    mixer._packing.join()
    page.evaluate("(files) => harness.model.receive({_sound_0: files})", to_json(mixer._sound_0))
    ready(page)
    assert heard(page, "vocals") == pytest.approx(-19.2, abs=0.3)


LONG = 24  # s: three packets


def opposites() -> Stems:
    """Two stems that cancel where they are locked to the sample, each a steady tone."""
    wave = tone(441, LONG, level=0.3).astype(np.float32)
    parts = {"this": Audio(np.stack([wave, wave]), SR), "that": Audio(-np.stack([wave, wave]), SR)}
    return Stems(parts, Audio(np.zeros((2, LONG * SR)), SR))


CLICK = """async () => {  // the most that what was heard in the last 0.7 s departs from a steady tone
  const { engine } = harness;
  const analyser = new AnalyserNode(engine.context, { fftSize: 32768 });
  engine.output.connect(analyser);
  await new Promise((done) => setTimeout(done, 900));
  const x = new Float32Array(32768);
  analyser.getFloatTimeDomainData(x);
  const turn = 2 * Math.cos(2 * Math.PI * 441 / engine.context.sampleRate);
  let worst = 0;
  for (let n = 2; n < x.length; n++) worst = Math.max(worst, Math.abs(x[n] - turn * x[n - 1] + x[n - 2]));
  return [Math.max(...x), worst];
}"""


def test_it_plays_before_all_has_come_and_stays_locked(
    page: Page, mount: Mount, to_json: Callable[[object], object]
) -> None:
    mixer = make_mixer(opposites())
    packets = [to_json(getattr(mixer, f"_sound_{number}")) for number in range(3)]
    for number in (1, 2):
        mixer.set_trait(f"_sound_{number}", [])
    mount(page, mixer)
    ready(page)
    assert page.evaluate("harness.engine.loaded") == 5
    expect(page.get_by_text("The rest of the song is on its way")).to_be_visible()

    # into the second packet, which comes while the first one plays: at 4 s new sources take over
    page.evaluate("""() => {
      window.heard = [];
      window.watch = setInterval(() => {
        if (harness.engine.sounding) heard.push(harness.engine.peaks().map((sides) => Math.max(...sides)));
      }, 20);
      harness.engine.seek(2.4);
    }""")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("harness.engine.position > 2.6")
    page.evaluate("(files) => harness.model.receive({_sound_1: files})", packets[1])
    page.wait_for_function("harness.engine.position > 5.4")
    page.evaluate("clearInterval(watch)")
    this, that, _, master = np.array(page.evaluate("heard")).max(axis=0)
    assert min(this, that) == pytest.approx(0.3, abs=0.001)
    assert master < 1e-4  # a sample apart would be 0.02

    # ahead of what is there it waits, says so, and goes on
    page.evaluate("harness.engine.seek(20)")
    expect(page.get_by_text("Waiting for this part of the song …")).to_be_visible()
    assert page.evaluate("[harness.engine.playing, harness.engine.sounding, harness.engine.position]") == [
        True,
        False,
        20,
    ]
    page.evaluate("(files) => harness.model.receive({_sound_2: files})", packets[2])
    page.wait_for_function("harness.engine.sounding && harness.engine.position > 20.3")
    expect(page.get_by_role("status").last).to_have_text("")
    page.get_by_role("button", name="pause", exact=True).click()

    # and what came in three packets is the song
    page.get_by_role("button", name="solo this").click()
    whole = np.array(page.evaluate("harness.samples(0, 24)"))
    assert np.max(np.abs(whole - mixer.stems["this"].samples)) < 2 / 32768


def test_at_the_end_of_what_has_come_it_waits_and_goes_on(
    page: Page, mount: Mount, to_json: Callable[[object], object]
) -> None:
    mixer = make_mixer(opposites(), soloed=["this"])
    packets = [to_json(getattr(mixer, f"_sound_{number}")) for number in range(3)]
    for number in (1, 2):
        mixer.set_trait(f"_sound_{number}", [])
    mount(page, mixer)
    ready(page)
    page.evaluate("harness.engine.seek(2.5)")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("harness.engine.starved")
    place = page.evaluate("harness.engine.position")
    assert 3.9 < place < 5
    page.evaluate("(files) => harness.model.receive({_sound_1: files})", packets[1])
    page.wait_for_function("(window.began = harness.engine.position) && harness.engine.sounding")
    assert place <= page.evaluate("began") < place + 2  # it sounds while a busy page is asked

    # where new sources take over, at 14 s, there is no click
    page.evaluate("harness.engine.seek(13)")
    page.evaluate("(files) => harness.model.receive({_sound_2: files})", packets[2])
    page.wait_for_function("harness.engine.position > 13.4")
    level, click = page.evaluate(CLICK)
    assert page.evaluate("harness.engine.position") > 14.1
    assert level == pytest.approx(0.3, abs=0.01)
    assert click < 0.002


@pytest.mark.parametrize("sr", [22_050, 48_000])
def test_other_sample_rates_and_mono(page: Page, mount: Mount, sr: int) -> None:
    stems = make_stems(sr)
    mono = Stems({name: stem.mono() for name, stem in stems.items()}, stems.mixture.mono())
    mount(page, make_mixer(mono))
    ready(page)
    wanted = 20 * np.log10(0.18 * 0.85 / np.sqrt(2))
    assert heard(page, "vocals") == pytest.approx(wanted, abs=0.05)


def test_reduced_motion_still_shows_the_levels(new_context, mount) -> None:  # type: ignore[no-untyped-def]
    page = new_context(reduced_motion="reduce").new_page()
    mount(page, make_mixer())
    ready(page)
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("Number(document.querySelector('[aria-label=\"vocals meter\"]').ariaValueNow) > -20")


DOMINANT = """async (seconds) => {
  const { engine } = harness;
  const analyser = new AnalyserNode(engine.context, { fftSize: 32768, smoothingTimeConstant: 0 });
  engine.output.connect(analyser);
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  const spectrum = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(spectrum);
  const [from, position] = [performance.now(), engine.position];
  await new Promise((done) => setTimeout(done, 500));
  const pace = (engine.position - position) / ((performance.now() - from) / 1000);
  const best = spectrum.indexOf(Math.max(...spectrum));
  return [best * engine.context.sampleRate / analyser.fftSize, pace, Math.max(...spectrum)];
}"""


@pytest.mark.parametrize(("speed", "semitones", "hz"), [(0.7, 0, 440.0), (1.0, -12, 220.0), (1.25, 7, 659.3)])
def test_speed_and_key_are_independent(page: Page, mount: Mount, speed: float, semitones: int, hz: float) -> None:
    mount(page, make_mixer(soloed=["vocals"], speed=speed, semitones=semitones, loop=(0, SECONDS)))
    ready(page)
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("harness.engine.sounding")
    found, pace, level = page.evaluate(DOMINANT, 1.2)
    assert found == pytest.approx(hz, abs=3)
    assert pace == pytest.approx(speed, rel=0.08)
    assert level > -40


def test_speed_is_stepped_told_and_put_back(desk: Page) -> None:
    speed = desk.get_by_role("spinbutton", name="speed")
    desk.get_by_role("button", name="slower").click()
    desk.get_by_role("button", name="slower").click()
    expect(speed).to_have_attribute("aria-valuetext", "90 %")
    assert saves(desk)[-1] == {"speed": 0.9}
    desk.get_by_role("spinbutton", name="key").press("ArrowDown")
    assert saves(desk)[-1] == {"semitones": -1}
    speed.dblclick()
    expect(speed).to_have_attribute("aria-valuetext", "100 %")
    desk.get_by_role("button", name="reset").click()
    expect(desk.get_by_role("spinbutton", name="key")).to_have_attribute("aria-valuetext", "0")


# A browser that lets no sound start before a click, as all do where the page is new. (Chromium counts what a test
# evaluates as the user's own act, so its own policy can't be tested with.)
STRICT = """
const Real = window.AudioContext;
let allowed = false;
const waiting = [];
window.AudioContext = class extends Real {
  constructor(options) { super(options); super.suspend(); }
  get state() { return allowed || super.state === "closed" ? super.state : "suspended"; }
  resume() {
    const started = new Promise((done) => waiting.push(done));
    if (allowed) super.resume().then(() => waiting.forEach((done) => done()));
    return started;
  }
};
addEventListener("pointerdown", (event) => { allowed = event.isTrusted; }, { capture: true });
"""


def test_where_sound_needs_a_click_it_asks_for_one(page: Page, mount: Mount) -> None:
    page.add_init_script(STRICT)
    mount(page, make_mixer())
    ready(page)
    page.evaluate("harness.model.receive({playing: true})")
    hint = page.get_by_text("Click here to let the sound start")
    expect(hint).to_be_visible()
    assert page.evaluate("harness.engine.sounding") is False
    hint.click()
    page.wait_for_function("harness.engine.sounding && harness.engine.position > 0")
    expect(hint).to_be_hidden()


def test_one_sound_at_a_time_in_all_notebooks(new_context: Callable[..., BrowserContext], mount: Mount) -> None:
    """What starts stops what sounds, in another page of the same browser too."""
    context = new_context()
    first, second = (context.new_page() for _ in range(2))
    for page in (first, second):
        mount(page, make_mixer())
        ready(page)
    for page, other in ((first, second), (second, first), (first, second)):
        page.get_by_role("button", name="play", exact=True).click()
        page.wait_for_function("harness.engine.sounding")
        other.wait_for_function("!harness.engine.playing")
    assert first.evaluate("harness.engine.sounding")
    assert second.evaluate("harness.model.get('playing')") is False
