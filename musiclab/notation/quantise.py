"""From played times to written ones: quantisation as a trade of onset error against notational complexity.

For each beat one of a few subdivisions is chosen (none, eighths, triplets, sixteenths, ...) such that over the whole
part the sum of two costs is least:

* how far the onsets lie from the subdivision's ticks, as a Gaussian of about 25 ms human timing, and
* how complex the notation becomes: a price for each subdivision, for ticks deep in the metrical tree, and for changing
  between binary and ternary feel from one beat to the next.

That is the maximum a posteriori form of rhythm quantisation of [1]_, solved exactly by the Viterbi algorithm over
beats; the price of a tick by its depth is theirs too. Durations follow from the offsets in the same way, with much
looser timing, since players are free with the ends of notes, and with a price for short rests.

References
----------
.. [1] Cemgil, Desain, Kappen: "Rhythm quantization for transcription", Computer Music Journal 24(2), 2000,
   doi:10.1162/014892600559218
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musiclab.grid import BeatGrid

ONSET_SIGMA = 0.025  # s: standard deviation of human onset timing, with that of the onset detector
OFFSET_SIGMA = 0.080  # s: the same of note ends, which players (and detectors) take freely
SHORTEST_TICK = 0.08  # s: quicker ticks are hardly heard as rhythm (London, "Hearing in Time", 2012: about 0.1 s)
SAME_ONSET = 0.035  # s: onsets closer than this are one chord
SWING = 2 / 3  # place of a swung off-beat in its beat when asked to straighten and none is heard
COLLISION = 25.0  # cost of two different onsets on one tick: more than any subdivision costs

# Price in nats of dividing a beat. Simple beats (quarters) and compound ones (dotted quarters) have their own trees.
SIMPLE_PRICES = {1: 0.0, 2: 0.6, 4: 1.8, 3: 2.2, 6: 5.5, 8: 5.5}
COMPOUND_PRICES = {1: 0.0, 3: 0.6, 6: 1.8, 2: 2.6, 12: 5.5}
ORDINARY_PRICE = 3.0  # of subdivisions that are there at every tempo; dearer ones have to be slow enough to be played
CHANGE_PRICE = 1.2  # for going from a binary beat to a ternary one, or back
DEPTH_PRICE = 0.35  # for each level that a tick lies deeper than the beat


@dataclass(frozen=True)
class Written:
    """A note's place on paper: `onset` in quarter lengths from the first bar line, `duration` in quarter lengths.

    `index` is the note's index in the part; the onset is negative in no case: a pick-up lies in the first (short) bar.
    """

    index: int
    onset: Fraction
    duration: Fraction


def quantise(
    onsets: Sequence[float],
    offsets: Sequence[float],
    grid: BeatGrid,
    *,
    subdivisions: Sequence[int] | None = None,
    monophonic: bool = False,
    onset_sigma: float = ONSET_SIGMA,
    swing: bool | None = False,
) -> list[Written]:
    """Written onset and duration for each played note.

    Parameters
    ----------
    onsets, offsets : sequences of float [shape=(notes,)]
        In seconds, in any order; each offset after its onset.
    grid : BeatGrid
        Beats and bars.
    subdivisions : sequence of int
        Ticks a beat that may be used, such as (1, 2, 4) for no triplets. Default: all that the metre knows.
    monophonic : bool
        Whether a note ends where the next begins, at the latest.
    onset_sigma : float
        Standard deviation of the onsets, in seconds: larger gives simpler rhythm.
    swing : bool or None
        Whether long-short pairs of eighths are written straight, as players of swing read them; None: if `swing_ratio`
        finds that most beats are played so.

    Returns
    -------
    list of Written
        In the order of the input. Quarter lengths count from the bar line before the grid's first beat.

    Notebook: 10
    """
    if len(onsets) == 0:
        return []
    times = np.asarray(onsets, dtype=float)
    order = np.argsort(times, kind="stable")
    beats = grid.beats_at(_chords_together(times[order]))
    ends = grid.beats_at(offsets)
    prices = _prices(grid, subdivisions)
    if swing or (swing is None and swing_ratio(onsets, grid) is not None):
        offbeat = swing_ratio(onsets, grid) or SWING
        beats, ends = _straightened(beats, offbeat), _straightened(ends, offbeat)
        prices = {n: price for n, price in prices.items() if n % 3}
    ticks, chosen = _onset_ticks(beats, prices, onset_sigma * grid.tempo / 60.0)
    starts = [Fraction(0)] * len(times)
    for rank, i in enumerate(order):
        starts[i] = ticks[rank]
    durations = _durations(starts, ends, grid, _End(prices, chosen, grid.is_compound), monophonic=monophonic)
    shift = _shift(grid, min(starts))
    return [
        Written(i, (starts[i] + shift) * grid.beat_quarters, durations[i] * grid.beat_quarters)
        for i in range(len(times))
    ]


def swing_ratio(onsets: Sequence[float], grid: BeatGrid) -> float | None:
    """Where in the beat the off-beat eighth is played (0.5 straight, 0.67 triplet swing), or None if it is not swung.

    It is swing if off-beats cluster past the middle and no beat has a note on its first third, as triplets would.
    """
    if len(onsets) == 0 or grid.is_compound:
        return None
    places = grid.beats_at(onsets) % 1.0
    inner = places[(places > 0.2) & (places < 0.8)]
    late = inner[(inner > 0.57) & (inner < 0.74)]
    if len(late) < 6 or len(late) < 0.7 * len(inner) or np.sum((inner > 0.27) & (inner < 0.4)) > 0.15 * len(inner):
        return None
    return float(np.median(late))


def _straightened(beats: np.ndarray, offbeat: float) -> np.ndarray:
    """Fractional beats with the swung off-beat moved to the middle, and everything between in proportion."""
    whole = np.floor(beats)
    return np.asarray(whole + np.interp(beats - whole, [0.0, offbeat, 1.0], [0.0, 0.5, 1.0]))


def _shift(grid: BeatGrid, earliest: Fraction) -> Fraction:
    """What to add to a beat index so that it counts from a bar line at or before the earliest note."""
    shift = Fraction(grid.first - 1)
    while earliest + shift < 0:
        shift += grid.beats_per_bar
    return shift


def _chords_together(times: np.ndarray) -> np.ndarray:
    """Sorted onsets, with those of one chord (closer than `SAME_ONSET` to its first) set to their mean."""
    out = times.copy()
    start = 0
    for i in range(1, len(times) + 1):
        if i == len(times) or times[i] - times[start] > SAME_ONSET:
            out[start:i] = times[start:i].mean()
            start = i
    return out


def _prices(grid: BeatGrid, subdivisions: Sequence[int] | None) -> dict[int, float]:
    known = COMPOUND_PRICES if grid.is_compound else SIMPLE_PRICES
    if subdivisions is None:
        beat = 60.0 / grid.tempo
        return {n: price for n, price in known.items() if price <= ORDINARY_PRICE or beat / n >= SHORTEST_TICK}
    return {n: known.get(n, 1.5 * np.log2(n) + 1.0) for n in sorted({1, *subdivisions})}


def _onset_ticks(beats: np.ndarray, prices: dict[int, float], sigma: float) -> tuple[list[Fraction], dict[int, int]]:
    """The Viterbi search over beats; `beats` are sorted fractional indices and `sigma` is in beats.

    Returns each onset's tick, and for each beat the number of ticks that it was divided into.
    """
    options = list(prices)
    change = np.array([[_change_price(before, after) for before in options] for after in options])
    first = int(np.floor(beats[0]))
    best = np.zeros(len(options))
    back, ticks, members = [], [], []
    for b in range(first, int(np.floor(beats[-1])) + 1):
        inside = np.flatnonzero(np.floor(beats) == b)
        places = (beats[inside] - b).tolist()
        costs, local = zip(*(_beat_cost(places, n, price, sigma) for n, price in prices.items()), strict=True)
        total = best[None, :] + change
        back.append(total.argmin(axis=1))
        best = total.min(axis=1) + np.array(costs)
        ticks.append(local)
        members.append(inside)
    path = _trace(best, back)
    placed = [first + step + tick for step, state in enumerate(path) for tick in ticks[step][state]]
    return placed, {first + step: options[state] for step, state in enumerate(path)}


def _change_price(before: int, after: int) -> float:
    """Price of going from one subdivision to another: only between binary and ternary feel."""
    return CHANGE_PRICE if min(before, after) > 1 and (before % 3 == 0) != (after % 3 == 0) else 0.0


def _beat_cost(places: list[float], n: int, price: float, sigma: float) -> tuple[float, list[Fraction]]:
    """Cost of dividing a beat by `n`, and the tick, 0 to 1, of each onset in it (1 is the next beat's first tick)."""
    nearest = [round(place * n) for place in places]
    ticks = [_tick(k, n) for k in nearest]
    errors = sum(min(((place - k / n) / sigma) ** 2, 36.0) for place, k in zip(places, nearest, strict=True))
    cost = price + 0.5 * errors + DEPTH_PRICE * sum(map(_depth, ticks))
    merged = len(set(places)) - len(set(nearest))
    return cost + COLLISION * merged, ticks


@functools.lru_cache(maxsize=4096)
def _tick(k: int, n: int) -> Fraction:
    """``k / n`` of a beat: the same few again and again."""
    return Fraction(k, n)


def _depth(tick: Fraction) -> int:
    """How many divisions of the beat are needed to reach the tick: 0 on the beat, 1 on halves or thirds, 2 below."""
    return {1: 0, 2: 1, 3: 1, 4: 2, 6: 2}.get(tick.denominator, 3)


def _trace(best: np.ndarray, back: list[np.ndarray]) -> list[int]:
    """The cheapest path of states, first to last."""
    path = [int(best.argmin())]
    for pointers in reversed(back[1:]):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


@dataclass(frozen=True)
class _End:
    """Where a note may end: on the ticks that its beat was divided into, or on others at a price.

    No triplet is written for the end of a note alone, nor a duplet in a compound metre: nobody plays a rest so.
    """

    prices: dict[int, float]
    chosen: dict[int, int]
    compound: bool

    def near(self, place: float) -> list[tuple[Fraction, float]]:
        """The ticks around a fractional beat index, with what each costs; a tick may come more than once."""
        own = self.chosen.get(math.floor(place), 1)
        costs = []
        for n, price in self.prices.items():
            if own % n == 0:
                extra = 0.0
            elif n % own == 0 and n <= 4 and (own > 1 or (n % 3 == 0) == self.compound):
                extra = price - self.prices.get(own, 0.0)
            else:
                continue
            costs += [(_tick(k, n), extra) for k in (math.floor(place * n), math.ceil(place * n))]
        return costs


def _durations(
    starts: list[Fraction], ends: np.ndarray, grid: BeatGrid, end: _End, *, monophonic: bool
) -> list[Fraction]:
    """Durations in beats: the simplest that the ends allow, rather up to the next note than before a short rest."""
    later = sorted(set(starts))
    following = dict(zip(later, [*later[1:], None], strict=True))
    sigma = OFFSET_SIGMA * grid.tempo / 60.0
    out = []
    for start, place in zip(starts, ends, strict=True):
        following_start = following[start]
        gap = None if following_start is None else following_start - start
        latest = following_start if monophonic else None
        costs = [
            (tick - start, cost)
            for tick, cost in end.near(float(place))
            if tick > start and (latest is None or tick <= latest)
        ]
        if gap is not None:
            costs.append((gap, 0.0))  # up to the next note: no rest to write at all
        played = float(place) - float(start)
        out.append(_cheapest(costs, played, gap, sigma) if costs else Fraction(1, end.chosen.get(math.floor(start), 1)))
    return out


def _cheapest(costs: list[tuple[Fraction, float]], played: float, gap: Fraction | None, sigma: float) -> Fraction:
    """The written duration, in beats, with the least cost in all, for a note that sounded for `played` beats."""
    return min((cost + _duration_cost(duration, played, gap, sigma), duration) for duration, cost in costs)[1]


def _duration_cost(duration: Fraction, played: float, gap: Fraction | None, sigma: float) -> float:
    error = float(duration) - played
    # A note is more often played shorter than written (detached) than longer.
    cost = 0.5 * (error / (sigma * (1.6 if error > 0 else 1.0))) ** 2
    if gap is not None and duration < gap:
        rest = float(gap - duration)
        cost += 1.5 if rest <= 0.5 else 0.5
    return cost + _shape_price(duration)


def _shape_price(duration: Fraction) -> float:
    """Price of a duration's look, in beats: none for plain and dotted values, more where a tie is needed."""
    numerator = duration.numerator
    while numerator % 2 == 0:
        numerator //= 2
    return {1: 0.0, 3: 0.3, 7: 1.2}.get(numerator, 1.5)
