"""What a job of the server does is a job of the package; engines are taken by name alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiclab.agent import tools
from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.progress import Watch


def test_an_engine_has_a_name_of_the_table_and_is_never_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musiclab.recipes.jobs.run", lambda *given: given)
    song, watch = Audio(np.zeros(10), 8000), Watch(None)
    asked: list[dict[str, Any]] = [{}, {"engine": "auto"}, {"engine": "hpss"}]
    for arguments in asked:
        assert tools.run("separate", song, arguments, Path("out"), watch) == (
            "separate", song, arguments, Path("out"), watch,
        )  # fmt: skip
    for engine in ("demucs:elsewhere", "/etc", ""):
        with pytest.raises(EngineError, match=r"There is no engine .*: choose auto, .*hpss"):
            tools.run("separate", song, {"engine": engine}, Path("out"), watch)
