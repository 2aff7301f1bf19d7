"""Stems as a folder of files, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musiclab import mapped
from musiclab.audio import Audio, to_db
from musiclab.codecs.decoding import read
from musiclab.codecs.encoding import QUALITY, write_together
from musiclab.codecs.files import delivered, is_ours, safe_name
from musiclab.codecs.formats import find_format
from musiclab.codecs.readers import MAX_RATE, MAX_SAMPLES, MIN_RATE
from musiclab.codecs.source import audio_files, open_source
from musiclab.codecs.writers import Take
from musiclab.errors import AudioError, ExportError
from musiclab.stems import MIXTURES, RESIDUAL, added, in_order, known_name

if TYPE_CHECKING:
    from musiclab.stems import Stems

LONGER_S = 0.1  # a stem may be this much longer than its mixture (codec padding) before it counts as another song
_KIND = "musiclab stems"
CARD = "stems.json"


class SavedStems(dict[str, Path]):
    """Where each stem and the residual was written, by name, and the gain that all of them share."""

    def __init__(self, paths: Mapping[str, Path], gain_db: float) -> None:
        super().__init__(paths)
        self.gain_db = gain_db  # dB, 0 or less: what was taken off all files alike so that none clips


def save_stems(
    stems: Stems,
    folder: str | PathLike[str],
    *,
    format: str = "wav",
    subtype: str | None = None,
    names: str | None = None,
    quality: float = QUALITY,
) -> SavedStems:
    """Write every stem and the residual into `folder`, with a card (``stems.json``) that tells what they are.

    The files of wav and flac add up to the mixture: to below −140 dBFS as float WAV (the default), and exactly to the
    mixture rounded once in 24 and 16 bits, where the residual's file takes up what rounding the others left. Lossy
    files don't add up so well.

    Parameters
    ----------
    stems : Stems
        What to write.
    folder : path
        Made if it lacks. Files that musiclab wrote into it are replaced; any others are never touched.
    format, subtype, quality
        As in `save`.
    names : str
        What the files are called, without extension: a template in which ``{stem}``, ``{title}`` (of the mixture) and
        ``{engine}`` are filled in, such as ``"{title} - {stem}"``. By default ``"{stem}"``.

    Returns
    -------
    SavedStems
        A dict from name to path; `gain_db` is what was taken off all of them so that none clips (0 in float WAV).

    Raises
    ------
    ExportError
        If the format is not known, a file of yours has one of the names, or the folder or disk refuses: then no file
        was changed.

    Notebook: 01
    """
    folder = Path(folder).expanduser()
    kind = find_format(format, subtype)
    takes = {name: Take(stem, seed=number) for number, (name, stem) in enumerate(stems.items(), start=1)}
    takes[RESIDUAL] = Take(stems[RESIDUAL], whole=stems.mixture, parts=tuple(stems.values()))
    template = names or "{stem}"
    files = {name: f"{_file_name(template, stems, name)}.{kind.extension}" for name in takes}
    if len({file.casefold() for file in files.values()}) < len(files):
        raise ExportError(f"The names {template!r} would give two stems the same file: put {{stem}} into them.")
    card = f"{_file_name(template, stems, 'stems')}.json"
    with delivered(folder, [*files.values(), card]) as scratch:
        gain = write_together(list(takes.values()), [scratch / file for file in files.values()], kind, quality=quality)
        (scratch / card).write_bytes(card_of(stems, files, to_db(gain)))
    return SavedStems({name: folder / file for name, file in files.items()}, to_db(gain))


def free_folder(folder: Path, song: Audio) -> Path:
    """`folder`, or the first of its name and a number in which saving the stems of `song` replaces nothing else.

    That is one without stems and sounds, or one that holds this very song's stems as musiclab left them.
    """
    number, place = 1, folder
    while not _may_hold(place, song):
        number += 1
        place = folder.with_name(f"{folder.name} ({number})")
    return place


def _may_hold(folder: Path, song: Audio) -> bool:
    if not folder.is_dir():
        return not folder.exists()
    sounds = [path.name for path in audio_files(folder)]
    if not (folder / CARD).exists():
        return not sounds
    try:
        card = _card(folder / CARD)
    except AudioError:
        return False
    return card is not None and card.song == song.digest and all(is_ours(folder, name) for name in sounds)


def _file_name(template: str, stems: Stems, name: str) -> str:
    """A file's name that every system accepts."""
    try:
        text = template.format(stem=name, title=stems.mixture.title or "song", engine=stems.engine or "stems")
    except (KeyError, IndexError, ValueError) as error:
        raise ExportError(
            f"The names {template!r} can't be filled in: use {{stem}}, {{title}} and {{engine}}."
        ) from error
    return safe_name(text)


def card_of(stems: Stems, files: Mapping[str, str], gain_db: float) -> bytes:
    """The text of ``stems.json``, with which `read_stems` reads the files (by stem's name) as they were."""
    song = stems.mixture
    card = Card(song.title, stems.engine, stems.sr, song.frames, gain_db, dict(files), song.digest)
    return json.dumps({"kind": _KIND, **asdict(card)}, indent=2, ensure_ascii=False).encode(errors="replace")


class StemFiles(NamedTuple):
    """What a folder of stems holds: `Stems.load` makes `Stems` of it."""

    stems: dict[str, Audio]
    mixture: Audio
    engine: str


