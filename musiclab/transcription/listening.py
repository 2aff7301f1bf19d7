"""`listen` runs the models over a stem once; its `Evidence` makes parts of what they heard, as often as one likes.

Notebook: 09
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from musiclab import heap
from musiclab.decisions import Decisions
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, Instrument, find
from musiclab.notes import Note, Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.transcription import drums, monophonic, note_creation
from musiclab.transcription.drums import Strokes
from musiclab.transcription.dynamics import with_dynamics
from musiclab.transcription.pitch_track import COLUMN_S, PitchTrack
from musiclab.transcription.posteriorgram import Posteriorgram, posteriorgram
from musiclab.transcription.settings import NoteSettings, settings_for

if TYPE_CHECKING:
    from musiclab.audio import Audio

POSTERIORGRAM_SHARE = 0.6  # of the time that listening to a line takes; following its pitch is the rest
NOTHING_PEAK_DB = -90.0  # below, not even 16 bits hold anything
SILENT_PEAK_DB = -50.0  # a stem that never gets louder than this holds nothing to write down


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the models heard in a stem; `part` makes notes of it within milliseconds.

    Attributes
    ----------
    instrument : Instrument
        What was listened for.
    duration : float
        Length of the stem in seconds.
    gram : Posteriorgram | None
        Onset and note posteriors (None for drums and silence).
    track : PitchTrack | None
        The fundamental, for instruments that play one note at a time.
    strokes : Strokes | None
        How likely each drum is struck when, for drums.
    """

    instrument: Instrument
    duration: float
    gram: Posteriorgram | None = None
    track: PitchTrack | None = None
    strokes: Strokes | None = None

    @property
    def defaults(self) -> NoteSettings:
        """The instrument's own settings: where sliders start."""
        return settings_for(self.instrument)

    def part(
        self,
        *,
        onset_threshold: float | None = None,
        frame_threshold: float | None = None,
        min_length: float | None = None,
        beats: BeatGrid | Iterable[float] | None = None,
    ) -> Part:
        """The part, with other thresholds than the instrument's own where given.

        Parameters
        ----------
        onset_threshold : float
            How sure (0–1) the beginning of a note has to be: higher gives fewer notes.
        frame_threshold : float
            How sure (0–1) it has to be that a note still sounds: higher gives shorter notes.
        min_length : float
            Shortest note in seconds.
        beats : BeatGrid or times in seconds
            What the part is written against.
        """
        given = {"onset_threshold": onset_threshold, "frame_threshold": frame_threshold, "min_length": min_length}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        settings = replace(self.defaults, **changes)
        part = Part(tuple(self._notes(settings)), self.instrument.name, duration=self.duration)
        return with_beats(part, beats)

    def _notes(self, settings: NoteSettings) -> list[Note]:
        spec = self.instrument
        if self.strokes is not None:
            return drums.strokes_to_notes(self.strokes, threshold=settings.onset_threshold)
        if self.gram is None:
            return []
        if self.track is not None:
            line = settings.for_lines()
            notes = monophonic.line_notes(
                self.track, self.gram, low=spec.low, high=spec.high, settings=line, family=spec.family
            )
            return with_dynamics(notes, self.track.level_db, COLUMN_S)
        notes = note_creation.create_notes(
            self.gram,
            onset_threshold=settings.onset_threshold,
            frame_threshold=settings.frame_threshold,
            min_length=settings.min_length,
            low=spec.low,
            high=spec.high,
            polyphony=spec.polyphony,
            soft_onsets=settings.soft_onsets,
        )
        return with_dynamics(notes, self.gram.level_db, note_creation.COLUMN_S)


@heap.kept()
def listen(
    stem: Audio, *, instrument: str, progress: Progress | bool | None = None, cancel: Cancel | None = None
) -> Evidence:
    """Run the models that this instrument needs over a stem. See `transcribe` for the parameters.

    Notebook: 10
    """
    spec = find(instrument)
    if stem.peak_db < SILENT_PEAK_DB:
        return Evidence(spec, stem.duration)
    with watching(progress, cancel) as watch:
        if spec is DRUMS:
            return Evidence(spec, stem.duration, strokes=drums.hear_drums(stem, progress=watch))
        return _pitched(stem, spec, watch)


def _pitched(stem: Audio, spec: Instrument, watch: Watch) -> Evidence:
    share = POSTERIORGRAM_SHARE if spec.monophonic else 1.0
    gram = posteriorgram(stem, twice=not spec.monophonic, progress=watch.part(0.0, share))
    track = None
    if spec.monophonic:
        watch(share, "following the pitch")
        track = monophonic.track_pitch(stem, low=spec.low, high=spec.high)
    watch(1.0, "listening done")
    return Evidence(spec, stem.duration, gram, track)


def transcribe(
    stem: Audio,
    *,
    instrument: str,
    beats: BeatGrid | Iterable[float] | None = None,
    decisions: Decisions | None = None,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Part:
    """Write down what an instrument plays.

    Parameters
    ----------
    stem : Audio
        The instrument alone, or nearly so: a stem of a separated song, or a solo recording.
    instrument : str
        ``"voice"``, ``"bass"``, ``"guitar"``, ``"piano"``, ``"strings"``, ``"winds"``, ``"brass"``, ``"drums"``, or
        one of `musiclab.instruments.INSTRUMENTS` by any of its names.
    beats : BeatGrid or times in seconds
        Beats of the song, from the mixture or the drums; without them the part has none.
    decisions : Decisions
        What is decided about tempo, metre, bars, key and how it is written: they stay with the part, and `in_context`
        keeps to them.
    progress, cancel
        As in `separate`: see `musiclab.progress`.

    Returns
    -------
    Part
        In seconds, as performed. A silent stem gives an empty part and a warning.

    Raises
    ------
    TranscriptionError
        If there is no such instrument.
    Cancelled
        If `cancel` was set.

    Notebook: 09
    """
    part = listen(stem, instrument=instrument, progress=progress, cancel=cancel).part(beats=beats)
    part = _decided(replace(part, title=stem.title), decisions)
    if part.notes:
        return part
    if stem.peak_db < SILENT_PEAK_DB:
        remark = _quiet(stem.peak_db)
    else:
        remark = f"No note of a {part.instrument} was found in the stem: listen to it, or try another instrument."
    warnings.warn(remark, stacklevel=2)
    return replace(part, remarks=(remark,))


def _quiet(peak_db: float) -> str:
    if peak_db < NOTHING_PEAK_DB:
        return f"The stem is silent (its peak is at {peak_db:.0f} dBFS), so its part is empty."
    return (
        f"The stem is so quiet (its peak is at {peak_db:.0f} dBFS) that it was taken for what other instruments left "
        f"behind, and its part is empty: if it is music, transcribe stem.gained({-20 - peak_db:.0f})."
    )


def _decided(part: Part, decisions: Decisions | None) -> Part:
    """The part with what was decided about it, as far as it has beats to be counted anew."""
    if decisions is None:
        return part
    part = replace(part, decisions=decisions, key=decisions.key, time_signature=decisions.metre or part.time_signature)
    if part.grid is None:
        return part
    grid = decisions.grid(part.grid)
    return replace(part.with_grid(grid), decisions=decisions.settled(grid))


def with_beats(part: Part, beats: BeatGrid | Iterable[float] | None) -> Part:
    """The part with the beats (and bars, and metre) of a grid or a list of times in seconds."""
    if beats is None:
        return part
    if isinstance(beats, BeatGrid):
        return part.with_grid(beats)
    return replace(part, beats=tuple(beats))
