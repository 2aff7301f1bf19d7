"""Play what was written: notes and strokes to sound, through each instrument's amplifier and effects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from musiclab.training.studio.songs import desk, soundfont
from musiclab.training.studio.songs.library import SR, Library, Sample, SampledInstrument, Wave
from musiclab.training.studio.songs.written import Event, Hit, Layer, Song

# Which instruments a sound may be played on: family, kinds.
SOUNDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "clean": (("guitar", ("electric", "baritone")),),
    "acoustic": (("guitar", ("acoustic",)),),
    "nylon": (("guitar", ("nylon",)),),
    "banjo": (("guitar", ("banjo",)),),
    "piano": (("keys", ("grand", "upright", "e-piano CP80")),),
    "epiano": (("keys", ("e-piano",)),),
    "organ": (("synth", ("transistor-organ",)),),
    "strings": (("strings", ("cello", "ensemble-tremolo")),),
    "winds": (("winds", ("flute", "oboe", "bassoon", "bass-clarinet")),),
    "sax": (("winds", ("alto-sax", "baritone-sax", "saxophone")),),
    "brass": (("brass", ("tuba",)), ("winds", ("baritone-sax", "saxophone"))),
    "synth": (("synth", ("transistor-organ",)), ("keys", ("e-piano",))),
}
SOUNDS |= dict.fromkeys(("crunch", "distorted", "metal", "lead", "surf", "jazz"), SOUNDS["clean"])
SOUNDS["synth-lead"] = SOUNDS["synth"]
# How often a soundfont plays it.
_FROM_FONT = {"strings": 0.8, "brass": 0.9, "winds": 0.5, "sax": 0.4, "synth": 0.8, "synth-lead": 0.9, "organ": 0.65,
              "clean": 0.2, "acoustic": 0.2, "distorted": 0.3, "metal": 0.35, "surf": 0.1}  # fmt: skip
GUITARS = ("clean", "crunch", "distorted", "metal", "lead", "surf", "jazz")

_PIECES = {"hat": "hihat-closed", "pedal": "hihat-closed", "open": "hihat-open", "crash": "crash", "ride": "ride",
           "kick": "kick", "snare": "snare", "rim": "snare", "clap": "snare", "perc": "percussion"}  # fmt: skip
_LEVELS = {"kick": 0.0, "snare": -1.0, "rim": -6.0, "clap": -3.0, "hat": -12.0, "pedal": -14.0, "open": -11.0,
           "crash": -8.0, "ride": -12.0, "perc": -9.0, "tom-high": -3.0, "tom-mid": -3.0, "tom-low": -3.0}  # fmt: skip
_PLACES = {"hat": 0.35, "pedal": 0.35, "open": 0.35, "ride": -0.45, "crash": -0.3, "tom-high": 0.3, "tom-mid": 0.0,
           "tom-low": -0.35, "perc": 0.5}  # fmt: skip
_RARE = ("bell", "choke", "china", "edge", "rim", "off", "roll")  # articulations that no groove is made of
_STRUM = 0.011  # seconds between strings


def add(track: Wave, note: Wave, onset: float) -> None:
    """Mix a note into a track at `onset` seconds; what hangs over the end is lost."""
    start = int(onset * SR)
    stop = min(len(track), start + len(note))
    if start < stop:
        track[start:stop] += note[: stop - start]


def hold(x: Wave, seconds: float, *, sustains: bool, release: float = 0.06) -> Wave:
    """Make a tone last: cut with a fade, or loop the middle of a sustaining one with crossfades."""
    want = int((seconds + release) * SR)
    if sustains and len(x) < want and len(x) > SR // 5:
        x = _loop(x, want)
    out = x[:want].copy()
    fade = min(len(out), int(release * SR))
    if len(x) > want and fade > 1:
        out[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out


def _loop(x: Wave, want: int) -> Wave:
    start, stop = int(0.35 * len(x)), int(0.8 * len(x))
    blend = (stop - start) // 3
    ramp = np.linspace(0, 1, blend, dtype=np.float32)
    body = x[start:stop].copy()
    body[-blend:] = body[-blend:] * (1 - ramp) + x[start - blend : start] * ramp
    turns = -(-(want - stop) // len(body)) + 1
    return np.concatenate([x[:stop], np.tile(body, max(1, turns))])[: want + 1]


def play(
    events: Sequence[Event], instrument: SampledInstrument, library: Library, frames: int, rng: np.random.Generator,
    *, release: float = 0.06,
) -> Wave:  # fmt: skip
    """Notes on a sampled instrument; gives `(frames,)`."""
    track = np.zeros(frames, dtype=np.float32)
    for event, delay in zip(events, _strum_delays(events), strict=True):
        sample = instrument.nearest(event.pitch, event.velocity, rng)
        tone = library.repitched(sample, event.pitch)
        muted = event.touch == "muted"
        length = min(event.seconds, 0.09) if muted else event.seconds * (1.8 if event.touch == "ring" else 1)
        note = hold(tone, length, sustains=instrument.sustains, release=0.03 if muted else release)
        if muted:
            note = desk.equalise(note, desk.cut(900, "low"))
        if event.touch == "lead" and rng.random() < 0.6:
            note = bend(note, rng)
        add(track, note * np.float32(event.velocity**1.5), event.onset + delay)
    return track


def bend(x: Wave, rng: np.random.Generator) -> Wave:
    """A note `(frames,)` pulled up to its pitch, then with vibrato: guitars, saxophones and strings sing too."""
    t = np.arange(len(x), dtype=np.float32) / SR
    start = float(rng.choice([0.0, 0.0, -0.5, -1.0, -2.0]))
    late = np.clip((t - rng.uniform(0.1, 0.3)) / 0.25, 0, 1)
    wave = rng.uniform(0, 0.5) * late * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t)
    semitones = start * np.exp(-((t / rng.uniform(0.05, 0.15)) ** 2)) + wave
    places = np.cumsum(2.0 ** (semitones / 12)) - 1
    return np.interp(places, np.arange(len(x)), x, right=0.0).astype(np.float32)


def _strum_delays(events: Sequence[Event]) -> list[float]:
    """The strings of a strummed chord follow one another, from the low one down-stroke, from the high one up-stroke."""
    groups: dict[float, list[int]] = defaultdict(list)
    for i, event in enumerate(events):
        if event.touch.startswith("strum"):
            groups[round(event.onset, 1)].append(i)
    delays = [0.0] * len(events)
    for indices in groups.values():
        up = events[indices[0]].touch == "strum-up"
        for place, i in enumerate(sorted(indices, key=lambda i: events[i].pitch, reverse=up)):
            delays[i] = place * _STRUM
    return delays


def drums(hits: Sequence[Hit], kit: dict[str, list[Sample]], library: Library, frames: int,
          rng: np.random.Generator) -> Wave:  # fmt: skip
    """A drum kit, each drum at its place in the stereo picture, in a room; gives `(2, frames)`."""
    tracks: dict[str, Wave] = {}
    chosen = {piece: _piece(piece, kit, rng) for piece in sorted({h.piece for h in hits})}
    tuning = {piece: float(rng.uniform(-2.5, 2.5)) for piece in chosen}
    for hit in hits:
        samples = chosen[hit.piece]
        if not samples:
            continue
        layers = np.array([abs(s.layer - hit.velocity) for s in samples])
        near = [s for s, gap in zip(samples, layers, strict=True) if gap <= layers.min() + 0.2]
        stroke = library.retuned(near[int(rng.integers(len(near)))], tuning[hit.piece])
        track = tracks.setdefault(hit.piece, np.zeros(frames, dtype=np.float32))
        add(track, stroke * np.float32(hit.velocity**1.7), hit.onset)
    return _drum_mix(tracks, frames, rng)


def _piece(piece: str, kit: dict[str, list[Sample]], rng: np.random.Generator) -> list[Sample]:
    """The samples of one drum: one articulation, for a kit has several snares and rides."""
    kind = "tom" if piece.startswith("tom") else _PIECES[piece]
    pool = kit.get(kind) or kit.get({"perc": "hihat-closed", "ride": "crash", "crash": "ride"}.get(piece, ""), [])
    plain = [s for s in pool if not any(word in s.articulation.lower() for word in _RARE)]
    pool = plain if plain and rng.random() < 0.9 else pool
    names = sorted({s.articulation for s in pool})
    if not names:
        return []
    if kind == "tom":
        order = {"tom-high": 0.0, "tom-mid": 0.5, "tom-low": 1.0}[piece]
        name = names[round(order * (len(names) - 1))]
    else:
        name = names[int(rng.integers(len(names)))]
    return [s for s in pool if s.articulation == name]


def _drum_mix(tracks: dict[str, Wave], frames: int, rng: np.random.Generator) -> Wave:
    width = float(rng.choice([0.0, rng.uniform(0.3, 1.0)], p=[0.3, 0.7]))
    mix = np.zeros((2, frames), dtype=np.float32)
    sends = np.zeros(frames, dtype=np.float32)
    for piece, track in tracks.items():
        if piece in ("kick", "snare") and rng.random() < 0.6:
            track = desk.compress(track, threshold_db=-14, ratio=rng.uniform(2, 5), release=0.08)
        level = desk.db(_LEVELS[piece] + rng.normal(0, 2.0))
        mix += desk.pan(track, _PLACES.get(piece, 0.0) * width) * np.float32(level)
        if piece != "kick":
            sends += track * np.float32(level)
    wet = float(rng.uniform(-26, -8))
    if rng.random() < 0.85:
        space = desk.room(rng, rng.uniform(0.2, 1.4), bright=rng.uniform(0.3, 0.9))
        mix += desk.reverberate(sends, space, wet) - sends
    if rng.random() < 0.3:  # a second copy squeezed flat, as engineers thicken a kit
        flat = desk.compress(mix, threshold_db=-30, ratio=8, release=0.1)
        mix = mix + flat * np.float32(desk.db(rng.uniform(0, 10)))
    if rng.random() < 0.25:  # recorded with one microphone
        mix = np.repeat(mix.mean(axis=0, keepdims=True), 2, axis=0)
    return mix


def amplify(x: Wave, sound: str, rng: np.random.Generator) -> Wave:
    """A guitar's amplifier and loudspeaker for a sound of `SOUNDS`."""
    if sound in ("clean", "jazz", "surf"):
        x = desk.drive(x, rng.uniform(-6, 4), bias=0.1) if rng.random() < 0.6 else x
        return desk.cabinet(x, rng, dark=0.8 if sound == "jazz" else 0.0) if rng.random() < 0.75 else x
    gain = {"crunch": (6, 16), "distorted": (16, 28), "lead": (14, 26), "metal": (24, 36)}[sound]
    x = desk.equalise(x, desk.cut(rng.uniform(80, 250), "high", 1), desk.peak_filter(rng.uniform(600, 1200), 4.0))
    x = desk.drive(x, rng.uniform(*gain), bias=rng.uniform(0, 0.3), hard=rng.uniform(0, 0.6))
    x = desk.cabinet(x, rng)
    return desk.equalise(x, desk.peak_filter(600, rng.uniform(-9, -3), 0.7)) if sound == "metal" else x


