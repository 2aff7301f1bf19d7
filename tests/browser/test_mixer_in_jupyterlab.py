"""The mixer in a real JupyterLab: from the notebook to what is heard, and back to Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RENDER = """async () => {
  const buffer = await document.querySelector(".ml-mixer").engine.render(0, 6);
  return [...buffer.getChannelData(0)].filter((_, n) => n % 7 === 0);
}"""


def heard(page: Page) -> Any:
    """What is heard in the first six seconds: the page's own faders, mutes and limiter, rendered."""
    import numpy as np

    return np.array(page.evaluate(RENDER))


def energy_db(x: Any) -> float:
    import numpy as np

    return float(10 * np.log10(np.mean(np.square(x)) + 1e-20))


def wait_until_playable(page: Page) -> None:
    play = page.get_by_role("application", name="mixer").get_by_role("button", name="play", exact=True)
    expect(play).to_have_attribute("aria-disabled", "false", timeout=30_000)
    page.wait_for_function("document.querySelector('.ml-mixer').engine.complete", timeout=30_000)


def test_notebook_01_from_song_to_silence_of_the_voice_and_back(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("01-hear-each-instrument.ipynb")
    notebook.run_all()
    page = notebook.page
    wait_until_playable(page)
    everything = heard(page)
    page.get_by_role("button", name="solo vocals").click()
    voice = heard(page)
    page.get_by_role("button", name="solo vocals").click()
    assert energy_db(voice) > -50  # there is a voice to be taken away

    fader = page.get_by_role("slider", name="vocals level")
    fader.press("Home")
    expect(fader).to_have_attribute("aria-valuetext", "silent, −∞ dB")
    without = heard(page)
    assert energy_db(without - (everything - voice)) < energy_db(voice) - 60  # the voice is gone, and nothing else
    notebook.told("print(mixer.gains_db['vocals'], mixer.gains_db['bass'])", "-inf 0.0")
    wanted = notebook.python(
        "import numpy as np; x = mixer.mix().samples[0, : 6 * 44100 : 7]; print(10 * np.log10(np.mean(x**2)))"
    )
    assert energy_db(without) == pytest.approx(float(wanted), abs=0.05)  # mix() is what is heard

    # played, not only rendered: its meter stands still while the others move
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("Number(document.querySelector('[aria-label=\"drums meter\"]').ariaValueNow) > -50")
    peaks = page.evaluate("document.querySelector('.ml-mixer').engine.peaks()")
    assert peaks[0] == [0, 0]
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()
    notebook.told("print(mixer.position > 0)", "True")

    # and the other way round
    notebook.python("mixer.gains_db['vocals'] = 0; mixer.muted = ['drums']; mixer.loop = (1, 2)")
    expect(fader).to_have_attribute("aria-valuetext", "0.0 dB")
    expect(page.get_by_role("button", name="mute drums")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="loop end")).to_have_attribute("aria-valuenow", "2.00")
    notebook.python("mixer.muted = []")
    expect(page.get_by_role("button", name="mute drums")).to_have_attribute("aria-pressed", "false")
    assert energy_db(heard(page) - everything) < -80


CELLS = [
    """
import numpy as np, musiclab as ml
from musiclab.stems import Stems
t = np.arange(2 * 44100) / 44100
parts = {name: 0.2 * np.sin(2 * np.pi * hz * t) for name, hz in [("vocals", 440), ("bass", 110), ("drums", 1000)]}
mixture = ml.Audio(sum(parts.values()), 44100)
mixer = ml.Mixer(Stems({name: ml.Audio(part, 44100) for name, part in parts.items()}, mixture))
mixer
""",
    "mixer",
]


def test_two_views_keys_and_clean_up(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("two-views.ipynb", cells=CELLS)
    notebook.run_all()
    page = notebook.page
    expect(page.get_by_role("application", name="mixer")).to_have_count(2)
    first = page.get_by_role("application", name="mixer").first
    expect(first.get_by_role("button", name="play", exact=True)).to_have_attribute("aria-disabled", "false")
    assert page.evaluate("new Set([...document.querySelectorAll('.ml-mixer')].map((m) => m.engine)).size") == 1

    # the mixer's keys are not JupyterLab's: "m" would make a text cell, "d d" delete one, "0 0" restart the kernel
    fader = first.get_by_role("slider", name="bass level")
    for key in ("m", "0", "0", "d", "d", "PageDown"):
        fader.press(key)
    expect(fader).to_have_attribute("aria-valuetext", "−6.0 dB")
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    notebook.told("print(mixer.muted, mixer.gains_db['bass'])", "('bass',) -6.0")

    first.get_by_role("button", name="play", exact=True).click()
    page.evaluate("window.kept = document.querySelector('.ml-mixer').engine")
    page.wait_for_function("kept.sounding")
    page.evaluate("window.context = kept.context; jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function("context.state === 'closed'")
    notebook.told("print(mixer.playing)", "False")


def test_a_reloaded_page_finds_its_mixer_as_it_was(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("reload.ipynb", cells=CELLS[:1])
    notebook.run_all()
    page = notebook.page
    wait_until_playable(page)
    page.get_by_role("button", name="mute bass").click()
    page.get_by_role("slider", name="drums level").press("PageDown")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    page.reload()
    wait_until_playable(page)
    expect(page.get_by_role("button", name="mute bass")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="drums level")).to_have_attribute("aria-valuetext", "−6.0 dB")


def test_a_notebook_that_is_not_trusted_shows_the_picture(open_notebook: Callable[..., Any], lab: Any) -> None:
    notebook = open_notebook("trusted.ipynb", cells=CELLS[:1])
    notebook.run_all()
    page = notebook.page
    wait_until_playable(page)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    saved = (lab.files / "trusted.ipynb").read_text("utf-8")
    assert len(saved) < 300_000  # a picture, not the sound
    (lab.files / "foreign.ipynb").write_text(saved.replace("440", "441"), "utf-8")  # changed by someone else
    page.goto(f"{lab.url}/lab/tree/foreign.ipynb?reset")
    expect(page.locator(".jp-OutputArea-output img")).to_be_visible(timeout=60_000)
    assert page.locator(".ml-mixer").count() == 0
