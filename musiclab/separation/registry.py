"""Which engines there are, what each needs, and how to get one by its name.

Engines come in families: Demucs, Mel-Band RoFormer, Spleeter, what comes with the package, what other packages
register. Each is asked in turn. Nothing heavy is imported before an engine is asked for: the table of `engines()` is
made from the manifest of weights and from a look at the disk.

Notebook: 06
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from musiclab.errors import EngineError, StoreError
from musiclab.progress import Progress
from musiclab.separation import fetching
from musiclab.separation.engine import STEMS_4, Engine, EngineInfo, EngineTable, Family
from musiclab.separation.engines import builtin, plugins
from musiclab.separation.engines.demucs import family as demucs
from musiclab.separation.engines.roformer import family as roformer
from musiclab.separation.engines.spleeter import family as spleeter
from musiclab.separation.engines.together import TogetherFamily

log = logging.getLogger("musiclab")

_SINGLE: tuple[Family, ...] = (demucs, roformer, spleeter, builtin, plugins)
# A name that two of them have belongs to the first.
FAMILIES: tuple[Family, ...] = (demucs, roformer, spleeter, TogetherFamily(_SINGLE), builtin, plugins)
_kept: dict[str, Engine] = {}
FETCHED = "htdemucs"  # what ``"auto"`` fetches where nothing as good is ready


def engines() -> EngineTable:
    """All engines: name, stems, licences, size of the weights, and whether each is ready with no network.

    Returns
    -------
    EngineTable
        A list of `EngineInfo`, the best first; it shows itself as a table.

    Notebook: 01
    """
    found: dict[str, EngineInfo] = {}
    for info in (info for family in FAMILIES for info in family.infos()):
        if info.name in found:
            log.warning("The engine %r (%s) is left out: its name is taken.", info.name, info.quality or info.why_not)
        else:
            found[info.name] = info
    return EngineTable(found.values())


def load_engine(name: str, *, progress: Progress | None = None) -> Engine:
    """An engine by its name, its weights fetched if need be.

    Parameters
    ----------
    name : str
        One of `engines()`; ``"demucs:FOLDER"``, ``"melband-roformer:FOLDER"`` or ``"spleeter:FOLDER"`` for weights
        that lie in a folder of yours; or two names with a ``+`` between them: an engine of all stems, and one that
        hears the voice too.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text while weights are fetched.

    Raises
    ------
    EngineError
        If there is no such engine.
    OfflineError
        If its weights are not here and can't be fetched (told within 5 seconds).
    WeightsError
        If its weights are not what they were when they were first fetched.

    Notebook: 06
    """
    return _kept[name] if name in _kept else _family(name).load(name, progress=progress)


def keep(name: str) -> None:
    """Load an engine, and hold it for whatever this process separates with it from now on, in place of the one before.

    For processes that do song after song. Raises as `load_engine`.
    """
    if name not in _kept:
        _kept.clear()
        _kept[name] = load_engine(name)


def version(name: str, *, progress: Progress | None = None) -> str:
    """What changes when an engine's results change, found without loading it; empty if that can't be told.

    It is the digest of the weights (which are fetched if they are not here yet), or the version of a method.

    Raises
    ------
    EngineError
        As `load_engine`.
    """
    return _family(name).version(name, progress=progress)


def _family(name: str) -> Family:
    found = next((family for family in FAMILIES if family.knows(name)), None)
    if found is None:
        raise EngineError(f"There is no engine {name!r}: choose one of {', '.join(info.name for info in engines())}.")
    return found


def choices(*, progress: Progress | None = None) -> Iterator[tuple[str, str]]:
    """The engines that ``"auto"`` may take, by name, the best first, each with one sentence on why.

    Those that give the four usual stems and whose quality was measured, the best first, if they are ready. The weights
    of Demucs are fetched if nothing as good is ready and they can be had.
    """
    measured = [info for info in engines() if info.stems == STEMS_4 and info.sdr is not None]
    passed = ""  # what is better, and why it can't be had
    for info in sorted(measured, key=lambda info: -(info.sdr or 0.0)):
        fetched = not info.ready and info.name == FETCHED
        trouble = _fetch(info.name, progress) if fetched else ""
        if info.ready or (fetched and not trouble):
            how = "fetched just now" if fetched else "ready on this machine"
            instead = f"{passed}; " if passed else ""
            yield info.name, f"{info.name}: {instead}the best that is {how} ({info.quality})."
            trouble = "it does not load"
        if trouble:
            passed = ", ".join(filter(None, [passed, f"{info.name} can't be had ({trouble})"]))


def _fetch(name: str, progress: Progress | None) -> str:
    """Fetch an engine's weights; why that can't be done, or nothing."""
    if trouble := fetching.unreachable():
        return trouble
    try:
        version(name, progress=progress)
    except (EngineError, StoreError) as error:
        return str(error).rstrip(".")
    return ""
