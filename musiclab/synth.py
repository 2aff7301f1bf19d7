"""A simple synthesiser: it plays a `Part`, so that the ear can compare what was written down with what was played.

Pitched notes are sums of harmonics: each family of instruments has its spectrum (how fast the harmonics fall off, which
of them are weak), its envelope (struck or plucked sounds decay, blown, bowed and sung ones hold) and its vibrato. Drums
are swept sines and filtered noise. All is computed, nothing is sampled, nothing is random between two runs.

Conventions: 100 % of a part's velocity range is 40 dB; the result peaks at −3 dBFS.

Notebook: 09
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from musiclab import soundfont
from musiclab.audio import SILENCE_DB, Audio
from musiclab.instruments import DRUMS, find
from musiclab.notes import Note, Part
from musiclab.theory import midi_to_hz

PEAK = 0.7  # −3 dBFS
VELOCITY_DB = 40.0  # between velocity 0 and 127
MAX_HARMONICS = 24
TAIL = 1.0  # s after the last note


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds.

    Parameters
    ----------
    tilt : float
        Harmonic k has the amplitude k ** -tilt.
    even : float
        Factor for the even harmonics (a clarinet hardly has them).
    attack, release : float
        Seconds to rise, and to die away after the note's end.
    decay : float
        Seconds in which a held note falls by 60 dB at middle C (lower notes ring longer); 0 holds it.
    vibrato : float
        Depth in semitones.
    """

    tilt: float = 1.2
    even: float = 1.0
    attack: float = 0.005
    release: float = 0.08
    decay: float = 0.0
    vibrato: float = 0.0


TIMBRES = {
    "voice": Timbre(1.3, 1.0, 0.03, 0.06, 0.0, 0.25),
    "bass": Timbre(1.4, 0.8, 0.006, 0.05, 4.0),
    "guitar": Timbre(1.1, 0.9, 0.003, 0.08, 3.0),
    "keys": Timbre(1.3, 1.0, 0.003, 0.12, 4.0),
    "strings": Timbre(1.0, 0.9, 0.05, 0.12, 0.0, 0.15),
    "winds": Timbre(1.3, 0.6, 0.025, 0.05, 0.0, 0.1),
    "brass": Timbre(0.9, 1.0, 0.03, 0.06),
}
BY_NAME = {
    "clarinet": Timbre(1.0, 0.12, 0.025, 0.05),
    "flute": Timbre(2.2, 1.0, 0.04, 0.06, 0.0, 0.2),
    "organ": Timbre(1.6, 1.0, 0.01, 0.03),
    "synth": Timbre(1.0, 1.0, 0.005, 0.05),
    "saxophone": Timbre(0.9, 0.8, 0.02, 0.05, 0.0, 0.15),
}


def play(part: Part, *, instrument: str | None = None, sr: int = 44100) -> Audio:
    """The sound of a part.

    Parameters
    ----------
    part : Part
        Its notes, in seconds.
    instrument : str
        On another instrument's sound, for fun; the part's own by default.
    sr : int
        Sample rate in Hz.

    Returns
    -------
    Audio
        Mono, as long as the part and a second more, peak −3 dBFS (silence for an empty part).
    """
    known = find(instrument or part.instrument)
    out = np.zeros(round((part.duration + TAIL) * sr) + 1)
    for i, note in enumerate(part.notes):
        wave = drum_hit(note.semitone, sr, seed=i) if known is DRUMS else tone(note, timbre(known.name), sr)
        start = round(note.onset * sr)
        wave = wave[: len(out) - start]
        out[start : start + len(wave)] += wave * 10 ** (VELOCITY_DB * (note.velocity / 127 - 1) / 20)
    peak = float(np.abs(out).max())
    return Audio(out * (PEAK / peak) if peak > 0 else out, sr, title=part.title)


def play_general_midi(part: Part, *, instrument: str | int, sr: int = 44100) -> Audio:
    """The sound of a part on one of the 128 instruments of General MIDI, from a soundfont.

    Parameters
    ----------
    part : Part
        Its notes, in seconds; drums are played by the font's drum kit.
    instrument : str or int
        See `musiclab.soundfont.find_program`; `musiclab.soundfont.instrument_names` lists them.
    sr : int
        Sample rate in Hz.

    Returns
    -------
    Audio
        Mono, as long as the part and two seconds more, peak −3 dBFS (silence for an empty part).
    """
    sound = soundfont.render(part, program=soundfont.find_program(instrument), sr=sr).mono()
    return sound.gained(20 * math.log10(PEAK) - sound.peak_db) if sound.peak_db > SILENCE_DB else sound


def timbre(name: str) -> Timbre:
    """The timbre of an instrument, or of its family."""
    known = find(name)
    own = next((sound for key, sound in BY_NAME.items() if known.name.endswith(key)), None)
    return own or TIMBRES[known.family]


