"""Where notes of a line begin: log-odds for each column, from a small network over what happens around it.

No single cue is enough: a singer's consonant is a burst of noise without a note, a legato saxophone changes the note
with hardly a dip in level, a bass string struck again while it sounds is no louder than before. What shows all of them,
each in its way, within a tenth of a second around the column:

* how far the spectrum rises above what it was 24 ms ago, in dB, in four bands. A rise of a neighbouring bin does not
  count, so that vibrato is no onset [1]_. In dB, since the upper harmonics by which a repeated note of a bass is heard
  lie 40 dB and more below its fundamental;
* how far the spectrum strays from what its phases 16 and 32 ms ago predict, in three bands [2]_: a sound that goes on
  keeps turning at its own rate, a new one begins with its own phase;
* the level of the four bands, how sure there is a pitch, how far it is from the pitch that follows, and Basic Pitch's
  onset posterior at that pitch.

A network with one hidden layer weighs them. It is trained on lines rendered from recorded samples, whose onsets are
known exactly (`python -m musiclab.training.listeners lines`), and runs in numpy.

References
----------
.. [1] Böck, Widmer: "Maximum filter vibrato suppression for onset detection", DAFx 2013
.. [2] Bello, Duxbury, Davies, Sandler: "On the use of phase and energy for musical onset detection in the complex
   domain", IEEE Signal Processing Letters 11(6), 2004, doi:10.1109/LSP.2004.827951

Notebook: 10
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np

from musiclab.fourier import pieces
from musiclab.transcription.calibration import perceptron
from musiclab.transcription.pitch_track import HOP as HOP_LENGTH
from musiclab.transcription.pitch_track import SR, PitchTrack
from musiclab.transcription.posteriorgram import HOP as GRAM_HOP
from musiclab.transcription.posteriorgram import LOWEST, Posteriorgram
from musiclab.transcription.posteriorgram import SR as GRAM_SR

WEIGHTS = "lines.npz"
STEP = 128  # samples from one spectrum to the next: two for each column
SHORT, LONG = 512, 1024  # samples of a spectrum for rises (32 ms) and for phases (64 ms)
RISE_STEPS, PHASE_STEPS = 3, 2  # spectra back with which it is compared
BANDS = (0, 500, 1500, 4000, 8000)  # Hz
PHASE_BANDS = (0, 400, 1200, 4000)
FLOOR_DB = -70.0  # below the loud parts: what is quieter is not heard to rise
MOST_RISE = 20.0  # dB
BLOCK = 1500  # columns that are worked on at once
AROUND = 6  # columns before and after: 96 ms
LOG_ODDS_LIMIT = 9.0  # log-odds are kept within ± this: no single column decides a whole path
CHANGES = len(BANDS) - 1 + len(PHASE_BANDS) - 1 + len(BANDS) - 1  # columns of `changes`


@lru_cache(maxsize=2)  # a threshold's slider asks again and again for the same line
def beginnings(track: PitchTrack, gram: Posteriorgram | None) -> np.ndarray:
    """Log-odds that a note begins, at each column of the track [shape=(columns,)], not to be written to.

    Parameters
    ----------
    track : PitchTrack
        Of the line.
    gram : Posteriorgram | None
        Of the same recording; without it no onset posterior is counted.
    """
    odds = np.asarray(np.clip(perceptron(described(track, gram), WEIGHTS), -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT))
    odds.flags.writeable = False
    return odds


def described(track: PitchTrack, gram: Posteriorgram | None) -> np.ndarray:
    """What each column is judged by [shape=(columns, 186)] float32."""
    rises, levels = np.split(track.changes, [-(len(BANDS) - 1)], axis=1)
    around_level = around(levels)
    around_level -= around_level.mean(axis=1, keepdims=True)
    now = levels - loud_parts(levels) if len(levels) else levels
    voicing, following = around(track.voicing), pitch_after(track)
    away = np.clip(np.abs(around(track.pitch) - following[:, np.newaxis]), 0, 2) * (voicing > 0.3)
    posterior = around(onset_posterior(gram, following))
    parts = [around(rises), around_level / 10, now / 20, voicing, away, posterior]
    return np.concatenate([part.reshape(len(levels), -1) for part in parts], axis=1).astype(np.float32)


def around(values: np.ndarray) -> np.ndarray:
    """Each column's values with those of the columns around it [shape=(columns, 13, ...)]; edges repeated."""
    padded = np.pad(values, [(AROUND, AROUND)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.stack([padded[d : d + len(values)] for d in range(2 * AROUND + 1)], axis=1)


def pitch_after(track: PitchTrack) -> np.ndarray:
    """The pitch that sounds just after each column [shape=(columns,)]."""
    padded = np.pad(track.pitch, (0, 6), mode="edge")
    return np.asarray(np.median([padded[d : d + len(track.pitch)] for d in range(1, 6)], axis=0))


def onset_posterior(gram: Posteriorgram | None, pitch: np.ndarray) -> np.ndarray:
    """Basic Pitch's onset posterior at a pitch for each track column [shape=(columns,)], the best of three keys."""
    if gram is None:
        return np.zeros(len(pitch))
    at = (
        np.rint(np.arange(len(pitch)) * (HOP_LENGTH / SR * GRAM_SR / GRAM_HOP)).astype(int).clip(0, len(gram.onset) - 1)
    )
    key = np.clip(np.rint(pitch).astype(int) - LOWEST, 1, gram.onset.shape[1] - 2)
    return np.asarray(np.max([gram.onset[at, key + d] for d in (-1, 0, 1)], axis=0))


def changes(samples: np.ndarray, level_db: np.ndarray) -> np.ndarray:
    """What rises, turns and sounds in each column [shape=(columns, 11)] float32.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        At 16 kHz.
    level_db : np.ndarray [shape=(columns,)]
        In dBFS; rises and levels are relative to its loud parts.

    Returns
    -------
    np.ndarray
        Rises of four bands (log of 1 + dB), strays of phase of three bands (0–2), levels of four bands (dB).
    """
    columns = len(level_db)
    out = np.zeros((columns, CHANGES), dtype=np.float32)
    if columns == 0:
        return out
    loud = 10 ** (float(loud_parts(level_db)) / 20) + 1e-9
    back = 2 * PHASE_STEPS  # spectra before the first that are needed
    before = back * STEP + LONG // 2
    padded = np.pad(np.asarray(samples, dtype=np.float32) / np.float32(loud), (before, LONG + 2 * HOP_LENGTH))
    for first in range(0, columns, BLOCK):
        count = min(BLOCK, columns - first)
        part = padded[first * HOP_LENGTH : first * HOP_LENGTH + (2 * count + back) * STEP + LONG]
        short, long = (spectra(part, size, 2 * count + back) for size in (SHORT, LONG))
        features = [rises(np.abs(short))[back:], strays(long)[back:], band_levels(np.abs(short))[back:]]
        pairs = [feature.reshape(count, 2, -1) for feature in features]
        out[first : first + count] = np.concatenate(
            [pairs[0].max(axis=1), pairs[1].max(axis=1), pairs[2].mean(axis=1)], axis=1
        )
    return out


def loud_parts(level_db: np.ndarray) -> np.ndarray:
    """The level of the loud parts [shape=(...)] of levels in dB [shape=(columns, ...)]: the 95th percentile.

    It is never more than 20 dB below the loudest column: an instrument may be silent for most of a song.
    """
    return np.asarray(np.maximum(np.quantile(level_db, 0.95, axis=0), level_db.max(axis=0) - 20.0))


def spectra(samples: np.ndarray, size: int, count: int) -> np.ndarray:
    """So many complex spectra of a Hann window of `size`, `STEP` apart, scaled so that a sine keeps its amplitude.

    The first is centred on sample `LONG` / 2, whatever the size.
    """
    start = (LONG - size) // 2
    views = pieces(samples[start:], size, STEP)[:count]
    return np.fft.rfft(views * (np.hanning(size) * 4 / size).astype(np.float32), axis=1).astype(np.complex64)


def rises(S: np.ndarray) -> np.ndarray:
    """Rise of the spectrum in dB over the largest of each bin's neighbours before, as log(1 + mean of a band)."""
    level = 20 * np.log10(S + np.float32(10 ** (FLOOR_DB / 20)))
    before = level.copy()
    np.maximum(before[:, 1:], level[:, :-1], out=before[:, 1:])
    np.maximum(before[:, :-1], level[:, 1:], out=before[:, :-1])
    rise = np.zeros_like(level)
    rise[RISE_STEPS:] = np.clip(level[RISE_STEPS:] - before[:-RISE_STEPS], 0, MOST_RISE)
    return np.log1p(banded(rise, BANDS).T / np.diff(edges(S.shape[1], BANDS))[:, np.newaxis]).T


def strays(X: np.ndarray) -> np.ndarray:
    """How far each band is from where its phases were going, relative to its level [shape=(spectra, 3)], 0–2."""
    X = X[:, : edges(X.shape[1], PHASE_BANDS)[-1]]
    S = np.abs(X) + np.float32(1e-9)
    d = PHASE_STEPS
    expected = np.zeros_like(X)
    turn = X[d:-d] / S[d:-d]
    expected[2 * d :] = X[d:-d] * turn * np.conj(X[: -2 * d] / S[: -2 * d])
    bins = np.diff(edges(LONG // 2 + 1, PHASE_BANDS))
    strayed = banded(np.abs(X - expected), PHASE_BANDS, LONG // 2 + 1)
    return np.clip(strayed / (banded(S, PHASE_BANDS, LONG // 2 + 1) + 0.02 * np.sqrt(bins)), 0, 2)


def band_levels(S: np.ndarray) -> np.ndarray:
    """Level of each band in dB, with a floor at −60 dB [shape=(spectra, 4)]."""
    power = banded(np.square(S), BANDS) / np.diff(edges(S.shape[1], BANDS))
    return np.asarray(10 * np.log10(power + 1e-6))


def banded(values: np.ndarray, bands: tuple[int, ...], bins: int | None = None) -> np.ndarray:
    """Sums over bands [shape=(spectra, bands)]; `bins` of the whole spectrum, if some were cut off."""
    places = edges(bins or values.shape[1], bands)
    return np.stack([values[:, a:b].sum(axis=1) for a, b in itertools.pairwise(places)], axis=1)


def edges(bins: int, bands: tuple[int, ...]) -> np.ndarray:
    """The first bin of each band, and the one after the last."""
    places = np.ceil(np.array(bands) * 2 * (bins - 1) / SR).astype(int)
    places[-1] = min(places[-1], bins)
    return places
