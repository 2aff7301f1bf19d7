"""A whole song: composed, played, mixed and mastered from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from musiclab.errors import DatasetError
from musiclab.training.studio.songs import desk, players, soundfont, voice
from musiclab.training.studio.songs.composition import compose
from musiclab.training.studio.songs.library import SR, Library, Sample, SampledInstrument, Wave
from musiclab.training.studio.songs.styles import Style
from musiclab.training.studio.songs.written import Event, Song

STEMS = ("vocals", "drums", "bass", "other")
PEAK = 0.9

# Level of each stem against the mixture, dB: mean and spread, as in band recordings.
STEM_LEVELS = {"vocals": (-5.0, 2.5), "drums": (-5.0, 2.5), "bass": (-7.5, 2.5), "other": (-5.5, 3.5)}


@dataclass(frozen=True)
class Rendering:
    """A rendered song: what sounds, and what was written.

    Attributes
    ----------
    stems : dict
        `vocals`, `drums`, `bass`, `other`, each `(2, frames)` float32 at 44.1 kHz; their sum is the mixture and peaks
        at 0.9 or less. A stem that does not play is silent.
    notes : dict
        Stem to rows (onset, offset in seconds, MIDI pitch, velocity 1–127); drums have General MIDI keys. Of the
        vocals it is the lead's tune, which spoken clips and rap do not follow.
    beats : list
        (seconds, position in the bar from 1).
    tune_is_sung : bool
        Whether the lead follows its tune.
    """

    stems: dict[str, Wave]
    notes: dict[str, list[tuple[float, float, float, int]]]
    beats: list[tuple[float, int]]
    key: str
    tempo: float
    metre: str
    style: str
    sections: list[tuple[str, float]] = field(default_factory=list)
    tune_is_sung: bool = False

    @property
    def mixture(self) -> Wave:
        """Sum of the stems, `(2, frames)`."""
        return np.asarray(np.sum(list(self.stems.values()), axis=0), dtype=np.float32)

    @property
    def downbeats(self) -> list[float]:
        """Seconds of each first beat."""
        return [time for time, position in self.beats if position == 1]


def render(seed: int, library: Library, *, duration: float = 24.0, style: Style | None = None) -> Rendering:
    """Compose, play and mix a song that nobody wrote before.

    Parameters
    ----------
    seed : int
        Everything is drawn from it: the same seed and library give the same bytes.
    library : Library
        Recorded samples.
    duration : float
        Seconds.
    style : Style
        How the music goes; one of `STYLES` is drawn if left out.

    Returns
    -------
    Rendering

    Raises
    ------
    ValueError
        `duration` is not positive.
    DatasetError
        A stem came out silent though it has notes.

    Notebook: 06
    """
    if duration <= 0:
        raise ValueError(f"duration must be positive, not {duration}")
    rng = np.random.default_rng(seed)
    song = compose(rng, duration=duration, style=style)
    frames = round(duration * SR)
    stems = np.stack([_stem(name, song, library, frames, rng) for name in STEMS])
    stems = master(_balance(stems, rng), rng)
    notes = _notes(song, duration)
    _check(stems, notes, seed)
    return Rendering(
        stems={name: stems[i] for i, name in enumerate(STEMS)},
        notes=notes,
        beats=song.beats(duration),
        key=song.key,
        tempo=song.tempo,
        metre=song.metre,
        style=song.style.name,
        sections=[(name, at) for name, bar, _ in song.sections if (at := song.grid.time(bar, 0)) < duration],
        tune_is_sung=song.tune_is_sung,
    )


def _stem(name: str, song: Song, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    silence = np.zeros((2, frames), dtype=np.float32)
    if name == "vocals":
        return voice.sing(song, library, frames, rng)
    if name == "drums":
        kit = choose_kit(library, song.style.kits, rng)
        return _bus(players.drums(song.drums, kit, library, frames, rng), rng) if kit and song.drums else silence
    if name == "bass":
        instrument = _bass(song, library, rng)
        return players.bass(song.bass, instrument, library, frames, rng) if instrument and song.bass else silence
    mix = silence
    space = desk.room(rng, rng.uniform(0.4, 2.2), bright=rng.uniform(0.2, 0.8))
    for part in song.layers:
        sound = players.layer(part, song, library, frames, rng)
        level = desk.rms(sound)
        if level > 0:
            mix = mix + sound * np.float32(desk.db(rng.uniform(-8, 0)) / level)
    if rng.random() < 0.75:
        mix = desk.reverberate(mix, space, rng.uniform(-24, -9))
    return _bus(mix, rng)


def choose_kit(library: Library, style: str, rng: np.random.Generator) -> dict[str, list[Sample]]:
    """A kit with kick, snare and hi-hat; a snare or a cymbal may come from another."""
    if rng.random() < 0.12 and (found := soundfont.kit(style, library, rng)):
        return found
    kits = library.kits()
    whole = [k for k, pieces in kits.items() if {"kick", "snare", "hihat-closed"} <= pieces.keys()]
    machines = [k for k in whole if any(s.row.get("electronic") for s in kits[k]["kick"])]
    acoustic = [k for k in whole if k not in machines] or whole
    electronic = rng.random() < (0.7 if style == "machine" else 0.04)
    pool = machines if machines and electronic else acoustic
    if not pool:
        return {}
    kit = dict(kits[pool[int(rng.integers(len(pool)))]])
    for kind in ("snare", "crash", "ride", "tom", "percussion", "kick", "hihat-open"):
        donors = [k for k, pieces in kits.items() if kind in pieces and (k not in machines or style == "machine")]
        if donors and (kind not in kit or rng.random() < 0.3):
            kit[kind] = kits[donors[int(rng.integers(len(donors)))]][kind]
    return kit


def _bass(song: Song, library: Library, rng: np.random.Generator) -> SampledInstrument | None:
    if rng.random() < 0.15 and (found := soundfont.instrument("bass", library, rng)):
        return found
    pool = library.instruments("bass", str(rng.choice(song.style.basses.split()))) or library.instruments("bass")
    return pool[int(rng.integers(len(pool)))] if pool else None


def _bus(x: Wave, rng: np.random.Generator) -> Wave:
    """What a whole stem goes through: a broad EQ and a gentle compressor."""
    x = desk.equalise(
        x,
        desk.shelf(rng.uniform(80, 250), rng.uniform(-4, 5), high=False),
        desk.peak_filter(rng.uniform(400, 3000), rng.uniform(-3, 3), 0.7),
        desk.shelf(rng.uniform(4000, 9000), rng.uniform(-5, 4), high=True),
    )
    if rng.random() < 0.6:
        ratio, release = rng.uniform(1.5, 4), rng.uniform(0.05, 0.3)
        x = desk.compress(x, threshold_db=rng.uniform(-20, -8), ratio=ratio, release=release)
    return x


def _balance(stems: Wave, rng: np.random.Generator) -> Wave:
    """Stems to the levels of a band; now and then one is far back."""
    gains = []
    for name, stem in zip(STEMS, stems, strict=True):
        mean, spread = STEM_LEVELS[name]
        level = rng.normal(mean, spread) - (rng.uniform(4, 12) if rng.random() < 0.06 else 0.0)
        loud = np.abs(stem).max(axis=0) > 1e-4 * max(float(np.abs(stem).max(initial=0.0)), 1e-9)
        sounding = desk.rms(stem) / np.sqrt(max(float(loud.mean()), 0.25))
        gains.append(desk.db(level) * 0.1 / sounding if sounding > 1e-6 else 0.0)
    return stems * np.array(gains, dtype=np.float32)[:, None, None]


def master(stems: Wave, rng: np.random.Generator) -> Wave:
    """One filter and one limiter gain for all of `(stems, 2, frames)`: they still add up to what is heard."""
    tilt = (
        desk.shelf(rng.uniform(80, 200), rng.uniform(-2, 2), high=False),
        desk.shelf(rng.uniform(5000, 10000), rng.uniform(-3, 2), high=True),
    )
    stems = desk.equalise(stems, *tilt)
    level = desk.rms(stems.sum(axis=0))
    if level <= 0:
        return stems
    wanted = desk.db(rng.uniform(-24, -11))
    return desk.limit(stems * np.float32(wanted / level), ceiling=PEAK * rng.uniform(0.8, 1.0))


def _check(stems: Wave, notes: Mapping[str, list[tuple[float, float, float, int]]], seed: int) -> None:
    if not np.isfinite(stems).all():
        raise FloatingPointError(f"song {seed} has numbers that are not finite: a filter is unstable")
    for name, stem in zip(STEMS, stems, strict=True):
        if notes[name] and float(np.abs(stem).max()) < 1e-4:
            raise DatasetError(f"the {name} of song {seed} are silent though they have notes: check the samples.")


# General MIDI keys.
DRUM_KEYS = {"kick": 36, "snare": 38, "rim": 37, "clap": 39, "hat": 42, "pedal": 44, "open": 46, "crash": 49,
             "ride": 51, "perc": 54, "tom-high": 50, "tom-mid": 47, "tom-low": 43}  # fmt: skip


def _notes(song: Song, duration: float) -> dict[str, list[tuple[float, float, float, int]]]:
    def rows(events: list[Event]) -> list[tuple[float, float, float, int]]:
        return sorted(
            (e.onset, min(duration, e.onset + e.seconds), e.pitch, max(1, round(127 * e.velocity)))
            for e in events
            if e.onset < duration
        )

    strokes = [
        (h.onset, min(duration, h.onset + 0.1), float(DRUM_KEYS[h.piece]), max(1, round(127 * h.velocity)))
        for h in song.drums
        if h.onset < duration
    ]
    return {
        "vocals": rows([e for phrase in song.vocals for e in phrase]),
        "drums": strokes,
        "bass": rows(song.bass),
        "other": rows([e for part in song.layers for e in part.events]),
    }
