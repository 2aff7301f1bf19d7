"""What all widgets share: what is seen where nothing runs, and how the page's orders reach a method."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from musiclab.errors import MusiclabError

Bundle = tuple[dict[str, Any], dict[str, Any]]  # of IPython: data by type, and what is said about it
Order = Callable[[dict[str, Any]], object]

# A widget stands in a notebook as two outputs: a picture, and itself. Where a page has the widget, it hides the
# picture; where it has not (no kernel, saved as HTML), it hides what Jupyter says of a model that it can't find.
_CHOICE = """<style>
.jp-OutputArea-child:has(.musiclab-still):has(+ .jp-OutputArea-child :is(.musiclab, .musiclab-live)),
.jp-OutputArea-child:has(.musiclab-still) + .jp-OutputArea-child:not(:has(.musiclab, .musiclab-live)) { display: none }
</style>"""
LIVE = "musiclab-live"  # the class of other widgets that have a picture or words beside them

_IMAGE = '<img src="data:image/png;base64,{}" alt="{}" style="max-width: 100%; height: auto">'


class Widget(anywidget.AnyWidget):
    """A widget of musiclab."""

    _message = traitlets.Unicode("").tag(sync=True)  # what went wrong with the last order, in a sentence

    # --- how it shows itself without JavaScript

    def _still(self) -> bytes | str:
        """A picture as PNG, or a line of text: what is true of the widget where nothing runs."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget with its picture beside it, for pages that choose one of them."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return bundle and ({**bundle[0], **_pictured(self._still(), repr(self))}, bundle[1])

    def _ipython_display_(self) -> None:
        """The picture, and then the widget: a saved notebook shows it to its owner too, who has no kernel yet."""
        still = _pictured(self._still(), repr(self))
        picture = still.get("image/png")
        body = _IMAGE.format(picture, html.escape(repr(self))) if picture else still["text/html"]
        show_beside({**still, "text/html": body}, super()._repr_mimebundle_())

    # --- messages from the page

    def _orders(self) -> Mapping[str, Order]:
        """What the page can ask for: by the name of the order, what is done with its message."""
        return {}

    def _on_message(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        try:
            self._orders()[content["order"]](content)
            self._message = ""
        except MusiclabError as error:
            self._message = str(error)


def show_beside(still: Mapping[str, str], bundle: Bundle | None) -> None:
    """A still, as data by type, and then the widget that it stands for: see above which of them a page shows."""
    from IPython.display import display

    display({**still, "text/html": f'<div class="musiclab-still">{_CHOICE}{still["text/html"]}</div>'}, raw=True)
    if bundle is not None:
        data, metadata = bundle
        display({**data, "text/plain": ""}, metadata=metadata, raw=True)  # the words stand with the picture


def _pictured(still: bytes | str, words: str) -> dict[str, str]:
    """A still as data by type, with words for where there are no pictures."""
    if isinstance(still, bytes):
        return {"image/png": base64.b64encode(still).decode(), "text/plain": words}
    return {"text/html": still, "text/plain": words}
