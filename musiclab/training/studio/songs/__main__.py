"""Render training songs into a folder: `python -m musiclab.training.studio.songs OUT --songs 1000`.

Each song is OUT/SEED.npy: int16 `(4, 2, frames)`, stems in the order vocals, drums, bass, other, at 44.1 kHz. A song
that is there is not rendered again; a stop (Ctrl-C, TERM) leaves nothing half-written. With `--multitracks` each is a
folder OUT/SEED with stems as FLAC and a song.json that tells the notes, for `musiclab evaluate`.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musiclab.errors import DatasetError, MusiclabError
from musiclab.training.studio.songs.library import Library
from musiclab.training.studio.songs.multitrack import write_multitrack
from musiclab.training.studio.songs.song import STEMS, Rendering, render

log = logging.getLogger("musiclab")


def pack(rendering: Rendering) -> NDArray[np.int16]:
    """Stems as int16 `(4, 2, frames)`."""
    stems = np.stack([rendering.stems[name] for name in STEMS])
    return np.round(np.clip(stems, -1, 1) * 32767).astype(np.int16)


def write(path: Path, songs: NDArray[np.int16]) -> None:
    """Write at once or not at all."""
    part = path.with_suffix(".tmp")
    try:
        with part.open("wb") as file:
            np.save(file, songs)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _render_one(seed: int, library: Library, path: Path, duration: float) -> None:
    try:
        song = render(seed, library, duration=duration)
    except DatasetError as error:  # one bad song must not end a night's work
        log.warning("left out: %s", error)
    else:
        if path.suffix == ".npy":
            write(path, pack(song))
        else:
            write_multitrack(song, path)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m musiclab.training.studio.songs", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, help="folder with index.json (default: MUSICLAB_SAMPLES)")
    parser.add_argument("--duration", type=float, default=24.0, help="seconds")
    parser.add_argument("--multitracks", action="store_true", help="folders with notes, not training songs")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        library = Library(options.samples) if options.samples else Library.default()
        options.out.mkdir(parents=True, exist_ok=True)
        for seed in range(options.first_seed, options.first_seed + options.songs):
            path = options.out / (f"{seed:06d}" if options.multitracks else f"{seed:06d}.npy")
            if not path.exists():
                _render_one(seed, library, path, options.duration)
    except KeyboardInterrupt:
        return 130
    except MusiclabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