def choose_instrument(sound: str, library: Library, rng: np.random.Generator) -> SampledInstrument | None:
    """An instrument for a sound of `SOUNDS`: recorded samples, or a soundfont's where those are few."""
    pool = [i for family, kinds in SOUNDS[sound] for i in library.instruments(family, *kinds)]
    from_font = soundfont.instrument(sound, library, rng) if rng.random() < _FROM_FONT.get(sound, 0.3) else None
    return from_font or (pool[int(rng.integers(len(pool)))] if pool else None)


def noise_floor(frames: int, rng: np.random.Generator) -> Wave:
    """Hum of the mains with its harmonics, and hiss: what an amplifier that waits gives; `(frames,)` at RMS 1."""
    t = np.arange(frames, dtype=np.float32) / SR
    mains = float(rng.choice([50.0, 60.0]))
    x = desk.equalise(rng.standard_normal(frames, dtype=np.float32), desk.cut(5000, "low", 1))
    x *= np.float32(rng.uniform(0.1, 1.0))
    for k in (1, 2, 3, 4, 6):
        x += np.float32(rng.uniform(0.1, 1) / k) * np.sin(np.float32(2 * np.pi * mains * k) * t)
    return x * np.float32(1 / max(desk.rms(x), 1e-9))


def layer(part: Layer, song: Song, library: Library, frames: int, rng: np.random.Generator) -> Wave:
    """One player of `other` with amplifier, effects and place; gives `(2, frames)`."""
    instrument = choose_instrument(part.sound, library, rng)
    if instrument is None or not part.events:
        return np.zeros((2, frames), dtype=np.float32)
    dry = play(part.events, instrument, library, frames, rng)
    place = float(rng.uniform(-0.9, 0.9))
    if part.sound in GUITARS:
        dry = amplify(dry, part.sound, rng)
        if rng.random() < 0.4:
            dry = dry + noise_floor(frames, rng) * np.float32(desk.rms(dry) * desk.db(rng.uniform(-45, -26)))
        if part.role in ("power", "chug", "strum") and rng.random() < 0.45:  # double-tracked, hard left and right
            twin = play(part.events, choose_instrument(part.sound, library, rng) or instrument, library, frames, rng)
            lag = int(SR * rng.uniform(0.004, 0.02))
            twin = np.pad(amplify(twin, part.sound, rng), (lag, 0))[:frames]
            return _space(desk.pan(dry, -0.85) + desk.pan(twin, 0.85), part, song, rng)
    if part.sound in ("organ", "surf") and rng.random() < 0.7:
        dry = desk.tremolo(dry, rng.uniform(4, 7.5), rng.uniform(0.1, 0.7))
    if part.sound == "organ" and rng.random() < 0.4:
        dry = desk.drive(dry, rng.uniform(0, 12), bias=0.1)
    if rng.random() < 0.25 or part.sound == "synth":
        return _space(desk.chorus(dry, rng), part, song, rng)
    return _space(desk.pan(dry, place), part, song, rng)


