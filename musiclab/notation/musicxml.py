"""MusicXML 4.0 [1]_ of staves, with an id on every note head.

Written as text: a part of four minutes takes some hundredths of a second, so that it can be written anew while a slider
moves. Tests read it back with music21.

References
----------
.. [1] https://www.w3.org/2021/06/musicxml40/
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from xml.sax.saxutils import escape, quoteattr

from musiclab import theory
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS
from musiclab.notation.beams import value
from musiclab.notation.percussion import sign
from musiclab.notation.staves import NoteId, Staff
from musiclab.notation.symbols import Page, Voice, voice_xml
from musiclab.notes import Chord
from musiclab.tunings import string_names

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
CLEFS = {
    "treble": ("G", 2, 0), "treble8vb": ("G", 2, -1), "bass": ("F", 4, 0), "alto": ("C", 3, 0),
    "percussion": ("percussion", 0, 0), "tab": ("TAB", 5, 0),
}  # fmt: skip
KINDS = {"": "major", "m": "minor", "7": "dominant", "m7": "minor-seventh", "maj7": "major-seventh"}
BRACKET = "<group-symbol>bracket</group-symbol><group-barline>yes</group-barline></part-group>"
Harmonies = dict[int, list[tuple[Fraction, str]]]  # by bar: place in it (quarter lengths), and the XML


def document(
    parts: Sequence[Sequence[Staff]], *, title: str, grid: BeatGrid, chords: Sequence[Chord], remark: str = ""
) -> tuple[str, dict[str, NoteId]]:
    """The text of a score, and the note that each id in it stands for.

    Parameters
    ----------
    parts : sequence of sequence of Staff
        The staves of each part: two that are braced are one instrument; others stand in a bracket.
    title : str
        May be empty.
    grid : BeatGrid
        For metre and tempo, and the beats that chord symbols stand on.
    chords : sequence of Chord
        Above the first staff, at sounding pitch.
    remark : str
        Beside the tempo, such as ``Swing``.
    """
    page = Page(grid, _divisions(parts))
    listed: list[str] = []
    bodies: list[str] = []
    for part in parts:
        names = []
        for staves in [part] if part[0].braced else [[staff] for staff in part]:
            first = not bodies
            name = f"P{len(bodies) + 1}"
            names.append(_listed(name, staves[0]))
            opening = _tempo(grid, remark) if first else ""
            measures = _measures(name, staves, page, chords if first else (), opening)
            bodies.append(f'<part id="{name}">{measures}</part>')
        if len(names) > 1:
            names = [f'<part-group type="start" number="1">{BRACKET}', *names, '<part-group type="stop" number="1"/>']
        listed += names
    text = (
        f'{HEAD}<score-partwise version="4.0"><work><work-title>{escape(title or "Untitled")}</work-title></work>'
        "<identification><encoding><software>musiclab</software></encoding></identification>"
        f"<part-list>{''.join(listed)}</part-list>{''.join(bodies)}</score-partwise>\n"
    )
    return text, page.ids


def _divisions(parts: Sequence[Sequence[Staff]]) -> int:
    """Ticks of a quarter note of which every symbol has a whole number."""
    symbols = (s for part in parts for staff in part for voice in staff.voices for bar in voice for s in bar)
    return math.lcm(2, *{time.denominator for symbol in symbols for time in (symbol.start, symbol.duration)})


def _listed(name: str, staff: Staff) -> str:
    """A part's entry in the list: its name, and its sound for programs that play it."""
    if staff.instrument is DRUMS:
        keys = {f"D{k}": (sign(k).name, k) for k in sorted({note.semitone for note in staff.part.notes})}
        sounds = {
            key: f"<midi-channel>10</midi-channel><midi-unpitched>{k + 1}</midi-unpitched>"
            for key, (_, k) in keys.items()
        }
        names = {key: label for key, (label, _) in keys.items()}
    else:
        names = {"I1": staff.instrument.name}
        sounds = {"I1": f"<midi-program>{staff.instrument.program + 1}</midi-program>"}
    instruments = "".join(
        f'<score-instrument id="{name}-{key}"><instrument-name>{escape(label)}</instrument-name></score-instrument>'
        for key, label in names.items()
    )
    midi = "".join(f'<midi-instrument id="{name}-{key}">{sound}</midi-instrument>' for key, sound in sounds.items())
    return f'<score-part id="{name}"><part-name>{escape(staff.name)}</part-name>{instruments}{midi}</score-part>'


