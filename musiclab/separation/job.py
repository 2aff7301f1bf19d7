"""One song and one engine: what the result is called in the store, how it is made, how it is opened.

Notebook: 06
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from musiclab.audio import Audio
from musiclab.errors import WeightsError
from musiclab.progress import Progress
from musiclab.separation import registry
from musiclab.separation.engine import Engine
from musiclab.separation.settings import SeparationSettings
from musiclab.stems import Stems
from musiclab.store import key_of

if TYPE_CHECKING:
    from musiclab.separation.loop import Cancel

VERSION = 1  # part of every result's key: raise it when the same request gives other samples
CARD = "card.json"  # beside the stems: how they were made


@dataclass(frozen=True)
class How:
    """What changes how long a separation takes, and who watches it; never the result.

    Parameters
    ----------
    device, batch, cancel
        As in `musiclab.separate`.
    progress : callable or None
        Called with a fraction (0 to 1) and a text.
    """

    device: str = "auto"
    batch: int | None = None
    progress: Progress | None = None
    cancel: Cancel | None = None


@dataclass(frozen=True)
class Job:
    """A song to be separated by an engine.

    Parameters
    ----------
    song : Audio
        The mixture.
    engine : str or Engine
        By name, so that a stored result needs no engine to be loaded; or one of the caller's own.
    settings : SeparationSettings
        What changes the result.
    how : How
        What doesn't.
    note : str
        Why this engine, for `Stems.note`.
    """

    song: Audio
    engine: str | Engine
    settings: SeparationSettings
    how: How
    note: str = ""

    @cached_property
    def version(self) -> str:
        """The engine's version; empty if its results can't be kept. Weights that are not here are fetched."""
        if isinstance(self.engine, str):
            return registry.version(self.engine, progress=self.how.progress)
        return getattr(self.engine, "version", "")

    @property
    def key(self) -> str:
        """What the result is called in the store; empty if it can't be kept."""
        name = self.engine if isinstance(self.engine, str) else self.engine.name
        parts = ("stems", VERSION, self.song.digest, name, self.version, *vars(self.settings).values())
        return key_of(*parts) if self.version else ""

    def fill(self, folder: Path) -> None:
        """Separate the song into the files of `folder`."""
        engine = self._loaded()
        self._separate(engine, folder)
        card = {"engine": engine.name, "stems": list(engine.stems), "sr": self.song.sr}
        (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")

    def open(self, folder: Path) -> Stems:
        """The stems of a filled folder, as views of its files."""
        import numpy as np

        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        parts = {
            name: Audio.of_checked(np.load(folder / f"{name}.npy", mmap_mode="r"), self.song.sr, title=name)
            for name in card["stems"]
        }
        return Stems(parts, self.song, engine=card["engine"], note=self.note)

    def _loaded(self) -> Engine:
        if not isinstance(self.engine, str):
            return self.engine
        engine = registry.load_engine(self.engine, progress=self.how.progress)
        found = getattr(engine, "version", "")
        if found and self.version and found != self.version:  # else its stems would be kept under another's name
            raise WeightsError(f"The weights of {self.engine!r} were changed while they were read: try again.")
        return engine

    def _separate(self, engine: Engine, folder: Path) -> None:
        from musiclab.separation import device as devices
        from musiclab.separation.loop import Run
        from musiclab.separation.streams import EngineInput, StemWriter

        place = devices.resolve(self.how.device)
        scratch = folder / "resampled.npy"
        heard = EngineInput(self.song, engine.sr, normalise=engine.normalise, scratch=scratch)
        with StemWriter(folder, engine.stems, self.song, heard, engine.sr) as files:
            if not heard.silent:  # the files of a silent song stay as they are: silence
                wanted, best = self.settings.precision, self.settings.quality == "best"
                precision = devices.precision(wanted, place, engine, best=best)
                batch = self.how.batch or devices.default_batch(place)
                run = Run(engine, place, self.settings.layout(engine), batch, precision)
                run.separate(heard.read, heard.frames, files.write, progress=self.how.progress, cancel=self.how.cancel)
        scratch.unlink(missing_ok=True)
