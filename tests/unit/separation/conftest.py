"""A hub of weights for tests, on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from musiclab.separation import fetching


class Hub:
    """A hub on this machine, that answers as the real one does."""

    def __init__(self) -> None:
        self.files = {"htdemucs.yaml": b"models: ['955717e8']", "955717e8.safetensors": bytes(range(256)) * 2000}
        self.stated: dict[str, str] = {}
        self.asked: list[str] = []
        self.broken = False

    def handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                hub.asked.append(self.path)
                self._answer(body=True)

            def _answer(self, *, body: bool) -> None:
                content = hub.files.get(self.path.rsplit("/", 1)[-1])
                if content is None or hub.broken:
                    self.send_error(403 if hub.broken else 404)
                    return
                digest = hub.stated.get(self.path.rsplit("/", 1)[-1], hashlib.sha256(content).hexdigest())
                self.send_response(200)
                self.send_header("ETag", f'"{digest}"')
                self.send_header("X-Repo-Commit", "0" * 40)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Quietly."""

        return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), hub.handler())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(fetching, "_last", {})
    monkeypatch.setenv("HF_HUB_CACHE", "/nonexistent")
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()