def _measures(name: str, staves: Sequence[Staff], page: Page, chords: Sequence[Chord], tempo: str) -> str:
    """All bars of a part."""
    key = _written_key(staves[0])
    harmonies = _harmonies(chords, page.grid, staves[0], key)
    count = len(staves[0].voices[0])
    skip = _pickup(staves, page.grid)
    rests = _long_rests(staves, harmonies, count)
    out = []
    for bar in range(count):
        opening = _attributes(staves, page, key) + tempo if bar == 0 else ""
        if bar in rests:
            style = f"<measure-style><multiple-rest>{rests[bar]}</multiple-rest></measure-style>"
            opening += f"<attributes>{style}</attributes>"
        number = f'number="{bar + (not _starts_late(page.grid))}"' + (' implicit="yes"' if skip and bar == 0 else "")
        music = _bar(name, staves, bar, page, key, harmonies.get(bar, []), skip if bar == 0 else Fraction(0))
        end = '<barline location="right"><bar-style>light-heavy</bar-style></barline>' if bar == count - 1 else ""
        out.append(f"<measure {number}>{opening}{music}{end}</measure>")
    return "".join(out)


def _bar(
    name: str, staves: Sequence[Staff], bar: int, page: Page, key: str,
    harmonies: Sequence[tuple[Fraction, str]], skip: Fraction,
) -> str:  # fmt: skip
    """All voices of a bar, one after the other; chord symbols go with the first."""
    out: list[str] = []
    back = f"<backup><duration>{page.ticks(page.grid.bar_quarters - skip)}</duration></backup>"
    for place, staff in enumerate(staves):
        held: dict[tuple[str, int], int] = {}
        for number, symbols in enumerate((voice[bar] for voice in staff.voices), 1):
            voice = Voice(staff, key, 4 * place + number, place + 1 if len(staves) > 1 else 0, held, name)
            kept = [symbol for symbol in symbols if symbol.start >= skip]
            out.append(voice_xml(kept, voice, () if out else harmonies, page))
    return back.join(out)


def _starts_late(grid: BeatGrid) -> bool:
    """Whether the beats begin with a pick-up, half a bar at most: that bar is number 0, in every part of the song."""
    return 2 * (grid.first - 1) >= grid.beats_per_bar > 1


def _pickup(staves: Sequence[Staff], grid: BeatGrid) -> Fraction:
    """How much of the first bar to leave out (quarter lengths): what lies before a pick-up, if it is silent."""
    skip = (grid.first - 1) * grid.beat_quarters if _starts_late(grid) else Fraction(0)
    bars = [voice[0] for staff in staves for voice in staff.voices]
    fits = all(symbol.is_rest or symbol.start >= skip for bar in bars for symbol in bar)
    sounds = any(not symbol.is_rest for bar in bars for symbol in bar)
    at_beat = all(any(symbol.start == skip for symbol in bar) for bar in bars)
    return skip if fits and sounds and at_beat else Fraction(0)


def _long_rests(staves: Sequence[Staff], harmonies: Harmonies, count: int) -> dict[int, int]:
    """Two and more empty bars in a row, by the first of them: a player counts them as one rest."""
    if len(staves) > 1:
        return {}
    runs: dict[int, int] = {}

    def is_empty(bar: int) -> bool:
        return bar not in harmonies and all(len(v[bar]) == 1 and v[bar][0].is_rest for v in staves[0].voices)

    for empty, run in itertools.groupby(range(count), key=is_empty):
        bars = list(run)
        if empty and len(bars) > 1:
            runs[bars[0]] = len(bars)
    return runs


