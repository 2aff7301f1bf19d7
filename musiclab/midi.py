"""A `Part` to and from a MIDI file, with its timing as performed (not quantised).

The file's bars are the part's (`musiclab.ticks`); times are kept to a millisecond, pitches are rounded to the nearest
key. Names are UTF-8. What a person has decided travels in a text event, so that `read_midi` gives it back.

Notebook: 09
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musiclab import theory
from musiclab.codecs.files import write_whole
from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, find
from musiclab.notes import Note, Part
from musiclab.ticks import RESOLUTION, TempoMap, tempo_map

if TYPE_CHECKING:
    import mido
    import pretty_midi

OURS = "musiclab: "  # how the text event begins that only we read
NEAR = 0.002  # s: times in a file are rounded
DRUM_CHANNEL = 9
CHANNELS = [channel for channel in range(16) if channel != DRUM_CHANNEL]


def to_mido(parts: Part | Sequence[Part]) -> mido.MidiFile:
    """The parts as a `mido.MidiFile`: a track of tempo and bars, those of the first part, and a track for each."""
    import mido

    rows = [parts] if isinstance(parts, Part) else list(parts)
    ticks = tempo_map(rows[0].grid, rows[0].time_signature)
    file = mido.MidiFile(ticks_per_beat=RESOLUTION, charset="utf-8")
    file.tracks.append(_track([*_song_events(rows[0], ticks)]))
    channels = iter(CHANNELS * (1 + len(rows) // len(CHANNELS)))
    for part in rows:
        channel = DRUM_CHANNEL if find(part.instrument) is DRUMS else next(channels)
        file.tracks.append(_track([*_part_events(part, ticks, channel)]))
    return file


def write_midi(parts: Part | Sequence[Part], path: str | Path) -> Path:
    """Write one part or several as a MIDI file; `ExportError` if it can't be written."""
    buffer = io.BytesIO()
    to_mido(parts).save(file=buffer)
    return write_whole(Path(path), buffer.getvalue())


def _track(events: list[tuple[int, int, Any]]) -> mido.MidiTrack:
    """Events of (tick, rank, message) in order; at one tick by rank: ends of notes come before beginnings."""
    import mido

    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _song_events(part: Part, ticks: TempoMap) -> Iterator[tuple[int, int, Any]]:
    from mido import MetaMessage

    yield 0, 0, MetaMessage("track_name", name=part.title or part.instrument)
    for tick, (numerator, denominator) in ticks.metres:
        yield tick, 1, MetaMessage("time_signature", numerator=min(numerator, 255), denominator=denominator)
    if part.key:
        yield 0, 1, MetaMessage("key_signature", key=_midi_key(part.key))
    before = 0
    for tick, tempo in zip(ticks.ticks.tolist(), ticks.tempi, strict=True):
        if tempo != before:
            yield tick, 2, MetaMessage("set_tempo", tempo=tempo)
        before = tempo


def _part_events(part: Part, ticks: TempoMap, channel: int) -> Iterator[tuple[int, int, Any]]:
    from mido import Message, MetaMessage

    known = find(part.instrument)
    yield 0, 0, MetaMessage("track_name", name=part.title or part.instrument)
    remembered = {
        "title": part.title, "instrument": part.instrument, "key": part.key, "lyrics": part.lyrics,
        "beats": [part.beats[0], part.beats[-1]] if part.grid else [], "decisions": part.decisions.as_dict(),
    }  # fmt: skip
    yield 0, 0, MetaMessage("text", text=OURS + json.dumps(remembered, ensure_ascii=False))
    yield 0, 0, Message("program_change", channel=channel, program=known.program)
    for note in part.notes:
        start = ticks.tick_of(note.onset)
        end = max(start + 1, ticks.tick_of(note.offset))
        yield start, 3, Message("note_on", channel=channel, note=note.semitone, velocity=note.velocity)
        yield end, 2, Message("note_off", channel=channel, note=note.semitone, velocity=0)


def _midi_key(key: str) -> str:
    """The key's name in a file, of the enharmonic one with at most seven accidentals."""
    tonic, mode = theory.parse_key(key)
    if abs(theory.key_fifths(key)) > 7:
        tonic, mode = theory.parse_key(theory.transpose_key(key, 0))
    return tonic + ("m" if mode == "minor" else "")


