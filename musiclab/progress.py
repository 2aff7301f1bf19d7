"""A progress bar for people; a callback for programs.

Notebook: 01
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[float, str], None]
DELAY = 0.5  # seconds before a bar appears: what comes from the store needs none


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
        from tqdm.auto import tqdm  # type: ignore[import-untyped]

        with tqdm(total=1.0, delay=DELAY, bar_format="{desc} {bar} {percentage:3.0f} %", leave=False) as shown:

            def report(fraction: float, text: str) -> None:
                shown.set_description_str(text, refresh=False)
                shown.n = fraction
                shown.refresh()

            yield report


def _watched() -> bool:
    """Whether somebody sees a bar: in a notebook's kernel, or on a terminal."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
