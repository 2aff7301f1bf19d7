"""Engines made of engines: ``"embedded+spleeter"``, or any engine of four stems and any one that knows voices.

Both hear the song, and the voice is the mean of what they say: they err in different places. An engine whose voice is
far better than others' counts alone (its `voice_share` is 1). What that voice leaves of the song is heard by the first
once more, for the other stems: it has hardly a voice to tell from them any more. What it takes for one all the same
goes to `other`. Averaging different estimators is as old as the field's contests: Uhlich et al., ICASSP 2017,
doi:10.1109/ICASSP.2017.7952158.

Notebook: 06
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import EngineError
from musiclab.progress import Progress
from musiclab.separation.engine import STEMS_4, Engine, EngineInfo, Family, Licence
from musiclab.store import key_of

if TYPE_CHECKING:
    import torch

VOICE, OTHER = "vocals", "other"
VERSION = 1  # part of the version of such an engine: raise it when the same two give other stems
BLOCK = 1 << 18  # frames worked on at once
SPANS = ((0.0, 0.35), (0.35, 0.65), (0.65, 1.0))  # of the progress: the three runs
# In the table: dB that its stems, and its voice, gain on six real songs; None where that was not measured.
LISTED = {"embedded+spleeter": (0.1, 0.6), "embedded+melband-roformer": None}

RunPart = Callable[[Engine, Audio, Path, tuple[float, float]], None]


class Together(Engine):
    """Two engines as one.

    Parameters
    ----------
    base : Engine
        Gives the stems, the voice among them.
    voice : Engine
        Gives a voice too.
    name : str
        What to call it.
    version : str
        Made of both versions; empty if results should not be kept.

    Raises
    ------
    EngineError
        If one of them knows no voice.
    """

    segment = None  # each of the two has its own

    def __init__(self, base: Engine, voice: Engine, *, name: str, version: str = "") -> None:
        for engine in (base, voice):
            if VOICE not in engine.stems:
                raise EngineError(f"{engine.name!r} gives no stem {VOICE!r}, so it can't be part of {name!r}.")
        self.base, self.voice, self.name, self.version = base, voice, name, version
        self.share = float(getattr(voice, "voice_share", 0.5))
        self.stems, self.sr = tuple(base.stems), base.sr
        self.licence = both(base.licence, voice.licence)

    def compose(self, song: Audio, folder: Path, run: RunPart) -> None:
        """Write the stems of `song` into `folder`; ``run(engine, song, folder, span of progress)`` separates."""
        if self.share < 1:
            run(self.base, song, folder / "base", SPANS[0])
        run(self.voice, song, folder / "voice", SPANS[1] if self.share < 1 else (0.0, SPANS[1][1]))
        shares = {"base": 1 - self.share, "voice": self.share} if self.share < 1 else {"voice": 1.0}
        parts = [np.load(folder / place / f"{VOICE}.npy", mmap_mode="r") for place in shares]
        mixed = (_mixed(voices, [*shares.values()]) for voices in _blocks(*parts))
        voice = _written(folder / f"{VOICE}.npy", mixed, song)
        rest = _written(folder / "left.npy", (a - b for a, b in _blocks(song.samples, voice)), song)
        run(self.base, Audio.of_checked(rest, song.sr), folder / "rest", SPANS[2])
        for stem in self.stems:
            if stem not in (VOICE, OTHER):
                (folder / "rest" / f"{stem}.npy").rename(folder / f"{stem}.npy")
        if OTHER in self.stems:
            found = [np.load(folder / "rest" / f"{stem}.npy", mmap_mode="r") for stem in (VOICE, OTHER)]
            _written(folder / f"{OTHER}.npy", (a + b for a, b in _blocks(*found)), song)
            del found
        del parts, voice, rest  # their maps: Windows deletes no file that is mapped
        (folder / "left.npy").unlink()
        for place in (*shares, "rest"):
            shutil.rmtree(folder / place)

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """Stems of whole songs: see `Engine.separate`."""
        import torch

        return torch.stack([self._one(piece) for piece in mixture])

    def _one(self, piece: torch.Tensor) -> torch.Tensor:
        import torch

        from musiclab.separation import whole
        from musiclab.separation.settings import How, SeparationSettings

        settings = SeparationSettings("default", None, None, None, "float32")
        with tempfile.TemporaryDirectory(prefix="musiclab-", ignore_cleanup_errors=True) as folder:
            song = Audio(piece.detach().cpu().numpy(), self.sr)
            whole.fill(self, song, Path(folder), settings=settings, how=How(device=str(piece.device)))
            found = np.stack([np.load(Path(folder) / f"{stem}.npy") for stem in self.stems])
        return torch.from_numpy(found).to(piece.device)


def _blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The same frames of each, a few seconds at a time."""
    for start in range(0, arrays[0].shape[1], BLOCK):
        yield tuple(array[:, start : start + BLOCK] for array in arrays)


