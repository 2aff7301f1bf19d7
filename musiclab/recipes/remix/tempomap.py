"""`TempoMap`: the beats of a recording as a sequencer counts them, from the recording's first sample on.

A sequencer's time line starts on the first beat of a bar; a recording rarely does. What lies before the first beat of
the grid becomes a short bar of its own (a multiple of a sixteenth, or shorter), at the tempo at which it ends on that
beat; so every program can put the files at the very beginning, and all its bar lines are right. The tempo changes on
every beat: live music drifts, and the map follows it.

Conventions: a *quarter* is a quarter note, whatever the metre; tempos are quarters a minute, as in MIDI files.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musiclab.grid import BeatGrid
from musiclab.transcription.form import Section

SNAP = 0.003  # s: a first beat this early is at the start
TICKS = 960  # of a MIDI file, in a quarter


@dataclass(frozen=True)
class Tempo:
    """From here on, so many quarters a minute."""

    quarter: Fraction
    seconds: float
    bpm: float


@dataclass(frozen=True)
class Signature:
    """From here on, this time signature."""

    quarter: Fraction
    seconds: float
    metre: tuple[int, int]


@dataclass(frozen=True)
class Marker:
    """A named place."""

    quarter: float
    seconds: float
    name: str


@dataclass(frozen=True)
class TempoMap:
    """Where each quarter of a time line is in a recording.

    Attributes
    ----------
    tempos : tuple of Tempo
        One for each beat; the first at quarter 0 and 0 s.
    signatures : tuple of Signature
        The first at quarter 0.
    markers : tuple of Marker
        The sections.
    duration : float
        Of the recording, in seconds.
    """

    tempos: tuple[Tempo, ...]
    signatures: tuple[Signature, ...]
    markers: tuple[Marker, ...]
    duration: float

    @classmethod
    def of(cls, grid: BeatGrid, duration: float, *, sections: tuple[Section, ...] = ()) -> TempoMap:
        """The map of a recording of `duration` seconds with these beats.

        Beats before 0 s or after the end are left out; a pick-up bar keeps its own, shorter, time signature.
        """
        times = np.asarray(grid.times)
        inside = np.flatnonzero((times > -SNAP) & (times < duration))
        first = int(inside[0]) if len(inside) else 0
        kept = times[inside] if len(inside) > 1 else times[:2]
        seconds = [0.0, *(float(t) for t in (kept[1:] if kept[0] <= SNAP else kept))]
        lead = Fraction(0) if kept[0] <= SNAP else _lead(kept, grid.beat_quarters)
        step = grid.beat_quarters
        quarters = [lead + step * number for number in range(len(kept))]
        quarters = quarters if not lead else [Fraction(0), *quarters]
        tempos = [
            Tempo(q, s, float(60 * (after - q) / Fraction(then - s)))
            for (q, s), (after, then) in itertools.pairwise(zip(quarters, seconds, strict=True))
        ]
        tempos.append(Tempo(quarters[-1], seconds[-1], tempos[-1].bpm))
        made = cls(tuple(tempos), _signatures(grid, first, lead, tempos), (), duration)
        marks = [Marker(made.quarter_at(s.start), s.start, s.label) for s in sections if s.start < duration]
        return cls(made.tempos, made.signatures, tuple(marks), duration)

    @property
    def length(self) -> float:
        """Quarters from the start of the recording to its end."""
        return self.quarter_at(self.duration)

    def quarter_at(self, seconds: float) -> float:
        """The place on the time line of a moment of the recording."""
        at = max(0, int(np.searchsorted([t.seconds for t in self.tempos], seconds + 1e-9)) - 1)
        tempo = self.tempos[at]
        return float(tempo.quarter + (seconds - tempo.seconds) * tempo.bpm / 60)

    def to_midi(self, *, title: str = "") -> bytes:
        """A MIDI file of the map alone: a tempo for each beat, time signatures, and the sections as markers.

        Tempos are chosen so that rounding does not pile up: every beat is within 2 ms of the recording.
        """
        import mido

        track = mido.MidiTrack([mido.MetaMessage("track_name", name=_plain(title) or "Tempo")])
        events: list[tuple[int, int, mido.MetaMessage]] = []
        for signature in self.signatures:
            numerator, denominator = signature.metre
            message = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
            events.append((_tick(signature.quarter), 0, message))
        played = 0.0
        for tempo, after in itertools.zip_longest(self.tempos, self.tempos[1:]):
            microseconds = 6e7 / tempo.bpm
            if after is not None:  # what rounding lost so far is made up for
                microseconds = (after.seconds - played) * 1e6 / float(after.quarter - tempo.quarter)
            microseconds = min(max(1, round(microseconds)), 0xFFFFFF)
            events.append((_tick(tempo.quarter), 1, mido.MetaMessage("set_tempo", tempo=microseconds)))
            played += microseconds * 1e-6 * float(after.quarter - tempo.quarter) if after else 0.0
        events += [(_tick(m.quarter), 2, mido.MetaMessage("marker", text=_plain(m.name))) for m in self.markers]
        now = 0
        for tick, _, message in sorted(events, key=lambda event: event[:2]):
            track.append(message.copy(time=tick - now))
            now = tick
        track.append(mido.MetaMessage("end_of_track", time=max(0, _tick(self.length) - now)))
        buffer = io.BytesIO()
        mido.MidiFile(type=1, ticks_per_beat=TICKS, tracks=[track]).save(file=buffer)
        return buffer.getvalue()


def _lead(beats: np.ndarray, beat_quarters: Fraction) -> Fraction:
    """How many quarters lie before the first beat: the nearest that a time signature can tell, at least one of it."""
    share = float(beats[0] / (beats[1] - beats[0])) * float(beat_quarters)
    unit = next((unit for unit in (4, 8, 16) if share * unit >= 0.5), 16)  # of a quarter: sixteenths first
    return Fraction(max(1, round(share * unit)), unit)


def _signatures(grid: BeatGrid, first: int, lead: Fraction, tempos: list[Tempo]) -> tuple[Signature, ...]:
    """The song's, and before it that of the short bar in which lead-in and pick-up stand, if there is one."""
    missing = (1 - grid.positions[first]) % grid.beats_per_bar
    short = (lead + missing * grid.beat_quarters) % grid.bar_quarters
    if not short:
        return (Signature(Fraction(0), 0.0, grid.metre),)
    at = max((tempo for tempo in tempos if tempo.quarter <= short), key=lambda tempo: tempo.quarter)
    seconds = at.seconds + float(short - at.quarter) * 60 / at.bpm
    bar = (short.numerator, 4 * short.denominator)
    return Signature(Fraction(0), 0.0, bar), Signature(short, seconds, grid.metre)


def _tick(quarter: Fraction | float) -> int:
    return round(quarter * TICKS)


def _plain(text: str) -> str:
    """MIDI text is Latin-1 in most programs."""
    return text.encode("latin-1", errors="replace").decode("latin-1")
