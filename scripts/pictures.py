"""Draw the README's pictures: the desk, its score and a hand-out on a phone, as Chromium shows them.

``python scripts/pictures.py`` writes ``docs/mixer.png``, ``docs/practice.png`` and ``docs/hand-out.png``: a hand-out of
a bundled song is opened from its file and played for a moment.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import musiclab as ml

DOCS = Path(__file__).parents[1] / "docs"
SCALE = 2  # pixels of the picture for each of the page
WORDS = """Play the **bass line** of *Paper Boats*. Listen first, then play along.

1. Begin with [the first four bars](#bars=1-4), slowly.
2. Then [the turn](#bars=7-8): fingers 1–2–4.
"""


def lesson(folder: Path) -> str:
    """The hand-out of a bundled song, with a loop and a mix set as a player would; its address."""
    song = ml.demo("paper-boats")
    mixer = ml.Mixer(song.stems, chart=ml.find_chart(song.mixture))
    mixer.gains_db = {"drums": -6.0, "bass": 6.0}
    mixer.muted = ("vocals",)
    part = ml.sheet_music(song.stems, "bass", progress=False).part
    mixer.loop = (part.downbeats[4], part.downbeats[8])
    made = ml.page(mixer, parts=[part], title="Paper Boats: the bass line", notes=WORDS, tab=True, progress=False)
    [path] = made.save(folder / "lesson.html")
    return path.as_uri()


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def main() -> None:
    browser = os.environ.get("MUSICLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        address = lesson(Path(folder))
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--autoplay-policy=no-user-gesture-required"]
        )
        desk = chromium.new_page(viewport={"width": 1366, "height": 900}, device_scale_factor=SCALE, bypass_csp=True)
        mixer = opened(desk, address).locator(".ml-mixer")
        mixer.get_by_role("button", name="play", exact=True).click()
        desk.wait_for_function("document.querySelector('.ml-mixer').engine.position > 9.5")
        mixer.screenshot(path=DOCS / "mixer.png")
        desk.screenshot(path=DOCS / "practice.png")
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=SCALE, bypass_csp=True)
        opened(phone, address).screenshot(path=DOCS / "hand-out.png")
        chromium.close()


if __name__ == "__main__":
    main()
