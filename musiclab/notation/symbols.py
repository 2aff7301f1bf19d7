"""Notes, chords, drum strokes and rests as MusicXML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from xml.sax.saxutils import escape

from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS
from musiclab.notation.bars import Symbol
from musiclab.notation.beams import Appearance, looks
from musiclab.notation.percussion import sign
from musiclab.notation.spelling import signature
from musiclab.notation.staves import NoteId, Pitch, Staff
from musiclab.notes import Note

ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
UNSURE = ((0.4, "#C62828"), (0.7, "#E07B00"))  # confidence below which a note head takes the colour
OUT_OF_REACH = (  # over a rest of a tablature, where the neck or the hand has no place for the note
    '<direction placement="above"><direction-type><words font-size="7">n/a</words></direction-type>{staff}</direction>'
)
STILL_HELD = '<notehead parentheses="yes">normal</notehead>'  # around a fret that is not struck again
TRIPLET = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
STEPS = "CDEFGAB"
HIGH_REST = "<display-step>E</display-step><display-octave>5</display-octave>"
NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(text: str) -> str:
    """A text for XML: without the characters that it can't hold."""
    return escape(NOT_XML.sub("", text))


@dataclass
class Page:
    """What is the same in the whole score, and the ids given to note heads so far."""

    grid: BeatGrid
    divisions: int  # of a quarter note
    ids: dict[str, NoteId] = field(default_factory=dict)
    skip: Fraction = Fraction(0)  # what is left out of the first bar
    rests_together: bool = True  # whether empty bars are counted as one rest

    def ticks(self, quarters: Fraction) -> int:
        """A duration as MusicXML counts it."""
        return int(quarters * self.divisions)


@dataclass
class Voice:
    """One voice of a staff in one bar."""

    staff: Staff
    key: str  # as written
    number: int  # in its part
    staff_number: int  # 0 where the part has only one
    held: dict[tuple[str, int], int]  # alterations by step and octave, of all voices of the staff in this bar
    part: str  # id of the part in the XML

    @property
    def stem(self) -> str:
        """Two voices point away from each other; in a tablature the rhythm is left to the notes above, if there are."""
        if self.quiet:
            return "<stem>none</stem>"
        first = self.number % 4 == 1
        return f"<stem>{'up' if first else 'down'}</stem>" if len(self.staff.voices) > 1 else ""

    @property
    def hides_rests(self) -> bool:
        """Rests of a second voice say nothing that the first does not."""
        return self.number % 4 != 1 or self.quiet

    @property
    def quiet(self) -> bool:
        """Whether the rhythm is read elsewhere: in the notes above a tablature."""
        return self.staff.clef == "tab" and not self.staff.alone


def voice_xml(symbols: Sequence[Symbol], voice: Voice, harmonies: Sequence[tuple[Fraction, str]], page: Page) -> str:
    """A bar of one voice; `harmonies` are chord symbols by their place in it (quarter lengths)."""
    out: list[str] = []
    for symbol, look in zip(symbols, looks(symbols, page.grid), strict=True):
        for place, text in harmonies:
            if symbol.start <= place < symbol.start + symbol.duration:
                late = page.ticks(place - symbol.start)
                out.append(f"<harmony>{text}{f'<offset>{late}</offset>' if late else ''}</harmony>")
        out += [_rest(symbol, look, voice, page)] if symbol.is_rest else _sounding(symbol, look, voice, page)
    return "".join(out)


def _sounding(symbol: Symbol, look: Appearance, voice: Voice, page: Page) -> Iterator[str]:
    """A note or chord; in a tablature what the hand can play of it, or a rest that says that it can't."""
    if voice.staff.clef != "tab":
        return _notes(symbol, look, voice, page)
    playable = tuple(index for index in symbol.notes if index in voice.staff.fingerings)
    if playable:
        return _notes(replace(symbol, notes=playable), look, voice, page)
    mark = "" if symbol.tied_from else OUT_OF_REACH.format(staff=_staff(voice))
    return iter([mark + _rest(replace(symbol, notes=()), look, voice, page, shown=True)])


