"""Bars: the metre and the downbeat that agree best with kick accents, backbeats and changes of harmony.

The third step of `musiclab.transcription.beats`.

Notebook: 10
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from musiclab.transcription.beats import OnsetEnvelope


def divides_in_three(total: np.ndarray, columns: np.ndarray) -> bool:
    """Whether beats divide into three even parts (6/8), not two or four; a shuffle (2/3 alone) does not count."""

    def strength(place: float) -> float:
        at = columns[:-1] + place * np.diff(columns)
        near = np.round(at[:, None] + np.arange(-2, 3)).astype(int).clip(0, len(total) - 1)
        return float(np.mean(total[near].max(axis=1)))

    thirds = min(strength(1 / 3), strength(2 / 3))
    return thirds > 1.15 * strength(1 / 2) and thirds > 1.15 * strength(1 / 4)


def bars(
    envelope: OnsetEnvelope, columns: np.ndarray, *, compound: bool, metre: tuple[int, int] | None
) -> tuple[tuple[int, int], int]:
    """Metre, and the first beat's position in its bar, that fit the accents best."""
    accents = _accents(envelope, columns)
    candidates = [metre] if metre is not None else [(6, 8)] if compound else [(4, 4), (3, 4)]
    best: tuple[float, tuple[int, int], int] | None = None
    for candidate in candidates:
        beats = candidate[0] // 3 if compound else candidate[0]
        if accents.shape[1] < beats:  # less than a bar: it begins where the music does
            continue
        for phase in range(beats):
            score = _accent_score(accents, beats, phase)
            if candidate == (4, 4):
                score *= 1.15  # most songs are in four: three has to show it
            if best is None or score > best[0]:
                best = (score, candidate, (-phase) % beats + 1)
    return (best[1], best[2]) if best else (candidates[0], 1)


def _accents(envelope: OnsetEnvelope, columns: np.ndarray) -> np.ndarray:
    """For each beat: kick, backbeat (snare without kick) and harmonic change, standardised [shape=(3, beats)]."""
    span = int(np.median(np.diff(columns)))
    around = (columns[:, None] + np.arange(-3, 4)).clip(0, envelope.bands.shape[1] - 1)
    kick, snare, _ = (band[around].max(axis=1) for band in envelope.bands)
    chroma = np.stack([envelope.chroma[:, f : f + span].mean(axis=1) for f in columns], axis=1)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=0), 1e-9)
    change = np.concatenate([[0.0], 1.0 - np.sum(chroma[:, 1:] * chroma[:, :-1], axis=0)])
    rows = np.stack([kick, snare - kick, change])
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + 1e-3))


def _accent_score(accents: np.ndarray, beats: int, phase: int) -> float:
    """How well bars of so many beats, starting at beat `phase`, agree with the accents."""
    count = accents.shape[1]
    starts = [phase + i if phase + i < count else (phase + i) % beats for i in range(beats)]
    profile = np.stack([accents[:, start::beats].mean(axis=1) for start in starts], axis=1)
    kick, backbeat, change = profile
    score = kick[0] + 1.5 * change[0] - backbeat[0]
    if beats == 4:
        score += 0.5 * (backbeat[1] + backbeat[3] - backbeat[2]) + 0.3 * kick[2]
    elif beats == 3:
        score += 0.3 * (backbeat[1] + backbeat[2])
    # Longer bars have more places to be lucky with: take the expected luck off.
    return float(score - 0.3 * beats / np.sqrt(accents.shape[1] / beats))
