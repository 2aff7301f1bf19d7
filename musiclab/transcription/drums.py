"""Drums: which drum is struck when, by a small network over log-mel columns.

The network (convolutions only; `drums.onnx`) sees the spectrogram of the whole stem and says for each column of 10 ms
how likely each of nine drums is struck. It was trained on drumming rendered from recorded one-shots, with the exact
times as truth (`musiclab.training.listeners.drums`; docs/drum-model.md is its model card). A fit for each drum on kits
that it was not trained on turns the height of a peak into the chance that it is a stroke; peaks over a threshold
become notes. What they say of themselves is settled on stems of songs (`stem_confidence`).

References
----------
.. [1] Vogl, Widmer, Knees: "Towards multi-instrument drum transcription", DAFx 2018

Notebook: 10
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from musiclab.errors import WeightsError
from musiclab.fourier import pieces
from musiclab.notes import Note, order
from musiclab.packages import need
from musiclab.transcription.calibration import calibration, logistic
from musiclab.transcription.stem_confidence import confidence_in_stem, describe_strokes

if TYPE_CHECKING:
    import onnxruntime

    from musiclab.audio import Audio
    from musiclab.progress import Progress

SR = 44100
HOP = 441  # samples: 10 ms
COLUMN_S = HOP / SR  # seconds from one column to the next
N_FFT = 2048  # 46 ms: tells a kick from a low tom
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 30.0, 17000.0
FLOOR = 1e-3  # of the loud columns' magnitude: what lies lower is silence
DRUMS = ("kick", "snare", "side-stick", "hihat-closed", "hihat-open", "tom", "crash", "ride", "tambourine")
KEYS = {"kick": 36, "snare": 38, "side-stick": 37, "hihat-closed": 42, "hihat-open": 46, "tom": 45, "crash": 49,
        "ride": 51, "tambourine": 54}  # fmt: skip
LENGTHS = {"hihat-open": 0.3, "crash": 0.8, "ride": 0.4}  # s, of what rings; the others last `SHORT`
SHORT = 0.1
THRESHOLD = 0.35  # 0.3 and 0.35 give the best F on the tuning kits of `drum_train`
# Of drums that sound alike, one is struck at a time: the surest.
RIVALS = (
    ("hihat-open", "crash", "ride", "tambourine"),
    ("hihat-closed", "hihat-open"),
    ("hihat-closed", "tambourine"),
    ("snare", "side-stick"),
)
REFRACTORY = 4  # columns (40 ms): no drum is struck twice within
BLOCK = 6000  # columns (1 minute) that the network sees at once
CONTEXT = 100  # columns more on either side of a block, beyond what the network's answers depend on

MODEL = "drums.onnx"


@dataclass(frozen=True, eq=False)
class Strokes:
    """How likely each drum is struck in each column of 10 ms; column k is centred on k · 0.01 s.

    Attributes
    ----------
    chance : np.ndarray [shape=(columns, 9)], 0–1
        In the order of `DRUMS`.
    level_db : np.ndarray [shape=(columns, 9)]
        Level of what is struck, in the frequencies of each drum, dB.
    """

    chance: np.ndarray
    level_db: np.ndarray


def mel_edges() -> np.ndarray:
    """Where the filters begin, peak and end, in Hz [shape=(66,)]: evenly spaced on the mel scale."""
    low, high = np.log1p(LOWEST_HZ / 700), np.log1p(HIGHEST_HZ / 700)
    return np.asarray(700 * np.expm1(np.linspace(low, high, BANDS + 2)))


@cache
def mel_filters() -> np.ndarray:
    """Triangular filters at mel-spaced centres, each of area 1 [shape=(bins, 64)] float32."""
    edges = mel_edges()
    hz = np.arange(N_FFT // 2 + 1)[:, np.newaxis] * SR / N_FFT
    width = np.maximum(np.diff(edges), SR / N_FFT)  # at least a bin wide, or the lowest filters would be empty
    rise = (hz - edges[1:-1] + width[:-1]) / width[:-1]
    fall = (edges[1:-1] + width[1:] - hz) / width[1:]
    filters = np.maximum(np.minimum(rise, fall), 0.0)
    return np.asarray(filters / filters.sum(axis=0), dtype=np.float32)


def drum_features(samples: np.ndarray) -> np.ndarray:
    """Log-mel spectrogram of a stem [shape=(columns, 64)] float32, about 0–1, whatever the stem's level.

    `samples`: mono at 44.1 kHz [shape=(n,)].
    """
    columns = len(samples) // HOP + 1
    padded = np.pad(np.asarray(samples, dtype=np.float32), (N_FFT // 2, N_FFT + HOP))
    views = pieces(padded, N_FFT, HOP)[:columns]
    window = np.hanning(N_FFT).astype(np.float32)
    mel = np.empty((columns, BANDS), dtype=np.float32)
    for at in range(0, columns, 2000):  # in pieces: a whole song's spectrum would take 400 MB
        mel[at : at + 2000] = np.abs(np.fft.rfft(views[at : at + 2000] * window, axis=1)) @ mel_filters()
    loud = float(np.quantile(mel.max(axis=1), 0.98)) if columns else 0.0
    return np.asarray(1 + np.log10(np.maximum(mel / max(loud, 1e-9), FLOOR)) / 3, dtype=np.float32)


@cache
def session() -> onnxruntime.InferenceSession:
    """The network, loaded once; `WeightsError` if its file is not the one that was calibrated."""
    need("onnxruntime", "Transcribing drums")
    import onnxruntime

    data = resources.files(__package__).joinpath(MODEL).read_bytes()
    if hashlib.sha256(data).hexdigest() != calibration()["drums"]["sha256"]:
        raise WeightsError(f"The file {MODEL} was changed or is damaged: install musiclab again.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def hear_drums(audio: Audio, *, progress: Progress | None = None) -> Strokes:
    """Run the network over a stem of any length.

    Parameters
    ----------
    audio : Audio
        The drums alone; channels are averaged, resampled to 44.1 kHz.
    progress : Progress
        Told the fraction done (0–1) and what is being done.
    """
    features = drum_features(audio.mono().resampled(SR).samples[0])
    chance = np.empty((len(features), len(DRUMS)), dtype=np.float32)
    for at in range(0, len(features), BLOCK):
        if progress is not None:
            progress(at / len(features), "listening for drums")
        first = max(0, at - CONTEXT)
        block = features[np.newaxis, first : at + BLOCK + CONTEXT]
        logits = session().run(None, {"features": block})[0][0]
        chance[at : at + BLOCK] = logistic(logits[at - first :][:BLOCK])
    return Strokes(chance, band_levels(features))


BAND_HZ = {"kick": (30, 150), "snare": (150, 5000), "hihat-closed": (6000, 17000), "hihat-open": (6000, 17000),
           "tom": (60, 400), "crash": (3000, 17000), "ride": (3000, 17000),
           "side-stick": (400, 5000), "tambourine": (5000, 17000)}  # fmt: skip


def band_levels(features: np.ndarray) -> np.ndarray:
    """Level in dB in each drum's frequencies [shape=(columns, 9)]."""
    centres = mel_edges()[1:-1]
    power = 10 ** (6 * (features - 1))
    bands = [power[:, (centres >= BAND_HZ[d][0]) & (centres < BAND_HZ[d][1])].mean(axis=1) for d in DRUMS]
    return np.asarray(10 * np.log10(np.stack(bands, axis=1) + 1e-9))


