"""General MIDI from a soundfont: the right instrument, bent to the right pitch, as loud as asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musiclab import soundfont, synth
from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.notes import Note, Part
from musiclab.theory import hz_to_midi

ORGAN = 16  # holds a note at one level


def pitch_at(audio: Audio, start: float, stop: float) -> float:
    """The strongest partial between two times (s), as MIDI."""
    heard = audio[start:stop].samples.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 1 << 18))
    return float(hz_to_midi(spectrum.argmax() * audio.sr / (1 << 18)))


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("tuba", 58),
        ("Acoustic Grand Piano", 0),
        ("banjo", 105),
        (13, 13),
        ("40", 40),
        ("bass", 33),
        ("violoncello", 42),
    ],
)
def test_instruments_go_by_program_and_name(name: str | int, program: int) -> None:
    assert soundfont.find_program(name) == program


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("tubba", r"did you mean Tuba( or .*)?\?"), ("steel", r"did you mean .*\bor\b"), ("qqq", "give a name such as")],
)
def test_a_slip_of_the_pen_is_answered_by_what_is_near(asked: str, hint: str) -> None:
    with pytest.raises(TranscriptionError, match=hint):
        soundfont.find_program(asked)


@pytest.mark.parametrize("name", ["kazoo-o-phone", "steel", "", 128])
def test_what_is_no_single_instrument_is_said(name: str | int) -> None:
    with pytest.raises(TranscriptionError, match="General MIDI"):
        soundfont.find_program(name)


def test_there_are_128_and_each_sounds() -> None:
    assert len(soundfont.instrument_names()) == 128
    for program in (0, 33, 58, 73, 127):
        assert soundfont.render(Part((Note(0, 0.3, 60),)), program=program).peak_db > -40


def test_a_note_sounds_at_its_place_and_at_its_fraction_of_a_semitone() -> None:
    played = soundfont.render(Part((Note(1.0, 2.0, 69.4, 100),)), program=ORGAN)
    assert played[:0.99].peak_db < -80
    away = (pitch_at(played, 1.2, 1.9) - 69.4 + 6) % 12 - 6  # an organ's strongest partial may be an octave
    assert abs(away) < 0.05


def test_a_course_bends_the_note_and_fades_it() -> None:
    note = Note(0.0, 2.0, 60, 100)
    times = np.array([0.0, 1.0])
    course = soundfont.Course(times, np.array([60.0, 61.0]), np.array([0.0, -12.0]))
    played = soundfont.render(Part((note,)), program=ORGAN, courses={note: course})
    rise = pitch_at(played, 1.2, 1.9) - pitch_at(played, 0.2, 0.9)
    assert rise == pytest.approx(1.0, abs=0.05)
    assert played[1.2:1.9].rms_db - played[0.2:0.9].rms_db == pytest.approx(-12.0, abs=1.5)


def test_bends_of_one_note_leave_the_others_alone() -> None:
    steady, bent = Note(0.0, 2.0, 48), Note(0.0, 2.0, 79)
    course = soundfont.Course(np.array([0.0, 1.0]), np.array([79.0, 84.0]), np.zeros(2))
    alone = soundfont.render(Part((steady,)), program=ORGAN)
    both = soundfont.render(Part((steady, bent)), program=ORGAN, courses={bent: course})
    only = soundfont.render(Part((bent,)), program=ORGAN, courses={bent: course})
    left = both.samples - alone.samples - only.samples
    assert 20 * np.log10(np.sqrt(np.mean(left**2)) + 1e-9) < both.rms_db - 40


def test_a_part_is_heard_on_any_of_them_at_one_level() -> None:
    heard = synth.play_general_midi(Part((Note(0, 1, 60),)), instrument="tuba", sr=22_050)
    assert (heard.sr, heard.channels) == (22_050, 1)
    assert heard.peak_db == pytest.approx(-3.1, abs=0.1)
    assert synth.play_general_midi(Part(duration=1.0), instrument="tuba").rms_db < -100


def test_a_font_that_is_not_there_or_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(soundfont.FONT_VARIABLE, str(tmp_path / "no.sf2"))
    with pytest.raises(TranscriptionError, match=soundfont.FONT_VARIABLE):
        soundfont.render(Part((Note(0, 1, 60),)))
    (tmp_path / "no.sf2").write_bytes(b"no font")
    with pytest.raises(TranscriptionError, match="can't be played"):
        soundfont.render(Part((Note(0, 1, 60),)))
