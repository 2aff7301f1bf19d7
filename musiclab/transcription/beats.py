"""Beats and bars of a recording, from the mixture or its drums: one grid for all parts.

Three steps, each small enough to look into:

1. an onset envelope, in three frequency bands (kick, snare and harmony, hi-hat);
2. beats: a hidden Markov model whose state is the place within a beat and the beat's length (the *bar pointer* model of
   [1]_ in the efficient form of [2]_, for one beat), decoded by the Viterbi algorithm, so that the tempo may drift;
   which octave of the tempo is meant follows from a resonance prior around 110 beats a minute [3]_;
3. bars: the metre and the downbeat that agree best with kick accents, backbeats and changes of harmony.

References
----------
.. [1] Whiteley, Cemgil, Godsill: "Bayesian modelling of temporal structure in musical audio", ISMIR 2006
.. [2] Krebs, Böck, Widmer: "An efficient state-space model for joint tempo and meter tracking", ISMIR 2015
.. [3] Parncutt: "A perceptual model of pulse salience and metrical accent", Music Perception 11(4), 1994,
   doi:10.2307/40285633
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Note
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.spectral import stft
from musiclab.theory import hz_to_midi
from musiclab.transcription.beat_times import sharpened
from musiclab.transcription.downbeats import bars, divides_in_three

SR = 22050
HOP_LENGTH = 256  # 11.6 ms: fine enough, since beat times are refined on the envelope's peak
N_FFT = 1024
FPS = SR / HOP_LENGTH
BANDS_HZ = ((30.0, 160.0), (160.0, 2500.0), (2500.0, 10000.0))  # kick; snare and harmony; hi-hat
TEMPO_RANGE = (50.0, 220.0)  # beats a minute
FAVOURITE_TEMPO, TEMPO_WIDTH = 110.0, 0.75  # centre, and standard deviation in octaves, of the tempo prior
WATCHED = 2000  # columns, 23 s of music, between two reports of progress
DRIFT = 60.0  # how firmly a beat keeps the length of the one before it (lambda of [2]_; larger is firmer)


@dataclass(frozen=True)
class OnsetEnvelope:
    """Onset strength by band [shape=(bands, columns)], each scaled to a maximum near 1; and chroma by column."""

    bands: np.ndarray
    chroma: np.ndarray  # [shape=(12, columns)]

    @property
    def total(self) -> np.ndarray:
        """Over all bands [shape=(columns,)], 0–1."""
        total = self.bands.sum(axis=0)
        return np.asarray(total / max(float(np.quantile(total, 0.995)), 1e-9)).clip(0, 1)


def onset_envelope(audio: Audio) -> OnsetEnvelope:
    """Half-wave rectified increase of the log spectrum in three bands (spectral flux), and the chroma beside it.

    Parameters
    ----------
    audio : Audio
        Any rate and channels; a second or more.
    """
    sound = audio.mono().resampled(SR)
    level = float(np.sqrt(np.mean(np.square(sound.samples)))) or 1.0
    S = np.abs(stft(sound.samples[0] / level, n_fft=N_FFT, hop_length=HOP_LENGTH))
    log_S = np.log1p(10.0 * S)
    flux = np.maximum(np.diff(log_S, axis=1, prepend=log_S[:, :1]), 0.0)
    hz = np.linspace(0, SR / 2, S.shape[0])
    bands = np.stack([flux[(hz >= low) & (hz < high)].mean(axis=0) for low, high in BANDS_HZ])
    bands /= np.maximum(np.quantile(bands, 0.995, axis=1, keepdims=True), 1e-6)
    return OnsetEnvelope(bands.clip(0, 1.5), _chroma(S, hz))


def _chroma(S: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Energy by pitch class [shape=(12, columns)] from 60 Hz to 2 kHz: coarse, but enough to see a chord change."""
    inside = (hz > 60) & (hz < 2000)
    pitch = np.round(hz_to_midi(hz[inside])).astype(int) % 12
    folded = np.zeros((12, S.shape[1]))
    np.add.at(folded, pitch, S[inside])
    return np.asarray(folded / np.maximum(np.linalg.norm(folded, axis=0), 1e-9))


