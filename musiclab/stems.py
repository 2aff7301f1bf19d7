"""`Stems`: the named parts of one mixture, and what they leave over; and the names that stems have.

The parts and the `residual` always add up to the mixture: whatever an engine does, nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musiclab import mapped
from musiclab.audio import BLOCK, Audio
from musiclab.errors import AudioError

if TYPE_CHECKING:
    from os import PathLike

    from musiclab.stemfiles import SavedStems

RESIDUAL = "residual"
MIXTURES = ("mixture", "mix")  # what a file of the whole song is called beside its stems
ORDER = ("vocals", "drums", "bass", "other", "guitar", "piano", "accompaniment")  # as engines and tables tell them


def in_order(names: Iterable[str]) -> list[str]:
    """Names of stems in the order in which they are always told; others by the alphabet behind them."""
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def known_name(text: str) -> str:
    """The name of a stem from what somebody called it: names that we know in lower case, others as they are."""
    folded = text.casefold()
    return folded if folded in (*ORDER, *MIXTURES, RESIDUAL) else text


def added(sounds: Sequence[tuple[Audio, float]], *, title: str) -> Audio:
    """Sounds of one rate and shape, each times its factor, added up: in float64, a block at a time, rounded once."""
    first = sounds[0][0]
    out = mapped.empty(first.samples.shape)
    for start in range(0, first.frames, BLOCK):
        span = np.s_[:, start : start + BLOCK]
        total = np.zeros(out[span].shape)
        for sound, factor in sounds:
            total += np.multiply(sound.samples[span], factor, dtype=np.float64)
        out[span] = total
    out.flags.writeable = False
    return Audio(out, first.sr, title=title)


class Stems(Mapping[str, Audio]):
    """A frozen, ordered mapping from a stem's name to its `Audio`, with the `mixture` they came from.

    Parameters
    ----------
    stems : Mapping[str, Audio]
        At least one; all with the mixture's sample rate and shape. The name ``residual`` is reserved.
    mixture : Audio
        What was separated.
    engine : str
        The name of the engine that made them, for tables and file tags.
    note : str
        What else there is to say of how they were made, such as why this engine was taken.

    Raises
    ------
    AudioError
        If a stem differs from the mixture in rate or shape.

    Notebook: 01
    """

    def __init__(self, stems: Mapping[str, Audio], mixture: Audio, *, engine: str = "", note: str = "") -> None:
        if not stems:
            raise AudioError("Stems need at least one part.")
        for name, stem in stems.items():
            if name == RESIDUAL:
                raise AudioError(f"The name {RESIDUAL!r} is taken: it is what the other stems leave over.")
            if stem.sr != mixture.sr or stem.samples.shape != mixture.samples.shape:
                raise AudioError(f"Stem {name!r} differs from the mixture in rate, channels or length.")
        self._stems = dict(stems)
        self.mixture = mixture
        self.engine = engine
        self.note = note

    def __getitem__(self, name: str) -> Audio:
        if name == RESIDUAL:
            return self.residual
        if name not in self._stems:
            raise KeyError(f"{name!r} is not a stem here: there are {', '.join(self._stems)} and {RESIDUAL}.")
        return self._stems[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stems)

    def __len__(self) -> int:
        return len(self._stems)

    @property
    def sr(self) -> int:
        return self.mixture.sr

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.mixture.duration

    @cached_property
    def residual(self) -> Audio:
        """The mixture minus the sum of the stems."""
        return self._sum(dict.fromkeys(self._stems, -1.0), RESIDUAL)

    def mix(self, gains_db: Mapping[str, float] | None = None) -> Audio:
        """The stems and the residual, each with its gain, added up.

        Parameters
        ----------
        gains_db : Mapping[str, float]
            Gain in dB for each name; names left out stay at 0 dB; ``-inf`` mutes. ``residual`` is a name too.

        Returns
        -------
        Audio
            Not limited: its peak may pass 0 dBFS. With no gains it is the mixture itself.
        """
        gains_db = dict(gains_db or {})
        unknown = set(gains_db) - set(self._stems) - {RESIDUAL}
        if unknown:
            raise KeyError(f"No stem is called {', '.join(sorted(unknown))}.")
        # Start from the mixture and add each stem's change: what is left at 0 dB stays exactly as it was.
        changes = {name: 10 ** (gain_db / 20) - 1.0 for name, gain_db in gains_db.items() if gain_db != 0}
        return self._sum(changes, self.mixture.title) if changes else self.mixture

    def without(self, *names: str) -> Audio:
        """The mixture with these stems muted: ``stems.without("vocals")`` is karaoke."""
        return self.mix(dict.fromkeys(names, float("-inf")))

    def _sum(self, factors: Mapping[str, float], title: str) -> Audio:
        """The mixture plus each named part times its factor."""
        return added([(self.mixture, 1.0), *((self[name], factor) for name, factor in factors.items())], title=title)

    def save(
        self,
        folder: str | PathLike[str],
        *,
        format: str = "wav",
        subtype: str | None = None,
        names: str | None = None,
        quality: float = 0.8,
    ) -> SavedStems:
        """Write every stem and the residual into `folder`. See `musiclab.stemfiles.save_stems`."""
        from musiclab import stemfiles

        return stemfiles.save_stems(self, folder, format=format, subtype=subtype, names=names, quality=quality)

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Stems:
        """Stems from a folder: as `save` wrote them, or any folder with one audio file for each stem.

        A file ``mixture`` is the mixture; without one it is the sum of all files, the residual's among them. Stems
        that `save` made softer come back at the level that they had. In a folder of anybody's, stems take the
        mixture's rate, mono ones its channels, and shorter ones end in silence.

        Raises
        ------
        AudioError
            If there is no such folder, it holds no stems or one of them twice, or a stem is longer than its mixture
            or has other channels.
        """
        from musiclab import stemfiles

        found = stemfiles.read_stems(folder)
        return cls(found.stems, found.mixture, engine=found.engine)

    def __repr__(self) -> str:
        by = f" by {self.engine}" if self.engine else ""
        return f"<Stems {', '.join(self._stems)}{by}: {self.duration:.2f} s at {self.sr} Hz>"

    def _repr_html_(self) -> str:
        from musiclab import show

        return show.stems_html(self)
