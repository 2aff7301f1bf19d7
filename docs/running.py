"""Notebooks from top to bottom, for these pages and for the tests."""

from __future__ import annotations

from queue import Empty
from time import monotonic
from typing import Any

from nbclient import NotebookClient


class Client(NotebookClient):
    """Runs a notebook, and looks for a cell's reply every second.

    While it waits for one, nbclient writes to output widgets (those of ``interact``) by the same socket. Its wait does
    not hear of a reply that comes just then, and would go on for as long as a cell may take.
    """

    async def async_start_new_kernel_client(self) -> Any:
        client = await super().async_start_new_kernel_client()
        get = client.shell_channel.get_msg

        async def get_msg(timeout: float | None = None) -> Any:
            end = float("inf") if timeout is None else monotonic() + timeout
            while True:
                try:
                    return await get(timeout=max(0.0, min(1.0, end - monotonic())))
                except Empty:
                    if monotonic() >= end:
                        raise

        client.shell_channel.get_msg = get_msg
        return client