def read_stems(folder: str | PathLike[str]) -> StemFiles:
    """Read a folder of stems, written by `save_stems` or by anyone: see `musiclab.Stems.load`."""
    path = Path(folder).expanduser()
    if path.is_file() and path.suffix == ".json":
        card = _card(path)
        if card is None:
            raise AudioError(f"{path.name!r} is not the card of saved stems: give the folder that the stems are in.")
        return _from_card(path.parent, card)
    if not path.is_dir():
        raise AudioError(f"There is no folder {str(path)!r}: give the folder that the stems are in.")
    cards = {file.name: card for file in sorted(path.glob("*.json")) if (card := _card(file))}
    if len(cards) > 1:
        raise AudioError(f"{path.name!r} holds the stems of several songs: give one of {', '.join(cards)} in it.")
    return _from_card(path, *cards.values()) if cards else _from_names(path)


def _card(path: Path) -> Card | None:
    """The card in a file, if it is one.

    Raises
    ------
    AudioError
        If it is one, but nobody can use what it says.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("kind") != _KIND:
        return None
    try:
        return Card(**{field.name: told[field.name] for field in fields(Card) if field.name in told})
    except (KeyError, TypeError, ValueError) as error:
        raise AudioError(
            f"The card {path.name!r} of saved stems is damaged ({error}): delete it to read the stems without it."
        ) from error


@dataclass(frozen=True)
class Card:
    """What ``stems.json`` tells of the files beside it. A value that can't be raises ValueError."""

    title: str
    engine: str
    sr: int
    frames: int
    gain_db: float
    files: dict[str, str]
    song: str = ""  # the digest of the mixture

    def __post_init__(self) -> None:
        for name in ("title", "engine", "song"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"its {name} is no text")
        for name, low, high in (("sr", MIN_RATE, MAX_RATE), ("frames", 1, MAX_SAMPLES), ("gain_db", -400, 0)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"its {name} can't be {value!r}")
        if not all(isinstance(getattr(self, name), int) for name in ("sr", "frames")):
            raise ValueError("its rate and length are no whole numbers")
        if not isinstance(self.files, dict) or not all(isinstance(file, str) for file in self.files.values()):
            raise ValueError("its files are no names")
        if not set(self.files) - {RESIDUAL}:
            raise ValueError("it names no stem")


def _from_card(folder: Path, card: Card) -> StemFiles:
    """The stems at the level and rate that they had when they were saved."""
    parts = {}
    for name, file in card.files.items():
        audio = _read(folder / Path(file).name).resampled(card.sr)  # a card can't lead out of its folder
        if abs(audio.frames - card.frames) > LONGER_S * card.sr:
            raise AudioError(
                f"{Path(file).name!r} is {audio.duration:.2f} s long, and its card says {card.frames / card.sr:.2f} s: "
                "save the stems again, or delete the card."
            )
        fitted = Audio(_fitted(audio.samples, audio.channels, card.frames), card.sr, title=name)
        parts[name] = fitted.gained(-card.gain_db) if card.gain_db else fitted
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if part.channels != first.channels:
            raise AudioError(f"The stem {name!r} has {part.channels} channels, {first.title!r} {first.channels}.")
    mixture = added([(part, 1.0) for part in parts.values()], title=card.title)
    parts.pop(RESIDUAL, None)
    return StemFiles(parts, mixture, card.engine)


def _from_names(folder: Path) -> StemFiles:
    """Stems called as their files are, as multitrack collections come."""
    files = _named_files(folder)
    wholes = [files.pop(name) for name in MIXTURES if name in files]
    if not set(files) - {RESIDUAL}:
        raise AudioError(f"{str(folder)!r} holds no stem: there should be files such as vocals.wav and drums.wav.")
    if len(wholes) > 1:
        raise AudioError(f"{str(folder)!r} holds its mixture twice, as mixture and as mix: take one away.")
    mixture = _read(wholes[0]) if wholes else None
    sounds = _alike({name: _read(files[name]) for name in in_order(files)}, mixture)
    mixture = mixture or added([(sound, 1.0) for sound in sounds.values()], title=folder.name)
    sounds.pop(RESIDUAL, None)
    return StemFiles(sounds, mixture, "")


def _named_files(folder: Path) -> dict[str, Path]:
    """The audio files in a folder by the names of what they hold."""
    files: dict[str, Path] = {}
    for path in audio_files(folder):
        name = known_name(path.stem)
        if name in files:
            raise AudioError(f"{str(folder)!r} holds {name!r} twice, in two formats: take one away.")
        files[name] = path
    return files


def _alike(sounds: dict[str, Audio], mixture: Audio | None) -> dict[str, Audio]:
    """All with the rate, channels and length of the mixture, or of the finest, widest and longest among them."""
    sr = mixture.sr if mixture else max(sound.sr for sound in sounds.values())
    sounds = {name: sound.resampled(sr) for name, sound in sounds.items()}
    channels = mixture.channels if mixture else max(sound.channels for sound in sounds.values())
    frames = mixture.frames if mixture else max(sound.frames for sound in sounds.values())
    for name, sound in sounds.items():
        if sound.frames > frames + LONGER_S * sr:
            longer = (sound.frames - frames) / sr
            raise AudioError(f"The stem {name!r} is {longer:.2f} s longer than its mixture: is it of the same song?")
        if sound.channels not in (1, channels):
            raise AudioError(f"The stem {name!r} has {sound.channels} channels, not {channels}: export them alike.")
    return {name: Audio(_fitted(sound.samples, channels, frames), sr, title=name) for name, sound in sounds.items()}


def _fitted(samples: np.ndarray, channels: int, frames: int) -> np.ndarray:
    """Samples (1 or `channels`, any frames) as (channels, frames): mono on all sides, cut or followed by silence."""
    if samples.shape == (channels, frames):
        return samples
    out, kept = mapped.empty((channels, frames)), min(frames, samples.shape[1])
    out[:, :kept] = samples[:, :kept]
    out[:, kept:] = 0
    out.flags.writeable = False
    return out


def _read(path: Path) -> Audio:
    return read(open_source(path))