def tone(note: Note, sound: Timbre, sr: int) -> np.ndarray:
    """One note [shape=(frames,)], from its onset to the end of its release."""
    t = np.arange(round((note.duration + sound.release) * sr)) / sr
    pitch = np.full(len(t), note.pitch)
    if sound.vibrato:
        pitch += sound.vibrato * np.clip((t - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * 5.5 * t)
    phase = 2 * np.pi * np.cumsum(midi_to_hz(pitch)) / sr
    harmonics = max(1, min(MAX_HARMONICS, int(0.45 * sr / note.frequency)))
    # sin(kx) from sin and cos of x by the angle-addition recurrence: two sines in all, however many harmonics.
    one_sin, two_cos = np.sin(phase), 2 * np.cos(phase)
    before, now = np.zeros(len(t)), one_sin
    wave = np.zeros(len(t))
    for k in range(1, harmonics + 1):
        fade = np.ones(1)
        if sound.decay:  # higher harmonics die sooner
            fade = np.exp(-6.9 * t * (1 + 0.25 * (k - 1)) / (sound.decay * 2 ** ((60 - note.pitch) / 24)))
        wave += fade * now * (k**-sound.tilt) * (sound.even if k % 2 == 0 else 1.0)
        before, now = now, two_cos * now - before
    return np.asarray(wave * adsr(t, note.duration, sound))


def adsr(t: np.ndarray, duration: float, sound: Timbre) -> np.ndarray:
    """Envelope: rise, hold, release."""
    rise = np.minimum(1.0, t / sound.attack)
    fall = np.exp(-6.9 * np.maximum(t - duration, 0.0) / sound.release)
    return np.asarray(rise * fall)


@dataclass(frozen=True)
class DrumSound:
    """How a drum sounds: a sine swept from `start` to `end` Hz, and noise between `low` and `high` Hz."""

    body: float  # level of the sine, 0–1
    start: float
    end: float
    sweep: float  # s
    ring: float  # s to −60 dB, of the sine
    noise: float  # level of the noise, 0–1
    low: float
    high: float
    hiss: float  # s to −60 dB, of the noise


KICK = DrumSound(1.0, 160, 50, 0.03, 0.35, 0.15, 1000, 6000, 0.03)
SNARE = DrumSound(0.45, 240, 185, 0.02, 0.18, 0.5, 1200, 9000, 0.22)
CLOSED = DrumSound(0.0, 0, 0, 1, 1, 0.35, 7000, 16000, 0.07)
OPEN = DrumSound(0.0, 0, 0, 1, 1, 0.35, 6000, 16000, 0.6)
CRASH = DrumSound(0.0, 0, 0, 1, 1, 0.5, 3500, 16000, 2.2)
RIDE = DrumSound(0.08, 3100, 3100, 1, 0.5, 0.25, 5000, 14000, 1.2)
STICK = DrumSound(0.5, 1700, 1600, 0.01, 0.05, 0.1, 2000, 9000, 0.03)
TOMS = {41: 75.0, 43: 90.0, 45: 110.0, 47: 135.0, 48: 160.0, 50: 190.0}  # Hz
HITS = {35: KICK, 36: KICK, 37: STICK, 38: SNARE, 39: SNARE, 40: SNARE, 42: CLOSED, 44: CLOSED, 46: OPEN}
HITS |= dict.fromkeys((49, 52, 55, 57), CRASH) | dict.fromkeys((51, 53, 59), RIDE)
HITS |= {key: DrumSound(0.9, 1.5 * hz, hz, 0.05, 0.5, 0.1, 800, 5000, 0.05) for key, hz in TOMS.items()}


def drum_hit(key: int, sr: int, *, seed: int = 0, hit: DrumSound | None = None) -> np.ndarray:
    """One stroke of the drum with this General MIDI percussion number [shape=(frames,)], at full velocity."""
    hit = hit or HITS.get(key, STICK)
    t = np.arange(round(max(hit.ring * (hit.body > 0), hit.hiss) * sr)) / sr
    wave = np.zeros(len(t))
    if hit.body:
        swept = hit.end + (hit.start - hit.end) * np.exp(-t / hit.sweep)
        wave += hit.body * np.sin(2 * np.pi * np.cumsum(swept) / sr) * np.exp(-6.9 * t / hit.ring)
    spectrum = np.fft.rfft(np.random.default_rng([key, seed]).normal(0, 1, len(t)))
    hz = np.fft.rfftfreq(len(t), 1 / sr)
    spectrum *= (hz > hit.low) & (hz < min(hit.high, 0.49 * sr))
    hiss = np.fft.irfft(spectrum, len(t))
    hiss /= max(float(hiss.std()), 1e-9)
    return np.asarray(wave + hit.noise * hiss * np.exp(-6.9 * t / hit.hiss))
