"""Widgets that know their song's chart: beats, bars, chords, key and sections, found in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import traitlets

from musiclab.audio import Audio
from musiclab.errors import Cancelled
from musiclab.grid import BeatGrid
from musiclab.notes import Part
from musiclab.progress import Watch
from musiclab.recipes.remembered import chart_of
from musiclab.stems import Stems
from musiclab.threads import Background, Steps
from musiclab.transcription.chart import Chart
from musiclab.widgets.shared.sounding import SoundingWidget

logger = logging.getLogger("musiclab")


def checked_chart(value: object) -> Chart | None:
    """A chart from what a user has: a `Chart`, a `Part` (its beats, key and chords) or a `BeatGrid`."""
    if isinstance(value, Part):
        return Chart.of_part(value)
    if isinstance(value, BeatGrid):
        return Chart(value)
    if value is None or isinstance(value, Chart):
        return value
    raise traitlets.TraitError(f"A chart comes from a Chart, a Part or a BeatGrid, not from {type(value).__name__}.")


def _to_json(chart: Chart | None, _widget: object = None) -> dict[str, Any] | None:
    return None if chart is None else chart.as_dict()


def _from_json(values: dict[str, Any] | None, _widget: object = None) -> Chart | None:
    return None if values is None else Chart.from_dict(values)


class ChartedWidget(SoundingWidget):
    """A widget with sounds, and with the chart of their song (see `musiclab.transcription.chart`).

    What is not given is listened for in the background: once a page has asked for the sound and all of that is on its
    way, so that nothing has to wait for it. It is kept in the store. The page has ``chart`` as the dictionary of
    `Chart.as_dict`; it is null while ``_charting`` is true, and stays so where nothing was found.

    Attributes
    ----------
    chart : Chart or None
        Set it from a `Chart`, a `Part` or a `BeatGrid`: what that doesn't know is found.
    """

    chart = traitlets.Any(None, allow_none=True).tag(sync=True, to_json=_to_json, from_json=_from_json)
    _charting = traitlets.Bool(True).tag(sync=True)

    def __init__(self, sounds: Sequence[Audio], *, song: Stems, chart: object = None, **state: Any) -> None:
        self._song, self._over = song, threading.Event()
        self._known = checked_chart(chart)
        super().__init__(sounds, chart=self._known, **state)
        self._listen(self._known)

    @traitlets.validate("chart")
    def _check_chart(self, proposal: dict[str, Any]) -> Chart | None:
        return checked_chart(proposal["value"])

    @traitlets.observe("chart")
    def _rechart(self, change: Any) -> None:
        if hasattr(self, "_listening") and change["new"] is not self._known:  # set by a user
            self._known = change["new"]
            self._listen(self._known)

    def _listen(self, known: Chart | None) -> None:
        """Find what is not `known`, in the background; the last call counts."""
        self._charting = known is None or not known.sections
        steps = self._listen_now(known)
        self._listening = Background(steps, name="musiclab-chart") if self._charting else None

    def _listen_now(self, known: Chart | None) -> Steps:
        yield self._asked
        yield self._packing.done
        try:
            found: Chart | None = chart_of(self._song, Watch(cancel=self._over), known=known)
        except Cancelled:
            return
        except Exception as error:  # nobody else would see it
            logger.exception("The beats and bars could not be found: %s", error)
            found = known
        if self._known is known and not self._over.is_set():
            self._known = found
            self.chart = found
            self._charting = False

    def close(self) -> None:
        """Take the widget out of the page, and end its sound."""
        if hasattr(self, "_over"):  # Python closes a widget, too, whose making ended in an error
            self._over.set()
        super().close()