def _space(x: Wave, part: Layer, song: Song, rng: np.random.Generator) -> Wave:
    if part.role in ("solo", "line", "riff", "arpeggio") and rng.random() < 0.35:
        beat = 60 / song.tempo
        step = beat * float(rng.choice([0.5, 0.75, 1.0]))
        x = desk.echo(x, step, wet_db=rng.uniform(-18, -7), ping_pong=rng.random() < 0.4)
    if part.sound == "surf" or (part.sound in ("clean", "crunch") and rng.random() < 0.2):
        return desk.reverberate(x, desk.spring(rng), rng.uniform(-14, -4))
    return x


def bass(events: Sequence[Event], instrument: SampledInstrument, library: Library, frames: int,
         rng: np.random.Generator) -> Wave:  # fmt: skip
    """A bass through its amplifier; gives `(2, frames)`, in the middle."""
    x = play(events, instrument, library, frames, rng, release=0.04)
    x = desk.compress(x, threshold_db=rng.uniform(-20, -8), ratio=rng.uniform(2, 6))
    if rng.random() < 0.45:
        x = desk.drive(x, rng.uniform(-4, 14), bias=rng.uniform(0, 0.2))
    x = desk.equalise(
        x,
        desk.shelf(rng.uniform(80, 140), rng.uniform(0, 10), high=False),
        desk.peak_filter(rng.uniform(400, 1200), rng.uniform(-8, 3), 0.8),
        desk.cut(float(rng.choice([900, 1800, 3500, 7000])) * rng.uniform(0.8, 1.2), "low", 2),
    )
    return desk.pan(x, float(rng.choice([0.0, rng.uniform(-0.2, 0.2)])))
