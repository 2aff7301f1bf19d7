"""Songs, a desk, and a client in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from musiclab import datasets
from musiclab.agent.jobs import Desk
from musiclab.agent.server import desk_for


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def song_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of a bundled song."""
    return datasets.demo("paper-boats").mixture[4.0:12.0].save(tmp_path_factory.mktemp("song") / "boats.flac")


@pytest.fixture
def songs(tmp_path: Path, song_file: Path) -> Path:
    """A folder with two songs, one of them in a folder of its own."""
    folder = tmp_path / "songs"
    (folder / "live").mkdir(parents=True)
    for name in ("boats.flac", "live/boats again.flac"):
        (folder / name).write_bytes(song_file.read_bytes())
    (folder / "notes.txt").write_text("not a song")
    return folder


@pytest.fixture
def desk(songs: Path, tmp_path: Path) -> Iterator[Desk]:
    made = desk_for(songs, tmp_path / "out")
    yield made
    for record in made.records():
        made.cancel(record.id)


async def finished(client: Client, job: str) -> CallToolResult:
    """A job's state, once it is over."""
    return await until(client, job, lambda state: state["status"] not in ("waiting", "working"))


async def until(client: Client, job: str, enough: Callable[[dict], bool]) -> CallToolResult:
    """A job's state, once it is as it should be (or over)."""
    while True:
        told = await client.call_tool("job_status", {"job": job})
        state = told.structured_content
        assert state is not None
        if enough(state) or state["status"] not in ("waiting", "working"):
            return told
        await anyio.sleep(0.2)
