"""In the kernel that runs a page of the docs: mixers and score views stay alive in it, without a kernel.

`install` makes them show themselves as a still picture that the page's script (`live.js`) replaces by the widget, with
its sound. What they need lies in files beside the page, in the folder that the variable MUSICLAB_DOCS_LIVE names.
"""

from __future__ import annotations

import base64
import html
import json
import os
import tempfile
from pathlib import Path

from IPython.display import display

from musiclab.handout.document import Packing
from musiclab.handout.stand_ins import Desk, Sheet, packed, settings_of, state_of
from musiclab.progress import Watch
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView

FOLDER = "MUSICLAB_DOCS_LIVE"
FORMAT = "mp3"  # every browser plays it


class Shelf:
    """What the widgets of one page bring along: a file for each, in which nothing stands twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._packing = Packing()
        self._written = 0  # texts that lie in files already
        self._widgets = 0

    def put(self, kind: str, widget: Mixer | ScoreView) -> str:
        """Write a widget's file; returns its name. `kind` is its name in the script."""
        files = self._packing.value(files_of(widget) if isinstance(widget, ScoreView) else {})
        sound = packed(widget._sounds, FORMAT, Watch(None, None))
        state = self._packing.value(state_of(widget, FORMAT, sound))
        texts = {n: text for n, text in enumerate(self._packing._texts) if n >= self._written}
        self._written += len(texts)
        name = f"{self._widgets:02d}-{kind}.js"
        self._widgets += 1
        said = json.dumps(
            {"kind": kind, "state": state, "files": files, "texts": texts}, separators=(",", ":"), allow_nan=False
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(f"(window.musiclabLive ??= {{}})[{json.dumps(name)}] = {said};\n", "utf-8")
        return name


def files_of(view: ScoreView) -> dict[str, bytes]:
    """The part as the files that the score view offers, by their endings."""
    with tempfile.TemporaryDirectory() as folder:
        return {kind: view.save(Path(folder) / f"part.{kind}").read_bytes() for kind in ("pdf", "musicxml", "mid")}


def install() -> None:
    """From here on, in this kernel, mixers and score views are shown alive."""
    folder = Path(os.environ[FOLDER])
    shelf = Shelf(folder)

    def show(widget: Mixer | ScoreView, kind: str, stand_in: Mixer | ScoreView) -> None:
        file = f"{folder.parent.name}/{folder.name}/{shelf.put(kind, stand_in)}"
        picture = base64.b64encode(widget._still()).decode()
        image = f'<img src="data:image/png;base64,{picture}" alt="{html.escape(repr(widget))}">'
        display({"text/html": f'<div class="live" data-file="{file}">{image}</div>', "text/plain": ""}, raw=True)

    desks: dict[str, Mixer] = {}  # by the clock of the mixer that each stands for

    def show_mixer(mixer: Mixer) -> None:
        desk = desks[mixer.clock] = Desk(mixer.stems, **(settings_of(mixer) | {"chart": mixer.chart}))
        show(mixer, "mixer", desk)

    def show_score(view: ScoreView) -> None:
        show(view, "score", Sheet(view.part, view._stem, mixer=desks.get(view.clock), **vars(view.writing)))

    Mixer._ipython_display_ = show_mixer  # type: ignore[method-assign]
    ScoreView._ipython_display_ = show_score  # type: ignore[method-assign]
