"""Weights from a hub: fetched with a full check, kept, and refused when they are not what was published."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from musiclab.errors import EngineError, OfflineError, WeightsError
from musiclab.separation import fetching, weights
from musiclab.store import default_store


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


def test_weights_are_fetched_once_and_checked(hub: Hub) -> None:
    told: list[float] = []
    folder = weights.fetch("htdemucs", progress=lambda fraction, _: told.append(fraction))
    assert (folder / "955717e8.safetensors").read_bytes() == hub.files["955717e8.safetensors"]
    assert not (folder / ".cache").exists()
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    asked = len(hub.asked)
    assert weights.fetch("htdemucs") == folder
    assert len(hub.asked) == asked
    assert weights.is_here("htdemucs")
    assert weights.version("htdemucs")


def test_a_file_that_differs_from_what_the_hub_states_is_refused(hub: Hub) -> None:
    hub.stated["955717e8.safetensors"] = "ab" * 32
    with pytest.raises(WeightsError, match="did not arrive as it was published"):
        weights.fetch("htdemucs")
    assert not weights.is_here("htdemucs")
    assert not list(default_store().root.rglob("*.safetensors"))


def test_a_file_that_differs_from_the_manifest_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = weights.entry("htdemucs")
    monkeypatch.setitem(entry.sources[0].files, "htdemucs.yaml", "cd" * 32)
    hub.stated["htdemucs.yaml"] = "short"  # small files carry no SHA-256 as their ETag
    with pytest.raises(WeightsError, match=r"htdemucs\.yaml"):
        weights.fetch("htdemucs")


@pytest.mark.parametrize("trouble", ["error", "missing"])
def test_a_failing_hub_is_said_and_leaves_nothing(hub: Hub, trouble: str) -> None:
    if trouble == "error":
        hub.broken = True
    else:
        del hub.files["955717e8.safetensors"]
    with pytest.raises(OfflineError, match="from the hub failed"):
        weights.fetch("htdemucs")
    assert not weights.is_here("htdemucs")
    assert not list(default_store().root.rglob("*.yaml"))


def test_the_hubs_own_cache_is_used(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--adefossez--HTDemucs" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name, content in hub.files.items():
        (snapshot / name).write_bytes(content)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert weights.is_here("htdemucs")
    weights.fetch("htdemucs")
    assert hub.asked == []


@pytest.mark.parametrize("damage", ["changed", "missing", "no record"])
def test_damage_is_found(hub: Hub, damage: str) -> None:
    folder = weights.fetch("htdemucs")
    file = folder / "955717e8.safetensors"
    assert hub.asked
    if damage == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    elif damage == "missing":
        file.unlink()
    else:
        record = next(folder.glob(".*.json"))
        content = json.loads(record.read_text())
        record.write_text(json.dumps({name: known for name, known in content.items() if name != file.name}))
    with pytest.raises(WeightsError, match="htdemucs"):
        weights.verify("htdemucs", folder)


def test_names_that_are_not_there() -> None:
    with pytest.raises(EngineError, match="htdemucs"):
        weights.entry("hpss")
    with pytest.raises(WeightsError, match="not in the store"):
        weights.verify("mdx_extra")
