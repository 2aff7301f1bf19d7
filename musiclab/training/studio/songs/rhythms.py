"""Songs to learn beats and bars from: many tempi and metres, pick-ups, songs that slow down.

The studio's songs keep to what each style usually does. Here the tempo is drawn evenly over the octaves, other metres
than four are as frequent as they are hard, a third of the songs begin in the middle of a bar, and some slow down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.training.studio.songs.composition import METRES, compose
from musiclab.training.studio.songs.library import SR, Library
from musiclab.training.studio.songs.sketch import SR as SKETCH_SR
from musiclab.training.studio.songs.sketch import sketch
from musiclab.training.studio.songs.song import render
from musiclab.training.studio.songs.styles import STYLES, Style

SLOWEST, FASTEST = 56.0, 190.0  # beats a minute
METRE_SHARES = {"4/4": 0.3, "3/4": 0.17, "6/8": 0.12, "12/8": 0.12, "2/4": 0.05, "5/4": 0.13, "7/8": 0.11}
AS_USUAL = 0.5  # share of songs in four at a tempo that their style usually has
WIDER = 1.35  # how far another tempo may be from that
LEAD = 0.08  # s of a recording before its first beat
PICKUPS, SLOW_DOWNS, DRIFTS = 0.33, 0.15, 0.2  # shares of songs
GROOVES = {"2/4": "polka march", "5/4": "five five-jazz five-rock", "7/8": "seven seven-rock seven-three"}
BASSES = {"2/4": "roots country walk eighths", "5/4": "roots long melodic walk riff", "7/8": "roots long riff melodic"}
TEMPI = {"2/4": (90.0, 150.0), "5/4": (85.0, 180.0), "7/8": (190.0, 290.0)}


@dataclass(frozen=True)
class RhythmSong:
    """A song and its beats.

    Attributes
    ----------
    stems : Stems
        As rendered, with the mixture.
    times : np.ndarray [shape=(beats,)]
        In seconds.
    positions : np.ndarray [shape=(beats,)]
        Of each beat in its bar, from 1.
    metre : (int, int)
        Time signature.
    name : str
        The seed, the style, metre and tempo.
    """

    stems: Stems
    times: np.ndarray
    positions: np.ndarray
    metre: tuple[int, int]
    name: str

    @property
    def mixture(self) -> Audio:
        """What the listener hears."""
        return self.stems.mixture

    @property
    def downbeats(self) -> np.ndarray:
        """Times of first beats, in seconds [shape=(bars,)]."""
        return np.asarray(self.times[self.positions == 1])


def rhythm_song(
    seed: int, library: Library | None = None, *, style: Style | None = None, duration: float = 24.0
) -> RhythmSong:
    """A song whose tempo, metre and course are drawn from `seed`, and its beats.

    Parameters
    ----------
    seed : int
        The same seed gives the same song.
    library : Library
        Recorded samples; without them computed sounds play (`sketch`), many times as fast.
    style : Style
        One with a single tempo, instead of one that is drawn.
    duration : float
        Seconds.

    Raises
    ------
    DatasetError
        As `song.render` does.
    """
    rng = np.random.default_rng([seed, 16])
    style = style or drawn_style(rng)
    late = int(rng.integers(1, METRES[style.metre][0])) if rng.random() < PICKUPS else 0
    length = duration + late * 60 / style.tempo[0]
    name = f"{seed} {style.name} {style.metre} {style.tempo[0]:.0f}" + " pick-up" * (late > 0)
    if library is not None:
        made = render(seed, library, duration=length, style=style)
        return _cut(made.stems, SR, made.beats, late, style.metre, name)
    song = compose(rng, duration=length, style=style)
    return _cut(sketch(song, rng, duration=length), SKETCH_SR, song.beats(length), late, style.metre, name)


def studio_song(seed: int, library: Library, *, duration: float = 24.0) -> RhythmSong:
    """A song of the studio as `song.render` gives it, and its beats."""
    made = render(seed, library, duration=duration)
    return _cut(made.stems, SR, made.beats, 0, made.metre, f"{seed} {made.style} {made.metre} {made.tempo:.0f}")


def drawn_style(rng: np.random.Generator) -> Style:
    """A style with one tempo, a metre and a course."""
    metre = str(rng.choice(list(METRE_SHARES), p=list(METRE_SHARES.values())))
    usual = metre not in TEMPI and rng.random() < AS_USUAL
    tempo = float(np.exp(rng.uniform(*np.log(TEMPI.get(metre, (SLOWEST, FASTEST))))))
    bases = [style for style in STYLES if style.metre == (metre if metre not in TEMPI else "4/4")]
    if metre == "4/4" and not usual:
        bases = [s for s in bases if s.tempo[0] / WIDER < tempo < s.tempo[1] * WIDER]
    weights = np.array([style.weight for style in bases])
    style = bases[int(rng.choice(len(bases), p=weights / weights.sum()))]
    if metre not in ("4/4", *TEMPI) or usual:
        low, high = style.tempo
        tempo = float(rng.uniform(low, high) if usual else rng.uniform(low / 1.1, high * 1.1))
    if metre in TEMPI:
        style = replace(style, grooves=GROOVES[metre], bass=BASSES[metre], name=f"{style.name}-{metre}")
    course = float(np.exp(rng.normal(0, 0.06))) if rng.random() < DRIFTS else 1.0
    ending = float(rng.uniform(1.2, 1.7)) if rng.random() < SLOW_DOWNS else 1.0
    return replace(style, metre=metre, tempo=(tempo, tempo), course=course, ending=ending)


def _cut(
    stems: Mapping[str, np.ndarray], sr: int, told: Sequence[tuple[float, int]], late: int, metre: str, name: str
) -> RhythmSong:
    """The song from its beat number `late` on (a little before it), as its recording would be cut."""
    beats = np.array(told)[late:]
    start = max(0.0, float(beats[0, 0]) - LEAD) if late else 0.0
    cut = {stem: wave[:, round(start * sr) :] for stem, wave in stems.items()}
    mixture = Audio(np.sum(list(cut.values()), axis=0), sr)
    numerator, denominator = (int(number) for number in metre.split("/"))
    audio = Stems({stem: Audio(wave, sr) for stem, wave in cut.items()}, mixture)
    return RhythmSong(audio, beats[:, 0] - start, beats[:, 1].astype(int), (numerator, denominator), name)