def strokes_to_notes(strokes: Strokes, *, threshold: float = THRESHOLD) -> list[Note]:
    """Peaks over the threshold, as notes at the General MIDI percussion pitches.

    Parameters
    ----------
    strokes : Strokes
        From `hear_drums`.
    threshold : float
        How likely (0–1) a stroke has to be: higher gives fewer notes.
    """
    notes, described = judged_notes(strokes, threshold=threshold)
    confidence = confidence_in_stem(described, "strokes")
    settled = [replace(note, confidence=float(c)) for note, c in zip(notes, confidence, strict=True)]
    return sorted(settled, key=order)


def judged_notes(strokes: Strokes, *, threshold: float = THRESHOLD) -> tuple[list[Note], np.ndarray]:
    """The strokes, drum by drum, and what the confidence of each is worked out from (`stem_confidence`)."""
    fitted = calibration()["drums"]
    confidence = confidences(strokes.chance, np.array(fitted["slopes"]), np.array(fitted["offsets"]))
    found = peaks_of_each(confidence, threshold)
    judged = np.concatenate([confidence[at, d] for d, at in enumerate(found)])
    notes: list[Note] = []
    for d, at in enumerate(found):
        velocities = _velocities(strokes.level_db[:, d], at)
        length = LENGTHS.get(DRUMS[d], SHORT)
        for column, velocity in zip(at, velocities, strict=True):
            onset = max(0.0, refine(strokes.chance[:, d], column) * COLUMN_S + fitted["delay"])
            notes.append(Note(onset, onset + length, KEYS[DRUMS[d]], int(velocity)))
    return notes, describe_strokes(judged)