def _mixed(parts: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    total = np.zeros_like(parts[0])
    for part, share in zip(parts, shares, strict=True):
        total += share * part
    return total


def _written(path: Path, parts: Iterator[np.ndarray], like: Audio) -> np.ndarray:
    """A file of samples made block by block, as a map."""
    from musiclab.separation.streams import Frames

    with Frames(path, like.channels, like.frames) as frames:
        for part in parts:
            frames.write(part)
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped


def both(first: Licence, second: Licence) -> Licence:
    """The terms of two engines as one line; disputed if one of them is."""
    codes, weights = (
        " + ".join(dict.fromkeys(values)) for values in ((first.code, second.code), (first.weights, second.weights))
    )
    disputed = second if second.disputed else first
    return Licence(codes, weights, disputed.source, disputed.disputed)


class TogetherFamily:
    """Names of the form ``"FOUR STEMS+VOICE"``. See `Family`.

    Parameters
    ----------
    families : sequence of Family
        Where the two are looked for.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self.families = families

    def infos(self) -> list[EngineInfo]:
        """Those that are listed."""
        return [self._info(name, gains) for name, gains in LISTED.items()]

    def _info(self, name: str, gains: tuple[float, float] | None) -> EngineInfo:
        known = {info.name: info for family in self.families for info in family.infos()}
        base, voice = (
            next(info for info in known.values() if part in (info.name, info.name.split("-")[0])) for part in _two(name)
        )
        why_not = next((info.why_not for info in (base, voice) if not info.ready), "")
        size = base.size_bytes + voice.size_bytes
        licence = both(base.licence, voice.licence)
        better = f"its voice {gains[1]} dB better" if gains else "with the other's voice, not measured here"
        sdr = round(base.sdr + gains[0], 1) if gains and base.sdr is not None else None
        quality = f"as {base.name}, {better}"
        return EngineInfo(name, base.stems, licence, size, base.ready and voice.ready, why_not, quality, sdr)

    def knows(self, name: str) -> bool:
        """Whether it is two names."""
        return "+" in name

    def load(self, name: str, *, progress: Progress | None = None) -> Engine:
        """Both engines, their weights fetched if need be."""
        base, voice = (self._family(part).load(part, progress=progress) for part in _two(name))
        if base.stems != STEMS_4 and VOICE not in base.stems:
            raise EngineError(f"The first of {name!r} has to give the stems, {base.name!r} does not.")
        return Together(base, voice, name=name, version=self.version(name))

    def version(self, name: str, *, progress: Progress | None = None) -> str:
        """A digest of both versions; empty if one can't be told."""
        versions = [self._family(part).version(part, progress=progress) for part in _two(name)]
        return key_of("together", VERSION, *versions) if all(versions) else ""

    def _family(self, name: str) -> Family:
        found = next((family for family in self.families if family.knows(name)), None)
        if found is None:
            raise EngineError(f"There is no engine {name!r} to be one of two: see engines().")
        return found


def _two(name: str) -> tuple[str, str]:
    base, _, voice = name.partition("+")
    return base, voice
