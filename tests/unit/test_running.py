"""Notebooks that are run for the pages and the tests: a reply that came unheard is soon found."""

from __future__ import annotations

import asyncio
from queue import Empty
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from docs.running import Client


@pytest.mark.parametrize("timeout", [600.0, None])
def test_a_reply_that_a_wait_missed_is_found_by_the_next_look(
    timeout: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def get_msg(timeout: float) -> str:
        waits.append(timeout)
        if len(waits) < 3:
            raise Empty
        return "reply"

    channel = connected(get_msg, monkeypatch)
    assert asyncio.run(channel.get_msg(timeout=timeout)) == "reply"
    assert len(waits) == 3
    assert max(waits) <= 1


def test_when_the_time_is_up_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def get_msg(timeout: float) -> str:
        await asyncio.sleep(timeout)
        raise Empty

    channel = connected(get_msg, monkeypatch)
    with pytest.raises(Empty):
        asyncio.run(channel.get_msg(timeout=0.1))


def connected(get_msg: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shell channel of a client whose own one answers so."""

    async def start(self: NotebookClient) -> Any:
        return SimpleNamespace(shell_channel=SimpleNamespace(get_msg=get_msg))

    monkeypatch.setattr(NotebookClient, "async_start_new_kernel_client", start)
    client = Client(nbformat.v4.new_notebook())
    return asyncio.run(client.async_start_new_kernel_client()).shell_channel
