"""What works for which instrument: thresholds, fitted on rendered music and kept or dropped with real recordings in
view (see `docs/transcription.md`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from musiclab.instruments import Instrument
from musiclab.transcription.monophonic import LineSettings
from musiclab.transcription.pitch_track import COLUMN_S

MIDDLE_ONSET, MIDDLE_FRAME = 0.5, 0.3  # thresholds at which lines are cut as their settings say


@dataclass(frozen=True)
class NoteSettings:
    """What an instrument's notes are made with.

    Parameters
    ----------
    onset_threshold, frame_threshold : float
        0–1: how likely a note has to be, and how sure that it still sounds.
    min_length : float
        Shortest note in seconds (not for drums).
    soft_onsets : bool
        Whether sound without an onset becomes notes.
    """

    onset_threshold: float = MIDDLE_ONSET
    frame_threshold: float = MIDDLE_FRAME
    min_length: float = 0.05
    soft_onsets: bool = True

    def for_lines(self) -> LineSettings:
        """The same for lines of single notes, whose costs are log-odds: a threshold moves them up or down."""
        usual = LineSettings()
        onset, frame = (float(np.clip(t, 0.01, 0.99)) for t in (self.onset_threshold, self.frame_threshold))
        return replace(
            usual,
            onset_bias=usual.onset_bias - float(np.log(onset / (1 - onset))),
            rest=usual.rest * (1 - frame) / (1 - MIDDLE_FRAME),
            unvoiced=usual.unvoiced * frame / MIDDLE_FRAME,
            min_columns=max(2, round(self.min_length / COLUMN_S)),
            least_confidence=usual.least_confidence * onset / MIDDLE_ONSET,
        )


LINE = NoteSettings(min_length=0.096)
CHORDS = NoteSettings(onset_threshold=0.3)
DRUMS = NoteSettings(onset_threshold=0.35)  # see drums.THRESHOLD
BY_FAMILY = {"voice": LINE, "bass": LINE, "winds": LINE, "brass": LINE, "drums": DRUMS}


def settings_for(instrument: Instrument) -> NoteSettings:
    """The settings of an instrument's family."""
    return BY_FAMILY.get(instrument.family, CHORDS)
