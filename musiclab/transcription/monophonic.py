"""Lines of single notes (voice, bass, winds, brass): a pitch track cut into notes by a hidden Markov model.

A pitch tracker (SwiftF0 [1]_) tells the fundamental every 16 ms, far more exactly than a posteriorgram can, but not
where a note ends and the next begins. So a hidden Markov model walks through the columns: its states are silence and
one state for each third of a semitone. Straying from the state's pitch costs, silence costs where something sounds, and
entering a state costs minus the log-odds that a note begins there (`musiclab.transcription.onsets`). So vibrato and
glides are cheaper to explain within one note than as many, and a repeated note needs the evidence of an onset. The
best path (Viterbi) gives the notes; the idea of a note model over a pitch track is that of [2]_.

References
----------
.. [1] Nieradzik: "SwiftF0: fast and accurate monophonic pitch detection", 2025, arXiv:2508.18440
.. [2] Mauch, Cannam, Bittner, Fazekas, Salamon, Bello, Dixon: "Computer-aided melody note transcription using the Tony
   software", TENOR 2015

Notebook: 10
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from musiclab.notes import Note
from musiclab.packages import need
from musiclab.theory import hz_to_midi, midi_to_hz
from musiclab.transcription import octaves
from musiclab.transcription.line_confidence import DESCRIBED, CutLine, describe
from musiclab.transcription.line_path import Costs, decode
from musiclab.transcription.onsets import beginnings, changes, loud_parts
from musiclab.transcription.pitch_track import COLUMN_S, HOP, SR, PitchTrack
from musiclab.transcription.posteriorgram import Posteriorgram, column_levels
from musiclab.transcription.stem_confidence import confidence_in_stem

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

    from musiclab.audio import Audio

TRACKER_LOW = 46.875  # Hz, the lowest that SwiftF0 finds
TRACKER_HIGH = 2093.75  # Hz
BINS = 3  # states in a semitone
SAME_PITCH = 0.6  # semitones


@cache
def _tracker() -> SwiftF0:
    need("swift_f0", "Transcribing a single line")
    from swift_f0 import SwiftF0

    return SwiftF0(spin=False)


def track_pitch(audio: Audio, *, low: float = 36.0, high: float = 96.0) -> PitchTrack:
    """The fundamental of a single line, column by column.

    Parameters
    ----------
    audio : Audio
        One line; channels are averaged.
    low, high : float
        Range to look in (MIDI). Below F#1 (46.9 Hz) the tracker hears nothing, so lower lines are played to it at
        double speed, an octave higher, in two interleaved passes that keep the columns 16 ms apart.
    """
    fmin, fmax = (midi_to_hz(p) for p in (low - 0.5, high + 0.5))
    samples = audio.mono().resampled(SR).samples[0]
    columns = len(samples) // HOP + 1
    if fmin < TRACKER_LOW:
        hz, voicing = _track_low(samples, columns, fmin, fmax)
    else:
        found = _tracker().detect(np.append(samples, np.zeros(HOP, np.float32)), SR, fmin, min(fmax, TRACKER_HIGH))
        hz, voicing = found.pitch_hz[:columns], found.confidence[:columns]
    level_db = column_levels(samples, columns, HOP)
    pitch = hz_to_midi(np.maximum(hz, 1.0))
    return PitchTrack(pitch, voicing, level_db, changes(samples, level_db))


def _track_low(samples: np.ndarray, columns: int, fmin: float, fmax: float) -> tuple[np.ndarray, np.ndarray]:
    """Pitch (Hz) and voicing, by two passes over the sound at double speed, half a column apart."""
    import soxr

    fast = soxr.resample(samples, SR, SR // 2)
    hz, voicing = np.zeros(columns + 1), np.zeros(columns + 1)
    for odd in (0, 1):
        shifted = np.append(fast[odd * HOP // 2 :], np.zeros(2 * HOP, np.float32))
        found = _tracker().detect(shifted, SR, max(2 * fmin, TRACKER_LOW), min(2 * fmax, TRACKER_HIGH))
        count = len(hz[odd::2])
        hz[odd::2] = np.resize(found.pitch_hz, count) / 2
        voicing[odd::2] = np.resize(found.confidence, count)
    return hz[:columns], voicing[:columns]


@dataclass(frozen=True)
class LineSettings:
    """How a line is cut into notes. Costs are in nats, the unit of the model's log likelihoods."""

    spread: float = 0.65  # semitones a pitch strays within a note
    outlier: float = 2.5  # most that one column off pitch can cost
    onset_weight: float = 5.0  # how much the evidence of beginnings counts beside the pitch
    onset_bias: float = -1.0  # added to their log-odds: more gives more notes
    rest: float = 2.0  # cost of silence in a column that sounds
    unvoiced: float = 1.0  # cost of a note in a column that doesn't sound
    min_columns: int = 6  # shortest note: 96 ms
    gate_db: float = 32.0  # columns so far below the loud parts don't sound
    least_confidence: float = 0.3  # notes less likely than that are not written


