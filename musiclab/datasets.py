"""Songs whose stems are known: the bundled demo songs, and any folder of multitracks.

A multitrack is a folder with one audio file for each stem, in any format, and (if you like) the mixture and what is
known about the song::

    NAME/
        mixture.flac    optional: the sum of the stems if it isn't there
        vocals.flac     any stem may be missing: an instrumental has no vocals
        drums.flac
        bass.flac
        other.flac
        song.json       optional

``song.json`` holds any of ``title``, ``licence``, ``key`` ("A minor"), ``tempo`` (beats per minute),
``time_signature`` ([4, 4]), ``beats`` ([[time in s, position in the bar], ...], position 1 is the downbeat), and
``notes`` ({stem: [[onset s, offset s, MIDI pitch, velocity], ...]}).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from musiclab import instruments
from musiclab.audio import Audio
from musiclab.codecs.source import is_audio_file
from musiclab.errors import AudioError, DatasetError
from musiclab.notes import Note, Part
from musiclab.stemfiles import read_stems
from musiclab.stems import ORDER, Stems, known_name


@dataclass(frozen=True)
class Multitrack:
    """A song with its true stems.

    Parameters
    ----------
    name : str
        The folder's name.
    stems : Stems
        The truth, with the mixture; its residual is what the stems leave over (nothing, where the mixture is their
        sum).
    title, licence, key : str
        Empty where unknown.
    tempo : float or None
        Beats per minute.
    time_signature : tuple[int, int]
        Beats in a bar and what note is one.
    beats : tuple of (float, int)
        Time in seconds and position in the bar (1 is the downbeat).
    notes : Mapping[str, tuple[Note, ...]]
        What each stem plays, where it is known.
    """

    name: str
    stems: Stems
    title: str = ""
    licence: str = ""
    key: str = ""
    tempo: float | None = None
    time_signature: tuple[int, int] = (4, 4)
    beats: tuple[tuple[float, int], ...] = ()
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)

    @property
    def mixture(self) -> Audio:
        return self.stems.mixture

    def part(self, stem: str, *, instrument: str | None = None) -> Part:
        """What `stem` truly plays, with the song's beats, metre and key.

        Raises
        ------
        DatasetError
            If its notes are not known.
        """
        if stem not in self.notes:
            known = ", ".join(self.notes) or "no stem"
            raise DatasetError(f"The notes of {stem!r} in {self.name!r} are not known (known: {known}).")
        return Part(
            notes=self.notes[stem],
            instrument=instrument or instruments.of_stem(stem),
            title=self.title,
            beats=tuple(time for time, _ in self.beats),
            downbeats=tuple(time for time, position in self.beats if position == 1),
            time_signature=self.time_signature,
            key=self.key,
            duration=self.mixture.duration,
        )

    def __repr__(self) -> str:
        return f"<Multitrack {self.name!r}: {', '.join(self.stems)}, {self.mixture.duration:.2f} s>"


def load_multitrack(folder: str | Path) -> Multitrack:
    """A song with its true stems, from a folder as this module describes it.

    Parameters
    ----------
    folder : str or Path
        Holds a file for each stem, read as `Stems.load` does.

    Raises
    ------
    DatasetError
        If the folder holds no stem, one stem twice, a stem longer than its mixture, a file that can't be read, or a
        broken ``song.json``.

    Notebook: 07
    """
    folder = Path(folder)
    try:
        found = read_stems(folder)
    except AudioError as error:
        raise DatasetError(str(error)) from error
    info = _read_info(folder / "song.json")
    title = str(info.get("title") or folder.name)
    mixture = Audio(found.mixture.samples, found.mixture.sr, title=title)
    return Multitrack(folder.name, Stems(found.stems, mixture, engine="truth"), **{**info, "title": title})


def multitracks(root: str | Path) -> Iterator[Multitrack]:
    """Every multitrack in a folder and the folders in it, by name, loaded one at a time.

    Raises
    ------
    DatasetError
        If there is none.

    Notebook: 07
    """
    return map(load_multitrack, multitrack_folders(root))


def multitrack_folders(root: str | Path) -> list[Path]:
    """The folders that hold at least one file with a stem's name (vocals, drums, bass, other ...), sorted.

    Raises
    ------
    DatasetError
        If `root` is no folder, or none is found.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder: give one that holds multitracks.")
    stems = (path for path in root.rglob("*") if is_audio_file(path) and known_name(path.stem) in ORDER)
    folders = sorted({path.parent for path in stems})
    if not folders:
        raise DatasetError(f"No multitrack in {root}: each is a folder with files such as vocals.flac and drums.flac.")
    return folders


def root() -> Path:
    """Where the bundled songs are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    bundled = package / "_datasets"
    return bundled if bundled.is_dir() else package.parent / "datasets"


def demo_songs() -> list[str]:
    """Names of the bundled songs, for `demo`, those with a voice first.

    Notebook: 01
    """
    folders = [path.parent for path in root().glob("*/song.json")]
    return [folder.name for folder in sorted(folders, key=lambda folder: (not any(folder.glob("vocals.*")), folder))]


def demo(name: str | None = None) -> Multitrack:
    """A bundled song with its true stems, notes, beats and key; made for musiclab, free of any rights (CC0).

    Parameters
    ----------
    name : str
        One of `demo_songs()`; the first if left out.

    Raises
    ------
    DatasetError
        If there is no such song.

    Notebook: 01
    """
    songs = demo_songs()
    if not songs:
        raise DatasetError(f"The bundled songs are missing from {root()}: install musiclab again.")
    if name is not None and name not in songs:
        raise DatasetError(f"No bundled song is called {name!r}: there are {', '.join(songs)}.")
    return load_multitrack(root() / (name or songs[0]))


def _read_info(path: Path) -> dict[str, Any]:
    """What ``song.json`` says, as the arguments of `Multitrack`."""
    if not path.is_file():
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        info = {key: str(raw[key]) for key in ("title", "licence", "key") if raw.get(key)}
        tempo = raw.get("tempo")
        beats_in_bar, beat_type = raw.get("time_signature", (4, 4))
        return {
            **info,
            "tempo": None if tempo is None else float(tempo),
            "time_signature": (int(beats_in_bar), int(beat_type)),
            "beats": tuple((float(time), int(position)) for time, position in raw.get("beats", ())),
            "notes": {stem: tuple(Note(*note) for note in notes) for stem, notes in raw.get("notes", {}).items()},
        }
    except (ValueError, TypeError, AttributeError, ArithmeticError, KeyError, RecursionError) as err:
        said = str(err)[:100]
        raise DatasetError(f"{path} can't be read as a song's description ({said}): correct or delete it.") from err
