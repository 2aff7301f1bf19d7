"""Widgets with their sound, for pages that are only looked at."""

from __future__ import annotations

from typing import TypeVar

from musiclab.widgets.shared.sounding import SoundingWidget

Widget = TypeVar("Widget", bound=SoundingWidget)


def packed(widget: Widget) -> Widget:
    """The same widget, once its sound has been asked for and is all there."""
    widget._asked.set()
    widget._packing.join()
    return widget
