"""What every job starts with: a song, and its stems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.progress import Watch
from musiclab.separation.engine import Engine
from musiclab.stems import Stems

Song = Audio | Stems | str | PathLike[str]


@dataclass(frozen=True)
class How:
    """How a song is to be separated, where that is still to be done: see `musiclab.separate`."""

    engine: str | Engine = "auto"
    quality: str = "default"
    device: str = "auto"
    cache: bool = True


def mixture_of(song: Song) -> Audio:
    """The whole song: read from its file, or as it is there already."""
    if isinstance(song, Stems):
        return song.mixture
    return song if isinstance(song, Audio) else codecs.load(song)


def stems_of(song: Song, how: How, watch: Watch, *, wanted: Sequence[str] = ()) -> Stems:
    """The song's stems, made if they aren't there.

    Parameters
    ----------
    song : Audio, path or Stems
        The song.
    how : How
        What `musiclab.separate` is asked for.
    watch : Watch
        Who is told, and who may stop it.
    wanted : sequence of str
        Stems that have to be among them.

    Raises
    ------
    EngineError
        If the engine finds no such stem: said before the work where the engine can be asked, else after it.
    """
    if isinstance(song, Stems):
        return require(song, wanted)
    from musiclab.separation import registry, separate  # loads torch

    for info in registry.engines():
        if info.name == how.engine:
            _require(info.name, info.stems, wanted)
    made = separate(
        mixture_of(song),
        engine=how.engine,
        quality=how.quality,  # type: ignore[arg-type]  # checked there
        device=how.device,
        cache=how.cache,
        progress=watch,
        cancel=watch.cancel,
    )
    return require(made, wanted)


def require(stems: Stems, wanted: Sequence[str]) -> Stems:
    """The stems, if all `wanted` names are among them; else an `EngineError` that says which there are."""
    _require(stems.engine or "The song", tuple(stems), wanted)
    return stems


def only(stems: Stems, wanted: Sequence[str]) -> Stems:
    """These stems alone (all, if none is named): the residual is then the rest of the song."""
    if not wanted:
        return stems
    require(stems, wanted)
    return Stems({name: stems[name] for name in wanted}, stems.mixture, engine=stems.engine, note=stems.note)


def _require(who: str, there: Sequence[str], wanted: Sequence[str]) -> None:
    if unknown := [name for name in wanted if name not in there]:
        raise EngineError(f"{who} finds no {' and no '.join(unknown)}: it finds {', '.join(there)}.")
