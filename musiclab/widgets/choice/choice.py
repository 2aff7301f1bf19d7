"""Choose a song, by a button or a path, and all that follows from it is made anew, in its place on the page.

A cell that has run does not run again by itself when somebody uploads a song. So what follows from a song is written as
a step, a function of the song: `SongChoice.show` runs it, shows what it gives, and does both again for each other song.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets  # type: ignore[import-untyped]

from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.datasets import demo as demo_song
from musiclab.errors import MusiclabError
from musiclab.widgets.shared.widget import LIVE, show_beside

TO_RUN = "Here a song is chosen: run this notebook to do so."
Step = Callable[[Audio], Any]


@dataclass
class _Chosen:
    """What was chosen last, for as long as the kernel runs: a cell that runs again must not lose it."""

    song: Audio | None = None


_chosen = _Chosen()


class SongChoice(ipywidgets.VBox):  # type: ignore[misc]
    """A button to choose a song of one's own; steps that run for it; a song that is there until then.

    Parameters
    ----------
    demo : str
        The bundled song that is taken until another one is chosen: one of `demo_songs()`.

    Examples
    --------
    >>> choice = ml.SongChoice("paper-boats")
    >>> @choice.show
    ... def stems(song):
    ...     return ml.separate(song)

    Notebook: 01, 09
    """

    def __init__(self, demo: str = "paper-boats") -> None:
        self._here = demo_song(demo).stems.mixture
        self._steps: dict[
            str, tuple[Step, Any]
        ] = {}  # by name: the function, and where on the page it shows its result
        self._upload = ipywidgets.FileUpload(accept="audio/*,video/*", description="Your song")
        self._back = ipywidgets.Button(description="Back to the song that is here")
        self._back.layout.width = "auto"
        self._said = ipywidgets.HTML()
        self._out = ipywidgets.Output()  # progress and sentences of what an upload starts
        self._upload.observe(self._uploaded, names="value")
        self._back.on_click(lambda _: self._change(None))
        self._tell()
        super().__init__([ipywidgets.HBox([self._upload, self._back]), self._said, self._out])
        self.add_class(LIVE)

    def _ipython_display_(self) -> None:
        """A sentence, and then the buttons: a notebook that is opened again has no kernel yet."""
        words = {"text/html": f"<div>{TO_RUN}</div>", "text/plain": TO_RUN}
        show_beside(words, (self._repr_mimebundle_(), {}))

    @property
    def song(self) -> Audio:
        """The song that was chosen, or the one that is here."""
        return _chosen.song or self._here

    def take(self, source: str | Path | Audio) -> None:
        """Choose a song by its path, or one that is loaded already; all steps run for it.

        Raises
        ------
        AudioError
            If it can't be read; the song before it stays.
        """
        song = source if isinstance(source, Audio) else load(source)
        _chosen.song = song
        self._tell()
        self._again()

    def show(self, step: Step) -> Any:
        """Run a step, show what it gives, and do so again for each other song.

        Used as a decorator. The function's name stands for what it gave last: ``stems``, not a function.
        """
        made = step(self.song)
        places = [_place(data, metadata) for data, metadata in _shown(made)]
        self._steps[step.__name__] = (step, places)
        return made

    def _uploaded(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self._change(change["new"][0])
            with self._upload.hold_trait_notifications():  # the bytes are not kept twice
                self._upload.value = ()

    def _change(self, upload: Any) -> None:
        """Another song, by a button: what goes wrong is told below it."""
        self._out.clear_output()
        with self._out:
            try:
                if upload is None:
                    _chosen.song = None
                    self._tell()
                    self._again()
                else:
                    self._said.value = f"Reading {escape(upload['name'])} …"
                    self.take(load(upload))
            except MusiclabError as error:
                self._tell()
                self._said.value += f"<br>{escape(str(error))}"

    def _again(self) -> None:
        for step, places in list(self._steps.values()):
            made = step(self.song)
            step.__globals__[step.__name__] = made  # the notebook's own name for it
            for place, (data, metadata) in zip(places, _shown(made), strict=False):
                place.update(data, metadata=metadata, raw=True)

    def _tell(self) -> None:
        title = escape(self.song.title or "without a title")
        own = _chosen.song is not None
        self._said.value = f"Your song: <b>{title}</b>" if own else f"Until you choose one: <b>{title}</b>"
        self._back.disabled = not own


def _shown(made: object) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What a notebook shows of something, as data by type with what is said of them: one output, or several."""
    from IPython import get_ipython
    from IPython.display import display
    from IPython.utils.capture import capture_output

    if get_ipython() is None:  # no notebook: nothing to be shown
        return []
    with capture_output(stdout=False, stderr=False) as kept:
        display(made)
    return [(output.data, output.metadata or {}) for output in kept.outputs]


def _place(data: dict[str, Any], metadata: dict[str, Any]) -> Any:
    """A place on the page that shows this, until it is told otherwise."""
    from IPython.display import display

    return display(data, metadata=metadata, raw=True, display_id=True)
