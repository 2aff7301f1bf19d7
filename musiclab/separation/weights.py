"""Weights that have to be fetched: where they come from, that they are what they were, and under which licence.

The manifest beside this file names them. A file whose SHA-256 stands in the manifest must have it; of any other the
store records the SHA-256 when it is first fetched, and it is checked at every load after. Only safetensors are read.

Notebook: 06
"""

from __future__ import annotations

import io
import json
import os
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from musiclab.errors import EngineError, OfflineError, WeightsError
from musiclab.separation.engine import Licence
from musiclab.store import contents, default_store, key_of, sha256_of

FOLDER_VARIABLE = "MUSICLAB_WEIGHTS"  # a folder with weights that were brought here by hand
KIND = "weights"
PATIENCE = 3.0  # seconds that the hub has to answer before it counts as out of reach
MEMORY = 30.0  # seconds for which that finding is kept

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Weights:
    """One entry of the manifest.

    Parameters
    ----------
    name : str
        Of the engine.
    hub : str
        The repository on the Hugging Face hub.
    files : dict
        Name of each file, with its SHA-256 (None: record at the first download).
    stems, licence, quality
        As in `EngineInfo`.
    size : int
        Bytes to fetch, about.
    """

    name: str
    hub: str
    files: dict[str, str | None]
    stems: tuple[str, ...]
    licence: Licence
    quality: str
    size: int


@cache
def _manifest() -> dict[str, Weights]:
    raw = json.loads((Path(__file__).parent / "manifest.json").read_text(encoding="utf-8"))
    return {
        name: Weights(
            name=name,
            hub=item["hub"],
            files={file: about["sha256"] for file, about in item["files"].items()},
            stems=tuple(item["stems"]),
            licence=Licence(**raw["licences"][item["licence"]]),
            quality=item["quality"],
            size=sum(about["size"] for about in item["files"].values()),
        )
        for name, item in raw["weights"].items()
    }


def names() -> tuple[str, ...]:
    """The engines whose weights are fetched, the best first."""
    return tuple(_manifest())


def entry(name: str) -> Weights:
    """What the manifest says of one of them.

    Raises
    ------
    EngineError
        If it isn't there.
    """
    try:
        return _manifest()[name]
    except KeyError:
        raise EngineError(f"No weights are called {name!r}: there are {', '.join(names())}.") from None


def is_here(name: str) -> bool:
    """Whether the weights are on this machine: in the store, in your folder, or in the hub's own cache."""
    return any(_places(entry(name)))


def _places(item: Weights) -> tuple[Path | None, Path | None, Path | None]:
    """Where the files are: in the store, in the folder of MUSICLAB_WEIGHTS, in the hub's cache."""
    own = os.environ.get(FOLDER_VARIABLE)
    candidates = [Path(own).expanduser(), Path(own).expanduser() / item.name] if own else []
    stored = default_store().peek(item.name, kind=KIND)
    return stored, _complete(candidates, item), _complete(_snapshots(item.hub), item)


def _complete(folders: list[Path], item: Weights) -> Path | None:
    return next((folder for folder in folders if all((folder / file).is_file() for file in item.files)), None)


