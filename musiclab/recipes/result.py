"""`Result`: what every job returns."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from musiclab import show
from musiclab.audio import Audio, to_db
from musiclab.codecs.encoding import QUALITY, write_together
from musiclab.codecs.files import delivered, safe_name
from musiclab.codecs.formats import Format, find_format
from musiclab.codecs.writers import Take


class SavedFiles(list[Path]):
    """Where the files were written, and the gain in dB (0 or less) that all sounds among them share."""

    def __init__(self, paths: Sequence[Path], gain_db: float = 0.0) -> None:
        super().__init__(paths)
        self.gain_db = gain_db


def sound_format(format: str, subtype: str | None = None) -> Format:
    """The format of a job's sounds: as `codecs.find_format`, but WAV has 24 bits, which every program opens.

    Raises `ExportError` if there is none.
    """
    return find_format(format, subtype or ("24" if format.lower().lstrip(".") == "wav" else None))


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(ABC):
    """What a job made. It plays in a notebook; `save` writes its files, `as_dict` tells it to programs.

    Attributes
    ----------
    title : str
        The song's.
    engine : str
        Which engine separated it; empty if none was needed.
    remarks : tuple of str
        What the user should know about it, as sentences.
    """

    title: str
    engine: str = ""
    remarks: tuple[str, ...] = ()

    @property
    @abstractmethod
    def sounds(self) -> Mapping[str, Audio]:
        """What was made to be heard, by the name that its file gets (without song and extension)."""

    @property
    def facts(self) -> dict[str, Any]:
        """Its numbers, as JSON can write them."""
        return {}

    def extra_files(self, sounds: Mapping[str, str]) -> dict[str, bytes]:  # noqa: ARG002  # for those that name them
        """Files beside the sounds, by what their name ends in: ``{".txt": b"..."}``.

        Parameters
        ----------
        sounds : Mapping[str, str]
            The file of each sound, by the sound's name.
        """
        return {}

    @classmethod
    def stem_of(cls, title: str) -> str:
        """What all file names begin with."""
        return safe_name(title or "song")

    @classmethod
    def file_names(cls, title: str, sounds: Iterable[str], kind: Format) -> dict[str, str]:
        """The file of each sound, by the sound's name: known before the work, so that what is in the way is too."""
        begin = cls.stem_of(title)
        return {name: f"{begin} ({safe_name(name)}).{kind.extension}" for name in sounds}

    def save(
        self,
        folder: str | PathLike[str],
        *,
        format: str = "wav",
        subtype: str | None = None,
        quality: float = QUALITY,
    ) -> SavedFiles:
        """Write everything into `folder`, all of it or nothing.

        Parameters
        ----------
        folder : path
            Made if it lacks. Files in it that musiclab didn't write, or that were changed since, are never replaced.
        format, subtype, quality
            Of the sounds, as in `Audio.save`; WAV has 24 bits unless you ask for ``"float"`` or ``"16"``. All sounds
            share one gain if one of them would clip: they still add up.

        Returns
        -------
        SavedFiles
            A list of paths; its `gain_db` is that gain.

        Raises
        ------
        ExportError
            If the format is not known, a file is in the way, or the folder or disk refuses: nothing was changed then.
        """
        kind = sound_format(format, subtype)
        begin = self.stem_of(self.title)
        names = self.file_names(self.title, self.sounds, kind)
        sounds = {names[name]: audio for name, audio in self.sounds.items()}
        extra = {f"{begin}{end}": data for end, data in self.extra_files(names).items()}
        return deliver(Path(folder).expanduser(), sounds, extra, kind, quality=quality)

    def as_dict(self) -> dict[str, Any]:
        """What a program wants to know, as JSON can write it; levels in dBFS, times in seconds."""
        sounds = {
            name: {"duration": audio.duration, "level_db": audio.rms_db, "peak_db": audio.peak_db}
            for name, audio in self.sounds.items()
        }
        told = {"title": self.title, "engine": self.engine, "remarks": list(self.remarks)}
        return {**told, "sounds": sounds, **self.facts}

    def __repr__(self) -> str:
        names = ", ".join(self.sounds)
        return f"<{type(self).__name__} of {self.title!r}: {names}>"

    def _repr_html_(self) -> str:
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).capitalize()  # MinusOne: Minus one
        return show.sounds_html(self.title, self.sounds, kind=kind, notes=self.remarks)


def deliver(
    folder: Path, sounds: Mapping[str, Audio], extra: Mapping[str, bytes], kind: Format, *, quality: float = QUALITY
) -> SavedFiles:
    """Write sounds (with one gain) and other files into a folder under these names, all or none.

    Raises `ExportError` as `codecs.files.delivered` does.
    """
    names = [*sounds, *extra]
    gain = 1.0
    with delivered(folder, names) as scratch:
        if sounds:
            takes = [Take(audio, seed=number) for number, audio in enumerate(sounds.values(), start=1)]
            gain = write_together(takes, [scratch / name for name in sounds], kind, quality=quality)
        for name, data in extra.items():
            (scratch / name).write_bytes(data)
    return SavedFiles([folder / name for name in names], to_db(gain))
