"""Turn a melody and recorded clips into a plan to sing: a syllable for each note, glides, vibrato, breath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from musiclab.theory import midi_to_hz
from musiclab.training.studio.songs.clips import FRAME, Analyser, Clip, Frames, Syllable
from musiclab.training.studio.songs.library import Sample, Wave
from musiclab.training.studio.songs.psola import psola
from musiclab.training.studio.songs.vocoder import SingerTimbre, SingingPlan, world
from musiclab.training.studio.songs.written import Event


@dataclass(frozen=True)
class Singer:
    """A person who never was: someone's recordings, and how this one sings them."""

    clips: tuple[Sample, ...]
    timbre: SingerTimbre
    method: str  # world, psola
    vibrato_hz: float
    vibrato_depth: float  # semitones
    glide: float  # seconds from note to note
    scoop: float  # semitones from below at the start of a phrase
    wander: float  # semitones of slow drift
    natural: float  # how much of the recorded voice's own inflection stays, 0 to 1

    @classmethod
    def cast(cls, clips: Sequence[Sample], rng: np.random.Generator, *, method: str | None = None) -> Singer:
        """A singer of these clips with a throat, a vibrato and habits of his own."""
        method = method or ("world" if rng.random() < 0.5 else "psola")
        spread = 0.17 if method == "world" else 0.12
        return cls(
            clips=tuple(clips),
            timbre=SingerTimbre(
                size=float(np.exp(rng.uniform(-spread, spread))),
                breath=float(rng.choice([0.0, rng.uniform(0, 0.4)])),
                tilt_db=float(rng.uniform(-1.5, 2.5)),
            ),
            method=method,
            vibrato_hz=float(rng.uniform(4.6, 6.6)),
            vibrato_depth=float(rng.choice([0.0, rng.uniform(0.1, 0.7)], p=[0.25, 0.75])),
            glide=float(rng.uniform(0.03, 0.14)),
            scoop=float(rng.choice([0.0, rng.uniform(0.5, 3.0)])),
            wander=float(rng.uniform(0.03, 0.25)),
            natural=float(rng.uniform(0.2, 1.0)),
        )


def perform(phrase: Sequence[Event], singer: Singer, analyser: Analyser, rng: np.random.Generator) -> Wave:
    """Sing one phrase, from its first onset on; gives `(frames,)` at peak 1, or nothing if no clip serves."""
    clips = _programme(len(phrase), singer, analyser, rng)
    if not clips:
        return np.zeros(0, dtype=np.float32)
    plan = _plan(phrase, singer, clips, rng)
    y = world(plan, singer.timbre) if singer.method == "world" else psola(plan, singer.timbre.size)
    peak = float(np.abs(y).max(initial=0.0))
    return y / np.float32(peak) if peak > 0 else y


def _programme(notes: int, singer: Singer, analyser: Analyser, rng: np.random.Generator) -> list[tuple[Clip, int]]:
    """A clip and one of its syllables for each note: the recorded order, from clip to clip."""
    out: list[tuple[Clip, int]] = []
    for _ in range(40):
        clip = analyser.clip(singer.clips[int(rng.integers(len(singer.clips)))])
        count = len(clip.syllables)
        if not count or not (clip.f0 > 0).any():
            continue
        first = int(rng.integers(count - 3)) if count > 4 else 0
        out += [(clip, i) for i in range(first, count)]
        if len(out) >= notes:
            return out[:notes]
    return []


