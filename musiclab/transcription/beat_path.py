"""The pulse of a recording from its onset strength: how long a beat is, and the best way through all columns.

The first two steps of `musiclab.transcription.beats`, where the literature is named.

Notebook: 10
"""

from __future__ import annotations

import numpy as np

from musiclab.errors import TranscriptionError
from musiclab.progress import Watch
from musiclab.transcription.accents import FPS

TEMPO_RANGE = (50.0, 220.0)  # beats a minute
FAVOURITE_TEMPO, TEMPO_WIDTH = 110.0, 0.75  # centre, and standard deviation in octaves, of the tempo prior
SAME_PULSE, NEAR = (1 / 3, 1 / 2, 1.0, 2.0, 3.0), 0.1  # ratios of lags, and octaves around them
RIVAL = 0.6  # of the best salience
WATCHED = 2000  # columns, 23 s of music, between two reports of progress
DRIFT = 60.0  # how firmly a beat keeps the length of the one before it (larger is firmer)


def beat_periods(total: np.ndarray) -> list[tuple[float, float]]:
    """Lengths in columns that a beat may have: the likeliest, and a rival, if there is one; and how likely beside it.

    The likeliest is the lag where the onset strength agrees best with itself, weighted by the tempo prior. A rival is
    no double, half or third of it (those are other levels of one pulse), and nearly as good.
    """
    lags, salience = _salience(total)
    best = int(np.argmax(salience))
    octaves = np.log2(lags / lags[best])
    apart = np.min([np.abs(octaves - np.log2(level)) for level in SAME_PULSE], axis=0) > NEAR
    rest = np.where(apart, salience, 0.0)
    rival = int(np.argmax(rest))
    inside = 0 < rival < len(lags) - 1 and salience[rival] >= max(salience[rival - 1], salience[rival + 1])
    found = [(float(lags[best]), 1.0)]
    share = float(rest[rival] / salience[best]) if salience[best] > 0 else 0.0
    return [*found, (float(lags[rival]), share)] if inside and share >= RIVAL else found


def _salience(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lags in columns, and how likely each is the length of a beat [each shape=(lags,)]."""
    centred = total - total.mean()
    size = 1 << int(np.ceil(np.log2(2 * len(centred))))
    autocorrelation = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: len(centred)]
    # Unbiased: a long lag has fewer products.
    autocorrelation = autocorrelation / np.arange(len(centred), 0, -1)
    shortest, longest = 60 * FPS / TEMPO_RANGE[1], 60 * FPS / TEMPO_RANGE[0]
    lags = np.arange(shortest, min(longest, len(centred) / 5), 0.25)
    if not len(lags):
        raise TranscriptionError("The music is too short for its beats to be found: set the tempo by hand.")

    def at(lag: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(lag, np.arange(len(centred)), autocorrelation))

    # A beat repeats at its multiples too; half of it need not.
    comb = at(lags) + 0.7 * at(2 * lags) + 0.5 * at(4 * lags) + 0.3 * at(3 * lags)
    octaves = np.log2(60 * FPS / lags / FAVOURITE_TEMPO)
    return lags, comb.clip(0) * np.exp(-0.5 * (octaves / TEMPO_WIDTH) ** 2)


def viterbi_beats(total: np.ndarray, lag: float, watch: Watch) -> np.ndarray:
    """Columns of the beats: the best path through (place in the beat, length of the beat).

    The state runs through the columns of a beat of fixed length; only at its end may the length change. So the places
    of all lengths form one long vector, moving on is a shift of it, and only the last places need a search.
    """
    lengths = np.unique(np.round(np.geomspace(lag * 0.84, lag * 1.19, 24)).astype(int))
    lengths = lengths[lengths >= 4]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    ends = starts + lengths - 1
    states = int(lengths.sum())
    place = np.concatenate([np.arange(n) / n for n in lengths])
    ratio = lengths[None, :] / lengths[:, None]  # (from, to)
    change = -DRIFT * np.abs(ratio - 1.0)
    on_beat = place < 1 / 12
    beat_score = np.log(0.02 + 0.98 * total)
    rest_score = np.log(0.02 + 0.98 * (1 - total)) / 6  # silence between beats is weak evidence
    score = np.full(states, -np.log(states))
    pointers = np.zeros((len(total), len(lengths)), dtype=np.int16)
    for t in range(len(total)):
        if t % WATCHED == 0:
            watch(t / len(total), "finding the beats")
        arriving = score[ends][:, None] + change
        pointers[t] = arriving.argmax(axis=0)
        moved = np.empty_like(score)
        moved[1:] = score[:-1]
        moved[starts] = arriving.max(axis=0)
        score = moved + np.where(on_beat, beat_score[t], rest_score[t])
    return _walked_back(int(score.argmax()), pointers, starts, lengths)


def _walked_back(state: int, pointers: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Walk back from the last state; every visit to a beat's first place is a beat."""
    columns = []
    which = int(np.searchsorted(starts, state, side="right")) - 1
    t = len(pointers) - 1 - (state - int(starts[which]))
    while t >= 0:
        columns.append(t)
        which = int(pointers[t, which])
        t -= int(lengths[which])
    return np.array(columns[::-1])


def refined(total: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each beat moved to the envelope's peak within 35 ms, if there is one; always increasing."""
    reach = round(0.035 * FPS)
    out = columns.astype(float)
    for i, column in enumerate(np.round(columns).astype(int)):
        low = max(column - reach, 0)
        near = total[low : column + reach + 1]
        if near.size and near.max() > 0.15:
            peak = low + int(near.argmax())
            out[i] = peak
    keep = np.concatenate([[True], np.diff(out) > 1])
    return np.where(keep, out, columns)
