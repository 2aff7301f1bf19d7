"""Widgets whose page plays sound: it goes there in packets, encoded in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from musiclab.audio import Audio
from musiclab.threads import Background, Steps
from musiclab.widgets.shared.transport import SAMPLE_RATE, Plan, for_page, format_for, packets, pad_of, scale_of
from musiclab.widgets.shared.widget import Order, Widget

logger = logging.getLogger("musiclab")


class SoundingWidget(Widget):
    """A widget with sounds of one length and rate, which ``feed.js`` receives in its page.

    Each packet has a trait of its own (``_sound_0``, ``_sound_1``, ...): it travels once, as soon as it is made and a
    page has asked, and a page that is loaded again finds all that there are. A notebook that runs without a page (as
    on the way to HTML) holds no sound.
    """

    _cuts: traitlets.List[int] = traitlets.List().tag(sync=True)  # frames at 44.1 kHz where packets begin
    _pad = traitlets.Int().tag(sync=True)  # frames at 44.1 kHz by which pieces reach over their ends
    _pieces: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)  # channels and scale of each sound
    _format = traitlets.Unicode().tag(sync=True)
    _error = traitlets.Unicode("").tag(sync=True)

    def __init__(self, sounds: Sequence[Audio], **state: Any) -> None:
        self._sounds = [for_page(sound) for sound in sounds]
        self._closing, self._asked = threading.Event(), threading.Event()
        plan = Plan(self._sounds[0].duration, format_for(self._sounds))
        for number in range(len(plan.cuts)):
            self.add_traits(**{f"_sound_{number}": traitlets.List(traitlets.Bytes()).tag(sync=True)})
        super().__init__(
            _cuts=[cut * SAMPLE_RATE for cut in plan.cuts],
            _pad=pad_of(self._sounds[0].sr) * SAMPLE_RATE // self._sounds[0].sr,
            _pieces=[{"channels": sound.channels, "scale": scale_of(sound)} for sound in self._sounds],
            _format=plan.format,
            **state,
        )
        self.on_msg(self._on_message)
        self._pack()

    def _orders(self) -> Mapping[str, Order]:
        return {"sound": lambda _: self._asked.set()}

    @traitlets.observe("_format")
    def _repack(self, change: Any) -> None:
        if change["old"]:  # the page can't decode what it got, and asks for another format
            self._closing.set()
            self._packing.join()
            self._closing.clear()
            for number in range(len(self._cuts)):
                self.set_trait(f"_sound_{number}", [])
            self._pack()

    def _pack(self) -> None:
        self._packing = Background(self._pack_now(self._format), name="musiclab-pack")

    def _pack_now(self, format: str) -> Steps:
        plan = Plan(self._sounds[0].duration, format)
        try:
            self._cuts = [cut * SAMPLE_RATE for cut in plan.cuts]
            for number, packet in enumerate(packets(self._sounds, plan, cancelled=self._closing.is_set)):
                yield self._asked  # meanwhile the others are being made
                self.set_trait(f"_sound_{number}", packet)
        except Exception as error:  # nobody else would see it
            logger.exception("The sound could not be encoded.")
            self._error = f"The sound could not be prepared: {error}"

    def close(self) -> None:
        """Take the widget out of the page, and end its sound."""
        if hasattr(self, "_closing"):  # Python closes a widget, too, whose making ended in an error
            self._closing.set()
            self._asked.set()
        super().close()
