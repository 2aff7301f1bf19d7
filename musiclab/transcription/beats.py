"""Beats and bars of a recording, from the mixture or its drums: one grid for all parts.

Four steps, each small enough to look into:

1. onset strength in frequency bands, pitch classes and levels (`accents`);
2. a pulse: a hidden Markov model whose state is the place within a beat and the beat's length (the *bar pointer* model
   of [1]_ in the efficient form of [2]_, for one beat), decoded by the Viterbi algorithm, so that the tempo may drift;
   it begins near the tempo that a resonance prior around 110 beats a minute favours [3]_ (`beat_path`);
3. which level of the pulse is the beat, the metre and the bar lines: the likeliest of all readings, by accents, changes
   of harmony, repetition and tempo (`downbeats`);
4. beats to a few milliseconds (`beat_times`).

References
----------
.. [1] Whiteley, Cemgil, Godsill: "Bayesian modelling of temporal structure in musical audio", ISMIR 2006
.. [2] Krebs, Böck, Widmer: "An efficient state-space model for joint tempo and meter tracking", ISMIR 2015
.. [3] Parncutt: "A perceptual model of pulse salience and metrical accent", Music Perception 11(4), 1994,
   doi:10.2307/40285633
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Note
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.transcription.accents import FPS, Evidence, evidence_of
from musiclab.transcription.beat_path import beat_periods, refined, viterbi_beats
from musiclab.transcription.beat_times import sharpened
from musiclab.transcription.downbeats import Pulse, best_reading

CUT = 0.15  # of a beat that a song may lack at its start, when it begins on one
OPENING = 0.1  # s in which it sounds then


def onset_strength(evidence: Evidence) -> np.ndarray:
    """Over all frequencies, kick, harmony and cymbals alike [shape=(columns,)], 0–1."""
    total = evidence.broad.sum(axis=0)
    return np.asarray(total / max(float(np.quantile(total, 0.995)), 1e-9)).clip(0, 1)


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
        Time signature, if known; else it is found (2/4, 3/4, 4/4, 5/4, 7/8, 6/8, 9/8 or 12/8).
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
        evidence = evidence_of(audio)
        watch(0.5, "finding the beats")
        pulses = pulses_of(evidence, tempo=tempo, watch=watch.part(0.5, 0.9))
        reading = best_reading(evidence, pulses, metre=metre, keep_level=tempo is not None)
        times = sharpened(audio, refined(onset_strength(evidence), reading.columns) / FPS)
        return _from_the_start(audio, BeatGrid(tuple(times), reading.first, reading.metre))


def _from_the_start(audio: Audio, grid: BeatGrid) -> BeatGrid:
    """With the beat that a song begins on, where it was cut so closely that nothing before it lets its onset show."""
    period = grid.times[1] - grid.times[0]
    if not -CUT * period < grid.times[0] - period <= 0:
        return grid
    opening = np.square(audio[: min(OPENING, period / 2)].samples).mean()
    if opening < 0.01 * np.square(audio[: grid.times[-1]].samples).mean():
        return grid
    return BeatGrid((0.0, *grid.times), (grid.first - 2) % grid.beats_per_bar + 1, grid.metre)


def pulses_of(evidence: Evidence, *, tempo: float | None = None, watch: Watch | None = None) -> list[Pulse]:
    """Pulses that fit: of the beats, or of what divides or groups them.

    Raises
    ------
    TranscriptionError
        If there are no onsets at all.
    """
    watch = watch or Watch()
    total = onset_strength(evidence)
    if float(total.max()) < 1e-3 or float(total.std()) < 1e-6:
        raise TranscriptionError("There is no rhythm to be found in this audio: set the tempo by hand.")
    periods = [(60.0 * FPS / tempo, 1.0)] if tempo is not None else beat_periods(total)
    found = []
    for i, (lag, salience) in enumerate(periods):
        columns = viterbi_beats(total, lag, watch.part(i / len(periods), (i + 1) / len(periods)))
        if len(columns) >= 3:
            found.append(Pulse(refined(total, columns), salience))
    if not found:
        raise TranscriptionError("Too few beats were found: set the tempo by hand.")
    return found


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
    lag = beat_periods(total)[0][0]
    found = viterbi_beats(total, lag, Watch())
    found = found if len(found) > 1 else np.array([0, round(lag)])
    times = start + refined(total, found) / FPS
    grid = BeatGrid(tuple(times - times[0] + max(times[0], 0.0)), 1, metre)
    weight = np.interp(found, np.arange(columns), total)
    phases = [float(weight[phase :: grid.beats_per_bar].mean()) for phase in range(min(grid.beats_per_bar, len(found)))]
    return grid.with_first((-int(np.argmax(phases))) % grid.beats_per_bar + 1)
