"""How loud each note is: velocities from the recording's level, and notes that are only bleed.

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musiclab.notes import Note

ATTACK = 0.12  # s after the onset in which a note is at its loudest
VELOCITY_PER_DB = 2.0  # 30 dB between pianissimo and fortissimo are 60 steps of velocity
LOUD_VELOCITY = 100  # velocity of the 90th percentile


def note_levels(notes: Sequence[Note], level_db: np.ndarray, hop: float) -> np.ndarray:
    """Highest level (dBFS) in the first `ATTACK` seconds of each note [shape=(notes,)]; `hop` in seconds."""
    last = len(level_db) - 1
    starts = [min(round(note.onset / hop), last) for note in notes]
    stops = [min(round(min(note.offset, note.onset + ATTACK) / hop), last) for note in notes]
    return np.array([level_db[a : max(a, b) + 1].max() for a, b in zip(starts, stops, strict=True)])


def with_dynamics(notes: Sequence[Note], level_db: np.ndarray, hop: float, *, gate_db: float = 40.0) -> list[Note]:
    """The notes with velocities; those more than `gate_db` below the loud ones (90th percentile) are dropped.

    Parameters
    ----------
    notes : Sequence[Note]
        With any velocity.
    level_db : np.ndarray [shape=(columns,)]
        Level of the recording in dBFS.
    hop : float
        Seconds from one column to the next.
    gate_db : float
        What another instrument leaves in a stem lies so far below.
    """
    if not notes:
        return []
    levels = note_levels(notes, level_db, hop)
    loud = float(np.quantile(levels, 0.9))
    velocities = np.clip(np.rint(LOUD_VELOCITY + VELOCITY_PER_DB * (levels - loud)), 1, 127).astype(int)
    return [
        replace(note, velocity=int(velocity))
        for note, velocity, level in zip(notes, velocities, levels, strict=True)
        if level >= loud - gate_db
    ]
