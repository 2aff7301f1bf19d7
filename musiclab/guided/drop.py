"""Where a song comes in and a hand-out goes out: in pieces, so that no server's limit for a message is in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from musiclab.errors import AudioError
from musiclab.widgets.shared import front
from musiclab.widgets.shared.widget import Widget

LARGEST = 2_000_000_000  # bytes of a song
PIECE = 1 << 20  # bytes of one message: Jupyter's servers refuse those over 10 MB


class Drop(Widget):
    """A place to drop a file. `came(name, bytes)` is called when one is whole; `refused(sentence)` if it can't be.

    Attributes
    ----------
    arriving : tuple of (str, float)
        The name of what is on its way, and how much of it has come (0–1).
    """

    _esm = front.esm("../guided/drop.js")
    _css = front.css("../guided/drop.css")

    arriving = traitlets.Tuple(("", 0.0))
    _received = traitlets.Float(0).tag(sync=True)

    def __init__(self, came: Callable[[str, bytes], object], refused: Callable[[str], object]) -> None:
        self._came, self._refused = came, refused
        self._number, self._name, self._size, self._data = 0.0, "", 0, bytearray()
        super().__init__()
        self.on_msg(self._on_piece)

    def _on_piece(self, _widget: object, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("order") == "begin":
            self._begin(content)
        elif content.get("number") == self._number and content.get("from") == len(self._data) < self._size:
            self._data += buffers[0]
            self._received = float(len(self._data))
            self.arriving = (self._name, len(self._data) / self._size)
            if len(self._data) >= self._size:
                data, self._data, self._size = bytes(self._data), bytearray(), 0
                self._came(self._name, data)

    def _begin(self, content: dict[str, Any]) -> None:
        self._number, self._name, self._size = content["number"], str(content["name"]), int(content["size"])
        self._data, self._received = bytearray(), 0.0
        if not 0 < self._size <= LARGEST:
            self._refused(str(AudioError(f"{self._name!r} is empty, or larger than 2 GB: choose another file.")))
            self._size = 0

    def give(self, name: str, data: bytes) -> None:
        """Let the browser save a file."""
        starts = range(0, len(data), PIECE)
        for start in starts:
            told = {"file": name, "first": start == 0, "last": start == starts[-1]}
            self.send(told, [data[start : start + PIECE]])

    def _still(self) -> str:
        return "<p>Drop a song here.</p>"
