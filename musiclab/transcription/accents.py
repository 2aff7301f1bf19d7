"""What of a recording tells where bars begin: strokes by band, changes of chord and of bass, louder passages.

All of it is looked at beat by beat: `accents_at` gives one row for each kind of evidence, and `level_of` what the
places between the beats say about whether these are the beats that one would tap.

Notebook: 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.audio import Audio
from musiclab.spectral import stft
from musiclab.theory import hz_to_midi

SR = 22050
N_FFT, HOP_LENGTH = 1024, 256  # 11.6 ms: fine enough, since beat times are refined afterwards
FPS = SR / HOP_LENGTH
BANDS_HZ = ((30, 130), (130, 400), (400, 2000), (2000, 6000), (6000, 11000))  # kick, toms, snare, its wires, cymbals
BROAD_HZ = ((30, 160), (160, 2500), (2500, 10000))  # what beats are found in: kick; snare and harmony; hi-hat
LONG_FFT, LONG_HOP = 4096, 1024  # for harmony
LONG_FPS = SR / LONG_HOP
HARMONY_HZ, BASS_HZ = (100.0, 2000.0), (40.0, 220.0)
LAGS = range(1, 9)  # beats after which music may repeat
QUIET = 0.1  # of the level of a song's loud places
LITTLE = 0.03  # standard deviation of changes of harmony under which there are none
CLIP = 3.0  # standard deviations
PLACES = (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4, 1 / 6, 5 / 6)  # between two beats; sixths are a compound beat's sixteenths
LEVEL_SIZE = 3 * (1 + len(PLACES))

ACCENTS = (
    "kick", "toms", "snare", "wires", "cymbals", "backbeat", "chord", "chord of two", "chord of four", "bass",
    "bass of two", "louder", "brighter", "off-beat",
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """A recording as rhythm sees it.

    Attributes
    ----------
    broad : np.ndarray [shape=(3, columns)]
        How much each of `BROAD_HZ` grows louder, each scaled to a maximum near 1; a column is 11.6 ms.
    flux : np.ndarray [shape=(5, columns)]
        The same of `BANDS_HZ`.
    level : np.ndarray [shape=(2, columns)]
        Log level of everything, and of cymbals.
    harmony : np.ndarray [shape=(2, 12, long columns)]
        Energy by pitch class, of chords and of the bass; a long column is 46 ms.
    """

    broad: np.ndarray
    flux: np.ndarray
    level: np.ndarray
    harmony: np.ndarray


def evidence_of(audio: Audio) -> Evidence:
    """What is heard in a recording of any rate and channels, a second or longer."""
    samples = audio.mono().resampled(SR).samples[0]
    samples = samples / (float(np.sqrt(np.mean(np.square(samples)))) or 1.0)
    log_S = np.log1p(10.0 * np.abs(stft(samples, n_fft=N_FFT, hop_length=HOP_LENGTH)))
    hz = np.linspace(0, SR / 2, log_S.shape[0])
    rise = np.maximum(np.diff(log_S, axis=1, prepend=log_S[:, :1]), 0.0)
    level = np.stack([log_S.mean(axis=0), log_S[hz >= BANDS_HZ[-1][0]].mean(axis=0)])
    long_S = np.abs(stft(samples, n_fft=LONG_FFT, hop_length=LONG_HOP))
    harmony = np.stack([_pitch_classes(long_S, *band) for band in (HARMONY_HZ, BASS_HZ)])
    return Evidence(_in_bands(rise, hz, BROAD_HZ), _in_bands(rise, hz, BANDS_HZ), level, harmony)


def _in_bands(rise: np.ndarray, hz: np.ndarray, bands: Sequence[tuple[float, float]]) -> np.ndarray:
    flux = np.stack([rise[(hz >= low) & (hz < high)].mean(axis=0) for low, high in bands])
    return np.asarray(flux / np.maximum(np.quantile(flux, 0.995, axis=1, keepdims=True), 1e-6)).clip(0, 1.5)


def _pitch_classes(S: np.ndarray, low: float, high: float) -> np.ndarray:
    """What sounds by pitch class, beside the mean of all twelve; 1 long where one alone does [shape=(12, columns)].

    What is there in three columns on end sounds; what is there in one is a stroke. Columns far under the song's level
    count for nothing.
    """
    hz = np.arange(S.shape[0]) * SR / LONG_FFT
    inside = np.flatnonzero((hz > low) & (hz < high))
    held = np.pad(S[inside], ((0, 0), (1, 1)), mode="edge")
    held = np.minimum(np.minimum(held[:, :-2], held[:, 1:-1]), held[:, 2:])
    pitch = np.round(hz_to_midi(hz[inside])).astype(int) % 12
    folded = np.zeros((12, S.shape[1]))
    np.add.at(folded, pitch, held)
    folded -= folded.mean(axis=0)
    size = np.linalg.norm(folded, axis=0)
    return np.asarray(folded / (size + QUIET * float(np.quantile(size, 0.9)) + 1e-9))


def accents_at(evidence: Evidence, columns: np.ndarray) -> np.ndarray:
    """One row for each of `ACCENTS`, standardised over the beats [shape=(len(ACCENTS), beats)].

    Parameters
    ----------
    evidence : Evidence
        From `evidence_of`.
    columns : np.ndarray [shape=(beats,)]
        Where the beats are; fractions of a column are allowed.
    """
    strokes = _strokes(evidence, columns)
    half = _strokes(evidence, columns + 0.5 * _lengths(columns)).mean(axis=0)
    chords, bass = (_by_beat(layer, columns, LONG_FPS / FPS) for layer in evidence.harmony)
    loud, bright = (_by_beat(row[np.newaxis], columns, 1.0)[0] for row in evidence.level)
    rows = [
        *strokes,
        strokes[2:4].mean(axis=0) - strokes[0],
        *(_change(chords, span) for span in (1, 2, 4)),
        *(_change(bass, span) for span in (1, 2)),
        _growth(loud, 2),
        _growth(bright, 1),
        half,
    ]
    return _standard(np.stack(rows))


def repeats(evidence: Evidence, columns: np.ndarray, accents: np.ndarray) -> np.ndarray:
    """How much strokes, and harmony, are like those some beats later [shape=(2, len(LAGS))]."""
    chords = _by_beat(evidence.harmony[0], columns, LONG_FPS / FPS)
    chords = chords - chords.mean(axis=1, keepdims=True)
    chords = chords / np.maximum(np.linalg.norm(chords, axis=0), 1e-9)
    out = np.zeros((2, len(LAGS)))
    for row, rows in zip(out, (accents[:6] / np.sqrt(6), chords), strict=True):
        for i, lag in enumerate(LAGS):
            row[i] = np.mean(np.sum(rows[:, lag:] * rows[:, :-lag], axis=0)) if lag < rows.shape[1] else 0.0
    return out


def level_of(evidence: Evidence, columns: np.ndarray) -> np.ndarray:
    """What sounds on these beats, and between them beside it, in three bands [shape=(LEVEL_SIZE,)]."""
    groups = (slice(0, 1), slice(2, 4), slice(4, 5))

    def strength(place: float) -> np.ndarray:
        strokes = _strokes(evidence, columns[:-1] + place * np.diff(columns))
        return np.array([strokes[group].mean() for group in groups])

    on = strength(0.0)
    rows = [np.log(on + 0.05), *(np.log((strength(place) + 0.05) / (on + 0.05)) for place in PLACES)]
    return np.asarray(np.concatenate(rows).clip(-3, 2))


def _lengths(columns: np.ndarray) -> np.ndarray:
    lengths = np.diff(columns)
    return np.append(lengths, lengths[-1])


def _strokes(evidence: Evidence, columns: np.ndarray) -> np.ndarray:
    """The strongest rise near each place [shape=(5, places)]."""
    last = evidence.flux.shape[1] - 1
    around = (np.round(columns)[:, np.newaxis] + np.arange(-3, 4)).astype(int).clip(0, last)
    return np.asarray(evidence.flux[:, around].max(axis=2))


def _by_beat(layer: np.ndarray, columns: np.ndarray, scale: float) -> np.ndarray:
    """Mean of `layer` [shape=(rows, columns)] over each beat [shape=(rows, beats)]."""
    edges = np.append(columns, columns[-1] + _lengths(columns)[-1]) * scale
    edges = np.round(edges).astype(int).clip(0, layer.shape[1])
    total = np.concatenate([np.zeros((layer.shape[0], 1)), np.cumsum(layer, axis=1)], axis=1)
    width = np.maximum(np.diff(edges), 1)
    return np.asarray((total[:, edges[1:]] - total[:, edges[:-1]]) / width)


def _spans(rows: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the `span` beats before each beat, and over those from it on [each shape=(rows, beats)]."""
    total = np.concatenate([np.zeros((rows.shape[0], 1)), np.cumsum(rows, axis=1)], axis=1)
    at = np.arange(rows.shape[1])
    before = total[:, at] - total[:, np.maximum(at - span, 0)]
    after = total[:, np.minimum(at + span, rows.shape[1])] - total[:, at]
    return before, after


def _change(classes: np.ndarray, span: int) -> np.ndarray:
    """How different the pitch classes are after each beat from before it [shape=(beats,)]."""
    before, after = _spans(classes, span)
    count = np.minimum(np.arange(len(before[0])), span).clip(1)
    left = np.minimum(len(before[0]) - np.arange(len(before[0])), span)
    out = np.linalg.norm(after / left - before / count, axis=0)
    out[0] = out.mean()
    return np.asarray(out)


def _growth(level: np.ndarray, span: int) -> np.ndarray:
    before, after = _spans(level[np.newaxis], span)
    out = (after - before)[0] / span
    out[:span] = 0.0
    return np.asarray(out)


def _standard(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray((centred / (rows.std(axis=1, keepdims=True) + LITTLE)).clip(-CLIP, CLIP))
