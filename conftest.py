"""Notebooks are tests, too."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.suffix != ".ipynb" or file_path.parent.name != "notebooks":
        return None
    from tests.lessons import LessonFile

    return LessonFile.from_parent(parent, path=file_path)
