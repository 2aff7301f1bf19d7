"""What every test may use: a seeded random source, an empty cache, and recordings and a browser if there are any."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

# Before anything heavy is imported: tests run beside each other, one thread each, and never reach for a network.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
# Notebooks, and fixtures of a whole session, get an empty cache too; each test has its own (`own_cache`).
os.environ["MUSICLAB_CACHE"] = tempfile.mkdtemp(prefix="musiclab-tests-")
os.environ["MUSICLAB_KEEPS"] = os.environ["MUSICLAB_CACHE"] + "-keeps"

import hypothesis
import numpy as np
import pytest

# A busy machine is no failure; and the same examples in every run, so that a red test is red for everybody.
hypothesis.settings.register_profile("musiclab", deadline=None, derandomize=True)
hypothesis.settings.load_profile("musiclab")
for folder in ("MUSICLAB_CACHE", "MUSICLAB_KEEPS"):
    atexit.register(shutil.rmtree, os.environ[folder], ignore_errors=True)

# Without its windows it draws and sounds the same, in half of the time.
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)
# A shell lets what it runs in the background ignore Ctrl-C, and so would the programs that tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


def find_browser() -> Path | None:
    """The Chromium to test with: ``MUSICLAB_CHROMIUM``, or the first that the system has."""
    named = os.environ.get("MUSICLAB_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    return Path(found) if found else None


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).resolve() if value and Path(value).is_dir() else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=4.0, help="how long tests/fuzz looks for faults")
    parser.addoption("--kills", type=int, default=50, help="how often tests/faults ends a process at a random moment")


def pytest_configure() -> None:
    if os.environ.get("MUSICLAB_REQUIRE_BROWSER") and find_browser() is None:
        raise pytest.UsageError("MUSICLAB_REQUIRE_BROWSER is set, but there is no Chromium: install it.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {
        "browser": None if find_browser() else "no Chromium here (set MUSICLAB_CHROMIUM to its path)",
        "real": None if _folder("MUSICLAB_REAL_DATA") else "MUSICLAB_REAL_DATA names no folder of real recordings",
    }
    for item in items:
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    _begin_with_what_takes_long(items)


def _begin_with_what_takes_long(items: list[pytest.Item]) -> None:
    """Sort the files, so that at the end no worker is left with one that keeps it for a minute.

    pytest-xdist hands a worker its next files before it needs them: two lessons at the end would wait behind another.
    """
    longest = ("notebook", "timeout", "slow", "browser")
    kinds: dict[Path, int] = {}
    for item in items:
        kind = next((number for number, marker in enumerate(longest) if item.get_closest_marker(marker)), len(longest))
        kinds[item.path] = min(kind, kinds.get(item.path, kind))
    items.sort(key=lambda item: kinds[item.path])


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `own_cache` makes its folders: apart, since pytest reads all of its own folder to number each new one."""
    return tmp_path_factory.mktemp("caches", numbered=False)


@pytest.fixture(autouse=True)
def own_cache(caches: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has an empty cache of its own: none passes or fails by what another one left behind."""
    folder = Path(tempfile.mkdtemp(dir=caches))
    monkeypatch.setenv("MUSICLAB_CACHE", str(folder))
    monkeypatch.setenv("MUSICLAB_KEEPS", str(folder / "keeps-of-players"))
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings (tests that use it carry the marker `real`)."""
    folder = _folder("MUSICLAB_REAL_DATA")
    assert folder is not None, "mark this test with `real`"
    return folder


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """Chromium's program file (tests that use it carry the marker `browser`)."""
    found = find_browser()
    assert found is not None, "mark this test with `browser`"
    return found