def confidences(chance: np.ndarray, slopes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The network's chances as the chances that peaks of this height are strokes: a logistic fit for each drum."""
    safe = np.clip(chance, 1e-6, 1 - 1e-6)
    return logistic(slopes * np.log(safe / (1 - safe)) + offsets)


def peaks_of_each(confidence: np.ndarray, threshold: float) -> list[np.ndarray]:
    """Frames of the strokes of each drum: peaks over the threshold that lose to no `RIVALS` near them."""
    found = [pick_peaks(confidence[:, d], threshold) for d in range(confidence.shape[1])]
    kept = list(found)
    for group in RIVALS:
        rivals = [DRUMS.index(drum) for drum in group]
        for mine, theirs in itertools.permutations(rivals, 2):
            kept[mine] = _winners(kept[mine], confidence[:, mine], found[theirs], confidence[:, theirs])
    return kept


def _winners(
    mine: np.ndarray, my_confidence: np.ndarray, theirs: np.ndarray, their_confidence: np.ndarray
) -> np.ndarray:
    """Those of my peaks with no surer one of theirs within `REFRACTORY` columns."""
    near = np.abs(mine[:, np.newaxis] - theirs) < REFRACTORY
    stronger = their_confidence[theirs] > my_confidence[mine][:, np.newaxis]
    return np.asarray(mine[~(near & stronger).any(axis=1)])


def pick_peaks(chance: np.ndarray, threshold: float) -> np.ndarray:
    """Columns where `chance` is highest within ± `REFRACTORY` columns and at least `threshold`."""
    from numpy.lib.stride_tricks import sliding_window_view

    if len(chance) == 0:
        return np.zeros(0, dtype=int)
    around = sliding_window_view(np.pad(chance, REFRACTORY, constant_values=-1.0), 2 * REFRACTORY + 1)
    first = around.argmax(axis=1) == REFRACTORY  # argmax takes the first of equals: a plateau gives one peak
    return np.flatnonzero(first & (chance >= threshold))


def refine(chance: np.ndarray, column: int) -> float:
    """The peak's place in columns, with a fraction: the centre of gravity of the three columns around it."""
    if not 0 < column < len(chance) - 1:
        return float(column)
    before, here, after = chance[column - 1 : column + 2]
    return float(column + (after - before) / max(float(before + here + after), 1e-9))


def _velocities(level_db: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Velocities from the levels just after the onsets: 100 for the loud ones, 2.5 steps to a dB."""
    if len(at) == 0:
        return np.zeros(0, dtype=int)
    last = len(level_db) - 1
    levels = np.max([level_db[np.minimum(at + d, last)] for d in range(5)], axis=0)
    loud = float(np.quantile(levels, 0.9))
    return np.asarray(np.clip(np.rint(100 + 2.5 * (levels - loud)), 1, 127), dtype=int)
