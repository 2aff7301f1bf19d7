"""The score view without a page: it shows notes of whatever sound, and leaves nothing half-made behind."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path

import numpy as np
import pytest

import musiclab as ml
from musiclab import codecs
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
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


GRID = BeatGrid.steady(120, 7.0)


def counted() -> tuple[ml.ScoreView, ml.Mixer]:
    """A view of sixteen even beats, and the mixer that it follows."""
    audio = ml.Audio(0.2 * np.sin(np.arange(8 * SR) / 30), SR)
    stems = ml.Stems({"bass": audio}, audio)
    notes = [Note(time, time + 0.4, 45) for time in GRID.times]
    part = Part(notes, "bass", beats=GRID.times, downbeats=GRID.downbeats, key="A minor", duration=8.0)
    mixer = ml.Mixer(stems, chart=part)
    return ml.ScoreView(part, stems, mixer=mixer), mixer


def test_what_is_decided_is_written_told_the_mixer_and_undone() -> None:
    view, mixer = counted()
    assert view._decided == {
        "tempo": pytest.approx(120), "metre": "4/4", "key": "A minor", "chords": False, "tab": False, "drums": False,
        "semitones": 0,
    }  # fmt: skip
    view.decide(metre=(3, 4))
    view.decide(bar_one=0.5)
    view.decide(key="C major", tempo="half")
    assert (view.part.time_signature, view.part.key, view.part.tempo) == ((3, 4), "C major", pytest.approx(60))
    assert view.part.decisions.metre == (3, 4)
    assert mixer.chart is not None
    assert mixer.chart.grid == view.part.grid
    assert "<beats>3</beats>" in view._written.musicxml
    for _ in range(3):
        view.undo()
    assert (view.part.grid, view.part.key, bool(view.part.decisions)) == (GRID, "A minor", False)
    assert mixer.chart.grid == GRID
    view.redo()
    assert view.part.time_signature == (3, 4)
    mixer.close()


def test_chords_are_looked_for_where_they_are_wanted_and_hidden_where_not() -> None:
    view, mixer = counted()
    view.decide(chords=True)
    assert view._decided["chords"]
    assert "<harmony>" in view._written.musicxml
    view.decide(chords=False)
    assert "<harmony>" not in view._written.musicxml
    view.undo()
    assert "<harmony>" in view._written.musicxml
    mixer.close()


def test_tablature_comes_and_goes_and_corrections_stay(tmp_path: Path) -> None:
    view, mixer = counted()
    view.delete(view.part.notes[0])
    view._on_message(view, {"order": "rewrite", "fields": {"tab": True}}, [])
    assert (view._decided["tab"], len(view.part)) == (True, 15)
    assert "<sign>TAB</sign>" in view.save(tmp_path / "line.musicxml").read_text("utf-8")
    view.undo()
    assert (view._decided["tab"], len(view.part)) == (False, 15)
    mixer.close()


def test_what_can_t_be_is_a_sentence_and_changes_nothing() -> None:
    view, mixer = counted()
    view._on_message(view, {"order": "decide", "changes": {"metre": [3, 5]}}, [])
    assert "not a metre" in view._message
    view._on_message(view, {"order": "decide", "changes": {"key": "H major"}}, [])
    assert "no note name" in view._message
    assert (view.part.time_signature, view._can_undo) == ((4, 4), False)
    mixer.close()


def test_hear_the_notes_takes_any_general_midi_instrument() -> None:
    view, mixer = counted()
    view.instrument = "tuba"
    assert (view.instrument, view._kit_pitches) == ("Tuba", [45])
    sound = codecs.load(io.BytesIO(view._kit)).mono()
    held = sound[0.2:1.2].samples[0]
    peak_hz = np.argmax(np.abs(np.fft.rfft(held * np.hanning(len(held))))[:1000])
    assert peak_hz % 110 in (0, 1, 109)  # a partial of the note that was asked for
    with pytest.raises(TranscriptionError, match="kazoo"):
        view.instrument = "kazoo quartet"
    view.instrument = ""
    assert (view._kit, view._kit_pitches) == (b"", [])
    mixer.close()
