"""The cheapest path of a line through silence and pitches: the Viterbi search of `musiclab.transcription.monophonic`.

Notebook: 10
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Costs:
    """What a path through silence and pitches costs, but for the beginnings of its notes.

    Attributes
    ----------
    note : np.ndarray [shape=(columns, states)]
        A column of a note at each pitch.
    first : np.ndarray [shape=(columns - min_columns + 1, states)]
        The shortest note at each pitch, from each column on.
    silent : list of float
        A column of silence.
    """

    note: np.ndarray
    first: np.ndarray
    silent: list[float]


def decode(costs: Costs, entry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best path: for each column its state (-1 is silence), and whether a note begins there.

    `entry` [shape=(columns,)] is what beginning a note costs. Every note lasts at least `min_columns`: a state is
    entered with the costs of its first columns already summed.
    """
    columns, states = costs.note.shape
    shortest = columns - len(costs.first) + 1
    entries = entry.tolist()
    best_any = [0.0] + [np.inf] * columns  # best cost of all paths that end before column t
    from_state = np.full(columns + 1, -1)
    note, new = np.full(states, np.inf), np.empty(states)
    quiet = 0.0
    # the note that reaches column t this way began shortest-1 earlier
    entered = np.zeros((columns, states), dtype=bool)
    beginnings_at = itertools.chain(itertools.repeat(None, shortest - 1), costs.first)
    for t, (here, first_columns, fresh) in enumerate(zip(costs.note, beginnings_at, entered, strict=True)):
        note += here
        if first_columns is not None:
            begin = t - shortest + 1
            np.add(first_columns, best_any[begin] + entries[begin], out=new)
            np.less(new, note, out=fresh)
            np.minimum(new, note, out=note)
        quiet = min(quiet, best_any[t]) + costs.silent[t]
        state = int(note.argmin())
        best = float(note[state])
        best_any[t + 1] = min(best, quiet)
        from_state[t + 1] = state if best < quiet else -1
    return _trace(from_state, entered, shortest)


def _trace(from_state: np.ndarray, entered: np.ndarray, shortest: int) -> tuple[np.ndarray, np.ndarray]:
    """Walk back along the best path."""
    columns = len(entered)
    path = np.full(columns, -1)
    begins = np.zeros(columns, dtype=bool)
    t = columns
    while t > 0:
        state = from_state[t]
        if state < 0:
            t -= 1
            continue
        while not entered[t - 1, state]:
            path[t - 1] = state
            t -= 1
        path[t - shortest : t] = state
        begins[t - shortest] = True
        t -= shortest
    return path, begins
