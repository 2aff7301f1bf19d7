"""One song and one engine: what the result is called in the store, how it is made, how it is opened.

Notebook: 06
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from musiclab import heap
from musiclab.audio import Audio
from musiclab.errors import WeightsError
from musiclab.packages import need
from musiclab.separation import registry
from musiclab.separation.engine import Engine
from musiclab.separation.settings import How, SeparationSettings
from musiclab.stems import Stems
from musiclab.store import key_of

VERSION = 1  # part of every result's key: raise it when the same request gives other samples
CARD = "card.json"  # beside the stems: how they were made


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
        need("torch", "Separating")
        from musiclab.separation import whole

        engine = self._loaded()
        with heap.kept():
            whole.fill(engine, self.song, folder, settings=self.settings, how=self.how)
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
