"""What a pitch tracker hears of a single line, column by column: all that the cutting of it into notes begins with.

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SR = 16000  # Hz, SwiftF0's
HOP = 256  # samples at 16 kHz
COLUMN_S = HOP / SR  # seconds from one column to the next: 16 ms


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """A fundamental for each column of 16 ms; column k is centred on k · 0.016 s.

    Attributes
    ----------
    pitch : np.ndarray [shape=(columns,)]
        MIDI, with fractions; meaningless where `voicing` is low.
    voicing : np.ndarray [shape=(columns,)], 0–1
        How sure it is that there is a pitch.
    level_db : np.ndarray [shape=(columns,)]
        In dBFS.
    changes : np.ndarray [shape=(columns, 11)]
        What rises, turns and sounds here: see `musiclab.transcription.onsets.changes`.
    """

    pitch: np.ndarray
    voicing: np.ndarray
    level_db: np.ndarray
    changes: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """In seconds [shape=(columns,)]."""
        return np.arange(len(self.pitch)) * COLUMN_S
