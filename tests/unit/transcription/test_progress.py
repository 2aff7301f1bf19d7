"""Listening, beats and context tell how far they are, and stop when asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.errors import Cancelled
from musiclab.notes import Part
from musiclab.transcription import transcribe
from musiclab.transcription.beats import track_beats
from musiclab.transcription.context import in_context

WORK: dict[str, Callable[..., Any]] = {
    "a line": lambda song, **how: transcribe(song, instrument="bass", **how),
    "chords": lambda song, **how: transcribe(song, instrument="piano", **how),
    "drums": lambda song, **how: transcribe(song, instrument="drums", **how),
    "beats": track_beats,
    "context": lambda song, **how: in_context(Part(), song, **how),
}


@pytest.fixture(scope="module")
def song() -> Audio:
    return datasets.demo().mixture[:12]


@pytest.mark.parametrize("work", WORK)
def test_progress_rises_from_0_towards_1(song: Audio, work: str) -> None:
    told: list[tuple[float, str]] = []
    WORK[work](song, progress=lambda done, what: told.append((done, what)))
    done = [fraction for fraction, _ in told]
    assert len(set(done)) > 1 or work == "drums"
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] <= 1
    assert all(what for _, what in told)


@pytest.mark.parametrize("work", WORK)
def test_it_stops_when_asked(song: Audio, work: str) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        WORK[work](song, cancel=stop, progress=False)
