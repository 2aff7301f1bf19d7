"""`bundle`: a folder from which musiclab is installed on a machine that has no network."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from musiclab.bundles import wheels
from musiclab.bundles.wheels import Place
from musiclab.codecs.files import write_whole
from musiclab.errors import BundleError, ExportError
from musiclab.progress import Progress, watching

CARD, SUMS, LICENCES = "bundle.json", "SHA256SUMS", "LICENCES.csv"
KIND = "musiclab bundle"
PARTS = ("wheels", "store", "songs", "notebooks")
SCRIPTS = Path(__file__).parent / "scripts"
Row = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made.

    Attributes
    ----------
    folder : Path
        Where it is.
    python, system : str
        What it is for.
    files, bytes : int
        How many files, and how large together.
    weights : tuple of str
        Engines whose weights are in it, besides what comes with musiclab.
    """

    folder: Path
    python: str
    system: str
    files: int
    bytes: int
    weights: tuple[str, ...]


def bundle(
    folder: str | PathLike[str],
    *,
    python: str = "",
    platform: str = "",
    weights: Sequence[str] | None = None,
    extras: Sequence[str] = (),
    songs: Sequence[Path] = (),
    sources: Sequence[str] = (),
    index: str | None = None,
    lessons: Sequence[Path] = (),
    progress: Progress | bool | None = None,
) -> Bundle:
    """Everything that a machine without a network needs: copy the folder there and start its install script.

    Parameters
    ----------
    folder : path
        New, empty, or a bundle that is to be made anew.
    python, platform : str
        Such as ``"3.12"`` and ``"windows-x86_64"``; by default those of this machine.
    weights : sequence of str, optional
        Engines whose weights go in; by default all that are here.
    extras : sequence of str
        Of musiclab, such as ``"batch"``.
    songs : sequence of Path
        Files and folders of yours that go in, beside the bundled songs.
    sources : sequence of str
        More folders or pages that wheels are looked for in.
    index : str, optional
        The package index, if not pip's own; empty for none.
    lessons : sequence of Path
        Notebooks that go in.
    progress
        As in `musiclab.separate`.

    Raises
    ------
    BundleError
        If there is no such platform, or a wheel can't be had.
    ExportError
        If the folder holds something else.
    EngineError, WeightsError
        If weights aren't here, or are damaged.
    """
    place, root = wheels.place_of(python, platform), Path(folder).expanduser().absolute()
    chosen = _stored_weights(weights)
    _check_songs(songs)
    _make_room(root)
    with watching(progress) as watch:
        watch(0.0, "fetching wheels")
        (root / "wheels").mkdir()
        wheels.fetch(root / "wheels", place=place, extras=extras, sources=sources, index=index)
        watch(0.7, "copying weights, songs and notebooks")
        _copy_weights(root, chosen)
        _copy_songs(root, songs)
        _copy_lessons(root, lessons)
        _write_scripts(root, place, extras)
        write_whole(root / LICENCES, _table(_licences(root, list(chosen))))
        watch(0.9, "computing checksums")
        lines = [f"{_digest(path)}  {path.relative_to(root).as_posix()}" for path in _files(root)]
        write_whole(root / SUMS, ("\n".join(lines) + "\n").encode())
    size = sum(path.stat().st_size for path in _files(root))
    return Bundle(root, place.python, place.system, len(lines) + 1, size, tuple(chosen))


def _make_room(root: Path) -> None:
    """Clear a bundle that was there, and nothing else."""
    if root.exists() and not root.is_dir():
        raise ExportError(f"{str(root)!r} is a file: give the name of a folder.")
    if root.is_dir() and any(root.iterdir()):
        try:
            ours = json.loads((root / CARD).read_bytes()).get("kind") == KIND
        except (OSError, ValueError, AttributeError):
            ours = False
        if not ours:
            raise ExportError(f"{str(root)!r} holds other things: give a new folder.")
        for name in PARTS:
            shutil.rmtree(root / name, ignore_errors=True)
    root.mkdir(parents=True, exist_ok=True)
    write_whole(root / CARD, json.dumps({"kind": KIND}).encode())  # whose it is, even if this ends half-way


