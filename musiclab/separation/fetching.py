"""Fetching weights: from the Hugging Face hub, or as an archive from an address; and whether that can be reached.

Notebook: 06
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import ssl
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from musiclab.errors import OfflineError, WeightsError
from musiclab.progress import Progress
from musiclab.separation.manifest import Source, Weights
from musiclab.store import sha256_of
from musiclab.threads import has_threads

PATIENCE = 3.0  # seconds that a host has to answer before it counts as out of reach
MEMORY = 30.0  # seconds for which that finding is kept
CHUNK = 1 << 18  # bytes read at once


def download(item: Weights, source: Source, folder: Path, progress: Progress | None) -> dict[str, str]:
    """Fetch the files of `source` into `folder`; the SHA-256 of those for which the hub states it.

    Raises
    ------
    OfflineError
        If that fails on the way.
    WeightsError
        If an archive is not the one that was published.
    """
    stated: dict[str, str] = {}
    if source.kind == "archive":
        _archive(item, source, folder, progress)
        return stated
    for done, file in enumerate(source.files):

        def report(share: float, done: int = done, file: str = file) -> None:
            if progress:
                progress((done + share) / len(source.files), f"fetching {item.name}: {file}")

        report(0.0)
        if digest := _from_hub(item, source.place, file, folder, report):
            stated[file] = digest
    return stated


def _from_hub(item: Weights, hub_name: str, file: str, folder: Path, report: Callable[[float], None]) -> str:
    """Fetch one file from the hub; the SHA-256 that the hub states for it, if it does.

    The hub names a large file by its SHA-256 (its ETag), so even a first download can be checked in full.
    """
    import huggingface_hub as hub

    try:
        hub.hf_hub_download(
            hub_name, file, local_dir=folder, endpoint=endpoint(), etag_timeout=PATIENCE, tqdm_class=_meter(report)
        )
        url = hub.hf_hub_url(hub_name, file, endpoint=endpoint())
        etag = hub.get_hf_file_metadata(url, timeout=PATIENCE).etag
    except Exception as error:  # the library raises its own, its HTTP client's and the system's errors
        raise OfflineError(
            f"Fetching {file} of {item.name!r} from the hub failed ({short(error)}): try again later, or choose "
            "an engine that is ready."
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the library's notes on the download
    return etag if etag and len(etag) == 64 else ""


def _meter(report: Callable[[float], None]) -> type:
    """The library's progress bar, shown nowhere, that tells `report` how much of a file has come."""
    from tqdm.std import tqdm  # type: ignore[import-untyped]

    class Meter(tqdm):  # type: ignore[misc]
        def __init__(self, *args: object, **settings: Any) -> None:
            settings.pop("name", None)
            super().__init__(*args, **{**settings, "file": io.StringIO(), "disable": False})

        def update(self, n: float = 1) -> None:
            super().update(n)
            if self.total:
                report(min(self.n / self.total, 1.0))

    return Meter


def _archive(item: Weights, source: Source, folder: Path, progress: Progress | None) -> None:
    """Fetch an archive, check it, and take the wanted files out of it, by their names alone."""
    packed = folder / "archive.tar.gz"
    try:
        with urllib.request.urlopen(source.place, timeout=PATIENCE) as answer, packed.open("wb") as file:
            size, done = int(answer.headers.get("Content-Length") or source.size), 0
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(min(done / max(size, 1), 1.0), f"fetching {item.name}")
    except (OSError, ValueError) as error:
        raise OfflineError(
            f"Fetching the weights of {item.name!r} from {source.place} failed ({short(error)}): try again later, or "
            "choose an engine that is ready."
        ) from error
    if source.sha256 and sha256_of(packed) != source.sha256:
        raise WeightsError(f"The archive of {item.name!r} did not arrive as it was published: fetch it again.")
    with tarfile.open(packed) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if member.isfile() and name in source.files and (content := archive.extractfile(member)):
                with content, (folder / name).open("wb") as target:
                    shutil.copyfileobj(content, target)
    packed.unlink()


def endpoint() -> str:
    """The hub's address."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


_last: dict[str, tuple[float, str]] = {}


def unreachable(address: str = "") -> str:
    """Why a host (the hub, if none is given) can't be reached, or nothing if it can. Takes `PATIENCE` seconds at most.

    The look-up of a host's name knows no time limit, so it is done in a thread that may be left behind.
    """
    address = address or endpoint()
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "HF_HUB_OFFLINE is set"
    if not has_threads():
        return "a page has no network of its own"
    asked, known = _last.get(address, (float("-inf"), ""))
    if time.monotonic() - asked < MEMORY:
        return known
    answer = [f"no answer within {PATIENCE:.0f} seconds"]
    probe = threading.Thread(target=lambda: answer.__setitem__(0, _probe(address)), daemon=True)
    probe.start()
    probe.join(PATIENCE)
    _last[address] = (time.monotonic(), answer[0])
    return answer[0]


def _probe(address: str) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=PATIENCE):
            return ""
    except urllib.error.HTTPError:
        return ""  # it answered
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLError):
            return f"its certificate is not accepted, as behind some company proxies: {short(error)}"
        if isinstance(getattr(error, "reason", None), socket.gaierror):  # the host's name isn't known: no network
            return "no connection"
        return f"no connection: {short(error)}"


def short(error: Exception) -> str:
    """What went wrong, in one line of at most 160 characters."""
    reason = getattr(error, "reason", None) or error
    return (str(reason).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
