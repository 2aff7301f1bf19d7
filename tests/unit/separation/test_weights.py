"""Weights from a hub: fetched with a full check, kept, and refused when they are not what was published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiclab.errors import EngineError, OfflineError, WeightsError
from musiclab.separation import weights
from musiclab.store import default_store
from tests.unit.separation.conftest import Hub


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
