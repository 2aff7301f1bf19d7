"""`separate`: a song in, its stems out, from the store if they were made before.

Notebook: 01
"""

from __future__ import annotations

import errno
import json
import logging
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from musiclab.audio import Audio
from musiclab.errors import EngineError, StoreError, WeightsError
from musiclab.progress import bar
from musiclab.separation import registry
from musiclab.separation.engine import Engine
from musiclab.stems import Stems
from musiclab.store import default_store, key_of

if TYPE_CHECKING:
    from musiclab.separation.layout import Layout
    from musiclab.separation.loop import Cancel, Progress

log = logging.getLogger("musiclab")

VERSION = 1  # part of every result's key: raise it when the same request gives other samples
CARD = "card.json"  # beside the stems: how they were made

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
Quality = Literal["fast", "default", "best"]
OVERLAPS: dict[str, tuple[float, int]] = {"fast": (0.03, 0), "default": (0.1, 0), "best": (0.25, 2)}  # overlap, shifts


@dataclass(frozen=True)
class Settings:
    """How a song is separated, as far as it changes the result."""

    quality: str
    overlap: float | None
    shifts: int | None
    segment: float | None
    precision: str

    def __post_init__(self) -> None:
        if self.quality not in OVERLAPS:
            raise ValueError(f"quality is one of {', '.join(OVERLAPS)}, not {self.quality!r}.")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}.")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ValueError(f"overlap is a share from 0 to below 1, not {self.overlap}.")
        if self.shifts is not None and not 0 <= self.shifts <= 20:
            raise ValueError(f"shifts is a number from 0 to 20, not {self.shifts}.")
        if self.segment is not None and not self.segment > 0:
            raise ValueError(f"segment is a length in seconds above 0, not {self.segment}.")

    def layout(self, engine: Engine) -> Layout | None:
        """How segments cover a song. An engine with context has no seams to fade over, so it needs no overlap."""
        from musiclab.separation.layout import Layout

        overlap, shifts = (0.0, 0) if engine.context else OVERLAPS[self.quality]
        overlap = overlap if self.overlap is None else self.overlap
        shifts = shifts if self.shifts is None else self.shifts
        return Layout.of(engine, segment=self.segment, overlap=overlap, shifts=shifts)


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
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
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
        why; ``"demucs:FOLDER"`` is a Demucs whose weights lie in a folder; or an engine of your own.
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
    settings = Settings(quality, overlap, shifts, segment, precision)
    if batch is not None and batch < 1:
        raise ValueError(f"batch is at least 1, not {batch}.")
    song = mixture if isinstance(mixture, Audio) else _load(mixture)
    with bar(progress) as report:
        make = partial(_make, song, settings, cache, device=device, batch=batch, progress=report, cancel=cancel)
        if engine == "auto":
            return _first(registry.choices(progress=report), make)
        return make(engine, "")


def _first(choices: Iterator[tuple[str, str]], make: Callable[[str, str], Stems]) -> Stems:
    """What the first engine that loads makes."""
    trouble: EngineError | None = None
    for name, note in choices:
        try:
            stems = make(name, note)
        except WeightsError as error:  # damaged weights: the next one, and say so
            log.warning("%s", error)
            trouble = error
        else:
            log.info("%s", note)
            return stems
    raise trouble or EngineError("No engine can be used: reinstall musiclab.")


def _make(song: Audio, settings: Settings, cache: bool, engine: str | Engine, note: str, **how: Any) -> Stems:
    """The stems that `engine` makes, from the store if they are there."""
    if isinstance(engine, str):
        name, version = engine, registry.version(engine, progress=how["progress"])
    else:
        name, version = engine.name, getattr(engine, "version", "")
    fill = partial(_fill, song, engine, settings, **how)
    if cache and version:
        folder, holder = _keep(key_of("stems", VERSION, song.digest, name, version, *vars(settings).values()), fill)
    else:
        folder, holder = _scratch(fill)
    stems = _open(folder, song, note)
    if holder is not None:
        weakref.finalize(stems, holder.cleanup)
    return stems


def _load(path: str | PathLike[str]) -> Audio:
    from musiclab import codecs

    return codecs.load(path)


def _keep(key: str, fill: Callable[[Path], None]) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """The folder of the result in the store; where the store can't be used or has no room, in a temporary one."""
    begun: list[Path] = []

    def watched(folder: Path) -> None:
        begun.append(folder)
        fill(folder)

    try:
        return default_store().entry(key, watched), None
    except StoreError as error:
        from musiclab.separation.streams import NoRoomError

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


def _fill(
    song: Audio,
    engine: str | Engine,
    settings: Settings,
    folder: Path,
    *,
    device: str,
    batch: int | None,
    progress: Progress | None,
    cancel: Cancel | None,
) -> None:
    """Separate `song` into the files of `folder`."""
    from musiclab.separation import device as devices
    from musiclab.separation.loop import Run
    from musiclab.separation.streams import Song, StemFiles

    place = devices.resolve(device)
    engine = registry.load_engine(engine, progress=progress) if isinstance(engine, str) else engine
    scratch = folder / "resampled.npy"
    heard = Song(song, engine.sr, normalise=engine.normalise, scratch=scratch)
    with StemFiles(folder, engine.stems, song, heard, engine.sr) as files:
        if not heard.silent:  # the files of a silent song stay as they are: silence
            precision = devices.precision(settings.precision, place, engine, best=settings.quality == "best")
            run = Run(engine, place, settings.layout(engine), batch or devices.default_batch(place), precision)
            run.separate(heard.read, heard.frames, files.write, progress=progress, cancel=cancel)
    scratch.unlink(missing_ok=True)
    card = {"engine": engine.name, "stems": list(engine.stems), "sr": song.sr}
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def _open(folder: Path, song: Audio, note: str) -> Stems:
    """The stems of a filled folder, as views of its files."""
    import numpy as np

    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    parts = {
        name: Audio.of_checked(np.load(folder / f"{name}.npy", mmap_mode="r"), song.sr, title=name)
        for name in card["stems"]
    }
    return Stems(parts, song, engine=card["engine"], note=note)