def _snapshots(hub: str) -> list[Path]:
    """Folders of the hub's own cache that may hold the files. Looked at by hand: importing its library is slow."""
    home = Path(os.environ.get("HF_HOME", Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"))
    root = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    return sorted((root / f"models--{hub.replace('/', '--')}" / "snapshots").glob("*"))


def fetch(name: str, *, progress: Progress | None = None) -> Path:
    """The folder with the checked weights of an engine; fetched if they aren't here.

    Parameters
    ----------
    name : str
        Of the engine.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text.

    Raises
    ------
    OfflineError
        If they aren't here and the hub can't be reached (told within 5 seconds).
    WeightsError
        If a file differs from the manifest, or from what was first fetched.
    """
    item = entry(name)
    stored, own, cached = _places(item)
    if stored is None:
        source = own or cached
        if source is None and (trouble := unreachable()):
            raise OfflineError(
                f"The weights of {name!r} are not on this machine and can't be fetched ({trouble}): go online, put "
                f"them into a folder named by {FOLDER_VARIABLE}, or choose an engine that is ready, such as 'embedded'."
            )
        stored = default_store().entry(item.name, lambda folder: _fill(folder, item, source, progress), kind=KIND)
    verify(name, stored)
    return stored


def _fill(folder: Path, item: Weights, source: Path | None, progress: Progress | None) -> None:
    """Bring the files of `item` into `folder`; the store records their digests."""
    for done, (file, expected) in enumerate(item.files.items()):

        def report(share: float, done: int = done, file: str = file) -> None:
            if progress:
                progress((done + share) / len(item.files), f"fetching {item.name}: {file}")

        report(0.0)
        if source is not None:
            shutil.copyfile(source / file, folder / file)
        else:
            expected = _download(item, file, folder, report) or expected
        if expected and sha256_of(folder / file) != expected:
            raise WeightsError(f"{file} of {item.name!r} did not arrive as it was published: fetch it again.")


def _download(item: Weights, file: str, folder: Path, report: Callable[[float], None]) -> str | None:
    """Fetch one file from the hub; the SHA-256 that the hub states for it, if it does.

    The hub names a large file by its SHA-256 (its ETag), so even a first download can be checked in full.
    """
    import huggingface_hub as hub

    try:
        hub.hf_hub_download(
            item.hub, file, local_dir=folder, endpoint=_endpoint(), etag_timeout=PATIENCE, tqdm_class=_meter(report)
        )
        url = hub.hf_hub_url(item.hub, file, endpoint=_endpoint())
        etag = hub.get_hf_file_metadata(url, timeout=PATIENCE).etag
    except Exception as error:  # the library raises its own, its HTTP client's and the system's errors
        raise OfflineError(
            f"Fetching {file} of {item.name!r} from the hub failed ({_short(error)}): try again later, or choose "
            "an engine that is ready."
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the library's notes on the download
    return etag if etag and len(etag) == 64 else None


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


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def verify(name: str, folder: Path | None = None) -> dict[str, str]:
    """Check the weights in the store against the manifest and against what was recorded when they were fetched.

    Returns
    -------
    dict
        The SHA-256 of each file.

    Raises
    ------
    WeightsError
        If a file is missing or changed.
    """
    item = entry(name)
    folder = folder or default_store().peek(item.name, kind=KIND)
    if folder is None:
        raise WeightsError(f"The weights of {name!r} are not in the store: fetch them with `musiclab models download`.")
    try:
        record = contents(folder)
        digests = {file: sha256_of(folder / file) for file in item.files}
        known = {file: item.files[file] or record[file]["sha256"] for file in item.files}
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"The weights of {name!r} are damaged ({_short(error)}): {_again(name)}") from error
    for file, digest in digests.items():
        if digest != known[file]:
            raise WeightsError(f"{file} of {name!r} is not what was fetched, so it is not used: {_again(name)}")
    return digests


def version(name: str) -> str:
    """A digest of the weights in the store, without reading them; empty if they aren't there yet."""
    folder = default_store().peek(entry(name).name, kind=KIND)
    if folder is None:
        return ""
    return key_of({file: known["sha256"] for file, known in contents(folder).items()})


def files_of(folder: Path) -> list[Path]:
    """The files in a folder of yours that may be weights or say which belong together.

    Raises
    ------
    WeightsError
        If there is none.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix in (".safetensors", ".yaml", ".th"))
    if not files:
        raise WeightsError(f"There are no weights in {folder}: it needs .safetensors files as on the Demucs hub.")
    return files


def digest_of(folder: Path) -> str:
    """A digest of the weights in a folder of yours. Reads them."""
    return key_of({file.name: sha256_of(file) for file in files_of(folder)})


def _again(name: str) -> str:
    return f"remove it with `musiclab models remove {name}` and fetch it again."


_last: tuple[float, str] = (float("-inf"), "")


def unreachable() -> str:
    """Why the hub can't be reached, or nothing if it can. Takes `PATIENCE` seconds at most.

    The look-up of a host's name knows no time limit, so it is done in a thread that may be left behind.
    """
    global _last
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "HF_HUB_OFFLINE is set"
    if time.monotonic() - _last[0] < MEMORY:
        return _last[1]
    answer = [f"no answer within {PATIENCE:.0f} seconds"]
    probe = threading.Thread(target=lambda: answer.__setitem__(0, _probe()), daemon=True)
    probe.start()
    probe.join(PATIENCE)
    _last = (time.monotonic(), answer[0])
    return answer[0]


def _probe() -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(_endpoint(), method="HEAD"), timeout=PATIENCE):
            return ""
    except urllib.error.HTTPError:
        return ""  # it answered
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLError):
            return f"its certificate is not accepted, as behind some company proxies: {_short(error)}"
        return f"no connection: {_short(error)}"


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return (str(reason).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
