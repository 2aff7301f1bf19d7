"""Posteriorgrams: how likely each key sounds, and begins to sound, in each column of a recording.

The network is Basic Pitch's (230 kB, in `nmp.onnx`, Apache-2.0, unchanged); running it is ours. It sees windows of 2 s
and answers with 172 columns of 256 samples. We let the windows advance by a whole number of columns, so that column k
of a file stands exactly at k · 256 / 22050 s however long the file is: there is nothing to drift.

Making notes of a posteriorgram is the work of `musiclab.transcription.note_creation`: it is quick, so a slider may ask
for it again and again while the network has run once.

References
----------
.. [1] Bittner, Bosch, Rubinstein, Meseguer-Brocal, Ewert: "A lightweight instrument-agnostic model for polyphonic note
   transcription and multipitch estimation", ICASSP 2022, doi:10.1109/ICASSP43922.2022.9746549

Notebook: 10
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from musiclab.errors import TranscriptionError, WeightsError
from musiclab.fourier import pieces
from musiclab.packages import need
from musiclab.progress import Progress, Watch
from musiclab.transcription.salience import BINS, STEP, standing_out

if TYPE_CHECKING:
    import onnxruntime

    from musiclab.audio import Audio

SR = 22050  # Hz, what the network was trained on
HOP = 256  # samples in a column: 11.6 ms
WINDOW = 2 * SR - HOP  # 43844 samples: what the network takes at once
WINDOW_COLUMNS = 172  # columns that it answers
MARGIN = 15  # columns at each end of a window that have too little context, and are thrown away
STEP_COLUMNS = WINDOW_COLUMNS - 2 * MARGIN  # 142 columns, a whole number: no drift
LOWEST = 21  # MIDI pitch of the first column: A0
PITCHES = 88
CONTOUR_BINS = 3  # per semitone
BATCH = 4  # windows at once: larger batches leave the CPU's cache and are slower
SILENCE_DB = -70.0  # a window whose columns all stay below this isn't worth a run of the network

ARRAYS = ("onset", "note", "contour", "level_db", "spectrum")  # of a posteriorgram, as they are saved
MODEL = "nmp.onnx"
MODEL_SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"


@dataclass(frozen=True, eq=False)
class Posteriorgram:
    """What the network says about a recording; the arrays are read-only.

    Attributes
    ----------
    onset : np.ndarray [shape=(columns, 88)] float32, 0–1
        How likely each key begins to sound; column 0 is MIDI pitch 21.
    note : np.ndarray [shape=(columns, 88)] float32, 0–1
        How likely each key sounds.
    contour : np.ndarray [shape=(columns, 264)] float32, 0–1
        The same in thirds of a semitone (the columns 3k, 3k+1, 3k+2 surround key k), for the exact tuning.
    level_db : np.ndarray [shape=(columns,)] float32
        Level of the recording around each column, in dBFS.
    duration : float
        Length of the recording in seconds.
    spectrum : np.ndarray [shape=(ceil(columns / 2), 312)] float32, 0–1
        How far the spectrum stands out of its surroundings (`musiclab.transcription.salience`); zeros if not given.
    """

    onset: np.ndarray
    note: np.ndarray
    contour: np.ndarray
    level_db: np.ndarray
    duration: float
    spectrum: np.ndarray = field(default_factory=lambda: np.zeros((0, BINS), np.float32))

    def __post_init__(self) -> None:
        columns = len(self.note)
        shapes = {"onset": (columns, PITCHES), "note": (columns, PITCHES), "contour": (columns, PITCHES * CONTOUR_BINS)}
        spectra = (-(-columns // STEP), BINS)
        if not len(self.spectrum):
            object.__setattr__(self, "spectrum", np.zeros(spectra))
        for name, shape in {**shapes, "level_db": (columns,), "spectrum": spectra}.items():
            array = np.array(getattr(self, name), dtype=np.float32)  # a copy: the caller's stays as it is
            if array.shape != shape:
                raise TranscriptionError(f"A posteriorgram's {name} has the shape {shape}, not {array.shape}.")
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def times(self) -> np.ndarray:
        """Time of each column in seconds [shape=(columns,)]."""
        return column_times(len(self.note))

    def save(self, path: str | Path) -> Path:
        """Write it to an ``.npz`` file: what is read back gives the very same notes.

        The contour alone is kept in half precision. In the others that would make neighbouring columns equal, and
        onsets, which are peaks, would move by a column.
        """
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays["contour"] = arrays["contour"].astype(np.float16)
        path = Path(path)
        with path.open("wb") as file:
            np.savez(file, duration=np.float64(self.duration), **arrays)
        return path

    @staticmethod
    def load(path: str | Path) -> Posteriorgram:
        """Read it back; `TranscriptionError` if the file is something else."""
        try:
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                onset, note, contour, level_db, spectrum = (file[name] for name in ARRAYS)
                return Posteriorgram(onset, note, contour, level_db, float(file["duration"]), spectrum)
        except (OSError, ValueError, KeyError, BadZipFile) as err:
            raise TranscriptionError(f"{path} doesn't hold a posteriorgram: transcribe the recording again.") from err


def column_times(columns: int) -> np.ndarray:
    """Times in seconds of the columns 0, 1, 2 ... of a posteriorgram."""
    return np.arange(columns) * (HOP / SR)


@cache
def session() -> onnxruntime.InferenceSession:
    """The network, loaded once; `WeightsError` if its file is not the one we know."""
    need("onnxruntime", "Transcribing")
    import onnxruntime

    data = resources.files(__package__).joinpath(MODEL).read_bytes()
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise WeightsError(f"The file {MODEL} was changed or is damaged: install musiclab again.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads burn a quarter more CPU
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def posteriorgram(audio: Audio, *, twice: bool = False, progress: Progress | None = None) -> Posteriorgram:
    """Run the network over a recording of any length and rate.

    Parameters
    ----------
    audio : Audio
        Channels are averaged; resampled to 22050 Hz.
    twice : bool
        Listen a second time at double speed, an octave higher, and average: half as long again, fewer wrong notes in
        chords, and surer low ones.
    progress : Progress
        Told the fraction done (0–1) and what is being done; it may raise to cancel.

    Returns
    -------
    Posteriorgram
        One column for each 256 samples at 22050 Hz; column k is at exactly k · 256 / 22050 s.
    """
    samples = audio.mono().resampled(SR).samples[0]
    columns = -(-len(samples) // HOP)
    share = 2 / 3 if twice else 1.0
    watch = Watch(progress)
    first = run_network(samples, progress=watch.part(0.0, share))
    if twice:
        import soxr

        second = run_network(soxr.resample(samples, 2, 1, quality="HQ"), progress=watch.part(share, 1.0))
        octaves = (12, 12, 12 * CONTOUR_BINS)
        first = [_averaged(a, b, octave) for a, b, octave in zip(first, second, octaves, strict=True)]
    onset, note, contour = first
    spectrum = standing_out(samples, SR, HOP, columns, LOWEST)
    return Posteriorgram(onset, note, contour, column_levels(samples, columns), audio.duration, spectrum)


def run_network(samples: np.ndarray, *, progress: Progress | None = None) -> list[np.ndarray]:
    """Onset, note and contour posteriors of mono samples at 22050 Hz [each of shape=(columns, keys or bins)]."""
    columns = -(-len(samples) // HOP)
    level_db = column_levels(samples, columns)
    windows = -(-columns // STEP_COLUMNS)
    padded = np.zeros((windows - 1) * STEP_COLUMNS * HOP + WINDOW, dtype=np.float32)
    start = MARGIN * HOP
    room = len(padded) - start
    padded[start : start + min(len(samples), room)] = samples[:room]
    views = pieces(padded, WINDOW, STEP_COLUMNS * HOP)
    loud = [i for i in range(windows) if level_db[i * STEP_COLUMNS :][:STEP_COLUMNS].max() > SILENCE_DB]
    kept = slice(MARGIN, MARGIN + STEP_COLUMNS)
    outputs = [np.zeros((windows, STEP_COLUMNS, width), np.float32) for width in (PITCHES, PITCHES, 3 * PITCHES)]
    for at in range(0, len(loud), BATCH):
        if progress is not None:
            progress(at / len(loud), "listening for notes")
        batch = loud[at : at + BATCH]
        answers = session().run(None, {"serving_default_input_2:0": views[batch][..., np.newaxis]})
        for output, answer in zip(outputs, answers, strict=True):
            output[batch] = answer[:, kept]
    return [output.reshape(windows * STEP_COLUMNS, -1)[:columns] for output in outputs]


def _averaged(slow: np.ndarray, fast: np.ndarray, octave: int) -> np.ndarray:
    """Mean of two hearings; `fast` has half the columns and lies `octave` keys (or bins) higher.

    The top octave has one hearing only.
    """
    at = np.arange(len(slow)) / 2
    before = np.minimum(at.astype(int), len(fast) - 1)
    after = np.minimum(before + 1, len(fast) - 1)
    share = (at - before)[:, np.newaxis].clip(0, 1)
    mean = slow.copy()
    mean[:, :-octave] += ((1 - share) * fast[before] + share * fast[after])[:, octave:]
    mean[:, :-octave] /= 2
    return np.asarray(mean, dtype=np.float32)


def column_levels(samples: np.ndarray, columns: int, hop: int = HOP) -> np.ndarray:
    """RMS level in dBFS of the 2 · `hop` samples around each column's centre [shape=(columns,)] float32."""
    energy = np.zeros((columns + 1) * hop)
    energy[hop : hop + min(len(samples), columns * hop)] = np.square(samples[: columns * hop], dtype=np.float64)
    halves = energy.reshape(columns + 1, hop).sum(axis=1)
    power = (halves[:-1] + halves[1:]) / (2 * hop)
    return np.asarray(10 * np.log10(power + 1e-20), dtype=np.float32)
