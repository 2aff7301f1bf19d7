"""`Note` and `Part`: what an instrument plays, as performed: in seconds, with what we know about the music around it.

Conventions: onsets and offsets are seconds from the start of the recording, pitches are MIDI numbers (69 is A4, 440 Hz;
fractions are allowed, 69.5 is a quarter tone higher), velocities are 1–127, confidences 0–1. Drums use the General MIDI
percussion numbers as pitches (36 kick, 38 snare, 42 closed hi-hat ...). Nothing here changes in place: every edit is a
new `Part`, so that undoing is going back to an older one (`musiclab.history`).

Notebook: 09
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musiclab.decisions import Decisions, Tempo
from musiclab.errors import ExportError, TranscriptionError
from musiclab.grid import DENOMINATORS, BeatGrid
from musiclab.note import Chord as Chord
from musiclab.note import Note as Note
from musiclab.note import order as order

if TYPE_CHECKING:
    from musiclab.audio import Audio

MIDI_SUFFIXES = (".mid", ".midi")


def _grid(name: str, times: Iterable[float]) -> tuple[float, ...]:
    """Times in seconds as an ascending tuple of floats."""
    grid = tuple(float(t) for t in times)
    if not all(map(math.isfinite, grid)) or any(b <= a for a, b in itertools.pairwise(grid)):
        raise TranscriptionError(f"The {name} must be times in seconds, each later than the one before it.")
    return grid


@dataclass(frozen=True, repr=False)
class Part:
    """What one instrument plays, with the beats, the key and the chords it is written against.

    Parameters
    ----------
    notes : Iterable[Note]
        In any order; kept by `order`: by onset, then pitch.
    instrument : str
        Name from `musiclab.instruments` (``"bass"``, ``"voice"``, ``"drums"``, ...).
    title : str
        What to write above the score.
    beats, downbeats : Iterable[float]
        Times in seconds, ascending; ``downbeats`` are the first beats of the bars. Empty when unknown.
    time_signature : tuple[int, int]
        Beats in a bar and what note is one: ``(6, 8)``.
    key : str
        ``"Bb major"``, ``"F# minor"``; empty when unknown.
    chords : Iterable[Chord]
        Chord symbols for the staff.
    lyrics : str
        A text to sing: words and syllables in the order of the notes, as ``"Twin-kle, twin-kle, lit-tle star"``; ``_``
        holds the syllable before it over one note more.
    duration : float
        Length of the recording in seconds (0: up to the last note).
    decisions : Decisions
        What a person has decided about it: see `decide`.
    remarks : Iterable[str]
        What the user should know about how it was made, as sentences.

    Raises
    ------
    TranscriptionError
        If times are not ascending, or the time signature is none.

    Notebook: 09
    """

    notes: tuple[Note, ...] = ()
    instrument: str = "piano"
    title: str = ""
    beats: tuple[float, ...] = ()
    downbeats: tuple[float, ...] = ()
    time_signature: tuple[int, int] = (4, 4)
    key: str = ""
    chords: tuple[Chord, ...] = ()
    lyrics: str = ""
    duration: float = 0.0
    decisions: Decisions = field(default=Decisions())
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        notes = tuple(sorted(self.notes, key=order))
        beats_in_bar, beat_type = (int(n) for n in self.time_signature)
        if beats_in_bar < 1 or beat_type not in DENOMINATORS:
            raise TranscriptionError(f"{beats_in_bar}/{beat_type} is no time signature: try (4, 4), (3, 4) or (6, 8).")
        last = max((note.offset for note in notes), default=0.0)
        cleaned: dict[str, Any] = {
            "notes": notes,
            "beats": _grid("beats", self.beats),
            "downbeats": _grid("downbeats", self.downbeats),
            "time_signature": (beats_in_bar, beat_type),
            "chords": tuple(sorted(self.chords, key=lambda chord: chord.onset)),
            "duration": max(float(self.duration), last),
            "remarks": tuple(self.remarks),
        }
        for name, value in cleaned.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.notes)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Onsets and offsets in seconds [shape=(notes, 2)], as mir_eval wants them."""
        return np.array([(note.onset, note.offset) for note in self.notes], dtype=np.float64).reshape(-1, 2)

    @cached_property
    def pitches(self) -> np.ndarray:
        """MIDI numbers [shape=(notes,)]."""
        return np.array([note.pitch for note in self.notes], dtype=np.float64)

    @cached_property
    def confidences(self) -> np.ndarray:
        """Confidences, 0–1 [shape=(notes,)]."""
        return np.array([note.confidence for note in self.notes], dtype=np.float64)

    @property
    def tempo(self) -> float | None:
        """Beats a minute, or None when the beats are unknown."""
        return self.grid.tempo if self.grid else None

    @property
    def grid(self) -> BeatGrid | None:
        """Its beats and bars, or None when they are unknown."""
        if len(self.beats) < 2:
            return None
        grid = BeatGrid(self.beats, 1, self.time_signature)
        return grid.with_downbeat(self.downbeats[0]) if self.downbeats else grid

    # Editing: each returns a new part.

    def with_grid(self, grid: BeatGrid) -> Part:
        """Written against these beats and bars."""
        return replace(self, beats=grid.times, downbeats=grid.downbeats, time_signature=grid.metre)

    def decide(
        self,
        *,
        tempo: Tempo | None = None,
        metre: tuple[int, int] | None = None,
        bar_one: float | None = None,
        key: str | None = None,
        chords: bool | None = None,
        pitch: str | None = None,
        tuning: str | None = None,
        capo: int | None = None,
    ) -> Part:
        """As decided, in place of what was estimated: see `musiclab.decisions.Decisions` for each.

        What is left out stays as it is. The decisions travel with the part into files and back; the part before them
        is the way to undo. ``tempo="half"`` counts every other beat. A part whose beats nobody has found yet keeps to
        them when they are found.
        """
        changes = {"tempo": tempo, "metre": metre, "bar_one": bar_one, "key": key, "chords": chords}
        decisions = self.decisions.changed(**changes, pitch=pitch, tuning=tuning, capo=capo)
        changed = replace(self, decisions=decisions, key=decisions.key or self.key)
        if changed.grid is None:
            return replace(changed, time_signature=decisions.metre or self.time_signature)
        if tempo is None and metre is None and bar_one is None:
            return changed
        grid = Decisions(tempo, metre, bar_one).grid(changed.grid)
        return replace(changed.with_grid(grid), decisions=decisions.settled(grid))

    def with_notes(self, notes: Iterable[Note]) -> Part:
        """The same part with other notes."""
        return replace(self, notes=tuple(notes))

    def add(self, note: Note) -> Part:
        """With one note more."""
        return self.with_notes((*self.notes, note))

    def remove(self, note: Note) -> Part:
        """Without this note; `TranscriptionError` if it isn't here."""
        return self.with_notes(self._others(note))

    def move(
        self,
        note: Note,
        *,
        onset: float | None = None,
        offset: float | None = None,
        pitch: float | None = None,
        velocity: int | None = None,
    ) -> Part:
        """With this note changed. Its confidence becomes 1: a person has decided.

        A new `onset` alone shifts the note; with a new `offset` it changes its length.
        """
        start = note.onset if onset is None else onset
        end = (note.offset + start - note.onset) if offset is None else offset
        moved = Note(start, end, note.pitch if pitch is None else pitch, velocity or note.velocity, 1.0)
        return self.with_notes((*self._others(note), moved))

    def _others(self, note: Note) -> tuple[Note, ...]:
        if note not in self.notes:
            raise TranscriptionError(f"There is no such note in the part: {note}.")
        at = self.notes.index(note)
        return self.notes[:at] + self.notes[at + 1 :]

    def above(self, confidence: float) -> Part:
        """Only the notes that are at least so sure (0–1)."""
        return self.with_notes(note for note in self.notes if note.confidence >= confidence)

    def transposed(self, semitones: float) -> Part:
        """Higher by so many semitones. The key and the chord symbols are left as they are."""
        return self.with_notes(replace(note, pitch=note.pitch + semitones) for note in self.notes)

    def between(self, start: float, stop: float) -> Part:
        """Only the notes that begin in [start, stop) seconds."""
        return self.with_notes(note for note in self.notes if start <= note.onset < stop)

    # Sound and files.

    def audio(self, *, instrument: str | None = None, sr: int = 44100) -> Audio:
        """The notes played by a simple synthesiser. See `musiclab.synth.play`."""
        from musiclab import synth

        return synth.play(self, instrument=instrument, sr=sr)

    def to_json(self) -> str:
        """All of it as JSON text; `from_json` gives it back unchanged."""
        from musiclab import partfiles

        return partfiles.to_json(self)

    @staticmethod
    def from_json(text: str) -> Part:
        """A part from the text of `to_json`; `TranscriptionError` if it is something else."""
        from musiclab import partfiles

        return partfiles.from_json(text)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write it to a file: JSON (.json), else what the extension names (.mid, .musicxml, .pdf, .svg, .png).

        JSON keeps everything; MIDI keeps the timing as played (`musiclab.midi`); the rest is the written score
        (`musiclab.notation.score`), which alone takes the `options`: fields of `musiclab.notation.writing.Writing`.

        Raises
        ------
        ExportError
            If an option is none that this kind of file takes, or the file can't be written.
        """
        path = Path(path)
        if options and path.suffix.lower() in (".json", *MIDI_SUFFIXES):
            raise ExportError(
                f"A {path.suffix} file holds what was played and takes no options of a page ({', '.join(options)}): "
                "leave them out, or save as .musicxml, .pdf, .svg or .png."
            )
        if path.suffix.lower() == ".json":
            from musiclab.codecs.files import write_whole

            return write_whole(path, self.to_json().encode())
        if path.suffix.lower() in MIDI_SUFFIXES:
            from musiclab import midi

            return midi.write_midi(self, path)
        from musiclab.notation import score

        saved: Path = score.save(self, path, **options)
        return saved

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        count = f"{len(self.notes)} note{'s' * (len(self.notes) != 1)}"
        return f"<Part{title}: {count} for {self.instrument}, {self.duration:.2f} s>"
