"""The closed loop of chords: a score, played by our synthesiser with human timing, is heard and written down again.

It tests everything between the sound and the page at once. Beats are given: finding them has its own tests.
"""

from __future__ import annotations

from fractions import Fraction as F

import mir_eval
import numpy as np
import pytest

from musiclab.grid import BeatGrid
from musiclab.notation.quantise import quantise
from musiclab.notes import Note, Part
from musiclab.transcription import transcribe

pytestmark = pytest.mark.slow

JITTER = 0.010  # s: human timing


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
