"""What every closed loop needs: a written score, a human performance of it, and how much of it came back.

A score's notes are (onset, length, pitch): onset and length in beats of its grid, as fractions, pitch as a MIDI key.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musiclab.grid import BeatGrid
from musiclab.metrics.notes import note_score
from musiclab.notation import quantise
from musiclab.notes import Note, Part
from musiclab.transcription import transcribe

Written = tuple[Fraction, Fraction, int]  # onset and length in beats, MIDI key
JITTER = 0.010  # s: standard deviation of human onsets
SHORTEST = 0.06  # s
LET_GO = 0.025  # s before a key, string or reed can begin the same note again


@dataclass(frozen=True)
class Score:
    """What is to come back. `grid` is where its beats are played; finding beats has its own tests."""

    name: str
    instrument: str
    grid: BeatGrid
    notes: Sequence[Written]


@dataclass(frozen=True)
class Result:
    """Of one score: onset F at 50 ms, and the share of its notes with the right pitch, bar, beat (and duration)."""

    name: str
    notes: int
    onset_f: float
    placed: float  # right pitch, bar and beat
    written: float  # and the right duration
    repeats: float  # of the notes that repeat the pitch before them without a rest: the share that was found


def drifting(tempo: float, seconds: float, *, start: float = 0.3, metre: tuple[int, int], first: int = 1) -> BeatGrid:
    """Beats whose tempo swings by ±4 % in phrases of about 12 s, as a player's does without a click."""
    count = int(np.ceil(seconds * tempo / 60)) + 2
    lengths = 60 / tempo * (1 + 0.04 * np.sin(2 * np.pi * np.arange(count) * 60 / tempo / 12))
    return BeatGrid(tuple(start + np.concatenate([[0.0], np.cumsum(lengths)])), first, metre)


def played(
    rng: np.random.Generator, score: Score, *, detached: float = 0.9, loudness: tuple[int, int] = (70, 110)
) -> Part:
    """A human performance: onsets astray by `JITTER`, notes held for `detached` of their length, loud and soft.

    Before a note is repeated it is let go, however shortly: no tongue, finger or key can do without.
    """
    starts = score.grid.seconds_at([float(at) for at, _, _ in score.notes])
    starts = np.maximum(starts + rng.normal(0, JITTER, len(starts)), 0.0)
    ends = score.grid.seconds_at([float(at) + detached * float(length) for at, length, _ in score.notes])
    again: dict[int, float] = {}  # when each pitch begins next, walking back from the last note
    for i in np.argsort(starts)[::-1]:
        ends[i] = min(ends[i], again.get(score.notes[i][2], np.inf) - LET_GO)
        again[score.notes[i][2]] = starts[i]
    return Part(
        [
            Note(a, max(b, a + SHORTEST), pitch, int(rng.integers(*loudness)))
            for a, b, (_, _, pitch) in zip(starts, ends, score.notes, strict=True)
        ],
        score.instrument,
    )


def through_sound(rng: np.random.Generator, score: Score, *, detached: float = 0.9, monophonic: bool = True) -> Result:
    """Play the score on our synthesiser, hear it, write it down, compare."""
    truth = played(rng, score, detached=detached)
    found = transcribe(truth.audio(), instrument=score.instrument, beats=score.grid)
    have = {(n.onset, n.duration, found.notes[n.index].semitone) for n in written_down(found, score.grid, monophonic)}
    places = {(onset, pitch) for onset, _, pitch in have}
    wanted = in_quarters(score)
    return Result(
        score.name,
        len(wanted),
        note_score(found, truth).f,
        float(np.mean([(onset, pitch) in places for onset, _, pitch in wanted])),
        float(np.mean([note in have for note in wanted])),
        repeats_found(truth, found, score) if monophonic else float("nan"),
    )


def written_down(part: Part, grid: BeatGrid, monophonic: bool) -> list[quantise.Written]:
    return quantise.quantise([n.onset for n in part.notes], [n.offset for n in part.notes], grid, monophonic=monophonic)


def in_quarters(score: Score) -> list[Written]:
    """The score's notes in quarter lengths from the bar line before its first beat."""
    unit, shift = score.grid.beat_quarters, score.grid.first - 1
    return [((onset + shift) * unit, length * unit, pitch) for onset, length, pitch in score.notes]


def repeats_found(truth: Part, found: Part, score: Score) -> float:
    """Share of the notes which repeat the one before them without a written rest that have an onset within 50 ms."""
    notes = sorted(score.notes)
    again = [b[0] for a, b in itertools.pairwise(notes) if a[2] == b[2] and a[0] + a[1] == b[0]]
    if not again:
        return float("nan")
    at = {onset: note.onset for (onset, _, _), note in zip(notes, truth.notes, strict=True)}
    onsets = np.array([note.onset for note in found.notes] or [np.inf])
    return float(np.mean([np.abs(onsets - at[beat]).min() < 0.05 for beat in again]))


def table(results: Sequence[Result]) -> str:
    """In Markdown, with the mean over the scores (each note counts once)."""
    head = ["score", "notes", "onset F", "right bar and beat", "and duration", "repeats found"]
    rows = [[r.name, str(r.notes), *(_share(v) for v in (r.onset_f, r.placed, r.written, r.repeats))] for r in results]
    counts = np.array([r.notes for r in results], dtype=float)
    values = np.array([[r.onset_f, r.placed, r.written, r.repeats] for r in results])
    known = ~np.isnan(values)
    sums, weights = (np.where(known, values, 0.0) * counts[:, None]).sum(axis=0), known.T @ counts
    totals = np.where(weights > 0, sums / np.maximum(weights, 1), np.nan)
    rows.append(["**all**", f"{counts.sum():.0f}", *(f"**{_share(v)}**" for v in totals)])
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] + ["---:"] * 5, *rows])


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"
