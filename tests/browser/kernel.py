"""A widget's page with its Python object behind it, without a kernel: messages and traits go over, and come back.

Loaded by `conftest.py`, which offers it as the fixture ``behind``.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import anywidget
from playwright.sync_api import Page

BRIDGE = """() => {
  harness.onTheWay = 0;
  const tell = async (content) => {
    harness.onTheWay += 1;
    await toPython(content);
    harness.onTheWay -= 1;
  };
  harness.model.send = tell;
  const { save_changes } = harness.model;
  harness.model.save_changes = () => {
    const set = { ...harness.model.unsaved };
    save_changes.call(harness.model);
    tell({ set });
  };
  return harness.view();
}"""
DELIVER = """([content, buffers]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const views = buffers.map((text) => new DataView(bytes(text).buffer));
  for (const handler of harness.model.handlers.get("msg:custom") ?? []) handler(content, views);
}"""


class Behind:
    """The page of a widget, and what a kernel would do for it.

    Parameters
    ----------
    page : Page
        An empty page.
    widget : AnyWidget
        What it shows.
    mount : callable
        The fixture of that name.
    plain : callable
        The fixture ``to_json``.
    """

    def __init__(
        self, page: Page, widget: anywidget.AnyWidget, mount: Callable[..., None], plain: Callable[[Any], Any]
    ) -> None:
        self.page, self.widget, self._plain = page, widget, plain
        self.took: list[float] = []  # processor time of each message, in s
        self._outbox: list[tuple[dict[str, Any], list[str]]] = []
        self._changed: set[str] = set()
        widget.send = self._send  # type: ignore[method-assign]
        widget.observe(lambda change: self._changed.add(change["name"]), widget.keys)
        page.expose_function("toPython", self._receive)
        mount(page, widget, views=0)
        page.evaluate(BRIDGE)

    def _send(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self._outbox.append((content, [base64.b64encode(b).decode() for b in buffers or []]))

    def _receive(self, content: dict[str, Any]) -> None:
        started = time.process_time()
        if "set" in content:
            for name, value in content["set"].items():
                setattr(self.widget, name, value)
        else:
            self.widget._on_message(self.widget, content, [])
        self.took.append(time.process_time() - started)
        self.flush()

    def flush(self) -> None:
        """What Python has sent and set meanwhile reaches the page."""
        while self._outbox:  # one by one: another message may come in meanwhile
            self.page.evaluate(DELIVER, list(self._outbox.pop(0)))
        changed, self._changed = self._changed, set()
        if changed:
            state = {name: self._plain(getattr(self.widget, name)) for name in changed}
            self.page.evaluate("(state) => harness.model.receive(state)", state)

    def at(self, seconds: float, hz: float) -> tuple[float, float]:
        """Where a point of the spectrogram lies in the page."""
        x, y = self.page.evaluate(
            """([t, hz]) => {
              const { view } = document.querySelector(".musiclab");
              const box = view.canvas.getBoundingClientRect();
              return [box.x + view.xOf(t), box.y + view.yOf(hz)];
            }""",
            [seconds, hz],
        )
        return x, y

    def drag(self, *points: tuple[float, float]) -> None:
        """Press at the first point (seconds, Hz), draw along the others, let go."""
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=5)
        self.page.mouse.up()
        self.settled()

    def settled(self) -> None:
        """Python knows all that the page has told: what it says of itself may be read."""
        self.page.wait_for_function("harness.onTheWay === 0")

    def clean_up(self) -> None:
        """Take the views away; fails if listeners stay behind."""
        self.page.evaluate("Promise.all(harness.cleanups.map((clean) => clean()))")
        playwrights = {"__playwright_global_listeners_check__", "contextmenu"}
        strays = set(self.page.evaluate("harness.strays")) - playwrights
        assert not strays, strays
        assert self.page.locator(".musiclab").count() == 0
