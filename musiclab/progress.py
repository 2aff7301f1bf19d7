"""A progress bar for people; a callback for programs; and a way to stop.

`progress` and `cancel` mean the same wherever a function takes them:

- `progress` is called with a fraction (0 to 1) and a text; None shows a bar in a notebook or a terminal, True shows one
  anywhere, False shows none.
- `cancel` is something with `is_set`, like `threading.Event`: set it from another thread, and `Cancelled` is raised
  soon after. Ctrl-C and a notebook's stop button work too.

Notebook: 01
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from musiclab.errors import Cancelled

Progress = Callable[[float, str], None]
# What stands where a bar was: nothing, and no room for it either.
GONE = '<div class="musiclab-gone"><style>.jp-OutputArea-child:has(.musiclab-gone) { display: none }</style></div>'
DELAY = 0.5  # seconds before a bar appears: what comes from the store needs none


class Cancel(Protocol):
    """Like `threading.Event`: set it from another thread to stop."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Watch:
    """Progress and cancel of one piece of work, in one: call it with a fraction (0 to 1) and a text.

    Hand it on as `progress`; whoever reports to it is stopped by it.

    Attributes
    ----------
    report : callable or None
        Who is told.
    cancel : Cancel or None
        Who may stop it.
    start, stop : float
        Which share of the whole work this piece is.
    """

    report: Progress | None = None
    cancel: Cancel | None = None
    start: float = 0.0
    stop: float = 1.0

    def __call__(self, fraction: float, text: str) -> None:
        """Tell how far it is; `Cancelled` if somebody stopped it."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("Stopped, as asked.")
        if self.report is not None:
            self.report(self.start + fraction * (self.stop - self.start), text)

    def part(self, start: float, stop: float) -> Watch:
        """A watch whose 0 to 1 is `start` to `stop` of this one."""
        span = self.stop - self.start
        return Watch(self.report, self.cancel, self.start + start * span, self.start + stop * span)


@contextmanager
def watching(progress: Progress | bool | None, cancel: Cancel | None = None) -> Iterator[Watch]:
    """A `Watch` for what a caller gave as `progress` and `cancel`."""
    with bar(progress) as report:
        yield Watch(report, cancel)


@contextmanager
def bar(progress: Progress | bool | None) -> Iterator[Progress | None]:
    """What is called with a fraction (0 to 1) and a text: `progress` itself, or a bar where someone looks.

    Parameters
    ----------
    progress : callable, bool or None
        None shows a bar in a notebook or a terminal only; True shows one anywhere; False none.
    """
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not _watched()):
        yield None
    else:
        with _drawn() as report:
            yield report


@contextmanager
def _drawn() -> Iterator[Progress | None]:
    """A bar of tqdm's. In a notebook nothing of it is kept when it is done: no later page could find its widget."""
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
        from tqdm.notebook import tqdm_notebook  # type: ignore[import-untyped]
    except ImportError:  # a light install does without a bar
        yield None
        return
    form: dict[str, Any] = {"total": 1.0, "bar_format": "{desc} {bar} {percentage:3.0f} %", "leave": False}
    on_page = issubclass(tqdm, tqdm_notebook)
    began = monotonic()
    places: list[Any] = []
    with tqdm(**form, **({"display": False} if on_page else {"delay": DELAY})) as shown:

        def report(fraction: float, text: str) -> None:
            shown.set_description_str(text, refresh=False)
            shown.n = fraction
            shown.refresh()
            if on_page and not places and monotonic() > began + DELAY:
                places.append(_place(shown.container))

        try:
            yield report
        finally:
            for place in places:
                place.update({"text/html": GONE, "text/plain": ""}, raw=True)


def _place(container: object) -> Any:
    from IPython.display import display

    return display(container, display_id=True)


def _watched() -> bool:
    """Whether somebody sees a bar: in a notebook's kernel, or on a terminal."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