def line_notes(
    track: PitchTrack,
    gram: Posteriorgram | None,
    *,
    low: int,
    high: int,
    settings: LineSettings | None = None,
    family: str = "",
) -> list[Note]:
    """Notes of a single line from its pitch track and, if given, the onset posteriors of its posteriorgram.

    Parameters
    ----------
    track : PitchTrack
        From `track_pitch`.
    gram : Posteriorgram | None
        From `musiclab.transcription.posteriorgram.posteriorgram`, of the same recording.
    low, high : int
        Lowest and highest pitch (MIDI, sounding).
    settings : LineSettings
        The instrument's.
    family : str
        The instrument's, for its octaves and its confidences: see `musiclab.transcription.octaves`, `stem_confidence`.

    Returns
    -------
    list[Note]
        In order of time, without overlaps, each at the median pitch of its columns, with calibrated confidences.
    """
    notes, described = judged_notes(track, gram, low=low, high=high, settings=settings, family=family)
    confidence = confidence_in_stem(described, "lines", family=family)
    return likely_notes(notes, confidence, least=(settings or LineSettings()).least_confidence)


def likely_notes(notes: Sequence[Note], confidence: np.ndarray, *, least: float) -> list[Note]:
    """Those at least so likely (0–1). Where another was but a new beginning of the note before, that one goes on."""
    kept: list[Note] = []
    for note, chance in zip(notes, confidence.tolist(), strict=True):
        if chance >= least:
            kept.append(replace(note, confidence=chance))
        elif kept and kept[-1].offset == note.onset and abs(kept[-1].pitch - note.pitch) < SAME_PITCH:
            kept[-1] = replace(kept[-1], offset=note.offset)
    return kept


def judged_notes(
    track: PitchTrack,
    gram: Posteriorgram | None,
    *,
    low: int,
    high: int,
    settings: LineSettings | None = None,
    family: str = "",
) -> tuple[list[Note], np.ndarray]:
    """The notes, and what each is judged by (see `musiclab.transcription.line_confidence.describe`)."""
    settings = settings or LineSettings()
    if len(track.pitch) < settings.min_columns:
        return [], np.zeros((0, DESCRIBED), np.float32)
    voiced, costs = _heard(track, low, high, replace(settings, onset_weight=0.0, onset_bias=0.0))
    # To begin a note costs minus the log-odds that one begins here: a clear onset pays for a repeated note.
    odds = beginnings(track, gram)
    path, begins = decode(costs, -settings.onset_weight * (odds + settings.onset_bias))
    cut = path_notes(track, voiced, path, begins)
    if family in octaves.FAMILIES:
        cut = octaves.in_their_octave(cut, gram, low=low)
    notes = [Note(a * COLUMN_S, b * COLUMN_S, float(np.clip(pitch, 0, 127)), 80, 1.0) for a, b, pitch in cut]
    return notes, describe(CutLine.of(cut), track, voiced, odds, gram)


def reached(grid: np.ndarray, pitches: np.ndarray, settings: LineSettings) -> np.ndarray:
    """The part of a grid of pitches that a track comes near: all beyond cost the same, and never less."""
    if not len(pitches):
        return grid[:1]
    reach = settings.spread * np.sqrt(2 * settings.outlier)
    near = (grid >= pitches.min() - reach) & (grid <= pitches.max() + reach)
    return grid[near] if near.any() else grid[:1]


@lru_cache(maxsize=1)  # a threshold's slider asks again and again for the same line
def _heard(track: PitchTrack, low: int, high: int, settings: LineSettings) -> tuple[np.ndarray, Costs]:
    """How sure it is that there is a pitch [shape=(columns,)], softer columns left out; and what paths cost."""
    grid = low - 0.5 + np.arange((high - low + 1) * BINS + 1) / BINS
    voiced = np.where(track.level_db >= loud_parts(track.level_db) - settings.gate_db, track.voicing, 0.0)
    return voiced, costs_of(track.pitch, voiced, reached(grid, track.pitch[voiced > 0], settings), settings)


def costs_of(pitch: np.ndarray, voiced: np.ndarray, grid: np.ndarray, settings: LineSettings) -> Costs:
    """What each column costs at each pitch of a grid."""
    # in place throughout: a song has millions of these
    cost = (pitch[:, np.newaxis] - grid) / (np.sqrt(2) * settings.spread)
    np.minimum(np.square(cost, out=cost), settings.outlier, out=cost)
    cost -= settings.unvoiced
    cost *= voiced[:, np.newaxis]
    cost += settings.unvoiced
    summed = np.zeros((len(pitch) + 1, len(grid)))
    np.cumsum(cost, axis=0, out=summed[1:])
    first = summed[settings.min_columns :] - summed[: -settings.min_columns]
    return Costs(cost, first, (voiced * settings.rest).tolist())


def path_notes(
    track: PitchTrack, voiced: np.ndarray, path: np.ndarray, begins: np.ndarray
) -> list[tuple[int, int, float]]:
    """The path's notes as (first column, column after the last, pitch): pitch is the weighted median of the track."""
    notes = []
    for start, following in itertools.pairwise([*np.flatnonzero(begins).tolist(), len(path)]):
        stretch = path[start:following]
        end = start + (int(np.argmax(stretch < 0)) if (stretch < 0).any() else len(stretch))
        sounding = np.flatnonzero(voiced[start:end] > 0.5) + start
        if len(sounding):
            notes.append((start, end, weighted_median(track.pitch[sounding], voiced[sounding])))
    return notes


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value that has half of the weight on either side."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
