"""What a widget looks like: its pixels on the page's colour, what axe finds, targets for a finger.

Loaded by `conftest.py`, which offers it as the fixture ``looks``.
"""

from __future__ import annotations

import io

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page

LOOKS = 100  # at a picture, before it is wrong
CONTROLS = ":is(button, select, label.ml-check, label.ml-slider input, [role=slider], [role=spinbutton])"


def page_colour(page: Page) -> list[int]:
    """The colour of the page that widgets are drawn on, as red, green and blue."""
    colour: list[int] = page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d");
          canvas.fillStyle = getComputedStyle(document.body).getPropertyValue("--jp-layout-color1");
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    return colour


def assert_drawn(element: Locator, colour: list[int], what: str) -> None:
    """Most of it is the page's own colour, and some of it is not: neither black nor empty.

    A busy machine may take its time to draw in a new theme: it is looked at until it is right.
    """
    for _ in range(LOOKS):
        found = _fault(element, colour)
        if not found:
            return
        element.page.wait_for_timeout(100)
    raise AssertionError(f"{what}: {found}")


def _fault(element: Locator, colour: list[int]) -> str:
    """What is wrong with a picture; empty if nothing is."""
    picture = np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(int)
    shades, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    commonest = shades[counts.argmax()]
    if np.abs(commonest - colour).max() > 14:
        return f"most of it is {commonest.tolist()}, where the page is {colour}"
    share = float((np.abs(picture - colour).max(axis=2) > 50).mean())
    return "" if 0.002 < share < 0.6 else f"{share:.1%} of it is drawn"


def assert_accessible(page: Page, within: str = ".musiclab") -> None:
    """No serious or critical violation of axe's rules: labels, roles, and 4.5:1 for every text, among others."""
    serious = [
        (violation["id"], node["html"][:200], [check["message"] for check in node["any"]])
        for violation in Axe().run(page, context=within).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert not serious, serious


def assert_large_enough(page: Page) -> None:
    """Every control is at least 24 px wide and high."""
    small = page.evaluate(
        """(controls) => [...document.querySelectorAll(`.musiclab ${controls}`)].filter((e) => e.offsetParent !== null)
          .map((e) => [e.ariaLabel ?? e.className, e.offsetWidth, e.offsetHeight])
          .filter(([, width, height]) => width < 24 || height < 24)""",
        CONTROLS,
    )
    assert not small, small


def assert_reachable(page: Page) -> None:
    """Every control is large enough, and keeps its keys from JupyterLab's shortcuts."""
    assert_large_enough(page)
    open_to_jupyter = page.evaluate(
        """() => [...document.querySelectorAll(".musiclab, .musiclab :is(button, input, select, [tabindex])")]
          .filter((e) => !e.hasAttribute("data-lm-suppress-shortcuts")).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert not open_to_jupyter, open_to_jupyter
