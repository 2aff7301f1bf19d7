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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import DatasetError
from musiclab.notes import Note, Part
from musiclab.stems import Stems

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEM_ORDER = ("vocals", "drums", "bass", "other", "guitar", "piano", "accompaniment")
MIXTURE_NAMES = ("mixture", "mix")
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff")
INSTRUMENTS = {"vocals": "voice", "drums": "drums", "bass": "bass", "guitar": "guitar"}  # else piano: two staves
LONGER_S = 0.1  # a stem may be this much longer than its mixture (codec padding) before it counts as another song


def in_order(names: Iterable[str]) -> list[str]:
    """Names of stems in the order in which they are always told; others by the alphabet behind them."""
    return sorted(names, key=lambda name: (STEM_ORDER.index(name) if name in STEM_ORDER else len(STEM_ORDER), name))


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
            instrument=instrument or INSTRUMENTS.get(stem, "piano"),
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
        Holds a file for each stem. Stems take the mixture's sample rate and channels; shorter ones end in silence.

    Raises
    ------
    DatasetError
        If the folder holds no stem, one stem twice, a stem longer than its mixture, or a broken ``song.json``.
    AudioError
        If a file can't be read.

    Notebook: 07
    """
    from musiclab import codecs

    folder = Path(folder)
    files = _audio_files(folder)
    mixture_file = next((files.pop(name) for name in MIXTURE_NAMES if name in files), None)
    if not files:
        raise DatasetError(f"{folder} holds no stem: it needs files such as vocals.flac, drums.flac, bass.flac.")
    names = in_order(files)
    mixture = codecs.load(mixture_file) if mixture_file else None
    sr = mixture.sr if mixture else None
    sounds: dict[str, Audio] = {}
    for name in names:
        sounds[name] = codecs.load(files[name], sr=sr)
        sr = sounds[name].sr
    if mixture:
        channels, frames = mixture.samples.shape
    else:
        channels = max(sound.channels for sound in sounds.values())
        frames = max(sound.frames for sound in sounds.values())
    fitted = {name: _fit(sound, channels, frames, folder / name) for name, sound in sounds.items()}
    if mixture is None:
        total: np.ndarray = np.stack([sound.samples for sound in fitted.values()]).sum(axis=0)
        mixture = Audio(total, next(iter(fitted.values())).sr)
    info = _read_info(folder / "song.json")
    title = str(info.get("title") or folder.name)
    mixture = Audio(mixture.samples, mixture.sr, title=title)
    return Multitrack(folder.name, Stems(fitted, mixture, engine="truth"), **{**info, "title": title})


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
    stems = (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.stem.lower() in STEM_ORDER)
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


def _audio_files(folder: Path) -> dict[str, Path]:
    """The audio files in a folder by lower-case name."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: give one with a file for each stem.")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem.lower() in files:
            raise DatasetError(f"{folder} holds {path.stem!r} twice, in two formats: take one away.")
        files[path.stem.lower()] = path
    return files


def _fit(sound: Audio, channels: int, frames: int, where: Path) -> Audio:
    """`sound` with as many channels and frames as its mixture."""
    if sound.frames > frames + LONGER_S * sound.sr:
        longer = (sound.frames - frames) / sound.sr
        raise DatasetError(f"{where} is {longer:.2f} s longer than its mixture: is it from the same song?")
    if sound.channels not in (1, channels):
        raise DatasetError(f"{where} has {sound.channels} channels, its mixture {channels}: export them alike.")
    samples: NDArray[np.float32] = np.zeros((channels, frames), dtype=np.float32)
    kept = min(frames, sound.frames)
    samples[:, :kept] = sound.samples[:, :kept]
    return Audio(samples, sound.sr, title=where.name)


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
    except (ValueError, TypeError, AttributeError) as err:
        raise DatasetError(f"{path} can't be read as a song's description ({err}): correct or delete it.") from err
