"""Training songs: a folder of files, and the songs of it in the device's memory.

A folder of songs is a folder of ``.npy`` files, int16 ``(stems, 2, frames)`` at 44.1 kHz, stems in the order of
`network.STEMS`. New files may appear while the training runs: they are taken in at the next look.

Notebook: 06
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from musiclab.errors import DatasetError
from musiclab.separation.engines.embedded.network import SR, STEMS

if TYPE_CHECKING:
    from musiclab.datasets import Multitrack

log = logging.getLogger("musiclab")

FULL_SCALE = 32_768  # of int16


class SongPool:
    """The songs of some folders: mapped from the disk on a processor, in its own memory on a graphics card.

    Parameters
    ----------
    folders : list of Path
        Where the ``.npy`` files are.
    device : torch.device
        Where they are drawn from.
    hold : int
        The first so many are kept for scoring and never drawn.
    most : int, optional
        How many are taken in at most: a song of 24 s takes 17 MB.
    order : sequence of str
        Names of songs to take first, in this order, as an earlier run had them; those that are gone are left out.

    Attributes
    ----------
    names : list of str
        Of `songs`, in the order in which they were taken in.
    songs, held : list of torch.Tensor [shape=(stems, 2, frames)], int16
        To learn from, and to score.

    Raises
    ------
    DatasetError
        If there is no song to learn from.

    Notebook: 06
    """

    def __init__(
        self,
        folders: list[Path],
        device: torch.device,
        *,
        hold: int = 0,
        most: int | None = None,
        order: Sequence[str] = (),
    ) -> None:
        self.folders, self.device, self.hold, self.most = folders, device, hold, most
        self.names: list[str] = []
        self.songs: list[Tensor] = []
        self.held: list[Tensor] = []
        self._seen: set[Path] = set()
        paths = self._paths()
        first = {path.name: path for path in paths}
        self._take([first[name] for name in order if name in first], [])
        self.refresh()
        if not self.songs:
            raise DatasetError(f"No song (*.npy) in {', '.join(map(str, folders))}: render some first.")

    def refresh(self) -> int:
        """Take in what is new; how many songs there are now."""
        new = [path for path in self._paths() if path not in self._seen]
        missing = max(self.hold - len(self.held), 0)
        self._take(new[missing:], new[:missing])
        return len(self.songs)

    def _paths(self) -> list[Path]:
        return [path for folder in self.folders for path in sorted(folder.glob("*.npy")) if ".tmp" not in path.name]

    def _take(self, new: list[Path], held: list[Path]) -> None:
        for path in held:
            self._seen.add(path)
            if (song := self._read(path)) is not None:
                self.held.append(song)
        for path in new:
            if self.most is not None and len(self.songs) >= self.most:
                return
            self._seen.add(path)
            if (song := self._read(path)) is not None:
                self.songs.append(song)
                self.names.append(path.name)

    def _read(self, path: Path) -> Tensor | None:
        """A song, or nothing if the file is none: one bad file must not end a night's work."""
        try:
            song = np.load(path, mmap_mode="c")
        except (OSError, ValueError) as error:
            log.warning("%s is left out: %s", path, error)
            return None
        if song.dtype != np.int16 or song.shape[:2] != (len(STEMS), 2):
            log.warning("%s is left out: it is %s %s, not int16 (4, 2, frames)", path, song.dtype, song.shape)
            return None
        return torch.from_numpy(song).to(self.device)  # on a processor, still a view of the file


def pack(song: Multitrack, folder: Path) -> Path:
    """Write a song whose stems are known as a training song: ``NAME.npy`` in `folder`, which is made if need be.

    A stem that the song hasn't is silence; guitar and piano count as ``other``. Stems over full scale are turned down
    all alike, so that they still add up.

    Returns
    -------
    Path
        The file, written beside and moved into place.

    Raises
    ------
    DatasetError
        If a stem can't be told apart into voice, drums, bass and the rest, such as ``accompaniment``.

    Notebook: 06
    """
    packed = np.zeros((len(STEMS), 2, song.mixture.resampled(SR).frames), dtype=np.float32)
    for name, stem in song.stems.items():
        target = "other" if name in ("guitar", "piano") else name
        if target not in STEMS:
            raise DatasetError(f"{song.name!r} has a stem {name!r}: to learn from, a song needs {', '.join(STEMS)}.")
        packed[STEMS.index(target)] += stem.resampled(SR).stereo().samples
    packed /= max(1.0, float(np.abs(packed).max()))
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / f"{song.name}.npy", folder / f"{song.name}.tmp.npy"
    np.save(part, np.round(packed * 32767).astype(np.int16))
    part.replace(path)
    return path
