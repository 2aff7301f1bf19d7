"""Symbols as music21 objects: notes, chords, drums, rests, beams and tuplets, chord symbols."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import music21 as m21

from musiclab.instruments import DRUMS
from musiclab.notes import Chord
from musiclab.transcription import harmony
from musiclab.transcription.grid import BeatGrid
from musiclab.transcription.notation import Symbol
from musiclab.transcription.percussion import sign
from musiclab.transcription.staves import Staff, clef_object, spelled

CHORD_KINDS = {"": "major", "m": "minor", "7": "dominant-seventh", "m7": "minor-seventh", "maj7": "major-seventh"}


def m21_part(staff: Staff, grid: BeatGrid, *, chords: Sequence[Chord]) -> m21.stream.Part:
    """A staff as a music21 part, with everything on it that a reader needs."""
    part = m21.stream.PartStaff() if staff.braced else m21.stream.Part()
    part.partName = staff.name
    part.insert(0, _instrument(staff))
    part.atSoundingPitch = False  # the pitches below are the written ones
    count = len(staff.voices[0])
    for number in range(count):
        measure = m21.stream.Measure(number=number + 1)
        if number == 0:
            _opening(measure, staff, grid)
        _fill(measure, staff, [voice[number] for voice in staff.voices], grid)
        part.append(measure)
    if chords:
        _add_chords(part, chords, grid)
    _accidentals(part, staff)
    measures = list(part.getElementsByClass(m21.stream.Measure))
    measures[-1].rightBarline = m21.bar.Barline("final")
    return part


def _instrument(staff: Staff) -> m21.instrument.Instrument:
    instrument = m21.instrument.Percussion() if staff.instrument is DRUMS else m21.instrument.Instrument()
    instrument.partName = staff.name
    instrument.instrumentName = staff.name or staff.instrument.name
    instrument.partAbbreviation = ""
    instrument.midiProgram = staff.instrument.program
    if staff.written and staff.instrument is not DRUMS:
        # music21 keeps the way from written to sounding pitch
        instrument.transposition = m21.interval.Interval(staff.written).reverse()
    return instrument


def _opening(measure: m21.stream.Measure, staff: Staff, grid: BeatGrid) -> None:
    measure.clef = clef_object(staff)
    if staff.clef == "tab" or staff.lines != 5:
        measure.insert(0, m21.layout.StaffLayout(staffLines=staff.lines))
    if staff.instrument is not DRUMS:
        measure.keySignature = _signature(staff)
    measure.timeSignature = m21.meter.TimeSignature(f"{grid.metre[0]}/{grid.metre[1]}")
    if staff.clef != "tab" and staff.name:
        unit = m21.duration.Duration(float(grid.beat_quarters))
        measure.insert(0, m21.tempo.MetronomeMark(number=round(grid.tempo), referent=unit))


def _signature(staff: Staff) -> m21.key.KeySignature:
    """The written key signature."""
    signature = m21.key.KeySignature(harmony.key_fifths(staff.key))
    return signature.transpose(staff.written) if staff.written else signature


def _fill(measure: m21.stream.Measure, staff: Staff, voices: list[list[Symbol]], grid: BeatGrid) -> None:
    for number, symbols in enumerate(voices):
        holder = m21.stream.Voice(id=str(number + 1)) if len(voices) > 1 else measure
        for symbol in symbols:
            holder.insert(float(symbol.start), _element(symbol, staff, voice=number, voices=len(voices), grid=grid))
        if holder is not measure:
            measure.insert(0, holder)
        if staff.clef != "tab":
            _beams(holder, grid)


def _element(symbol: Symbol, staff: Staff, *, voice: int, voices: int, grid: BeatGrid) -> m21.note.GeneralNote:
    """A note, chord or rest of music21."""
    if symbol.is_rest:
        element: Any = m21.note.Rest()
        if voice > 0 or staff.clef == "tab":
            element.style.hideObjectOnPrint = True
        if symbol.duration == grid.bar_quarters:
            element.fullMeasure = True
    elif staff.instrument is DRUMS:
        element = _drum_element(symbol, staff)
    else:
        element = _pitched_element(symbol, staff)
    element.duration = _duration(symbol.duration)
    if symbol.notes and (symbol.tied_from or symbol.tied_to):
        both = symbol.tied_from and symbol.tied_to
        element.tie = m21.tie.Tie("continue" if both else "stop" if symbol.tied_from else "start")
    if staff.clef == "tab" and symbol.notes:
        element.stemDirection = "noStem"  # the rhythm stands above, in the notes
    elif voices > 1 and symbol.notes:
        element.stemDirection = "up" if voice == 0 else "down"
    return element  # type: ignore[no-any-return]


def _duration(length: Fraction) -> m21.duration.Duration:
    """As a fraction, so that triplets are exact."""
    return m21.duration.Duration(length if length.denominator % 3 == 0 else float(length))


def _pitched_element(symbol: Symbol, staff: Staff) -> Any:
    heads = []
    for index in sorted(symbol.notes, key=lambda i: staff.part.notes[i].semitone):
        head = m21.note.Note(_written_pitch(spelled(staff.part.notes[index], staff), staff.written))
        head.style.color = _mark(index)
        heads.append(head)
    if len({head.pitch.midi for head in heads}) < len(heads):
        heads = list({head.pitch.midi: head for head in heads}.values())
    return heads[0] if len(heads) == 1 else m21.chord.Chord(heads)


@functools.lru_cache(maxsize=1024)
def _written_pitch(name: str, interval: str) -> str:
    """A sounding pitch as it is written, by name: the same few come again and again, and music21 takes its time."""
    pitch = m21.pitch.Pitch(name)
    return str((pitch.transpose(interval) if interval else pitch).nameWithOctave)


def _drum_element(symbol: Symbol, staff: Staff) -> Any:
    heads = {}
    for index in symbol.notes:
        drum = sign(staff.part.notes[index].semitone)
        head = m21.note.Unpitched(displayName=drum.place)
        head.notehead = drum.head
        head.style.color = _mark(index)
        heads[drum.place, drum.head] = head
    made = [heads[name] for name in sorted(heads, key=lambda name: m21.pitch.Pitch(name[0]).ps)]
    return made[0] if len(made) == 1 else m21.percussion.PercussionChord(made)


def _mark(index: int) -> str:
    """The note's number in the guise of a colour. See `staves._with_ids`."""
    return f"#{index:06X}"


