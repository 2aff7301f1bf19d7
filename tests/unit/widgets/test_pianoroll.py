"""What is seen behind the notes of a piano roll: where a tone lies, when it sounds, and neighbours apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from musiclab.audio import Audio
from musiclab.notes import Note, Part
from musiclab.theory import midi_to_hz
from musiclab.widgets.scoreview.pianoroll import ROWS, backdrop, pitch_range
from tests.sounds import SR, tone


def seen(stem: Audio, low: int, high: int, **settings: bool) -> np.ndarray:
    """How opaque each cell is [shape=(rows, columns)], lowest row first."""
    return np.asarray(Image.open(io.BytesIO(backdrop(stem, low, high, **settings))))[::-1, :, 3].astype(int)


@pytest.mark.parametrize("pitch", [36, 60, 80])
def test_a_tone_is_seen_at_its_pitch(pitch: int) -> None:
    rows = seen(Audio(tone(midi_to_hz(pitch), 2), SR), pitch - 10, pitch + 10).sum(axis=1)
    assert len(rows) == 21 * ROWS
    assert rows.argmax() == 10 * ROWS + 1  # the middle one of its three


def test_low_neighbours_are_seen_apart() -> None:
    """Two basses a whole tone apart lie 4 Hz apart: only the long window tells them."""
    both = Audio(tone(midi_to_hz(30), 4) + tone(midi_to_hz(32), 4), SR)
    rows = seen(both, 24, 48)[:, 20:-20].mean(axis=1)
    at = (np.array([30, 31, 32]) - 24) * ROWS + 1
    assert rows[at[0]] > 200
    assert rows[at[2]] > 200
    assert rows[at[1]] < 0.75 * min(rows[at[0]], rows[at[2]])


def test_quick_high_notes_are_seen_one_after_another() -> None:
    """Three a second, with silence between: the long window would smear them into one."""
    t = np.arange(2 * SR) / SR
    notes = Audio(tone(midi_to_hz(72), 2) * (t * 3 % 1 < 0.3), SR)
    loud = seen(notes, 60, 84)[12 * ROWS + 1] > 128
    assert np.count_nonzero(np.diff(loud.astype(int)) == -1) == 6


def test_drums_have_a_picture_from_low_to_high() -> None:
    low, high = (seen(Audio(tone(hz, 1), SR), 34, 60, drums=True).sum(axis=1).argmax() for hz in (60, 8000))
    assert low < 15
    assert high > 65


def test_two_octaves_are_shown_at_least() -> None:
    def of(*pitches: int, instrument: str = "piano") -> tuple[int, int]:
        return pitch_range(Part([Note(0, 1, pitch) for pitch in pitches], instrument=instrument))

    assert of() == (48, 72)
    assert of(60) == (48, 72)
    assert of(40, 80) == (37, 83)
    assert of(1, 3) == (0, of(1, 3)[1])
    assert of(126)[1] == 127
    assert of(36, instrument="drums") == (34, 60)
