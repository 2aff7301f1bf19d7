"""The closed loop: a random score, played by our synthesiser with human timing, is heard and written down again.

It tests everything between the sound and the page at once. Beats are given: finding them has its own tests.
"""

from __future__ import annotations

from fractions import Fraction as F

import mir_eval
import numpy as np
import pytest

from musiclab.notes import Note, Part
from musiclab.transcription import transcribe
from musiclab.transcription.grid import BeatGrid
from musiclab.transcription.quantise import quantise

pytestmark = pytest.mark.slow

SIMPLE = [
    ([F(1)], 4), ([F(1, 2)] * 2, 4), ([F(1, 2), F(1, 4), F(1, 4)], 1), ([F(3, 4), F(1, 4)], 1),
    ([F(3, 2), F(1, 2)], 1.5), ([F(2)], 2),
]  # fmt: skip
COMPOUND = [([F(1)], 3), ([F(1, 3)] * 3, 3), ([F(2, 3), F(1, 3)], 3), ([F(2)], 1)]
RANGES = {"bass": (28, 50), "flute": (62, 84), "voice": (55, 74), "piano": (45, 76), "guitar": (42, 72)}
MAJOR = (0, 2, 4, 5, 7, 9, 11)
JITTER = 0.010  # s: human timing


def melody(rng: np.random.Generator, instrument: str, grid: BeatGrid, beats: int) -> list[tuple[F, F, int]]:
    """(beat, length, pitch): steps and small leaps in C major, with rests."""
    cells = COMPOUND if grid.is_compound else SIMPLE
    weights = np.array([weight for _, weight in cells]) / sum(weight for _, weight in cells)
    low, high = RANGES[instrument]
    scale = [p for p in range(low, high + 1) if p % 12 in MAJOR]
    degree, now, out = len(scale) // 2, F(0), []
    while now < beats:
        for length in cells[rng.choice(len(cells), p=weights)][0]:
            # Only a plucked string is struck twice: our synthesiser has no consonants and no tongue, so that a sung or
            # blown note repeated without a gap is one long note to any ear.
            steps = [-3, -2, -1, -1, 0, 1, 1, 2, 4] if instrument == "bass" else [-3, -2, -1, -1, 1, 1, 2, 4]
            fitting = [step for step in steps if 0 <= degree + step < len(scale)]
            degree += int(rng.choice(fitting))
            if rng.random() > 0.08:
                out.append((now, length, scale[degree]))
            now += length
    return out


def played(rng: np.random.Generator, score: list[tuple[F, F, int]], instrument: str, grid: BeatGrid) -> Part:
    starts = grid.seconds_at([float(b) for b, _, _ in score]) + rng.normal(0, JITTER, len(score))
    ends = grid.seconds_at([float(b + F(9, 10) * n) for b, n, _ in score])
    return Part(
        [
            Note(max(a, 0.0), max(b, a + 0.06), p, int(rng.integers(70, 110)))
            for a, b, (_, _, p) in zip(starts, ends, score, strict=True)
        ],
        instrument,
    )


def onset_f(truth: Part, found: Part) -> float:
    hz = [440 * 2 ** ((part.pitches - 69) / 12) for part in (truth, found)]
    return float(
        mir_eval.transcription.precision_recall_f1_overlap(
            truth.intervals, hz[0], found.intervals, hz[1], offset_ratio=None
        )[2]
    )


def score_level(score: list[tuple[F, F, int]], found: Part, grid: BeatGrid, *, monophonic: bool) -> float:
    """Share of the notes with the right pitch, bar, beat and duration."""
    written = quantise([n.onset for n in found.notes], [n.offset for n in found.notes], grid, monophonic=monophonic)
    unit = grid.beat_quarters
    have = {(w.onset, w.duration, found.notes[w.index].semitone) for w in written}
    return float(np.mean([(b * unit, n * unit, p) in have for b, n, p in score]))


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (6, 8)])
@pytest.mark.parametrize("instrument", ["bass", "flute", "voice"])
def test_a_line_comes_back_as_it_was_written(instrument, metre):
    rng = np.random.default_rng([ord(instrument[0]), *metre])
    onset, right = [], []
    for tempo in (76, 126):
        grid = BeatGrid.steady(tempo, 60, start=0.3, metre=metre)
        score = melody(rng, instrument, grid, 32)
        truth = played(rng, score, instrument, grid)
        found = transcribe(truth.audio(), instrument=instrument, beats=grid)
        onset.append(onset_f(truth, found))
        right.append(score_level(score, found, grid, monophonic=True))
    assert np.mean(onset) >= 0.95
    assert np.mean(right) >= 0.90


@pytest.mark.parametrize("metre", [(4, 4), (3, 4)])
@pytest.mark.parametrize("instrument", ["piano", "guitar"])
def test_chords_come_back(instrument, metre):
    """Triads in the middle register, on a piano with the bass an octave below; how long they last is harder."""
    rng = np.random.default_rng([7, *metre])
    grid = BeatGrid.steady(96, 60, start=0.3, metre=metre)
    step = 3 if metre == (3, 4) else 2
    score = []
    for beat in range(0, 12 * step, step):
        root = int(rng.choice([48, 50, 52, 53, 55]))
        third = root + (4 if root % 12 in (0, 5, 7) else 3)
        bass = (root - 12,) if instrument == "piano" else ()
        score += [(F(beat), F(step), p) for p in (*bass, root, third, root + 7)]
    truth = played(rng, score, instrument, grid)
    found = transcribe(truth.audio(), instrument=instrument, beats=grid)
    written = quantise([n.onset for n in found.notes], [n.offset for n in found.notes], grid, monophonic=False)
    places = {(w.onset, found.notes[w.index].semitone) for w in written}
    assert onset_f(truth, found) >= 0.9
    assert np.mean([(beat * grid.beat_quarters, pitch) in places for beat, _, pitch in score]) >= 0.9
    assert score_level(score, found, grid, monophonic=False) >= 0.7