@functools.cache
def _time_signature(metre: tuple[int, int]) -> m21.meter.TimeSignature:
    return m21.meter.TimeSignature(f"{metre[0]}/{metre[1]}")


def _beams(holder: Any, grid: BeatGrid) -> None:
    """Beams by the beat, and a bracket over the triplets of each beat."""
    signature = _time_signature(grid.metre)
    elements = list(holder.notesAndRests)
    beams = signature.getBeams(elements, measureStartOffset=0.0)
    for element, beam in zip(elements, beams, strict=True):
        if isinstance(element, m21.note.NotRest) and beam is not None:
            element.beams = beam
    _brackets(elements, grid)


def _brackets(elements: Sequence[Any], grid: BeatGrid) -> None:
    """One bracket a beat: music21 would draw one over two beats where the first begins with a long triplet note."""
    beats = itertools.groupby(
        elements, key=lambda e: int(Fraction(e.offset).limit_denominator(96) // grid.beat_quarters)
    )
    for _, inside in beats:
        tuplets = [element.duration.tuplets[0] for element in inside if element.duration.tuplets]
        for tuplet in tuplets:
            tuplet.type = None
        if len(tuplets) > 1:
            tuplets[0].type, tuplets[-1].type = "start", "stop"
        elif tuplets:
            tuplets[0].type = "startStop"


def _accidentals(part: m21.stream.Part, staff: Staff) -> None:
    """Accidentals as a reader needs them: against the key, and within the bar; none are repeated in a tie."""
    if staff.instrument is DRUMS:
        return
    altered = {pitch.step: pitch.alter for pitch in _signature(staff).alteredPitches}
    for measure in part.getElementsByClass(m21.stream.Measure):
        now: dict[tuple[str, int | None], float] = {}
        for element in measure.recurse().notes:
            if isinstance(element, m21.harmony.ChordSymbol):
                continue
            for head in element.notes if isinstance(element, m21.chord.Chord) else [element]:
                pitch = head.pitch
                place = (pitch.step, pitch.octave)
                due = now.get(place, altered.get(pitch.step, 0.0))
                tied = element.tie is not None and element.tie.type in ("stop", "continue")
                shown = pitch.alter != due and not tied
                if pitch.accidental is None and shown:
                    pitch.accidental = m21.pitch.Accidental("natural")
                if pitch.accidental is not None:
                    pitch.accidental.displayStatus = shown
                if not tied:
                    now[place] = pitch.alter


def _add_chords(part: m21.stream.Part, chords: Sequence[Chord], grid: BeatGrid) -> None:
    """Chord symbols above the staff, on the beat nearest to where they begin; none are repeated."""
    measures = list(part.getElementsByClass(m21.stream.Measure))
    last = None
    for chord in chords:
        if chord.symbol in ("N", last):
            continue
        beat = round(float(grid.beats_at([chord.onset])[0])) + grid.first - 1
        bar, inside = divmod(beat, grid.beats_per_bar)
        if not 0 <= bar < len(measures):
            continue
        root, kind = harmony.split_symbol(chord.symbol)
        figure = m21.harmony.ChordSymbol(root=root.replace("b", "-"), kind=CHORD_KINDS[kind])
        figure.chordKindStr = kind  # as it is printed: music21's own is "Maj7"
        figure.writeAsChord = False
        measures[bar].insert(float(inside * grid.beat_quarters), figure)
        last = chord.symbol
