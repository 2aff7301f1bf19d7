"""`KeepingWidget`: a desk whose loops, mixes and section names are there again tomorrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.widgets.mixer.keeps import checked_keeps, read_keeps, write_keeps
from musiclab.widgets.shared.charting import ChartedWidget


class KeepingWidget(ChartedWidget):
    """A widget with a song's chart that keeps what a player makes of it, in Python and in the page.

    The page knows two traits, ``keeps`` and ``section_names``, and nothing of where they are stored: a page without
    Python can keep the same two in its browser.

    Attributes
    ----------
    keeps : list of dict
        Loops and mixes: ``name`` and ``note``; ``loop`` (s, from and to) with its ``speed`` and ``semitones``, or None;
        ``mix`` (``gains_db``, ``muted``, ``soloed``, ``master_db``; null is silence), or None.
    section_names : dict
        Names that sections were given, by where they begin: ``{"12.50": "Chorus"}``.
    """

    keeps = traitlets.Any(()).tag(sync=True)
    section_names = traitlets.Dict(key_trait=traitlets.Unicode(), value_trait=traitlets.Unicode()).tag(sync=True)

    def __init__(self, sounds: Sequence[Audio], *, song: Stems, **state: Any) -> None:
        self._digest = ""  # nothing is written while it is made
        digest = song.mixture.digest
        super().__init__(sounds, song=song, **({"keeps": []} | read_keeps(digest, song.duration) | state))
        self._digest = digest

    @traitlets.validate("keeps")
    def _check_keeps(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        return checked_keeps(proposal["value"], self._song.duration)

    @traitlets.observe("keeps", "section_names")
    def _keep(self, _change: object) -> None:
        if self._digest:
            self._message = write_keeps(self._digest, {"keeps": self.keeps, "section_names": self.section_names})

    def keep_loop(self, name: str, *, note: str = "") -> None:
        """Keep the loop that is set, with its speed and key, under a name; a loop of this name is replaced."""
        if self.loop is None:
            raise traitlets.TraitError("No loop is set: set one first, such as mixer.loop = (12, 20).")
        pace = {"speed": self.speed, "semitones": self.semitones}
        self._put({"name": name, "note": note, "loop": list(self.loop), **pace, "mix": None})

    def keep_mix(self, name: str, *, note: str = "") -> None:
        """Keep faders, mutes and solos as they stand under a name; a mix of this name is replaced."""
        state = self.get_state(["gains_db", "muted", "soloed", "master_db"])
        self._put({"name": name, "note": note, "loop": None, "mix": state})

    def _put(self, entry: dict[str, Any]) -> None:
        kind = "loop" if entry["loop"] else "mix"
        self.keeps = [*(k for k in self.keeps if k["name"] != entry["name"] or not k[kind]), entry]

    def recall(self, name: str) -> None:
        """Set what was kept under a name: a loop with its speed and key, or a mix."""
        chosen = next((entry for entry in self.keeps if entry["name"] == name), None)
        if chosen is None:
            names = ", ".join(repr(entry["name"]) for entry in self.keeps) or "nothing yet"
            raise traitlets.TraitError(f"Nothing is kept as {name!r}: there is {names}.")
        with self.hold_sync():
            if chosen["loop"]:
                self.loop, self.speed, self.semitones = chosen["loop"], chosen["speed"], chosen["semitones"]
            if chosen["mix"]:
                self._recall_mix(chosen["mix"])

    def _recall_mix(self, mix: dict[str, Any]) -> None:
        raise NotImplementedError
