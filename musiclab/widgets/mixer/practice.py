"""How a song is practised at the mixer: click, count-in, rest, a trainer of speed. What may be set, and to what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets
from traitlets import TraitError

from musiclab.recipes.stretching import FASTEST, SLOWEST
from musiclab.widgets.mixer.settings import LEVEL, checked_level

TRAINER = {"start": 0.6, "end": 1.0, "step": 0.05, "rounds": 2}
STEPS = (0.01, 0.5)  # of a trainer, as a factor
COUNTS = {"click_division": (1, 4), "count_in": (0, 2), "rest": (0, 4)}
MOST_ROUNDS = 50  # at one speed


class Practising(traitlets.HasTraits):
    """The settings of a practice: all need the song's beats (`Mixer.chart`), but for the trainer.

    Attributes
    ----------
    click : bool
        A click on every beat, at the song's own tempo as it drifts; sharp at any speed.
    click_db : float
        Its level in dB, ``-inf`` to +12, against that of `musiclab.remix_pack`'s click; the master lowers it too.
    click_division : int
        Clicks a beat: 1 to 4.
    click_accents : bool
        Whether the first beat of a bar sounds higher and louder.
    count_in : int
        Bars counted before the start, 0 to 2, at the tempo of the place: with the missing beats of a pick-up bar.
    count_in_rounds : bool
        Whether each round of the loop is counted in, and not the start alone.
    rest : int
        Bars of silence between two rounds of the loop, 0 to 4.
    trainer : Mapping or None
        Rounds of the loop (or of the song) from one speed to another, then it stops: ``{"start": 0.6, "end": 1.0,
        "step": 0.05, "rounds": 2}``, speeds as `Mixer.speed` (they take its place), `rounds` at each. What is left out
        is as written here.
    round : int
        Which round it is, from 0; told by the page.
    """

    click = traitlets.Bool(False).tag(sync=True)
    click_db = traitlets.Any(-6.0).tag(sync=True, **LEVEL)
    click_division = traitlets.Int(1).tag(sync=True)
    click_accents = traitlets.Bool(True).tag(sync=True)
    count_in = traitlets.Int(0).tag(sync=True)
    count_in_rounds = traitlets.Bool(False).tag(sync=True)
    rest = traitlets.Int(0).tag(sync=True)
    trainer = traitlets.Any(None, allow_none=True).tag(sync=True)
    round = traitlets.Int(0).tag(sync=True)

    @traitlets.validate("click_division", "count_in", "rest")
    def _check_count(self, proposal: dict[str, Any]) -> int:
        name, value = proposal["trait"].name, int(proposal["value"])
        low, high = COUNTS[name]
        if not low <= value <= high:
            raise TraitError(f"{name} goes from {low} to {high}, not {value}.")
        return value

    @traitlets.validate("click_db")
    def _check_click(self, proposal: dict[str, Any]) -> float:
        return checked_level(proposal["value"], "The click")

    @traitlets.validate("trainer")
    def _check_trainer(self, proposal: dict[str, Any]) -> dict[str, Any] | None:
        return checked_trainer(proposal["value"])


def checked_trainer(value: Any) -> dict[str, Any] | None:
    """All that a trainer needs to know; None for no trainer."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not set(value) <= set(TRAINER):
        raise TraitError(f"A trainer is set as {TRAINER}, or to None, not to {value!r}.")
    trainer = TRAINER | dict(value)
    bounds = {"start": (SLOWEST, FASTEST), "end": (SLOWEST, FASTEST), "step": STEPS, "rounds": (1, MOST_ROUNDS)}
    for name, (low, high) in bounds.items():
        number = trainer[name]
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
            raise TraitError(f"{name} of the trainer goes from {low:g} to {high:g}, not {number!r}.")
    if int(trainer["rounds"]) != trainer["rounds"]:
        raise TraitError(f"The trainer counts whole rounds, not {trainer['rounds']!r}.")
    return {name: float(trainer[name]) for name in ("start", "end", "step")} | {"rounds": int(trainer["rounds"])}
