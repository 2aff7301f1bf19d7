"""`studio`: drop a song, hear it taken apart, read the part of an instrument, take a hand-out home; without code.

Notebook: 13
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets  # type: ignore[import-untyped]

from musiclab import instruments
from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.codecs.files import safe_name
from musiclab.datasets import demo, demo_songs
from musiclab.errors import Cancelled, MusiclabError, fault
from musiclab.guided.costs import choices
from musiclab.guided.drop import Drop
from musiclab.handout.page import page
from musiclab.progress import Watch
from musiclab.recipes.remembered import part_of
from musiclab.separation import separate
from musiclab.stems import Stems
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView

Work = Callable[[Watch], Any]


class Studio(ipywidgets.VBox):  # type: ignore[misc]
    """A page without code, made of what musiclab has: a song comes in, the desk follows, then sheet music.

    Long work runs beside the page, says in words where it is, and can be stopped.

    Attributes
    ----------
    song : Audio or None
        What was dropped, or chosen.
    mixer : Mixer or None
        Its desk, once it is taken apart.
    view : ScoreView or None
        The part that was asked for last.

    Notebook: 13
    """

    def __init__(self) -> None:
        self.song: Audio | None = None
        self.mixer: Mixer | None = None
        self.view: ScoreView | None = None
        self._measured: dict[str, float] = {}  # seconds for a minute of music, by engine
        self._stop = threading.Event()
        self._working: threading.Thread | None = None
        self._build()
        super().__init__([self._head, self._songs, self._how, self._at_work, self._desk, self._asked, self._score])
        self.add_class("musiclab-studio")
        self._say("Begin with a song.")

    def _build(self) -> None:
        self._head = ipywidgets.HTML("<h2 style='margin:4px 0'>musiclab studio</h2>")
        self._drop = Drop(self._dropped, self._say)
        self._drop.observe(self._on_arriving, "arriving")
        bundled = [("choose …", ""), *((demo(name).title or name, name) for name in demo_songs())]
        self._bundled = ipywidgets.Dropdown(
            options=bundled, description="or a song that is here:", style=_WIDE, layout={"width": "auto"}
        )
        self._bundled.observe(self._on_bundled, "value")
        self._songs = ipywidgets.VBox([self._drop, self._bundled])
        self._engine = ipywidgets.RadioButtons(options=[("", "auto")], layout={"width": "auto"})
        self._go = _button("Take it apart", self._separate, "primary")
        self._how = ipywidgets.VBox([ipywidgets.HTML("<b>How</b>"), self._engine, self._go], layout=_HIDDEN)
        self._said = ipywidgets.HTML()
        self._bar = ipywidgets.FloatProgress(min=0, max=1, layout={"width": "240px"})
        self._cancel = _button("Stop", lambda: self._stop.set())
        self._row = ipywidgets.HBox([self._bar, self._cancel], layout=_HIDDEN)
        self._at_work = ipywidgets.VBox([self._said, self._row])
        self._desk, self._score = ipywidgets.VBox(), ipywidgets.VBox()
        self._asked = ipywidgets.HBox(layout={"flex_flow": "row wrap", "align_items": "center", "display": "none"})

    # --- a song

    def take(self, song: Audio) -> None:
        """Begin with this song: what was there before goes."""
        self.song, self.mixer, self.view = song, None, None
        self._clear(self._desk, self._score)
        self._asked.layout.display = "none"
        self._engine.options = choices(song.duration / 60, self._measured)
        self._engine.value = "auto"
        self._how.layout.display = None
        minutes, seconds = divmod(round(song.duration), 60)
        self._say(f"<b>{escape(song.title or 'Your song')}</b>, {minutes}:{seconds:02d} min. Now take it apart.")

    def _dropped(self, name: str, data: bytes) -> None:
        self._run("Reading the song", lambda _: self.take(load({"name": name, "content": data})))

    def _on_arriving(self, change: dict[str, Any]) -> None:
        name, share = change["new"]
        self._say(f"{escape(name)} is coming: {share:.0%}")

    def _on_bundled(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self._run("Reading the song", lambda _: self.take(demo(change["new"]).mixture))

    # --- long work

    def _separate(self) -> None:
        song, engine = self.song, self._engine.value
        if song is None:
            return

        def work(watch: Watch) -> None:
            began = time.perf_counter()
            stems = separate(song, engine=engine, progress=watch, cancel=watch.cancel)
            self._measured.setdefault(stems.engine, (time.perf_counter() - began) / (song.duration / 60))
            self._show_desk(stems)

        self._run("Taking it apart", work)

    def _show_desk(self, stems: Stems) -> None:
        self.mixer, self.view = Mixer(stems), None
        self._clear(self._score)
        self._desk.children = [self.mixer]
        parts = [_button(name.capitalize(), partial(self._write, name)) for name in stems]
        lesson = _button("Hand-out …", self._hand_out)
        self._asked.children = [ipywidgets.HTML("<b>Sheet music of</b>&nbsp;"), *parts, lesson]
        self._asked.layout.display = None
        self._say(f"Taken apart by {escape(stems.engine)}. Play, move the sliders; then ask for a part.")

    def _write(self, name: str) -> None:
        mixer = self.mixer
        if mixer is None:
            return

        def work(watch: Watch) -> None:
            part = part_of(mixer.stems, mixer.stems[name], instruments.of_stem(name), watch)
            self._clear(self._score)
            self.view = ScoreView(part, mixer.stems, mixer=mixer, stem=name)
            self._score.children = [self.view]
            self._say(
                f"The part of {escape(name)}: a draft. Coloured notes are doubtful. <i>Save as PDF</i> prints it."
            )

        self._run(f"Listening to {name}", work)

    def _hand_out(self) -> None:
        mixer, view = self.mixer, self.view
        if mixer is None:
            return

        def work(watch: Watch) -> None:
            made = page(mixer, parts=[view.part] if view else (), progress=watch, cancel=watch.cancel)
            self._drop.give(f"{safe_name(made.title)}.html", made.html)
            self._say("The hand-out is saved where your browser keeps downloads: one file, which needs no network.")

        self._run("Making the hand-out", work)

    def _run(self, what: str, work: Work) -> None:
        """Do something beside the page; one thing at a time. What goes wrong is said in a sentence."""
        if self._working is not None and self._working.is_alive():
            self._say("One thing at a time: stop what is being done, or wait for it.")
            return
        self._stop.clear()

        def report(share: float, text: str) -> None:
            self._bar.value = share
            self._say(f"{escape(what)}: {escape(text)}" if text else escape(what))

        def now() -> None:
            self._busy(True)
            try:
                report(0.0, "")
                work(Watch(report, self._stop))
            except Cancelled:
                self._say("Stopped. Nothing half-done was kept.")
            except MusiclabError as error:
                self._say(escape(str(error)))
            except Exception as error:  # a page without code shows no traceback
                self._say(escape(fault(error)))
            finally:
                self._busy(False)

        self._working = threading.Thread(target=now, daemon=True, name="musiclab-studio")
        self._working.start()

    def _busy(self, busy: bool) -> None:
        self._row.layout.display = None if busy else "none"
        for button in (self._go, self._bundled, *self._asked.children):
            button.disabled = busy

    def _say(self, sentence: str) -> None:
        self._said.value = f'<div role="status" style="line-height:1.5">{sentence}</div>'

    @staticmethod
    def _clear(*boxes: Any) -> None:
        for box in boxes:
            gone, box.children = box.children, []
            for widget in gone:
                widget.close()


_HIDDEN = {"display": "none"}
_WIDE = {"description_width": "initial"}


def _button(text: str, act: Callable[[], object], style: str = "") -> Any:
    made = ipywidgets.Button(description=text, button_style=style, layout={"width": "auto", "align_self": "flex-start"})
    made.on_click(lambda _: act())
    return made


def studio() -> Studio:
    """A page without code, in a notebook; ``musiclab studio`` opens it by itself.

    Returns
    -------
    Studio
        Shows itself.

    Notebook: 13
    """
    return Studio()