def read_midi(path: str | Path, *, instrument: str = "") -> Part:
    """All notes of a MIDI file as one part, in seconds, confidence 1, with the file's beats, bars, metre and key.

    Parameters
    ----------
    path : str or Path
        The file. Of several time signatures the part keeps the one that lasts longest. A file of ours gives back its
        title and what was decided, too.
    instrument : str
        Whose part it is: of drums the strokes are read, else all but these. What the file says if it is ours, else a
        piano, if left out.

    Raises
    ------
    TranscriptionError
        If the file is no MIDI file.
    """
    file = _opened(path)
    midi = _read(file, path)
    ours = _remembered(midi)
    instrument = instrument or ours.get("instrument") or "piano"
    tracks = [track for track in midi.instruments if track.is_drum == (find(instrument) is DRUMS)]
    notes = [Note(n.start, n.end, n.pitch, max(n.velocity, 1)) for t in tracks for n in t.notes if n.end > n.start]
    part = Part(
        tuple(notes),
        instrument=instrument,
        title=ours.get("title") or Path(path).stem,
        key=ours.get("key") or _key(midi),
        lyrics=ours.get("lyrics", ""),
        decisions=Decisions.from_dict(ours.get("decisions", {})),
        duration=float(midi.get_end_time()),
    )
    said = {message.type for track in file.tracks for message in track} & {"set_tempo", "time_signature"}
    grid = _grid(midi, part.duration) if said else None
    if grid is None:
        return part
    if ours and not ours.get("beats"):  # it has a tempo only because a file must have one
        return replace(part, time_signature=grid.metre)
    return part.with_grid(_between(grid, *ours["beats"]) if ours else grid)


def _between(grid: BeatGrid, first: float, last: float) -> BeatGrid:
    """The beats from `first` to `last` (s): without those that only fill the file's first bar, and its end."""
    kept = [t for t in grid.times if first - NEAR <= t <= last + NEAR]
    if len(kept) < 2:
        return grid
    downbeat = next((t for t in grid.downbeats if t >= kept[0]), kept[0])
    return BeatGrid(tuple(kept), 1, grid.metre).with_downbeat(downbeat)


def _opened(path: str | Path) -> mido.MidiFile:
    import mido

    for charset in ("utf-8", "latin-1"):  # the format names none
        try:
            return mido.MidiFile(str(path), charset=charset)
        except UnicodeDecodeError:
            continue
        except Exception as err:  # the reader's own, and whatever falls out of it where a file is damaged
            raise TranscriptionError(f"{path} can't be read as a MIDI file: give another file.") from err
    raise TranscriptionError(f"{path} can't be read as a MIDI file: give another file.")


def _read(file: mido.MidiFile, path: str | Path) -> pretty_midi.PrettyMIDI:
    import pretty_midi

    try:
        return pretty_midi.PrettyMIDI(mido_object=file)
    except Exception as err:  # as above
        raise TranscriptionError(f"{path} can't be read as a MIDI file: give another file.") from err


def _remembered(midi: pretty_midi.PrettyMIDI) -> dict[str, Any]:
    """What our text event says; nothing in other programs' files."""
    for event in midi.text_events:
        if event.text.startswith(OURS):
            try:
                found = json.loads(event.text.removeprefix(OURS))
            except ValueError:
                continue
            return found if isinstance(found, dict) else {}
    return {}


def _key(midi: pretty_midi.PrettyMIDI) -> str:
    """The first key signature; of a name with its mode."""
    if not midi.key_signature_changes:
        return ""
    number = midi.key_signature_changes[0].key_number
    mode = "minor" if number >= 12 else "major"
    names = [f"{name} {mode}" for name in theory.LINE_OF_FIFTHS if theory.pitch_class(name) == number % 12]
    return min(names, key=lambda name: abs(theory.key_fifths(name)))


def _grid(midi: pretty_midi.PrettyMIDI, duration: float) -> BeatGrid | None:
    """Beats and bars: those of the time signature that lasts longest."""
    changes = midi.time_signature_changes
    starts = [midi.time_to_tick(change.time) for change in changes] or [0]
    metres = [(change.numerator, change.denominator) for change in changes] or [(4, 4)]
    last = max(midi.time_to_tick(duration), starts[-1] + 1)
    spans = np.diff([*starts, last])
    longest = int(np.argmax(spans))
    try:
        shape = BeatGrid((0.0, 1.0), 1, metres[longest])
    except TranscriptionError:  # a metre that we can't write, such as 3/64
        return None
    step = float(midi.resolution * shape.beat_quarters)
    before = int(starts[longest] // step)
    count = max(int(np.ceil((last - starts[longest]) / step)), 2)
    times = [midi.tick_to_time(round(starts[longest] + k * step)) for k in range(-before, count + 1)]
    return BeatGrid(tuple(times), 1, metres[longest]).with_downbeat(times[before])