def _rest(symbol: Symbol, look: Appearance, voice: Voice, page: Page, *, shown: bool = False) -> str:
    whole = symbol.duration == page.grid.bar_quarters
    hidden = ' print-object="no"' if voice.hides_rests and not shown else ""
    # Rests of the hands stand clear of what the feet play.
    high = "" if voice.staff.instrument is not DRUMS or voice.hides_rests or len(voice.staff.voices) < 2 else HIGH_REST
    kind = f'<rest measure="yes">{high}</rest>' if whole else f"<rest>{high}</rest>"
    shape = "" if whole else _shape(look)
    marks = _notations(look, quiet=voice.quiet)
    return f"<note{hidden}>{kind}{_times(symbol, voice, page)}{shape}{_staff(voice)}{marks}</note>"


def _notes(symbol: Symbol, look: Appearance, voice: Voice, page: Page) -> Iterator[str]:
    """The heads of a note or chord, from the lowest up."""
    ties = [kind for kind, so in (("stop", symbol.tied_from), ("start", symbol.tied_to)) if so]
    tied = "".join(f'<tie type="{kind}"/>' for kind in ties)
    beams = "".join(f'<beam number="{n}">{kind}</beam>' for n, kind in enumerate(look.beams, 1))
    drums, tab = voice.staff.instrument is DRUMS, voice.staff.clef == "tab"
    held = STILL_HELD if tab and symbol.tied_from else ""
    heads = _drum_heads(symbol, voice) if drums else _pitched_heads(symbol, voice)
    if voice.staff.instrument.monophonic and len(heads) > 1:
        main = max(heads, key=lambda index: voice.staff.part.notes[index].duration)
        if not symbol.tied_from:
            yield from (_grace(index, voice, page) for index in sorted(heads) if index != main)
        heads = [main]
    for k, index in enumerate(heads):
        note = voice.staff.part.notes[index]
        pitch = None if drums else voice.staff.names[index]
        times = _times(symbol, voice, page, tied + (_drum_sound(note, voice) if drums else ""))
        shape = _shape(look, "" if pitch is None or tab else _accidental(pitch, voice, tied=symbol.tied_from))
        fingering = voice.staff.fingerings.get(index) if tab else None
        marks = _notations(None if k else look, ties, fingering, quiet=voice.quiet)
        sung = "" if k or symbol.tied_from else _lyric(symbol, voice)
        yield (
            f"<note{_identity(index, voice.staff, page)}>{'<chord/>' if k else ''}"
            f"{_drum_place(note) if pitch is None else _pitch(pitch)}{times}{shape}{voice.stem}{held}"
            f"{_drum_head(note) if drums else ''}{_staff(voice)}{'' if k or voice.quiet else beams}{marks}{sung}</note>"
        )


def _grace(index: int, voice: Voice, page: Page) -> str:
    """Of two notes at once in a line of single notes, the shorter one."""
    pitch = voice.staff.names[index]
    tab = voice.staff.clef == "tab"
    accidental = "" if tab else _accidental(pitch, voice, tied=False)
    marks = _notations(None, (), voice.staff.fingerings.get(index) if tab else None)
    return (
        f'<note{_identity(index, voice.staff, page)}><grace slash="yes"/>{_pitch(pitch)}<voice>{voice.number}</voice>'
        f"<type>eighth</type>{accidental}{voice.stem if tab else ''}{_staff(voice)}{marks}</note>"
    )


def _times(symbol: Symbol, voice: Voice, page: Page, between: str = "") -> str:
    return f"<duration>{page.ticks(symbol.duration)}</duration>{between}<voice>{voice.number}</voice>"


def _shape(look: Appearance, accidental: str = "") -> str:
    return f"<type>{look.type}</type>{'<dot/>' * look.dots}{accidental}{TRIPLET if look.triplet else ''}"


