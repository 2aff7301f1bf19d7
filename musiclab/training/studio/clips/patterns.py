"""Random drumming as strokes: bars of random styles in several metres, with fills, rolls, swing and human timing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musiclab.training.studio.clips.kits import KINDS

METRES = ((4, 4), (4, 4), (4, 4), (4, 3), (4, 3), (3, 4), (3, 3), (2, 6), (5, 4))  # beats in a bar, steps in a beat
DROPPED = 0.15  # chance of each kind to be missing from a clip: no drum may be guessed from another's stroke


@dataclass(frozen=True)
class Stroke:
    """One hit: when (s), what, how hard (0–1)."""

    time: float
    kind: str
    force: float


@dataclass(frozen=True)
class Metre:
    """A bar of `beats` beats with `steps` steps each."""

    beats: int
    steps: int

    @property
    def length(self) -> int:
        """Steps in a bar."""
        return self.beats * self.steps


def random_pattern(rng: np.random.Generator, seconds: float) -> list[Stroke]:
    """Drumming for so many seconds."""
    metre = Metre(*METRES[rng.integers(len(METRES))])
    beat = 60 / rng.uniform(60, 200) * (1.5 if metre.steps == 6 else 1)
    human = 0.012 * rng.random() ** 1.5  # s, standard deviation of the timing: from machines to amateurs
    swing = rng.uniform(0, 0.35) if metre.steps == 4 and rng.random() < 0.3 else 0.0  # delay of the off-steps
    missing = {kind for kind in (*KINDS, "percussion") if rng.random() < DROPPED}
    style = _style(rng, metre)
    hits: list[tuple[float, str, float]] = []
    bar, start = 0, 0
    for bar in range(int(seconds / (beat * metre.beats)) + 1):
        if bar % style.bars == 0 and bar > 0 and rng.random() < 0.25:
            style = _style(rng, metre)
        played = _bar(rng, style, metre, fill=bar % style.bars == style.bars - 1, first=bar % style.bars == 0)
        hits += [(start + step, kind, force) for step, kind, force in played]
        start += metre.length
    lead, strokes = rng.uniform(0.0, 1.0), []
    for step, kind, force in hits:
        late = swing if step % 2 == 1 else 0.0
        time = lead + (step + late) * beat / metre.steps + rng.normal(0, human)
        if 0 <= time < seconds - 0.05 and kind not in missing:
            strokes.append(Stroke(time, kind, float(np.clip(force * rng.normal(1, 0.12), 0.05, 1))))
    return sorted(strokes, key=lambda stroke: stroke.time)


@dataclass
class _Style:
    keeper: str  # what keeps time
    every: set[int]  # steps that it plays
    kick: np.ndarray  # chance at each step
    backbeat: str
    snare: np.ndarray  # chance of the backbeat's drum at each step
    ghosts: float
    opens: float  # chance that a hi-hat stroke is open
    crash: float
    bars: int  # after how many bars a fill comes
    shaken: set[int]  # steps of a tambourine or shaker
    extras: float  # chance of percussion at each step
    foot: bool  # hi-hat with the foot on two and four, under a ride
    loose: float  # chance of any drum at any step: music that keeps to no pattern
    flams: float


def _grid(rng: np.random.Generator, metre: Metre) -> set[int]:
    """Steps of a steady layer: beats, halves, all, off-beats, dotted figures."""
    n, per = metre.length, metre.steps
    half = [i for i in range(n) if i % per in (0, per // 2)] if per % 2 == 0 else [i for i in range(n) if i % per != 1]
    figures = [half, half, list(range(n)), list(range(0, n, per)), [i for i in range(n) if i % per != 1],
               [i for i in range(n) if i % per == per // 2], [i for i in range(n) if rng.random() < 0.4]]  # fmt: skip
    return set(figures[rng.integers(len(figures))])


def _style(rng: np.random.Generator, metre: Metre) -> _Style:
    n, per = metre.length, metre.steps
    keepers = ("hihat-closed", "ride", "hihat-open", "tom", "none", "crash", "snare", "tambourine")
    keeper = str(rng.choice(keepers, p=[0.46, 0.22, 0.1, 0.04, 0.07, 0.06, 0.03, 0.02]))
    kick = rng.random(n) * rng.uniform(0, 0.35) * (np.arange(n) % 2 == 0 if rng.random() < 0.6 else 1)
    kick[0] = 0.95
    if rng.random() < 0.25:
        kick[::per] = 0.97  # four on the floor
    elif rng.random() < 0.6 and metre.beats > 2:
        kick[2 * per] = 0.8
    snare = np.zeros(n)
    snare[per::2 * per] = 0.96  # fmt: skip
    if rng.random() < 0.25:
        snare[:] = 0
        snare[(metre.beats // 2) * per] = 0.96
    if rng.random() < 0.3:
        snare += 0.15 * rng.random(n)
    return _Style(
        keeper,
        _grid(rng, metre),
        kick,
        str(rng.choice(["snare", "side-stick", "tom", "percussion"], p=[0.74, 0.18, 0.04, 0.04])),
        snare,
        ghosts=rng.uniform(0, 0.25) if rng.random() < 0.4 else 0.0,
        opens=rng.uniform(0.03, 0.3) if rng.random() < 0.5 else 0.0,
        crash=rng.uniform(0, 0.8),
        bars=int(rng.choice([2, 4, 4, 8])),
        shaken=_grid(rng, metre) if rng.random() < 0.13 else set(),
        extras=rng.uniform(0, 0.2) if rng.random() < 0.2 else 0.0,
        foot=rng.random() < 0.5,
        loose=rng.uniform(0.02, 0.2) if rng.random() < 0.12 else 0.0,
        flams=rng.uniform(0.05, 0.5) if rng.random() < 0.15 else 0.0,
    )


def _bar(
    rng: np.random.Generator, style: _Style, metre: Metre, *, fill: bool, first: bool
) -> list[tuple[float, str, float]]:
    """One bar as (step, kind, force)."""
    n, per = metre.length, metre.steps
    fill_from = n - per * int(rng.integers(1, metre.beats + 1)) if fill and rng.random() < 0.7 else n
    hits: list[tuple[float, str, float]] = []
    if first and rng.random() < style.crash:
        hits.append((0, "crash", rng.uniform(0.7, 1)))
    for step in range(fill_from):
        on_beat = step % per == 0
        if step in style.every and style.keeper != "none":
            opened = style.keeper == "hihat-closed" and rng.random() < style.opens
            force = (1.0 if on_beat else 0.6) * rng.uniform(0.5, 0.9)
            hits.append((step, "hihat-open" if opened else style.keeper, force))
        if style.keeper == "ride" and style.foot and on_beat and step // per % 2 == 1:
            hits.append((step, "hihat-closed", 0.4))
        if rng.random() < style.kick[step]:
            hits.append((step, "kick", rng.uniform(0.6, 1)))
        if rng.random() < style.snare[step]:
            hits.append((step, style.backbeat, rng.uniform(0.6, 1)))
            if rng.random() < style.flams:
                hits.append((step - 0.12, "grace", 0.4))
        elif rng.random() < style.ghosts and style.keeper != "snare":
            hits.append((step, "snare", rng.uniform(0.1, 0.3)))
        if step in style.shaken and style.keeper != "tambourine":
            hits.append((step, "tambourine", (1.0 if on_beat else 0.6) * rng.uniform(0.4, 1)))
        if rng.random() < style.extras:
            hits.append((step, "percussion", rng.uniform(0.3, 1)))
        if rng.random() < style.loose:
            hits.append((step, KINDS[rng.integers(len(KINDS))], rng.uniform(0.3, 1)))
    return _once(hits + _fill(rng, fill_from, n))


def _fill(rng: np.random.Generator, start: int, stop: int) -> list[tuple[float, str, float]]:
    """From one step to another: snare and toms in turns, runs on one drum, or a roll in half steps."""
    drums = (("snare",), ("snare", "tom"), ("tom",), ("tom",))[rng.integers(4)]
    half = 0.5 if rng.random() < 0.2 else 1.0
    hits: list[tuple[float, str, float]] = []
    drum, busy = drums[rng.integers(len(drums))], rng.uniform(0.5, 1)
    for step in np.arange(start, stop, half):
        if rng.random() < 0.4:
            drum = drums[rng.integers(len(drums))]
        if rng.random() < busy:
            hits.append((float(step), drum, rng.uniform(0.4, 1)))
        if rng.random() < 0.15:
            hits.append((float(step), "kick", rng.uniform(0.6, 1)))
    return hits


def _once(hits: list[tuple[float, str, float]]) -> list[tuple[float, str, float]]:
    """No drum is struck twice at one step, no hi-hat both open and closed: the hardest stroke stays."""
    best: dict[tuple[float, str], tuple[float, str, float]] = {}
    for hit in sorted(hits, key=lambda h: h[2]):
        best[hit[0], hit[1].split("-")[0]] = hit
    return list(best.values())