def track_beats(
    audio: Audio,
    *,
    tempo: float | None = None,
    metre: tuple[int, int] | None = None,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> BeatGrid:
    """Where the beats and bar lines are.

    Parameters
    ----------
    audio : Audio
        The mixture, or the drum stem: what carries the rhythm.
    tempo : float
        Beats a minute, if known (about is enough); else it is found.
    metre : (int, int)
        Time signature, if known; else 3/4, 4/4 or 6/8 is found.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.

    Returns
    -------
    BeatGrid
        From the first beat in the audio to the last.

    Raises
    ------
    TranscriptionError
        If the audio is shorter than two seconds, or has no onsets at all.

    Notebook: 10
    """
    if audio.duration < 2.0:
        raise TranscriptionError("Finding beats needs at least two seconds of music: give a longer piece.")
    with watching(progress, cancel) as watch:
        watch(0.0, "listening for onsets")
        envelope = onset_envelope(audio)
        watch(0.6, "finding the beats")
        columns = _beat_columns(envelope.total, tempo, watch.part(0.6, 1.0))
        grid = _grid(envelope, columns, metre)
        return replace(grid, times=tuple(sharpened(audio, np.asarray(grid.times))))


def _beat_columns(total: np.ndarray, tempo: float | None, watch: Watch) -> np.ndarray:
    """The columns of the beats, by the onset strength over all bands [shape=(columns,)]."""
    if float(total.max()) < 1e-3 or float(total.std()) < 1e-6:
        raise TranscriptionError("There is no rhythm to be found in this audio: set the tempo by hand.")
    lag = 60.0 * FPS / tempo if tempo is not None else _beat_period(total)
    columns = _viterbi_beats(total, lag, watch)
    if len(columns) < 3:
        raise TranscriptionError("Too few beats were found: set the tempo by hand.")
    return columns


def _grid(envelope: OnsetEnvelope, columns: np.ndarray, metre: tuple[int, int] | None) -> BeatGrid:
    """Beats grouped into bars."""
    total = envelope.total
    compound = BeatGrid((0.0, 1.0), 1, metre).is_compound if metre else divides_in_three(total, columns)
    metre, first = bars(envelope, columns, compound=compound, metre=metre)
    return BeatGrid(tuple(_refined(total, columns) / FPS), first, metre)


def beats_of_notes(notes: Sequence[Note], *, metre: tuple[int, int] = (4, 4)) -> BeatGrid:
    """A beat grid from nothing but a part's notes, for when there is no song to listen to.

    The same method on another envelope: each onset counts by how long and how loud its note is. It is less sure than
    `track_beats` on the whole song, whose drums know better.

    Raises
    ------
    TranscriptionError
        If there are fewer than four different onsets.

    Notebook: 10
    """
    if len({round(note.onset, 2) for note in notes}) < 4:
        raise TranscriptionError("Finding beats needs at least four notes: give the song, or the tempo.")
    start = min(note.onset for note in notes)
    columns = round((max(note.offset for note in notes) - start) * FPS) + 2
    weights = np.zeros(columns)
    for note in notes:
        weights[round((note.onset - start) * FPS)] += min(note.duration, 1.0) * note.velocity / 127
    total = np.convolve(weights, np.hanning(7), mode="same")
    total = np.sqrt(total / total.max())
    found = _viterbi_beats(total, _beat_period(total), Watch())
    found = found if len(found) > 1 else np.array([0, round(_beat_period(total))])
    times = start + _refined(total, found) / FPS
    grid = BeatGrid(tuple(times - times[0] + max(times[0], 0.0)), 1, metre)
    weight = np.interp(found, np.arange(columns), total)
    phases = [float(weight[phase :: grid.beats_per_bar].mean()) for phase in range(min(grid.beats_per_bar, len(found)))]
    return grid.with_first((-int(np.argmax(phases))) % grid.beats_per_bar + 1)


def _beat_period(total: np.ndarray) -> float:
    """Length of a beat in columns: the lag where the envelope agrees best with itself, weighted by the tempo prior."""
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
    return float(lags[np.argmax(comb.clip(0) * np.exp(-0.5 * (octaves / TEMPO_WIDTH) ** 2))])


def _viterbi_beats(total: np.ndarray, lag: float, watch: Watch) -> np.ndarray:
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


def _refined(total: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each beat moved to the envelope's peak within 35 ms, if there is one; always increasing."""
    reach = round(0.035 * FPS)
    out = columns.astype(float)
    for i, column in enumerate(columns):
        low = max(column - reach, 0)
        near = total[low : column + reach + 1]
        if near.size and near.max() > 0.15:
            peak = low + int(near.argmax())
            out[i] = peak
    keep = np.concatenate([[True], np.diff(out) > 1])
    return np.where(keep, out, columns)
