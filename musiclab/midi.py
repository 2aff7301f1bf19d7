"""A `Part` to and from a MIDI file, with its timing as performed (not quantised).

Times are kept to 0.3 ms (`RESOLUTION` ticks in a beat); pitches are rounded to the nearest key.

Notebook: 09
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from musiclab.codecs.files import write_whole
from musiclab.errors import TranscriptionError
from musiclab.instruments import DRUMS, find
from musiclab.notes import Note, Part

if TYPE_CHECKING:
    import pretty_midi

RESOLUTION = 960  # ticks in a beat
DEFAULT_TEMPO = 120.0  # beats per minute, when the beats are unknown


def to_pretty_midi(part: Part) -> pretty_midi.PrettyMIDI:
    """The part as a `pretty_midi.PrettyMIDI` with one instrument, its tempo the part's median tempo."""
    import pretty_midi

    # A file holds whole microseconds per beat and pretty_midi truncates them: rounding first keeps times from drifting.
    microseconds = round(6e7 / (part.tempo or DEFAULT_TEMPO))
    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=6e7 / (microseconds + 1e-3))
    known = find(part.instrument)
    track = pretty_midi.Instrument(known.program, is_drum=known is DRUMS, name=part.title or part.instrument)
    track.notes = [pretty_midi.Note(n.velocity, n.semitone, n.onset, n.offset) for n in part.notes]
    midi.instruments.append(track)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(*part.time_signature, 0.0))
    return midi


def write_midi(part: Part, path: str | Path) -> Path:
    """Write the part as a MIDI file; `ExportError` if it can't be written."""
    buffer = io.BytesIO()
    to_pretty_midi(part).write(buffer)
    return write_whole(Path(path), buffer.getvalue())


def read_midi(path: str | Path, *, instrument: str = "piano") -> Part:
    """All notes of a MIDI file as one part, in seconds, confidence 1.

    Raises
    ------
    TranscriptionError
        If the file is no MIDI file.
    """
    import pretty_midi

    try:
        midi = pretty_midi.PrettyMIDI(str(path))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as err:
        raise TranscriptionError(f"{path} can't be read as a MIDI file: give another file.") from err
    tracks = [track for track in midi.instruments if track.is_drum == (find(instrument) is DRUMS)]
    notes = [Note(n.start, n.end, n.pitch, max(n.velocity, 1)) for t in tracks for n in t.notes if n.end > n.start]
    return Part(tuple(notes), instrument=instrument, title=Path(path).stem, duration=float(midi.get_end_time()))
