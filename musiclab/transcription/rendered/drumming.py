"""Random drumming: patterns of many styles with fills and human timing, played on kits of recorded one-shots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab import synth
from musiclab.transcription.rendered import effects
from musiclab.transcription.rendered.samples import SR, Sample

KINDS = ("kick", "snare", "hihat-closed", "hihat-open", "tom", "crash", "ride")
# Levels of a kit as recorded, dB, and how far they vary from song to song: hi-hats are much softer than snares.
GAIN_DB = {"kick": (0, 4), "snare": (0, 4), "hihat-closed": (-14, 6), "hihat-open": (-11, 5), "tom": (-3, 4),
           "crash": (-6, 4), "ride": (-14, 6), "percussion": (-12, 6)}  # fmt: skip
MOST_PER_KIND = 12  # one-shots of a kind in a kit
SYNTHETIC = 0.12  # share of the drums of a kit that are computed
HUMAN = 0.006  # s, standard deviation of the timing


@dataclass(frozen=True)
class Stroke:
    """One hit: when (s), what, how hard (0–1)."""

    time: float
    kind: str
    force: float


@dataclass
class Kit:
    """One-shots by kind [each a list of mono arrays at 44.1 kHz], with the gain of each kind in dB."""

    sounds: dict[str, list[np.ndarray]]
    gains_db: dict[str, float]


def by_kind(samples: Sequence[Sample]) -> dict[str, dict[str, list[Sample]]]:
    """Samples by kind, then library."""
    sorted_out: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        sorted_out[sample.kind][sample.library].append(sample)
    return sorted_out


def random_kit(rng: np.random.Generator, kinds: dict[str, dict[str, list[Sample]]]) -> Kit:
    """A kit: mostly of one library where it has the kind, else of any; each kind tuned and coloured on its own."""
    kicks = kinds["kick"]
    share = np.sqrt([len(kicks[name]) for name in sorted(kicks)])
    home = str(rng.choice(sorted(kicks), p=share / share.sum()))
    sounds: dict[str, list[np.ndarray]] = {}
    for kind in (*KINDS, "percussion"):
        known = kinds.get(kind, {})
        if kind != "percussion" and (not known or rng.random() < SYNTHETIC):
            sounds[kind] = [synthetic(rng, kind) for _ in range(3)]
            continue
        names = sorted(known)
        weights = np.sqrt([len(known[name]) for name in names])  # libraries with many sounds more often
        other = str(rng.choice(names, p=weights / weights.sum()))
        library = home if home in known and rng.random() < 0.6 else other
        # A tom, a ride or a cymbal is an instrument: a kit has a few of them, not all that the library has.
        chosen = rng.permutation(len(known[library]))[: rng.integers(2, MOST_PER_KIND + 1)]
        tuning = 2 ** (rng.normal(0, 1.5) / 12)
        sounds[kind] = [retuned(known[library][int(i)].load(), tuning) for i in chosen]
    return Kit(sounds, {kind: float(rng.normal(*GAIN_DB[kind])) for kind in GAIN_DB})


def retuned(wave: np.ndarray, ratio: float) -> np.ndarray:
    """Played faster by `ratio`."""
    return np.asarray(np.interp(np.arange(0, len(wave) - 1, ratio), np.arange(len(wave)), wave), dtype=np.float32)


def synthetic(rng: np.random.Generator, kind: str) -> np.ndarray:
    """A computed drum of this kind with random tuning, length and noise."""
    base = {"kick": synth.KICK, "snare": synth.SNARE, "hihat-closed": synth.CLOSED, "hihat-open": synth.OPEN,
            "tom": synth.HITS[45], "crash": synth.CRASH, "ride": synth.RIDE}[kind]  # fmt: skip
    tune, long, bright = 2 ** rng.normal(0, 0.35), 2 ** rng.normal(0, 0.5), 2 ** rng.normal(0, 0.4)
    hit = synth.Hit(base.body * rng.uniform(0.6, 1.2), base.start * tune, base.end * tune, base.sweep * long,
                    base.ring * long, base.noise * rng.uniform(0.5, 1.5), base.low * bright,
                    min(base.high * bright, 18000), base.hiss * long)  # fmt: skip
    wave = synth.drum_hit(36, SR, seed=int(rng.integers(1 << 30)), hit=hit)
    return np.asarray(wave / np.abs(wave).max(), dtype=np.float32)


def random_pattern(rng: np.random.Generator, seconds: float) -> list[Stroke]:
    """Drumming for so many seconds: bars of a random style, a fill now and then, all with human timing."""
    beat = 60 / rng.uniform(60, 200)
    steps = int(rng.choice([16, 16, 16, 12, 12]))  # in a bar of four beats: sixteenths, or triplets
    style = _style(rng, steps)
    strokes: list[Stroke] = []
    bar, at = 0, rng.uniform(0.0, 1.0)
    while at < seconds:
        if bar % style.bars == 0 and bar > 0 and rng.random() < 0.4:
            style = _style(rng, steps)
        for step, kind, force in _bar(
            rng, style, steps, fill=bar % style.bars == style.bars - 1, first=bar % style.bars == 0
        ):
            time = at + step * 4 * beat / steps + rng.normal(0, HUMAN)
            if 0 <= time < seconds - 0.05:
                strokes.append(Stroke(time, kind, float(np.clip(force * rng.normal(1, 0.12), 0.05, 1))))
        at += 4 * beat
        bar += 1
    return sorted(strokes, key=lambda stroke: stroke.time)


@dataclass
class _Style:
    keeper: str  # what keeps time
    every: tuple[int, ...]  # steps that it plays
    kick: np.ndarray  # chance at each step
    snare: np.ndarray
    ghosts: float
    opens: float  # chance that a hi-hat stroke is open
    crash: float
    bars: int  # after how many bars a fill comes
    extras: float  # chance of percussion at each step
    foot: bool  # hi-hat with the foot on two and four, under a ride
    loose: float  # chance of any drum at any step: music that keeps to no pattern


def _style(rng: np.random.Generator, steps: int) -> _Style:
    """A random style on a grid of 16 or 12 steps."""
    quarter = steps // 4
    keeper = str(
        rng.choice(
            ["hihat-closed", "ride", "hihat-open", "tom", "none", "crash"], p=[0.55, 0.2, 0.08, 0.05, 0.07, 0.05]
        )
    )
    if steps == 16:
        grids = [range(0, 16, 2), range(0, 16, 2), range(16), range(0, 16, 4), [i for i in range(16) if i % 4 != 1]]
    else:
        grids = [[i for i in range(12) if i % 3 != 1], range(12), range(0, 12, 3), [0, 3, 5, 6, 9, 11]]
    every = tuple(grids[rng.integers(len(grids))])
    kick = rng.random(steps) * rng.uniform(0, 0.35) * (np.arange(steps) % 2 == 0 if rng.random() < 0.6 else 1)
    kick[0] = 0.95
    if rng.random() < 0.25:
        kick[::quarter] = 0.97  # four on the floor
    elif rng.random() < 0.6:
        kick[2 * quarter] = 0.8
    snare = np.zeros(steps)
    back = [quarter, 3 * quarter] if rng.random() < 0.75 else [2 * quarter]
    snare[back] = 0.96
    if rng.random() < 0.3:
        snare += 0.15 * rng.random(steps)
    ghosts = rng.uniform(0, 0.25) if rng.random() < 0.4 else 0.0
    opens = rng.uniform(0.03, 0.3) if rng.random() < 0.5 else 0.0
    crash, bars = rng.uniform(0, 0.8), int(rng.choice([2, 4, 4, 8]))
    extras = rng.uniform(0, 0.2) if rng.random() < 0.25 else 0.0
    loose = rng.uniform(0.02, 0.2) if rng.random() < 0.2 else 0.0
    return _Style(keeper, every, kick, snare, ghosts, opens, crash, bars, extras, rng.random() < 0.5, loose)


def _bar(
    rng: np.random.Generator, style: _Style, steps: int, *, fill: bool, first: bool
) -> list[tuple[float, str, float]]:
    """One bar as (step, kind, force)."""
    quarter = steps // 4
    hits: list[tuple[float, str, float]] = []
    fill_from = steps - quarter * int(rng.integers(1, 4)) if fill and rng.random() < 0.7 else steps
    if first and rng.random() < style.crash:
        hits.append((0, "crash", rng.uniform(0.7, 1)))
    for step in range(fill_from):
        if step in style.every and style.keeper != "none":
            accent = 1.0 if step % quarter == 0 else 0.6
            opened = style.keeper == "hihat-closed" and rng.random() < style.opens
            hits.append((step, "hihat-open" if opened else style.keeper, accent * rng.uniform(0.5, 0.9)))
        if style.keeper == "ride" and style.foot and step in (quarter, 3 * quarter):
            hits.append((step, "hihat-closed", 0.4))
        if rng.random() < style.kick[step]:
            hits.append((step, "kick", rng.uniform(0.6, 1)))
        if rng.random() < style.snare[step]:
            hits.append((step, "snare", rng.uniform(0.6, 1)))
        elif rng.random() < style.ghosts:
            hits.append((step, "snare", rng.uniform(0.1, 0.3)))
        if rng.random() < style.extras:
            hits.append((step, "percussion", rng.uniform(0.3, 1)))
        if rng.random() < style.loose:
            hits.append((step, KINDS[rng.integers(len(KINDS))], rng.uniform(0.3, 1)))
    drums = ("tom", "snare") if rng.random() < 0.7 else ("snare",)
    for step in range(fill_from, steps):
        if rng.random() < 0.75:
            hits.append((step, drums[rng.integers(len(drums))], rng.uniform(0.5, 1)))
        if rng.random() < 0.2:
            hits.append((step, "kick", rng.uniform(0.6, 1)))
    return hits


def play_kit(rng: np.random.Generator, strokes: Sequence[Stroke], kit: Kit, seconds: float) -> np.ndarray:
    """The dry sound of the strokes, mono at 44.1 kHz; a hi-hat stroke chokes the open one before it."""
    frames = round(seconds * SR)
    out = np.zeros(frames, np.float32)
    hats = [stroke.time for stroke in strokes if stroke.kind.startswith("hihat")]
    favourites = {kind: int(rng.integers(len(sounds))) for kind, sounds in kit.sounds.items() if sounds}
    for stroke in strokes:
        sounds = kit.sounds[stroke.kind]
        which = favourites[stroke.kind] if rng.random() < 0.4 else int(rng.integers(len(sounds)))
        wave = sounds[which]
        gain = 10 ** ((kit.gains_db[stroke.kind] + 24 * np.log10(max(stroke.force, 0.05))) / 20)
        start = round(stroke.time * SR)
        stop = frames
        if stroke.kind == "hihat-open":
            stop = min([round(time * SR) for time in hats if time > stroke.time + 0.03] + [frames])
        wave = wave[: max(0, stop - start)] * np.float32(gain)
        if stop < frames and len(wave) > 400:
            wave[-400:] *= np.linspace(1, 0, 400, dtype=np.float32)
        out[start : start + len(wave)] += wave
    return out


def produce_drums(rng: np.random.Generator, dry: np.ndarray, bleed: np.ndarray | None) -> np.ndarray:
    """The dry kit as a recorded, mixed or separated drum stem."""
    wet = effects.colour(dry, rng, spread_db=8.0)
    if rng.random() < 0.8:
        wet = effects.room(wet, rng, seconds=rng.uniform(0.1, 1.2), wet=rng.uniform(0.05, 0.6))
    if rng.random() < 0.7:
        wet = effects.compress(wet, rng)
    if bleed is not None:
        rms, its = (float(np.sqrt(np.mean(np.square(x)))) for x in (wet, bleed))
        wet = wet + bleed * np.float32(rms / max(its, 1e-9) * 10 ** (-rng.uniform(6, 35) / 20))
    wet = effects.noise(wet, rng, below_db=rng.uniform(35, 65))
    return effects.normalise(wet, peak_db=rng.uniform(-15, 0))
