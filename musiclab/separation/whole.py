"""A whole song through an engine, into files: what `separate` does when the result is not in the store.

Notebook: 06
"""

from __future__ import annotations

from pathlib import Path

from musiclab.audio import Audio
from musiclab.separation import device as devices
from musiclab.separation.engine import Engine
from musiclab.separation.loop import Run
from musiclab.separation.settings import How, SeparationSettings
from musiclab.separation.streams import EngineInput, StemWriter


def fill(engine: Engine, song: Audio, folder: Path, *, settings: SeparationSettings, how: How) -> None:
    """Separate `song` into one ``NAME.npy`` of `folder` for each stem, at the song's rate, channels and length.

    An engine that is made of others (it has a method `compose`) says which of them hears what.
    """
    compose = getattr(engine, "compose", None)
    if compose is None:
        _through_the_loop(engine, song, folder, settings, how)
        return

    def run(part: Engine, sound: Audio, inside: Path, span: tuple[float, float]) -> None:
        inside.mkdir()
        fill(part, sound, inside, settings=settings, how=how.within(*span))

    compose(song, folder, run)


def _through_the_loop(engine: Engine, song: Audio, folder: Path, settings: SeparationSettings, how: How) -> None:
    place = devices.resolve(how.device)
    scratch = folder / "resampled.npy"
    heard = EngineInput(song, engine.sr, normalise=engine.normalise, scratch=scratch)
    with StemWriter(folder, engine.stems, song, heard, engine.sr) as files:
        if not heard.silent:  # the files of a silent song stay as they are: silence
            precision = devices.precision(settings.precision, place, engine, best=settings.quality == "best")
            batch = how.batch or devices.default_batch(place)
            run = Run(engine, place, settings.layout(engine), batch, precision)
            run.separate(heard.read, heard.frames, files.write, progress=how.progress, cancel=how.cancel)
    scratch.unlink(missing_ok=True)
