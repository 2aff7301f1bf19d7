"""The few fitted numbers of the transcribers, from `calibration.json` (made by `musiclab.transcription.calibrate`)."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def calibration() -> dict[str, Any]:
    """All fitted numbers, read once."""
    text = resources.files(__package__).joinpath("calibration.json").read_text(encoding="utf-8")
    fitted: dict[str, Any] = json.loads(text)
    return fitted
