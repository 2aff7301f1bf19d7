"""What stands at the beginning of a staff: key, metre, clef, strings, transposition, tempo.

Notebook: 09
"""

from __future__ import annotations

from collections.abc import Sequence

from musiclab import theory
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS
from musiclab.notation.beams import value
from musiclab.notation.staves import Staff
from musiclab.notation.symbols import Page, escaped
from musiclab.tunings import FRETTED, parse_tuning, string_names

CLEFS = {
    "treble": ("G", 2, 0), "treble8vb": ("G", 2, -1), "bass": ("F", 4, 0), "alto": ("C", 3, 0),
    "percussion": ("percussion", 0, 0), "tab": ("TAB", 5, 0),
}  # fmt: skip
SHORT_NAMES = {
    "voice": "Voc.", "bass": "Bass", "guitar": "Gtr.", "piano": "Pno.", "electric piano": "E.Pno.", "organ": "Org.",
    "synth": "Syn.", "strings": "Str.", "violin": "Vln.", "viola": "Vla.", "cello": "Vc.", "flute": "Fl.",
    "oboe": "Ob.", "clarinet": "Cl.", "bassoon": "Bsn.", "saxophone": "Sax.", "soprano saxophone": "S.Sax.",
    "alto saxophone": "A.Sax.", "tenor saxophone": "T.Sax.", "baritone saxophone": "B.Sax.", "trumpet": "Tpt.",
    "horn": "Hn.", "trombone": "Tbn.", "tuba": "Tba.", "drums": "Dr.",
}  # fmt: skip
KINDS = {"": "major", "m": "minor", "7": "dominant", "m7": "minor-seventh", "maj7": "major-seventh"}


def attributes(staves: Sequence[Staff], page: Page, key: str) -> str:
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


def strung(staff: Staff) -> str:
    """Under a tablature: how the instrument is to be tuned, if not as usual, and where the capo sits."""
    if not staff.tuning:
        return ""
    usual = staff.tuning in (parse_tuning("standard", instrument=name) for name in FRETTED)
    names = " ".join(name for name, _ in reversed(string_names(staff.tuning)))
    words = ", ".join(filter(None, ("" if usual else f"Tuning {names}", f"Capo {staff.capo}" if staff.capo else "")))
    if not words:
        return ""
    shown = f'<words font-size="9" font-style="normal">{escaped(words)}</words>'
    return f'<direction placement="below"><direction-type>{shown}</direction-type></direction>'


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


def written_key(staff: Staff) -> str:
    """The key that the player of a staff reads."""
    semitones, _ = staff.written
    return theory.transpose_key(staff.key, semitones) if semitones % 12 else staff.key


def tempo_mark(grid: BeatGrid, remark: str) -> str:
    """The metronome mark, with a remark before it."""
    unit = value(grid.beat_quarters)
    words = f"<direction-type><words>{escaped(remark)}</words></direction-type>" if remark else ""
    mark = (
        f"<beat-unit>{unit.type}</beat-unit>{'<beat-unit-dot/>' * unit.dots}<per-minute>{grid.tempo:.0f}</per-minute>"
    )
    sound = f'<sound tempo="{float(grid.beat_quarters) * grid.tempo:.2f}"/>'
    metronome = f"<direction-type><metronome>{mark}</metronome></direction-type>"
    return f'<direction placement="above">{words}{metronome}{sound}</direction>'
