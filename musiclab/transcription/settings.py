"""What works for which instrument: thresholds, chosen on rendered music (see `docs/transcription.md`), not on the
recordings that we test with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from musiclab.instruments import Instrument
from musiclab.transcription.monophonic import LineSettings


@dataclass(frozen=True)
class Settings:
    """Thresholds of one instrument: 0–1, `min_length` in seconds."""

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    min_length: float = 0.08
    line: LineSettings = field(default_factory=LineSettings)


BY_FAMILY: dict[str, Settings] = {}


def settings_for(instrument: Instrument) -> Settings:
    """The settings of an instrument's family."""
    return BY_FAMILY.get(instrument.family, Settings())
