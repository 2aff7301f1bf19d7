"""Many songs: finding them, a folder for each, and one bad song that doesn't stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from musiclab.codecs.source import AUDIO_SUFFIXES
from musiclab.errors import AudioError, Cancelled, MusiclabError
from musiclab.recipes.report import SongReport


def find_songs(paths: Sequence[Path]) -> list[Path]:
    """The files, and the audio files in the folders, in order and each once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in AUDIO_SUFFIXES and _is_song(file))
            if not inside:
                raise AudioError(f"The folder {str(path)!r} holds no audio file: give a song or a folder of songs.")
        found.update(dict.fromkeys(inside))
    return list(found)


def _is_song(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


def song_folders(songs: Sequence[Path], out: Path) -> list[Path]:
    """A folder for each song, named like it; songs of one name get numbers, so that none overwrites another."""
    folders: list[Path] = []
    for song in songs:
        name, number = song.stem or "song", 1
        while out / name in folders:
            number += 1
            name = f"{song.stem} ({number})"
        folders.append(out / name)
    return folders


def guarded(song: Path, folder: Path, work: Callable[[Path, Path], SongReport]) -> SongReport:
    """Its report, or what went wrong with it: one bad song must not stop the others."""
    try:
        return work(song, folder)
    except Cancelled:
        raise
    except MusiclabError as error:
        return SongReport(str(song), error=str(error))
