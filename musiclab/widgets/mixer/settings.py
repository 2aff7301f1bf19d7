"""What a mixer may be set to: checks with clear sentences, and how settings travel as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
from traitlets import TraitError

from musiclab.recipes.stretching import FASTEST, KEYS, SLOWEST

MAX_DB = 12.0  # the top of a fader
SILENT = -math.inf
PACE = {"speed": (SLOWEST, FASTEST), "semitones": (-KEYS, KEYS)}
SLACK = 1e-4  # s: the page counts in frames of its own, and may end a hair later


class Gains(MutableMapping[str, float]):
    """The faders, as a mapping from a stem's name to its gain in dB: ``mixer.gains_db["vocals"] = -6`` moves one."""

    def __init__(self, values: Mapping[str, float], move: Callable[[str, float], Mapping[str, float]]) -> None:
        self._values = dict(values)
        self._move = move

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __setitem__(self, name: str, gain_db: float) -> None:
        self._values = dict(self._move(name, gain_db))

    def __delitem__(self, name: str) -> None:
        raise TypeError("A fader can't be deleted: set it to 0, or to -inf for silence.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def checked_level(value: Any, what: str) -> float:
    """A level in dB, at most `MAX_DB`; -inf is silence."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or math.isnan(value):
        raise TraitError(f"{what} is a level in dB, such as -6 or -inf, not {value!r}.")
    if value > MAX_DB:
        raise TraitError(f"{what} goes up to {MAX_DB:+.0f} dB, not {value:+g}.")
    return float(value)


def checked_names(value: Any, names: tuple[str, ...], what: str) -> tuple[str, ...]:
    """One name or several, in the order of `names`."""
    if not isinstance(value, Iterable):
        raise TraitError(f"{what} takes names of stems, such as ['vocals'], not {value!r}.")
    wanted = [value] if isinstance(value, str) else list(value)
    for name in wanted:
        if name not in names:
            raise TraitError(f"{what}: no stem is called {name!r}; there are {', '.join(names)}.")
    return tuple(name for name in names if name in wanted)


def checked_gains(value: Any, names: tuple[str, ...]) -> dict[str, float]:
    """A gain for each of `names`: 0 dB where none is given."""
    if not isinstance(value, Mapping):
        raise TraitError(f"gains_db takes gains by name, such as {{'vocals': -6}}, not {value!r}.")
    checked_names(value, names, "gains_db")
    return {name: checked_level(value.get(name, 0.0), f"The fader of {name}") for name in names}


def checked_time(value: Any, duration: float, what: str) -> float:
    """Seconds within the song."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TraitError(f"{what} is in seconds, not {value!r}.")
    if not -SLACK <= value <= duration + SLACK:
        raise TraitError(f"{what}: {value} s is outside the song, 0 to {duration:.2f} s.")
    return min(max(float(value), 0.0), duration)


def checked_loop(value: Any, duration: float) -> tuple[float, float] | None:
    """From A to a later B, in seconds; None for no loop."""
    if value is None:
        return None
    ends = [checked_time(end, duration, "loop") for end in value] if isinstance(value, Iterable) else []
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise TraitError(f"A loop goes from A to a later B, such as (2.5, 8), not {value!r}.")
    return ends[0], ends[1]


# --- JSON: it knows no infinity, and no tuples


def _level_to_json(value: float, _widget: object = None) -> float | None:
    return None if value == SILENT else value


def _level_from_json(value: float | None, _widget: object = None) -> float:
    return SILENT if value is None else value


def _gains_to_json(gains: Mapping[str, float], _widget: object) -> dict[str, float | None]:
    return {name: _level_to_json(value) for name, value in gains.items()}


def _gains_from_json(gains: Mapping[str, float | None], _widget: object) -> dict[str, float]:
    return {name: _level_from_json(value) for name, value in gains.items()}


def _list_to_json(value: Iterable[Any] | None, _widget: object) -> list[Any] | None:
    return None if value is None else list(value)


LEVEL = {"to_json": _level_to_json, "from_json": _level_from_json}
GAINS = {"to_json": _gains_to_json, "from_json": _gains_from_json}
SEQUENCE = {"to_json": _list_to_json}
