"""What lies behind the notes of a piano roll: the stem's spectrogram with one row for each third of a semitone."""

from __future__ import annotations

import io

import numpy as np

from musiclab.audio import Audio
from musiclab.notes import Part
from musiclab.spectral import stft
from musiclab.theory import midi_to_hz

ROWS = 3  # rows of the picture for each semitone
COLUMNS = 4000  # of the picture, at most
FASTEST = 50  # columns a second, at most
SR = 22050
N_FFT, N_FFT_LOW = 4096, 16384  # the longer window where notes lie closer than 10 Hz
LOW_PITCH = 48
HOP_LENGTH = 512
RANGE_DB = 60.0
SPARE = 3  # semitones above and below the outermost notes
DRUM_PITCHES = (34, 60)
INK = (38, 70, 120)  # the colour of what sounds; silence is transparent, so that any theme shows through


def pitch_range(part: Part) -> tuple[int, int]:
    """Lowest and highest MIDI pitch to show: two octaves at least."""
    if part.instrument == "drums":
        return DRUM_PITCHES
    pitches = [note.semitone for note in part.notes] or [60]
    low, high = min(pitches) - SPARE, max(pitches) + SPARE
    missing = max(0, 24 - (high - low))
    return max(0, low - missing // 2), min(127, high + (missing + 1) // 2)


def backdrop(stem: Audio, low: int, high: int, *, drums: bool = False) -> bytes:
    """A PNG of the stem from pitch `low` (bottom) to `high` (top), time from left to right; louder is more opaque.

    Drums have no pitch: their picture is the spectrogram from 40 Hz to 10 kHz.
    """
    from PIL import Image

    n_fft = N_FFT_LOW if low < LOW_PITCH and not drums else N_FFT
    S = np.abs(stft(stem.mono().resampled(SR).samples[0], n_fft=n_fft, hop_length=HOP_LENGTH))
    rows = (high - low + 1) * ROWS
    if drums:
        hz = np.geomspace(40, 10_000, rows)
    else:
        hz = midi_to_hz(np.linspace(low - 0.5, high + 0.5, rows, endpoint=False) + 0.5 / ROWS)
    bins = hz * n_fft / SR
    below = np.floor(bins).astype(int).clip(0, len(S) - 2)
    part = (bins - below)[:, None]
    picture = _columns((1 - part) * S[below] + part * S[below + 1], stem.duration)
    # relative to the loudest, with a slope against the fall of overtones
    level = 20 * np.log10(np.maximum(picture, 1e-9) / max(float(picture.max()), 1e-9))
    alpha = (255 * (1 + level / RANGE_DB).clip(0, 1) ** 1.5).astype(np.uint8)[::-1]
    rgba = np.empty((*alpha.shape, 4), dtype=np.uint8)
    rgba[..., :3] = INK
    rgba[..., 3] = alpha
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG", optimize=False, compress_level=6)
    return file.getvalue()


def _columns(S: np.ndarray, duration: float) -> np.ndarray:
    """Max-pooled in time to at most `FASTEST` columns a second."""
    columns = int(min(COLUMNS, max(1, duration * FASTEST), S.shape[1]))
    starts = np.linspace(0, S.shape[1], columns, endpoint=False).astype(np.intp)
    return np.asarray(np.maximum.reduceat(S, starts, axis=1))
