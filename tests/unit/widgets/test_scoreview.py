"""The score view without a page: it shows notes of whatever sound, and leaves nothing half-made behind."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

import musiclab as ml
from musiclab.errors import TranscriptionError
from musiclab.notes import Note, Part

SR = 22050
LINE = Part([Note(0.3 * i, 0.3 * i + 0.2, 45) for i in range(4)], "bass")


@pytest.mark.parametrize("samples", [np.sin(np.arange(SR) / 50), np.full(4 * SR, 0.1)], ids=["short", "no onsets"])
def test_sound_without_beats_has_its_notes_shown(samples: np.ndarray) -> None:
    audio = ml.Audio(0.2 * samples, SR)
    view = ml.ScoreView(LINE, ml.Stems({"bass": audio}, audio))
    assert len(view.part) == 4
    assert view.part.beats or "120 beats a minute" in view.part.remarks[0]
    view.close()


def test_a_view_that_could_not_be_made_goes_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    noise: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: noise.append(repr(event.exc_value)))
    audio = ml.Audio(np.full(SR, 0.1), SR)
    with pytest.raises(TranscriptionError, match="nowhere"):
        ml.ScoreView(LINE, ml.Stems({"bass": audio}, audio), stem="nowhere")
    gc.collect()
    assert noise == []
