"""Drum one-shots: single strokes that stand alone, each drum in up to four degrees of loudness.

A stroke is taken only where nothing else is struck for a while before and after it, so that it rings and is not cut.
Its beginning is looked for again in the sound: transcription knows it to 10 ms, an ear hears one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.audio import Audio, to_db
from musiclab.notes import Note
from musiclab.transcription.drums import DRUMS, KEYS

ALONE_BEFORE, ALONE_AFTER = 0.07, 0.15  # s without another stroke
LONGEST = 1.5  # s
QUIET_DB = -55.0  # under the peak: where a stroke has died away
LEAD, FADE_IN, FADE_OUT = 0.001, 0.0005, 0.015  # s
SURE = 0.6  # confidence of a stroke that is taken
LAYERS = 4
LAYER_DB = 3.0  # strokes of one layer differ by less


@dataclass(frozen=True, eq=False)
class OneShot:
    """A stroke of one drum.

    Attributes
    ----------
    drum : str
        Such as ``snare``.
    key : int
        General MIDI percussion number.
    layer, layers : int
        Which degree of loudness, from 1 (softest), of how many.
    audio : Audio
        What it sounds like, at the level that it had.
    clean_db : float
        Level of the drums over everything else at that place, in dB.
    """

    drum: str
    key: int
    layer: int
    layers: int
    audio: Audio
    clean_db: float

    @property
    def velocities(self) -> tuple[int, int]:
        """Lowest and highest MIDI velocity at which it is to be played."""
        return 127 * (self.layer - 1) // self.layers + 1, 127 * self.layer // self.layers


def find_one_shots(drums: Audio, rest: Audio, notes: Sequence[Note]) -> list[OneShot]:
    """The cleanest strokes of each drum, in layers by loudness.

    Parameters
    ----------
    drums : Audio
        The stem.
    rest : Audio
        Everything else in the song, which may have leaked.
    notes : sequence of Note
        What is struck when.
    """
    onsets = np.array(sorted(note.onset for note in notes))
    found: list[OneShot] = []
    for drum in DRUMS:
        strokes = [note for note in notes if note.semitone == KEYS[drum] and note.confidence >= SURE]
        cuts = [made for note in strokes if (made := _cut(drums, rest, note, onsets)) is not None]
        layers = _layers(cuts)
        found += [
            OneShot(drum, KEYS[drum], number, len(layers), audio, clean)
            for number, (audio, clean) in enumerate(layers, start=1)
        ]
    return found


def _cut(drums: Audio, rest: Audio, note: Note, onsets: np.ndarray) -> tuple[Audio, float] | None:
    """One stroke and how clean it is; None if it doesn't stand alone."""
    apart = np.abs(onsets - note.onset) > 0.03  # the same stroke on two drums would be two notes: not alone either
    if np.sum(~apart) > 1:
        return None
    others = onsets[apart]
    before, after = others[others < note.onset], others[others > note.onset]
    if len(before) and note.onset - before.max() < ALONE_BEFORE:
        return None
    gap = (float(after.min()) - note.onset - 0.01) if len(after) else LONGEST
    if gap < ALONE_AFTER:
        return None
    sr = drums.sr
    start = _beginning(drums, note.onset)
    samples = np.array(drums.samples[:, start : start + round(min(gap, LONGEST) * sr)])
    peak = float(np.abs(samples).max()) if samples.size else 0.0
    if peak < 1e-3:
        return None
    samples = _faded(samples[:, : _end(samples, peak, sr)], sr)
    leaked = rest.samples[:, start : start + samples.shape[1]]
    clean = to_db(float(np.sqrt(np.mean(samples**2)))) - to_db(float(np.sqrt(np.mean(leaked**2))))
    return Audio(samples, sr), clean


def _beginning(drums: Audio, onset: float) -> int:
    """The frame just before the sound rises, within 20 ms of `onset`."""
    sr = drums.sr
    first = max(0, round((onset - 0.02) * sr))
    window = np.abs(drums.samples[:, first : round((onset + 0.02) * sr)]).max(axis=0)
    if not window.size:
        return first
    peak = int(window.argmax())
    loud = np.flatnonzero(window[: peak + 1] > 0.1 * window[peak])
    return max(0, first + int(loud[0]) - round(LEAD * sr))


def _end(samples: np.ndarray, peak: float, sr: int) -> int:
    """Where it has died away."""
    block = max(1, sr // 100)
    count = samples.shape[1] // block
    levels = np.abs(samples[:, : count * block]).max(axis=0).reshape(count, block).max(axis=1)
    loud = np.flatnonzero(levels > peak * 10 ** (QUIET_DB / 20))
    return min(int(samples.shape[1]), (int(loud[-1]) + 2) * block) if len(loud) else int(samples.shape[1])


def _faded(samples: np.ndarray, sr: int) -> np.ndarray:
    """With its edges at zero."""
    out = samples.copy()
    rise, fall = max(2, round(FADE_IN * sr)), max(2, min(round(FADE_OUT * sr), out.shape[1] // 2))
    out[:, :rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    out[:, -fall:] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
    return out


def _layers(cuts: Sequence[tuple[Audio, float]]) -> list[tuple[Audio, float]]:
    """The cleanest stroke of each degree of loudness, softest first."""
    if not cuts:
        return []
    peaks = np.array([audio.peak_db for audio, _ in cuts])
    count = min(LAYERS, 1 + int((peaks.max() - peaks.min()) / LAYER_DB))
    edges = np.linspace(peaks.min(), peaks.max() + 1e-6, count + 1)
    layers = []
    for low, high in itertools.pairwise(edges):
        inside = [cut for cut, peak in zip(cuts, peaks, strict=True) if low <= peak < high]
        if inside:
            layers.append(max(inside, key=lambda cut: cut[1]))
    return layers
