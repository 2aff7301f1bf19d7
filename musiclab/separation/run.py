"""`separate`: a song in, its stems out, from the store if they were made before.

Notebook: 01
"""

from __future__ import annotations

import errno
import logging
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path

from musiclab.audio import Audio
from musiclab.errors import EngineError, StoreError, WeightsError
from musiclab.mapped import NoRoomError
from musiclab.progress import Cancel, Progress, bar
from musiclab.separation import registry
from musiclab.separation.engine import Engine
from musiclab.separation.job import Job
from musiclab.separation.settings import How, Precision, Quality, SeparationSettings
from musiclab.stems import Stems
from musiclab.store import default_store

log = logging.getLogger("musiclab")


def separate(
    mixture: Audio | str | PathLike[str],
    *,
    engine: str | Engine = "auto",
    quality: Quality = "default",
    device: str = "auto",
    segment: float | None = None,
    overlap: float | None = None,
    shifts: int | None = None,
    batch: int | None = None,
    precision: Precision = "auto",
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
    cache: bool = True,
) -> Stems:
    """Take a song apart.

    The stems have the song's sample rate, channels and length, and add up to it with their `residual`. The same
    request gives the same samples, and the second time they come from the store.

    Parameters
    ----------
    mixture : Audio or path
        The song, of any rate, length and number of channels. More than two channels are separated two at a time.
    engine : str or Engine
        One of `engines()`; ``"auto"`` takes the best that is ready or can be fetched, and `Stems.note` says which and
        why; ``"demucs:FOLDER"``, ``"melband-roformer:FOLDER"`` and ``"spleeter:FOLDER"`` are weights that lie in a
        folder; ``"embedded+spleeter"`` is made of two, and any two are written so: all stems from the first, the voice
        from both (from the second alone if that is ``melband-roformer``); or an engine of your own.
    quality : {"fast", "default", "best"}
        What `overlap` and `shifts` are unless they are given: 0.03 and 0, 0.1 and 0, 0.25 and 2; ``"best"`` keeps
        to float32. It takes two and a half times as long as ``"default"``, and more where half precision is used;
        ``"fast"`` saves a fourteenth. See ``docs/speed.md`` for what each gains.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    segment : float, optional
        Seconds that the engine hears at once; by default what it was trained on. Shorter takes less memory.
    overlap : float, optional
        Share of a segment that it has in common with the next, 0 to below 1.
    shifts : int, optional
        How many times the song is separated, cut at other places each time, to average over.
    batch : int, optional
        Segments at once; by default as the device's memory allows. Halved when memory runs out.
    precision : {"auto", "float32", "bfloat16", "float16"}
        Of the arithmetic; ``"auto"`` takes half precision on devices where it was measured to be faster, for engines
        that stay within -40 dB of float32 with it.
    progress : callable or bool, optional
        Called with a fraction (0 to 1) and a text. By default a bar is shown in a notebook or terminal; False
        hides it.
    cancel : Cancel, optional
        Something with `is_set`, like `threading.Event`: set it to stop. Ctrl-C and a notebook's stop button work too.
    cache : bool
        Whether results are kept in the store.

    Returns
    -------
    Stems

    Raises
    ------
    AudioError
        If the file can't be read.
    EngineError
        If there is no such engine (OfflineError: its weights can't be fetched; WeightsError: they are damaged;
        DeviceError: the device is not there, or too small).
    Cancelled
        If `cancel` was set.
    StoreError
        If the disk is full.

    Examples
    --------
    >>> import musiclab as ml
    >>> stems = ml.separate("song.mp3")  # doctest: +SKIP
    >>> stems.without("vocals").save("karaoke.wav")  # doctest: +SKIP

    Notebook: 01
    """
    settings = SeparationSettings(quality, overlap, shifts, segment, precision)
    if batch is not None and batch < 1:
        raise ValueError(f"batch is at least 1, not {batch}.")
    song = mixture if isinstance(mixture, Audio) else _load(mixture)
    with bar(progress) as report:
        job = Job(song, engine, settings, How(device, batch, report, cancel))
        if engine == "auto":
            return _first(registry.choices(progress=report), job, cache)
        return _stems(job, cache)


def _load(path: str | PathLike[str]) -> Audio:
    from musiclab import codecs

    return codecs.load(path)


def _first(choices: Iterator[tuple[str, str]], job: Job, cache: bool) -> Stems:
    """What the first engine that loads makes."""
    trouble: EngineError | None = None
    for name, note in choices:
        try:
            stems = _stems(replace(job, engine=name, note=note), cache)
        except WeightsError as error:  # damaged weights: the next one, and say so
            log.warning("%s", error)
            trouble = error
        else:
            log.info("%s", note)
            return stems
    raise trouble or EngineError("No engine can be used: reinstall musiclab.")


def _stems(job: Job, cache: bool) -> Stems:
    """The stems of a job, from the store if they are there."""
    key = job.key if cache else ""
    folder, holder = _kept(key, job.fill) if key else _scratch(job.fill)
    try:
        stems = job.open(folder)
    except FileNotFoundError:  # the store was cleared just now
        folder, holder = _scratch(job.fill)
        stems = job.open(folder)
    if holder is not None:
        weakref.finalize(stems, holder.cleanup)
    return stems


def _kept(key: str, fill: Callable[[Path], None]) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """The folder of the result in the store; where the store can't be used or has no room, in a temporary one."""
    begun: list[Path] = []

    def watched(folder: Path) -> None:
        begun.append(folder)
        fill(folder)

    try:
        return default_store().entry(key, watched), None
    except StoreError as error:
        if begun and not isinstance(error.__cause__, NoRoomError):
            raise  # the disk broke, or was filled, while we wrote to it
        log.warning("The result is not kept for next time: %s", str(error))  # the error itself would hold the stems
        return _scratch(fill)


def _scratch(fill: Callable[[Path], None]) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """The folder of the result in a temporary one, which has to be held for as long as it is used."""
    # Windows can't delete a file that is mapped: what is left there goes when the process ends.
    holder = tempfile.TemporaryDirectory(prefix="musiclab-", ignore_cleanup_errors=True)
    try:
        fill(Path(holder.name))
    except OSError as error:
        holder.cleanup()
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(
            f"The disk of {Path(holder.name).parent} is full, so the stems can't be written and none are left behind: "
            "free some space, or set MUSICLAB_CACHE to a folder on another disk."
        ) from error
    except BaseException:
        holder.cleanup()
        raise
    return Path(holder.name), holder
