"""A mixer as files: what it plays, rendered and written in the background, at a button of the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import traitlets

from musiclab.audio import Audio
from musiclab.codecs.formats import Format
from musiclab.errors import Cancelled, MusiclabError
from musiclab.grid import BeatGrid
from musiclab.progress import Cancel, Progress, watching
from musiclab.recipes.practice import Practice
from musiclab.recipes.result import sound_format
from musiclab.stems import RESIDUAL, Stems
from musiclab.threads import Background, Steps
from musiclab.widgets.mixer.performance import Performance, perform
from musiclab.widgets.mixer.practice import Practising
from musiclab.widgets.mixer.settings import SILENT
from musiclab.widgets.shared.charting import ChartedWidget
from musiclab.widgets.shared.widget import Order

logger = logging.getLogger("musiclab")


class Saving(Practising, ChartedWidget):
    """What a mixer needs for `perform`, and for the page's button that calls it.

    Attributes
    ----------
    folder : str
        Where the page's button writes: the notebook's own folder, if nothing is said.
    """

    stems: Stems
    folder = traitlets.Unicode(".")
    _title = traitlets.Unicode("song").tag(sync=True)  # of files that the page writes
    _saving = traitlets.Dict().tag(sync=True)  # share, text, done, failed

    _stop: threading.Event | None = None
    _saver: Background | None = None

    def mix(self, *, limited: bool = True) -> Audio:
        """See `Mixer.mix`."""
        raise NotImplementedError

    @property
    def practice(self) -> Practice:
        """The settings of the practice as one value."""
        grid: BeatGrid | None = self.chart.grid if self.chart is not None else None
        return Practice(
            grid=grid,
            click=self.click,
            division=self.click_division,
            accents=self.click_accents,
            count_in=self.count_in,
            every_round=self.count_in_rounds,
            rest=self.rest,
            trainer=self.trainer,
        )

    def perform(
        self,
        *,
        each_stem: bool = False,
        whole: bool = False,
        progress: Progress | bool | None = None,
        cancel: Cancel | None = None,
    ) -> Performance:
        """What the page plays from a press on play: levels, speed, key, click, count-in; a trainer with all its rounds.

        Parameters
        ----------
        each_stem : bool
            Each stem by itself, at 0 dB, and the click by itself, instead of what is heard.
        whole : bool
            The whole song, where a loop is set.
        progress, cancel
            As in `musiclab.separate`.

        Returns
        -------
        Performance
            At the stems' own rate. ``.save("out", format="mp3")`` writes it.

        Raises
        ------
        AudioError
            If this machine lacks the stretcher that speed and key need.
        Cancelled
            If `cancel` was set.
        """
        title = self.stems.mixture.title or "song"
        practice = self.practice
        start, end = (0.0, self.stems.duration) if whole or self.loop is None else self.loop
        courses = practice.courses(start, end, speed=self.speed)
        with watching(progress, cancel) as watch:
            made = perform(
                self._each_stem() if each_stem else {"as heard": self.mix(limited=False)},
                practice,
                courses,
                watch,
                key=self.semitones,
                click_db=self.click_db + (0.0 if each_stem else self.master_db),
                with_click=not each_stem,
            )
            watch(1.0, "done")
        return Performance(title=title, engine=self.stems.engine, made=made, courses=tuple(courses))

    def _each_stem(self) -> dict[str, Audio]:
        sounds = dict(self.stems.items())
        rest = self.stems.residual
        return sounds if rest.peak_db == SILENT else sounds | {RESIDUAL: rest}

    # --- the page's button

    def _orders(self) -> Mapping[str, Order]:
        return {**super()._orders(), "save": self._save, "stop-saving": lambda _: self._stop_saving()}

    def _stop_saving(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _save(self, order: dict[str, Any]) -> None:
        if self._saver is not None and not self._saver.done.is_set():
            return
        kind = sound_format(str(order["format"]))
        self._stop = threading.Event()
        self._saving = {"share": 0.0, "text": "rendering"}
        self._saver = Background(self._save_now(order, kind), name="musiclab-save")

    def _save_now(self, order: dict[str, Any], kind: Format) -> Steps:
        def report(share: float, text: str) -> None:
            self._saving = {"share": round(share, 3), "text": text}

        yield None  # the page shows that it has begun
        try:
            each, whole = bool(order.get("each")), bool(order.get("whole"))
            made = self.perform(each_stem=each, whole=whole, progress=report, cancel=self._stop)
            paths = made.save(Path(self.folder), format=kind.extension)
            names = (
                paths[0].name if len(paths) == 1 else f"{len(paths)} files beginning with {made.stem_of(made.title)}"
            )
            self._saving = {"done": True, "text": f"Saved {names} in {Path(self.folder).resolve().name or '/'}"}
        except Cancelled:
            self._saving = {"text": ""}
        except MusiclabError as error:
            self._saving = {"failed": True, "text": str(error)}
        except Exception as error:  # nobody else would see it
            logger.exception("What the mixer plays could not be saved.")
            self._saving = {"failed": True, "text": f"It could not be saved: {error}"}

    def close(self) -> None:
        """Take the widget out of the page, and end its sound."""
        self._stop_saving()
        super().close()
