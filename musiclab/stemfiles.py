"""Stems as a folder of files, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musiclab.audio import Audio, to_db
from musiclab.codecs.decoding import read
from musiclab.codecs.encoding import QUALITY, write_together
from musiclab.codecs.files import write_whole
from musiclab.codecs.formats import find_format
from musiclab.codecs.source import AUDIO_SUFFIXES, open_source
from musiclab.codecs.writers import Take
from musiclab.errors import AudioError, ExportError

if TYPE_CHECKING:
    from musiclab.stems import Stems

RESIDUAL = "residual"
_ORDER = ("vocals", "drums", "bass", "guitar", "piano", "other")  # of a folder that has no card
_MIXTURES = ("mixture", "mix")  # what a file of the whole song is called in such a folder
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in a file's name, on one system or another


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
        Made if it lacks; files of the same names in it are replaced.
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
        If the format is not known, or the folder or disk refuses: then no file was changed.

    Notebook: 01
    """
    folder = Path(folder).expanduser()
    kind = find_format(format, subtype)
    takes = {name: Take(stem, seed=number) for number, (name, stem) in enumerate(stems.items(), start=1)}
    takes[RESIDUAL] = Take(stems[RESIDUAL], whole=stems.mixture, parts=tuple(stems.values()))
    template = names or "{stem}"
    paths = {name: folder / f"{_file_name(template, stems, name)}.{kind.extension}" for name in takes}
    if len(set(paths.values())) < len(paths):
        raise ExportError(f"The names {template!r} would give two stems the same file: put {{stem}} into them.")
    gain = write_together(list(takes.values()), list(paths.values()), kind, quality=quality)
    saved = SavedStems(paths, to_db(gain))
    _write_card(folder / f"{_file_name(template, stems, 'stems')}.json", stems, saved)
    return saved


def _file_name(template: str, stems: Stems, name: str) -> str:
    """A file's name that every system accepts."""
    try:
        text = template.format(stem=name, title=stems.mixture.title or "song", engine=stems.engine or "stems")
    except (KeyError, IndexError, ValueError) as error:
        raise ExportError(
            f"The names {template!r} can't be filled in: use {{stem}}, {{title}} and {{engine}}."
        ) from error
    text = _FORBIDDEN.sub("_", text).strip(" .")
    return text.encode()[:200].decode(errors="ignore") or "_"


def _write_card(path: Path, stems: Stems, saved: SavedStems) -> None:
    card = {
        "kind": "musiclab stems",
        "title": stems.mixture.title,
        "engine": stems.engine,
        "sr": stems.sr,
        "frames": stems.mixture.frames,
        "gain_db": saved.gain_db,
        "files": {name: file.name for name, file in saved.items()},
    }
    try:
        write_whole(path, json.dumps(card, indent=2, ensure_ascii=False).encode())
    except ExportError as error:
        raise ExportError(f"The stems are written, but not {path.name!r} beside them: {error}") from error


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


def _card(path: Path) -> dict[str, Any] | None:
    """The card in a file, if it is one."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    keys = {"files", "sr", "frames", "gain_db", "engine", "title"}
    return card if isinstance(card, dict) and card.get("kind") == "musiclab stems" and keys <= set(card) else None


def _from_card(folder: Path, card: dict[str, Any]) -> StemFiles:
    """The stems at the level and rate that they had when they were saved."""
    parts = {}
    for name, file in card["files"].items():
        audio = _read(folder / Path(file).name).resampled(card["sr"])  # a card can't lead out of its folder
        samples = np.zeros((audio.channels, card["frames"]), dtype=np.float32)
        kept = audio.samples[:, : card["frames"]]
        samples[:, : kept.shape[1]] = kept
        parts[name] = Audio(samples * np.float32(10 ** (-card["gain_db"] / 20)), card["sr"], title=name)
    mixture = _sum(list(parts.values()), card["title"])
    parts.pop(RESIDUAL, None)
    return StemFiles(parts, mixture, card["engine"])


def _from_names(folder: Path) -> StemFiles:
    """Stems called as their files are, as multitrack collections come."""
    files = {file.stem: file for file in sorted(folder.iterdir()) if file.suffix.lower() in AUDIO_SUFFIXES}
    whole = next((files.pop(name) for name in _MIXTURES if name in files), None)
    rest = files.pop(RESIDUAL, None)
    if not files:
        raise AudioError(f"{str(folder)!r} holds no stems: there should be files such as vocals.wav and drums.wav.")
    rank = {name: number for number, name in enumerate(_ORDER)}
    names = sorted(files, key=lambda name: (rank.get(name, len(rank)), name))
    stems = {name: _read(files[name]) for name in names}
    if whole is not None:
        return StemFiles(stems, _read(whole), "")
    return StemFiles(stems, _sum([*stems.values(), *([_read(rest)] if rest else [])], folder.name), "")


def _read(path: Path) -> Audio:
    return read(open_source(path))


def _sum(parts: list[Audio], title: str) -> Audio:
    first = parts[0]
    for part in parts:
        if part.sr != first.sr or part.samples.shape != first.samples.shape:
            raise AudioError(f"The stem {part.title!r} differs from {first.title!r} in rate, channels or length.")
    total = first.samples.astype(np.float64)
    for part in parts[1:]:
        total += part.samples
    return Audio(total, first.sr, title=title)