def _staff(voice: Voice) -> str:
    return f"<staff>{voice.staff_number}</staff>" if voice.staff_number else ""


def _notations(
    look: Appearance | None,
    ties: Sequence[str] = (),
    fingering: tuple[int, int] | None = None,
    *,
    quiet: bool = False,
) -> str:
    """Ties, the ends of a tuplet, and string and fret; a `quiet` tuplet counts without being drawn."""
    marks = "".join(f'<tied type="{kind}"/>' for kind in ties)
    if look and look.bracket:
        shown = ""
        if look.bracket == "start":
            shown = f' bracket="{"yes" if look.bracketed and not quiet else "no"}"'
            shown += ' show-number="none"' if quiet else ""
        marks += f'<tuplet type="{look.bracket}" number="1"{shown}/>'
    if fingering:
        marks += f"<technical><string>{fingering[0]}</string><fret>{fingering[1]}</fret></technical>"
    return f"<notations>{marks}</notations>" if marks else ""


def _lyric(symbol: Symbol, voice: Voice) -> str:
    """The syllable under a note."""
    syllable = next((voice.staff.lyrics[index] for index in symbol.notes if index in voice.staff.lyrics), None)
    if syllable is None:
        return ""
    held = "<extend/>" if syllable.held else ""
    return f"<lyric><syllabic>{syllable.syllabic}</syllabic><text>{escaped(syllable.text)}</text>{held}</lyric>"


def _identity(index: int, staff: Staff, page: Page) -> str:
    """The head's id, remembered with the note that it stands for, and its colour if it is unsure."""
    name = f"n{staff.index}-{index}-{len(page.ids)}"
    page.ids[name] = (staff.index, index)
    confidence = staff.part.notes[index].confidence
    colour = next((colour for below, colour in UNSURE if confidence < below), "") if staff.colours else ""
    return f' id="{name}"' + (f' color="{colour}"' if colour else "")


# --- pitches


def _pitched_heads(symbol: Symbol, voice: Voice) -> list[int]:
    """Indices of the notes, from the lowest up; one head for each pitch."""
    notes = voice.staff.part.notes
    by_pitch = {notes[index].semitone: index for index in reversed(symbol.notes)}
    return [by_pitch[pitch] for pitch in sorted(by_pitch)]


def _pitch(pitch: Pitch) -> str:
    step, alter, octave = pitch
    altered = f"<alter>{alter}</alter>" if alter else ""
    return f"<pitch><step>{step}</step>{altered}<octave>{octave}</octave></pitch>"


def _accidental(pitch: Pitch, voice: Voice, *, tied: bool) -> str:
    """What a reader needs against the key and what came before in the bar; a tie needs nothing."""
    step, alter, octave = pitch
    if tied:
        return ""
    due = voice.held.get((step, octave), signature(voice.key).get(step, 0))
    voice.held[step, octave] = alter
    return f"<accidental>{ACCIDENTALS[alter]}</accidental>" if alter != due else ""


# --- drums


def _drum_heads(symbol: Symbol, voice: Voice) -> list[int]:
    """Indices of the strokes, from the lowest place up; one head for each sign."""
    notes = voice.staff.part.notes
    signs = {sign(notes[index].semitone): index for index in symbol.notes}
    return [signs[drum] for drum in sorted(signs, key=lambda drum: (drum.place[1], STEPS.index(drum.place[0])))]


def _drum_place(note: Note) -> str:
    place = sign(note.semitone).place
    step, octave = place[0], place[1]
    return f"<unpitched><display-step>{step}</display-step><display-octave>{octave}</display-octave></unpitched>"


def _drum_head(note: Note) -> str:
    head = sign(note.semitone).head
    return "" if head == "normal" else f"<notehead>{head}</notehead>"


def _drum_sound(note: Note, voice: Voice) -> str:
    return f'<instrument id="{voice.part}-D{note.semitone}"/>'
