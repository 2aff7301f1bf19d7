"""Where in the package the trainers write what they made."""

from __future__ import annotations

from pathlib import Path

from musiclab import transcription
from musiclab.separation.engines.embedded import WEIGHTS


def listeners_folder() -> Path:
    """The folder of what the transcribers know: networks and `calibration.json`."""
    return Path(transcription.__file__).parent


def separator_weights() -> Path:
    """The file of the embedded separator's weights; what is known of them lies beside it, as JSON."""
    return WEIGHTS
