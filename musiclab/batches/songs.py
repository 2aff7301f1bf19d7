"""Many songs: finding them, a folder for each, and one bad song that doesn't stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from musiclab.codecs.files import RECORD, safe_name
from musiclab.codecs.source import audio_files, readable
from musiclab.errors import AudioError, Cancelled, MusiclabError, fault
from musiclab.recipes.report import SongReport

log = logging.getLogger("musiclab")


def find_songs(paths: Sequence[Path]) -> list[Path]:
    """The files, and the audio files in the folders and in the folders in these, in order and each once.

    Hidden folders are left out, and folders that hold stems which musiclab has written.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = list(_below(path))
            if not inside:
                raise AudioError(
                    f"The folder {readable(path)!r} holds no audio file: give songs, or a folder of songs."
                )
        found.update(dict.fromkeys(inside))
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    try:
        songs = audio_files(folder)
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except FileNotFoundError:  # deleted meanwhile
        return
    yield from songs
    for inner in folders:
        if not inner.name.startswith(".") and not (inner / RECORD).exists():
            yield from _below(inner)


def song_folders(songs: Sequence[Path], out: Path, *, given: Sequence[Path] = ()) -> list[Path]:
    """A folder below `out` for each song, named like it.

    Songs of one name get numbers, so that none overwrites another; those that were found in folders of a `given`
    folder, such as the albums of a collection, keep these.
    """
    taken: set[str] = set()
    folders: list[Path] = []
    for song in songs:
        root = next((path for path in given if path in song.parents), song.parent)
        place = out.joinpath(*map(safe_name, song.parent.relative_to(root).parts))
        name, number = safe_name(song.stem), 1
        while str(place / name).casefold() in taken:
            number += 1
            name = f"{safe_name(song.stem)} ({number})"
        taken.add(str(place / name).casefold())
        folders.append(place / name)
    return folders


def guarded(song: Path, folder: Path, work: Callable[[Path, Path], SongReport]) -> SongReport:
    """Its report, or what went wrong with it: one bad song must not stop the others, not even by a fault of ours."""
    try:
        return work(song, folder)
    except Cancelled:
        raise
    except MusiclabError as error:
        return SongReport(readable(song), error=str(error))
    except Exception as error:  # whatever it is, the other songs have nothing to do with it
        log.debug("%s failed", readable(song), exc_info=True)
        return SongReport(readable(song), error=fault(error))
