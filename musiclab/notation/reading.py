"""From MusicXML back to parts: what `musiclab.notation.score` wrote, and what other programs write as plainly.

Read are notes with their ties and grace notes, tempo, metre, key, transposition, chord symbols and lyrics. The times
are those of the page at its tempo marks, not those of a performance: JSON and MIDI keep these.

Notebook: 09
"""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from musiclab import theory
from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.instruments import find
from musiclab.notation.attributes import KINDS
from musiclab.notation.lyrics import HOLD
from musiclab.notes import Chord, Note, Part
from musiclab.ticks import DEFAULT_TEMPO

OURS = "musiclab"
GRACE = Fraction(1, 8)  # quarters that a grace note takes


@dataclass
class _Voice:
    """What is read of one part: times in quarters from its first bar line."""

    notes: list[tuple[Fraction, Fraction, int]] = field(default_factory=list)  # start, end, sounding MIDI pitch
    held: dict[int, int] = field(default_factory=dict)  # index of a note that is tied on, by pitch
    chords: list[tuple[Fraction, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    bars: list[Fraction] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)  # quarters a minute
    metre: tuple[int, int] = (4, 4)
    key: str = ""
    divisions: int = 1
    semitones: int = 0  # from the written to the sounding pitch


def read_musicxml(path: str | Path) -> list[Part]:
    """The parts of an uncompressed MusicXML file, tablatures under notes left out, at the tempo that it names.

    Raises
    ------
    TranscriptionError
        If the file is no MusicXML that is written part by part.

    Notebook: 09
    """
    try:
        root = ET.parse(path).getroot()
        if root.tag != "score-partwise":
            raise ValueError(root.tag)
        listed = {entry.get("id"): entry for entry in root.iter("score-part")}
        read = [(listed[xml.get("id")], xml, _read(xml)) for xml in _voices(root, listed)]
    except (OSError, ET.ParseError, ValueError, LookupError, TypeError, ArithmeticError) as err:
        raise TranscriptionError(f"{path} can't be read as MusicXML: give another file, or MIDI.") from err
    tempos = next((voice.tempos for _, _, voice in read if voice.tempos), [])
    decided = _remembered(root)
    title = root.findtext("work/work-title") or root.findtext("movement-title") or Path(path).stem
    return [
        _part(entry, voice, tempos, title, decided[i] if i < len(decided) else {})
        for i, (entry, _, voice) in enumerate(read)
    ]


def _voices(root: ET.Element, listed: Mapping[str | None, ET.Element]) -> list[ET.Element]:
    """The parts that say something of their own: a tablature under notes has no name, or that of the notes."""
    parts = list(root.iter("part"))

    def name(part: ET.Element) -> str:
        return listed[part.get("id")].findtext("part-name", "").strip()

    of_notes = {"", *(name(part) for part in parts if not _is_tab(part))}
    return [part for part in parts if not (_is_tab(part) and name(part) in of_notes)]


def _is_tab(part: ET.Element) -> bool:
    return part.findtext(".//clef/sign") == "TAB"


def _remembered(root: ET.Element) -> list[dict[str, Any]]:
    """What we wrote for ourselves, by part."""
    fields = (one for one in root.iter("miscellaneous-field") if one.get("name") == OURS)
    found: Any = next((json.loads(one.text or "[]") for one in fields), [])
    return found if isinstance(found, list) else []


def _read(part: ET.Element) -> _Voice:
    """All bars of a part."""
    voice, start = _Voice(), Fraction(0)
    for measure in part.iter("measure"):
        voice.bars.append(start)
        start = _read_bar(measure, voice, start)
    voice.bars.append(start)
    return voice


def _read_bar(measure: ET.Element, voice: _Voice, start: Fraction) -> Fraction:
    """One bar from a place on; gives the place where it ends."""
    now, end, before = start, start, start
    for element in measure:
        length = Fraction(int(element.findtext("duration", "0")), voice.divisions)
        if element.tag == "attributes":
            _read_attributes(element, voice)
        elif element.tag == "harmony":
            offset = Fraction(int(element.findtext("offset", "0")), voice.divisions)
            voice.chords.append((now + offset, _symbol(element, voice)))
        elif element.tag in ("direction", "sound"):
            sound = element if element.tag == "sound" else element.find("sound")
            if sound is not None and sound.get("tempo"):
                voice.tempos.append((now, float(sound.get("tempo", DEFAULT_TEMPO))))
        elif element.tag == "backup":
            now -= length
        elif element.tag == "forward":
            now += length
        elif element.tag == "note":
            at = before if element.find("chord") is not None else now
            _read_note(element, voice, at, length)
            before, now = at, max(now, at + length)
        end = max(end, now)
    return end


def _read_attributes(element: ET.Element, voice: _Voice) -> None:
    voice.divisions = int(element.findtext("divisions", str(voice.divisions)))
    if element.find("time/beats") is not None and not voice.notes:
        beats = sum(int(n) for n in element.findtext("time/beats", "4").split("+"))
        voice.metre = beats, int(element.findtext("time/beat-type", "4"))
    transposed = element.find("transpose")
    if transposed is not None:
        octaves = int(transposed.findtext("octave-change", "0"))
        voice.semitones = int(transposed.findtext("chromatic", "0")) + 12 * octaves
    fifths, mode = element.findtext("key/fifths"), element.findtext("key/mode", "major")
    if fifths is not None and not voice.key:
        step = int(fifths) + (3 if mode == "minor" else 0) + theory.LINE_OF_FIFTHS.index("C")
        name = f"{theory.LINE_OF_FIFTHS[step]} {'minor' if mode == 'minor' else 'major'}"
        voice.key = theory.transpose_key(name, voice.semitones) if voice.semitones % 12 else name


def _symbol(harmony: ET.Element, voice: _Voice) -> str:
    """The sounding chord symbol; ``N`` for one that we don't know."""
    quality = next((q for q, kind in KINDS.items() if kind == harmony.findtext("kind")), None)
    alter = int(float(harmony.findtext("root/root-alter", "0")))
    if quality is None or harmony.find("root") is None:
        return "N"
    symbol = harmony.findtext("root/root-step", "C") + ("#" * alter if alter > 0 else "b" * -alter) + quality
    return theory.transpose_symbol(symbol, voice.semitones, voice.key) if voice.semitones % 12 else symbol


def _read_note(note: ET.Element, voice: _Voice, start: Fraction, length: Fraction) -> None:
    pitch = _pitch(note, voice)
    if pitch is None:
        return
    length = length or GRACE
    ties = {tie.get("type") for tie in note.findall("tie")}
    if "stop" in ties and pitch in voice.held:
        index = voice.held.pop(pitch)
        voice.notes[index] = (voice.notes[index][0], start + length, pitch)
    else:
        index = len(voice.notes)
        voice.notes.append((start, start + length, pitch))
        _read_word(note, voice.words)
    if "start" in ties:
        voice.held[pitch] = index


def _pitch(note: ET.Element, voice: _Voice) -> int | None:
    """The sounding MIDI pitch; of drums the number that the instrument's id ends in."""
    pitch = note.find("pitch")
    if pitch is not None:
        step, alter = pitch.findtext("step", "C"), int(float(pitch.findtext("alter", "0")))
        return theory.STEPS[step] + alter + 12 * (int(pitch.findtext("octave", "4")) + 1) + voice.semitones
    instrument = note.find("instrument")
    number = "" if instrument is None else str(instrument.get("id")).rpartition("-D")[2]
    return int(number) if note.find("unpitched") is not None and number.isdigit() else None


def _read_word(note: ET.Element, words: list[str]) -> None:
    """A syllable, with the hyphen that joins it to the next one; a note without one holds the one before it."""
    lyric = note.find("lyric")
    if lyric is not None:
        words.append(lyric.findtext("text", "") + "-" * (lyric.findtext("syllabic") in ("begin", "middle")))
    elif note.find("chord") is None and note.find("grace") is None:
        words[-1:] = [words[-1][:-1] + HOLD + "-"] if words and words[-1].endswith("-") else [*words[-1:], HOLD]


def _part(
    entry: ET.Element, voice: _Voice, tempos: list[tuple[Fraction, float]], title: str, ours: dict[str, Any]
) -> Part:
    """A part in seconds, with its beats."""
    places, seconds = _clock(tempos, voice.bars[-1])

    def at(quarters: Fraction) -> float:
        return float(np.interp(float(quarters), places, seconds))

    shape = BeatGrid((0.0, 1.0), 1, voice.metre)
    count = max(2, int(voice.bars[-1] / shape.beat_quarters) + 1)
    grid = BeatGrid(tuple(at(shape.beat_quarters * i) for i in range(count)), 1, voice.metre)
    short = len(voice.bars) > 2 and voice.bars[1] < shape.bar_quarters  # a pick-up
    grid = grid.with_downbeat(at(voice.bars[1])) if short else grid
    name = entry.findtext("score-instrument/instrument-name", entry.findtext("part-name", ""))
    drums = any(key.get("id", "").rpartition("-")[2].startswith("D") for key in entry.iter("score-instrument"))
    part = Part(
        tuple(Note(at(start), at(end), pitch) for start, end, pitch in voice.notes),
        ours.get("instrument") or ("drums" if drums else _instrument(name)),
        title=title,
        key="" if drums else voice.key,
        chords=tuple(_chords(voice, at)),
        lyrics=" ".join(voice.words).rstrip(f" {HOLD}").replace("- ", "-"),
        decisions=Decisions.from_dict(ours.get("decisions", {})),
    )
    return part.with_grid(grid)


def _clock(tempos: list[tuple[Fraction, float]], last: Fraction) -> tuple[list[float], list[float]]:
    """Places in quarters and their times in seconds, between which time runs evenly."""
    marks = tempos if tempos and tempos[0][0] == 0 else [(Fraction(0), DEFAULT_TEMPO), *tempos]
    places, seconds = [0.0], [0.0]
    for (place, tempo), (following, _) in zip(marks, [*marks[1:], (last + 1, 0.0)], strict=True):
        if following > place:
            places.append(float(following))
            seconds.append(seconds[-1] + float(following - place) * 60 / tempo)
    return places, seconds


def _chords(voice: _Voice, at: Any) -> Iterator[Chord]:
    """Each symbol up to the next one."""
    for (place, symbol), (end, _) in itertools.pairwise([*voice.chords, (voice.bars[-1], "")]):
        if end > place:
            yield Chord(at(place), at(end), symbol)


def _instrument(name: str) -> str:
    """The instrument that we know by this name; a piano where there is none."""
    try:
        return find(name).name
    except TranscriptionError:
        return "piano"
