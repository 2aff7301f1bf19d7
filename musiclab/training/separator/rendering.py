"""Render training songs by several processes side by side.

Notebook: 06
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import lru_cache, partial
from pathlib import Path

from musiclab.errors import DatasetError
from musiclab.training.studio.songs import Library, clips, render
from musiclab.training.studio.songs.__main__ import pack, write

log = logging.getLogger("musiclab")


def render_songs(
    out: Path,
    *,
    songs: int,
    first_seed: int = 1,
    samples: Path | None = None,
    duration: float = 24.0,
    jobs: int = 1,
    stop: threading.Event | None = None,
) -> int:
    """Render songs into a folder, from which a training may already take them.

    Recorded voices are taken apart first, side by side, and kept: else every process would do the same work. A song
    that is there is not rendered again; what can't be rendered is left out, with a warning.

    Parameters
    ----------
    out : Path
        Folder, made if need be; songs are `SEED.npy` (see `data`).
    songs, first_seed : int
        Seeds ``first_seed`` to ``first_seed + songs - 1``.
    samples : Path, optional
        Folder with `index.json`; by default the one that MUSICLAB_SAMPLES names.
    duration : float
        Seconds of each.
    jobs : int
        Processes.
    stop : threading.Event, optional
        Set it to end after the songs that are being made.

    Returns
    -------
    int
        How many were rendered.

    Raises
    ------
    DatasetError
        If there are no samples.
    """
    library = library_of(samples)  # here first: what is wrong with the samples is told at once
    out.mkdir(parents=True, exist_ok=True)
    seeds = [seed for seed in range(first_seed, first_seed + songs) if not (out / f"{seed:06d}.npy").exists()]
    if jobs == 1:
        return sum(_song(seed, out, samples, duration) for seed in seeds if not (stop and stop.is_set()))
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        if clips.available():
            voices = sorted((s for v in library.voices().values() for s in v), key=lambda s: -s.seconds)
            _finished(pool, [partial(_analyse, voice.file, samples) for voice in voices], stop)
        return _finished(pool, [partial(_song, seed, out, samples, duration) for seed in seeds], stop)


def _finished(pool: Executor, work: list[Callable[[], int]], stop: threading.Event | None) -> int:
    """The sum of what the work gives; what has not begun when `stop` is set is never done."""
    futures = [pool.submit(each) for each in work]
    total = 0
    for future in as_completed(futures):
        if not future.cancelled():
            total += future.result()
            log.info("%d of %d", total, len(work))
        if stop and stop.is_set():
            for waiting in futures:
                waiting.cancel()
    return total


@lru_cache(maxsize=1)
def library_of(samples: Path | None) -> Library:
    """The library of a folder, once in each process."""
    return Library(samples) if samples else Library.default()


def _song(seed: int, out: Path, samples: Path | None, duration: float) -> int:
    try:
        write(out / f"{seed:06d}.npy", pack(render(seed, library_of(samples), duration=duration)))
    except (DatasetError, FloatingPointError) as error:  # one bad song must not end a night's work
        log.warning("song %d is left out: %s", seed, error)
        return 0
    log.info("song %d", seed)
    return 1


def _analyse(file: Path, samples: Path | None) -> int:
    library = library_of(samples)
    voice = next(s for v in library.voices().values() for s in v if s.file == file)
    try:
        clips.analyser_of(library).clip(voice)
    except (ValueError, RuntimeError) as error:
        log.warning("the voice %s can't be taken apart: %s", file.name, error)
        return 0
    return 1
