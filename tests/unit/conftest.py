"""What every unit test has: an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def own_loop() -> Iterator[None]:
    """A browser test before, in the same process, leaves its loop marked as running: it is Playwright's, and waits."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)
