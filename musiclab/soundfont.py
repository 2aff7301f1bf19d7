"""A `Part` played by one of the 128 General MIDI instruments, from a soundfont.

The notes go to the player (rustysynth, by way of the package midirenderer) as MIDI, each bent to the pitch that was
played, along its whole course if that is known: so slides and vibrato stay. Notes that sound together are spread over
channels, since a bend counts for a whole channel.

The font is TimGM6mb (Tim Brechbill; GPL-2.0, as Debian states it), which the package pretty_midi brings along; set
``MUSICLAB_SOUNDFONT`` to an ``.sf2`` file to take another. What is played with a font isn't bound by its licence.

Notebook: 12
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.instruments import DRUMS, INSTRUMENTS, find
from musiclab.notes import Note, Part

FONT_VARIABLE = "MUSICLAB_SOUNDFONT"
FONT_LICENCE = "TimGM6mb by Tim Brechbill, GPL-2.0 as Debian states it; it comes with the package pretty_midi"
TICKS = 1000  # in a beat of half a second: 0.5 ms each
TICKS_PER_SECOND = 2 * TICKS
BEND_RANGE = 12  # semitones
CHANNELS = tuple(channel for channel in range(16) if channel != 9)  # 9 is for drums
DRUM_CHANNEL = 9
TAIL = 2.0  # s after the last note, for what rings on
EXPRESSION, REVERB, CHORUS, VOLUME = 11, 91, 93, 7


@dataclass(frozen=True)
class Course:
    """How one note goes on: at `times` (s), `pitch` (MIDI, with fractions) and `level_db` (0 is the note's loudest)."""

    times: np.ndarray
    pitch: np.ndarray
    level_db: np.ndarray


def instrument_names() -> tuple[str, ...]:
    """The 128 instruments of General MIDI, by their programs 0 to 127."""
    from pretty_midi.constants import INSTRUMENT_MAP

    return tuple(INSTRUMENT_MAP)


def find_program(instrument: str | int) -> int:
    """The General MIDI program (0–127) of an instrument.

    Parameters
    ----------
    instrument : str or int
        A program; or a name: of General MIDI (``"Tuba"``, ``"Acoustic Grand Piano"``, case doesn't matter), one of
        `musiclab.instruments`, or a part of a name that is in one only (``"banjo"``).

    Raises
    ------
    TranscriptionError
        If there is none; the message names the nearest.
    """
    if isinstance(instrument, int) or instrument.strip().isdecimal():
        program = int(instrument)
        if 0 <= program <= 127:
            return program
        raise TranscriptionError(f"General MIDI has the programs 0 to 127, not {program}.")
    names = [name.lower() for name in instrument_names()]
    asked = " ".join(instrument.lower().replace("_", " ").replace("-", " ").split())
    plain = [name.replace("-", " ") for name in names]
    if asked in plain:
        return plain.index(asked)
    for known in INSTRUMENTS:
        if known is not DRUMS and asked in (known.name, *known.aliases):
            return known.program
    inside = [i for i, name in enumerate(plain) if asked and asked in name]
    if len(inside) == 1:
        return inside[0]
    close = [instrument_names()[i] for i in inside[:6]]
    close += [instrument_names()[plain.index(n)] for n in difflib.get_close_matches(asked, plain, 3) if not inside]
    hint = f"did you mean {' or '.join(close)}?" if close else "give a name such as Tuba, or a program from 0 to 127."
    raise TranscriptionError(f"General MIDI has no single instrument called {instrument!r}: {hint}")


def font_path() -> Path:
    """The soundfont that is played: ``MUSICLAB_SOUNDFONT``, or the one that pretty_midi brings.

    Raises
    ------
    TranscriptionError
        If it isn't there.
    """
    named = os.environ.get(FONT_VARIABLE)
    if named:
        path = Path(named).expanduser()
    else:
        import pretty_midi

        path = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
    if not path.is_file():
        raise TranscriptionError(f"There is no soundfont {str(path)!r}: set {FONT_VARIABLE} to an .sf2 file.")
    return path


def render(
    part: Part, *, program: int | None = None, courses: dict[Note, Course] | None = None, sr: int = 44100
) -> Audio:
    """The part, played by a General MIDI instrument.

    Parameters
    ----------
    part : Part
        Its notes, in seconds; a note's fraction of a semitone is played too.
    program : int
        0–127; by default that of the part's own instrument. A part for drums is played by the drum kit.
    courses : dict
        For notes whose pitch and level are known along their way.
    sr : int
        Sample rate of the result in Hz.

    Returns
    -------
    Audio
        Stereo, from second 0 on, as long as the part and two seconds; at the font's own level.

    Raises
    ------
    TranscriptionError
        If the font can't be used, or this machine lacks the player.
    """
    try:
        import midirenderer
    except ImportError as error:
        raise TranscriptionError(
            "Playing General MIDI needs the package midirenderer, which this machine lacks: pip install midirenderer."
        ) from error
    import soundfile

    known = find(part.instrument)
    drums = known is DRUMS
    midi = _midi(part, known.program if program is None else program, courses or {}, drums=drums)
    try:
        wave = midirenderer.render_wave_from(_font(font_path()), midi)
    except (ValueError, RuntimeError) as error:
        raise TranscriptionError(f"The soundfont {font_path().name!r} can't be played: give an .sf2.") from error
    samples, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    return Audio(samples.T, rate, title=part.title).resampled(sr)


@cache
def _font(path: Path) -> bytes:
    return path.read_bytes()


def _midi(part: Part, program: int, courses: dict[Note, Course], *, drums: bool) -> bytes:
    """A MIDI file of one track, with bends and expression."""
    import mido

    events: list[tuple[int, int, mido.Message]] = []  # tick, rank among what happens at once, message

    def add(seconds: float, rank: int, kind: str, **values: int) -> None:
        events.append((round(max(seconds, 0.0) * TICKS_PER_SECOND), rank, mido.Message(kind, **values)))

    channels = (DRUM_CHANNEL,) if drums else CHANNELS
    for channel in channels:
        if not drums:
            add(0, 0, "program_change", channel=channel, program=program)
        for control, value in ((VOLUME, 127), (REVERB, 0), (CHORUS, 0), (101, 0), (100, 0), (6, BEND_RANGE)):
            add(0, 1, "control_change", channel=channel, control=control, value=value)
    for note, channel in _spread(part.notes, channels):
        if not drums:
            for seconds, bend, expression in _moves(note, courses.get(note)):
                add(seconds, 3, "pitchwheel", channel=channel, pitch=bend)
                add(seconds, 3, "control_change", channel=channel, control=EXPRESSION, value=expression)
        add(note.onset, 4, "note_on", channel=channel, note=note.semitone, velocity=note.velocity)
        add(note.offset, 2, "note_off", channel=channel, note=note.semitone)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    end = max(now, round(part.duration * TICKS_PER_SECOND)) + round(TAIL * TICKS_PER_SECOND)
    track.append(mido.Message("control_change", channel=channels[0], control=VOLUME, value=127, time=end - now))
    track.append(mido.MetaMessage("end_of_track"))
    buffer = io.BytesIO()
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[track]).save(file=buffer)
    return buffer.getvalue()


def _spread(notes: Iterable[Note], channels: tuple[int, ...]) -> Iterable[tuple[Note, int]]:
    """Each note with the channel that has been silent for longest: bends of one don't reach another that rings on."""
    free = dict.fromkeys(channels, -1.0)
    for note in notes:
        channel = min(free, key=lambda c: free[c])
        free[channel] = note.offset
        yield note, channel


def _moves(note: Note, course: Course | None) -> Iterable[tuple[float, int, int]]:
    """Seconds, pitch wheel (−8192 to 8191) and expression (0–127) along a note; what doesn't change is left out."""
    if course is None or not len(course.times):
        yield note.onset, _wheel(note.pitch - note.semitone), 127
        return
    last: tuple[int, int] | None = None
    times = [note.onset, *course.times[1:]]
    for seconds, pitch, level in zip(times, course.pitch, course.level_db, strict=True):
        # General MIDI: expression is 40 log10(value / 127) dB.
        move = _wheel(pitch - note.semitone), round(127 * 10 ** (min(float(level), 0.0) / 40))
        if move != last:
            yield (float(seconds), *move)
        last = move


def _wheel(semitones: float) -> int:
    return int(np.clip(round(semitones / BEND_RANGE * 8192), -8192, 8191))
