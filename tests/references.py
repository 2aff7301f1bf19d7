"""Other people's programs that ours are compared with, loaded without what a test doesn't need of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def museval_metrics() -> ModuleType:
    """museval's figures alone: the package itself asks for FFmpeg's programs as soon as it is imported."""
    package = importlib.util.find_spec("museval")
    assert package is not None, "pip install museval"
    assert package.submodule_search_locations
    found = importlib.util.spec_from_file_location(
        "museval_metrics", Path(package.submodule_search_locations[0]) / "metrics.py"
    )
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