def _stored_weights(names: Sequence[str] | None) -> dict[str, Path]:
    from musiclab.separation import weights
    from musiclab.store import default_store

    found = {}
    for name in weights.names() if names is None else names:
        folder = default_store().peek(weights.entry(name).name, weights.KIND)
        if folder is not None:
            weights.verify(name, folder)
            found[name] = folder
        elif names is not None:
            raise BundleError(
                f"The weights of {name!r} are not here: fetch them with `musiclab models download {name}`."
            )
    return found


def _copy_weights(root: Path, chosen: dict[str, Path]) -> None:
    """As a store, which the installed program is told to look into."""
    for folder in chosen.values():
        shutil.copytree(folder, root / "store" / Path(*folder.parts[-3:]))


def _check_songs(songs: Sequence[Path]) -> None:
    if gone := [path for path in songs if not path.exists()]:
        raise BundleError(f"There is no {str(gone[0])!r}: check the name of the song or folder.")


def _copy_songs(root: Path, songs: Sequence[Path]) -> None:
    from musiclab import datasets

    for path in songs:
        if path.is_dir():
            shutil.copytree(path, root / "songs" / path.name, dirs_exist_ok=True)
        else:
            (root / "songs").mkdir(exist_ok=True)
            shutil.copyfile(path, root / "songs" / path.name)
    for name in datasets.demo_songs():
        shutil.copytree(datasets.root() / name, root / "songs" / name, dirs_exist_ok=True)


def _copy_lessons(root: Path, lessons: Sequence[Path]) -> None:
    (root / "notebooks").mkdir()
    for path in lessons:
        shutil.copyfile(path, root / "notebooks" / path.name)


def _write_scripts(root: Path, place: Place, extras: Sequence[str]) -> None:
    wanted = f"musiclab[{','.join(extras)}]" if extras else "musiclab"
    for path in sorted(SCRIPTS.iterdir()):
        text = path.read_text(encoding="utf-8").replace("@PYTHON@", place.python).replace("@WANTED@", wanted)
        newline = "\r\n" if path.suffix in (".ps1", ".bat") else "\n"
        write_whole(root / path.name, text.replace("@SYSTEM@", place.system).replace("\n", newline).encode())
        if path.suffix in (".sh", ".command"):
            (root / path.name).chmod(0o755)
    card = {"kind": KIND, "python": place.python, "system": place.system, "extras": list(extras)}
    write_whole(root / CARD, json.dumps(card, indent=1).encode())


def _licences(root: Path, engines: Sequence[str]) -> Iterator[Row]:
    """What everything in it may be used for, as its authors state it."""
    from musiclab.separation import weights

    for name, told in wheels.metadata(root / "wheels"):
        words = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or [] if "License ::" in line]
        short = str(told["License"] or "").strip().splitlines()[:1]
        licence = str(told["License-Expression"] or "") or ", ".join(words) or "".join(short) or "see its files"
        links = [str(line).partition(", ")[2] for line in told.get_all("Project-URL") or []]
        yield "program", name, str(told["Version"]), licence, str(told["Home-page"] or "") or next(iter(links), "")
    for name in engines:
        stated = weights.entry(name).licence
        yield "weights", name, "", stated.weights, stated.source
    for path in sorted((root / "songs").glob("*/song.json")):
        song = json.loads(path.read_text(encoding="utf-8"))
        yield "song", str(song.get("title") or path.parent.name), "", str(song.get("licence") or "not stated"), ""
    yield "notebooks", "the lessons of musiclab", "", "MIT", ""


def _table(rows: Iterator[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("kind", "name", "version", "licence", "source"))
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path != root / SUMS)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_dict(made: Bundle) -> dict[str, Any]:
    """What a program wants to know, as JSON can write it."""
    return {**vars(made), "folder": str(made.folder), "weights": list(made.weights)}
