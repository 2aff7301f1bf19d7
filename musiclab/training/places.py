"""Where in the package the trainers write what they made."""

from __future__ import annotations

from pathlib import Path

from musiclab import transcription


def listeners_folder() -> Path:
    """The folder of what the transcribers know: networks and `calibration.json`."""
    return Path(transcription.__file__).parent