def _plan(
    phrase: Sequence[Event], singer: Singer, chosen: list[tuple[Clip, int]], rng: np.random.Generator
) -> SingingPlan:
    start = phrase[0].onset
    clips: list[Clip] = []
    source, which, gain = [], [], []
    for i, (event, (clip, syllable)) in enumerate(zip(phrase, chosen, strict=True)):
        if clip not in clips:
            clips.append(clip)
        begin = round((event.onset - start) / FRAME)
        last = i + 1 == len(phrase)
        following = begin + 10**9 if last else round((phrase[i + 1].onset - start) / FRAME)
        sung = max(8, round(event.seconds / FRAME))
        legato = following - begin - sung < 24
        frames = max(8, min(following - begin, sung if not legato or last else following - begin))
        rest = 0 if last else max(0, following - begin - frames)
        path = _stretch(clip.syllables[syllable], frames, rng)
        level = np.full(frames, 0.55 + 0.45 * event.velocity)
        if not legato or last:
            tail = min(frames // 2, 16)
            level[-tail:] *= np.linspace(1, 0, tail)
        source += [path, np.full(rest, path[-1])]
        which.append(np.full(frames + rest, clips.index(clip)))
        gain += [level, np.zeros(rest)]
    places, indices, gains = np.concatenate(source), np.concatenate(which), np.concatenate(gain)
    f0 = _melody(phrase, len(places), singer, rng)
    f0 *= 2 ** (singer.natural * _inflection(clips, indices, places) / 12)
    return SingingPlan(clips, indices, places, f0, gaussian_filter1d(gains, 1.5))


def _stretch(syllable: Syllable, frames: int, rng: np.random.Generator) -> Frames:
    """Frames to read: head and tail about as fast as they were spoken, the vowel to and fro as long as it takes."""
    head = _pace(syllable.start, syllable.vowel, int(0.4 * frames))
    tail = _pace(syllable.tail, syllable.stop, int(0.25 * frames))
    need, have = frames - len(head) - len(tail), syllable.tail - syllable.vowel
    if need <= 1.4 * have:
        middle = np.linspace(syllable.vowel, syllable.tail, need, endpoint=False)
    else:
        walk = np.cumsum(rng.uniform(0.05, 0.4, need))  # ends wherever: the way to the tail is short
        middle = syllable.tail - np.abs((walk % (2 * have)) - have)
    return np.concatenate([head, middle, tail])


def _pace(start: int, stop: int, most: int) -> Frames:
    return np.linspace(start, stop, min(stop - start, most), endpoint=False)


def _melody(phrase: Sequence[Event], frames: int, singer: Singer, rng: np.random.Generator) -> Frames:
    """The pitch in Hz, frame by frame: notes joined by glides, a scoop, vibrato that sets in late, drift."""
    start = phrase[0].onset
    pitch = np.full(frames, float(phrase[-1].pitch))
    depth = np.zeros(frames)
    for i, event in enumerate(phrase):
        begin = round((event.onset - start) / FRAME)
        stop = frames if i + 1 == len(phrase) else round((phrase[i + 1].onset - start) / FRAME)
        pitch[begin:stop] = event.pitch
        late = np.arange(max(0, min(stop, frames) - begin)) * FRAME
        depth[begin:stop] = np.clip((late - 0.18) / 0.3, 0, 1)
    scoop = singer.scoop * np.exp(-np.arange(frames) * FRAME / 0.06)
    pitch = gaussian_filter1d(pitch, max(1.0, singer.glide / FRAME / 2.5), mode="nearest") - scoop
    rate = singer.vibrato_hz * (1 + 0.05 * gaussian_filter1d(rng.standard_normal(frames), 20))
    phase = 2 * np.pi * FRAME * np.cumsum(rate)
    drift = gaussian_filter1d(rng.standard_normal(frames), 30, mode="nearest") * 7 * singer.wander
    pitch = pitch + singer.vibrato_depth * depth * np.sin(phase) + drift
    return np.asarray(midi_to_hz(pitch))


def _inflection(clips: list[Clip], which: np.ndarray, source: Frames) -> Frames:
    """The recorded voice's own fast movements of pitch, semitones."""
    out = np.zeros(len(source))
    for i, clip in enumerate(clips):
        mine = which == i
        cents = np.where(clip.f0 > 0, 12 * np.log2(np.maximum(clip.f0, 40.0)), np.nan)
        known = np.isfinite(cents)
        filled = np.interp(np.arange(len(cents)), np.flatnonzero(known), cents[known])
        fast = np.clip(filled - gaussian_filter1d(filled, 20), -0.7, 0.7)
        out[mine] = fast[np.clip(source[mine].astype(int), 0, len(fast) - 1)]
    return out


def comfortable(singer: Singer, analyser: Analyser, rng: np.random.Generator) -> float:
    """The MIDI pitch around which this singer's lines should lie: where he was recorded, a little higher if spoken."""
    sample = singer.clips[int(rng.integers(len(singer.clips)))]
    raised = rng.uniform(2, 8) if sample.mode == "spoken" else rng.uniform(-3, 4)
    return float(analyser.clip(sample).pitch + raised + 12 * np.log2(singer.timbre.size))