def _attributes(staves: Sequence[Staff], page: Page, key: str) -> str:
    """Key, metre and clefs, and how the written pitch is to be read."""
    staff, (beats, unit) = staves[0], page.grid.metre
    many = len(staves) > 1
    return (
        f"<attributes><divisions>{page.divisions}</divisions>"
        + ("" if staff.instrument is DRUMS else f"<key><fifths>{theory.key_fifths(key)}</fifths></key>")
        + f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>"
        + (f"<staves>{len(staves)}</staves>" if many else "")
        + "".join(_clef(other, number if many else 0) for number, other in enumerate(staves, 1))
        + _strings(staff)
        + _transposition(staff)
        + "</attributes>"
    )


def _strings(staff: Staff) -> str:
    """The lines of a tablature, what each string is tuned to (from the lowest line up), and the capo."""
    if not staff.tuning:
        return ""
    tuned = ""
    for line, (name, octave) in enumerate(reversed(string_names(staff.tuning)), 1):
        alter = name.count("#") - name.count("b")
        altered = f"<tuning-alter>{alter}</tuning-alter>" if alter else ""
        tuned += (
            f'<staff-tuning line="{line}"><tuning-step>{name[0]}</tuning-step>{altered}'
            f"<tuning-octave>{octave}</tuning-octave></staff-tuning>"
        )
    capo = f"<capo>{staff.capo}</capo>" if staff.capo else ""
    return f"<staff-details><staff-lines>{len(staff.tuning)}</staff-lines>{tuned}{capo}</staff-details>"


def _clef(staff: Staff, number: int) -> str:
    name, line, octave = CLEFS[staff.clef]
    which = f' number="{number}"' if number else ""
    place = f"<line>{line}</line>" if line else ""
    moved = f"<clef-octave-change>{octave}</clef-octave-change>" if octave else ""
    return f"<clef{which}><sign>{name}</sign>{place}{moved}</clef>"


def _transposition(staff: Staff) -> str:
    """From the written to the sounding pitch."""
    semitones, steps = staff.written
    if not semitones or staff.instrument is DRUMS:
        return ""
    octaves = f"<octave-change>{-(semitones // 12)}</octave-change>" if semitones >= 12 else ""
    return (
        f"<transpose><diatonic>{-(steps % 7)}</diatonic><chromatic>{-(semitones % 12)}</chromatic>{octaves}</transpose>"
    )


def _written_key(staff: Staff) -> str:
    semitones, _ = staff.written
    return theory.transpose_key(staff.key, semitones) if semitones % 12 else staff.key


def _tempo(grid: BeatGrid, remark: str) -> str:
    unit = value(grid.beat_quarters)
    words = f"<direction-type><words>{escape(remark)}</words></direction-type>" if remark else ""
    mark = (
        f"<beat-unit>{unit.type}</beat-unit>{'<beat-unit-dot/>' * unit.dots}<per-minute>{grid.tempo:.0f}</per-minute>"
    )
    sound = f'<sound tempo="{float(grid.beat_quarters) * grid.tempo:.2f}"/>'
    metronome = f"<direction-type><metronome>{mark}</metronome></direction-type>"
    return f'<direction placement="above">{words}{metronome}{sound}</direction>'


def _harmonies(chords: Sequence[Chord], grid: BeatGrid, staff: Staff, key: str) -> Harmonies:
    """Chord symbols on the beat nearest to where they begin, as the player reads them; none are repeated."""
    semitones = staff.written[0] % 12
    found: dict[int, dict[Fraction, str]] = {}
    last = None
    for chord in chords:
        if chord.symbol in ("N", last):
            continue
        bar, inside = divmod(round(float(grid.beats_at([chord.onset])[0])) + grid.first - 1, grid.beats_per_bar)
        symbol = theory.transpose_symbol(chord.symbol, semitones, key) if semitones else chord.symbol
        root, quality = theory.split_symbol(symbol)
        alter = f"<root-alter>{root.count('#') - root.count('b')}</root-alter>" if root[1:] else ""
        kind = f"<kind text={quoteattr(quality)}>{KINDS[quality]}</kind>"
        # of two on one beat the later one stands: it lasts
        places = found.setdefault(max(bar, 0), {})
        places[inside * grid.beat_quarters] = f"<root><root-step>{root[0]}</root-step>{alter}</root>{kind}"
        last = chord.symbol
    return {bar: sorted(places.items()) for bar, places in found.items()}
