"""What each engine costs, in words: time for this song on this machine, quality, download, licence."""

from __future__ import annotations

from os import cpu_count

from musiclab.separation.engine import EngineInfo
from musiclab.separation.registry import engines
from musiclab.show import IN_PLAIN_WORDS

# Processor seconds for a minute of music with AVX2: measured for `embedded` (docs/speed.md), guessed for the others,
# until an engine has run here.
SPEEDS = {"embedded": 5.0, "htdemucs": 26.0, "htdemucs_6s": 26.0, "htdemucs_ft": 104.0, "mdx_extra": 60.0, "hpss": 1.0}
UNKNOWN = 30.0
PARALLEL = 4  # cores that a separation keeps busy, at most


def choices(minutes: float, measured: dict[str, float]) -> list[tuple[str, str]]:
    """Engines that take a song apart, as (sentence, name), the recommended first.

    Parameters
    ----------
    minutes : float
        Length of the song.
    measured : dict[str, float]
        Seconds for a minute of music that engines took on this machine: these go before what is known in general.
    """
    known = [info for info in engines() if info.sdr]  # those that were measured
    ready = sorted(known, key=lambda info: (not info.ready, -(info.sdr or 0.0)))
    best = [("The best that is ready here", "auto")]
    return best + [(sentence(info, minutes, measured), info.name) for info in ready]


def sentence(info: EngineInfo, minutes: float, measured: dict[str, float]) -> str:
    """An engine in one line: ``htdemucs · 4 stems · about 20 s · quality 8.8 dB · ready · MIT``."""
    cores = min(cpu_count() or 1, PARALLEL)
    seconds = measured.get(info.name, SPEEDS.get(info.name, UNKNOWN) / cores) * minutes
    getting = "ready" if info.ready else f"{info.size_bytes / 1e6:.0f} MB to fetch" if info.size_bytes else "not here"
    licence = info.licence.weights if info.licence.weights != "none needed" else info.licence.code
    licence = "no licence stated" if licence == "none stated" else licence
    name = f"{info.name}, {meaning}" if (meaning := IN_PLAIN_WORDS.get(info.name)) else info.name
    parts = [name, f"{len(info.stems)} stems", f"about {spoken(seconds)}"]
    return " · ".join([*parts, f"quality {info.sdr:.1f} dB", getting, licence])


def spoken(seconds: float) -> str:
    """A time as one says it: ``20 s``, ``3 min``."""
    return f"{max(5, round(seconds / 5) * 5)} s" if seconds < 90 else f"{round(seconds / 60)} min"
