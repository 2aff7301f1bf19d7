"""The notes of a part on an instrument of General MIDI, each by itself: what "hear the notes" plays them with.

Each pitch of the part is played once, one after the other; the page cuts its notes out of that, so that they keep to
the speed and the key of the music.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from musiclab import codecs, synth
from musiclab.notes import Note, Part
from musiclab.soundfont import find_program, instrument_names
from musiclab.widgets.shared.sounding import SoundingWidget

SPACING = 3.0  # s from one pitch to the next
HELD = 2.4  # s: the longest note; what rings on goes into the rest
SR = 22_050  # Hz
VELOCITY = 100


def kit_pitches(part: Part) -> list[int]:
    """The pitches of a part (MIDI), each once, from the lowest on."""
    return sorted({note.semitone for note in part.notes})


def kit_sound(part: Part, pitches: Sequence[int], *, instrument: str, format: str) -> bytes:
    """Those pitches on `instrument`, `SPACING` seconds apart, as the bytes of a file; none for no pitches.

    Raises
    ------
    TranscriptionError
        If there is no such instrument: see `musiclab.soundfont.find_program`.
    """
    notes = tuple(Note(i * SPACING, i * SPACING + HELD, pitch, VELOCITY) for i, pitch in enumerate(pitches))
    sound = synth.play_general_midi(Part(notes, part.instrument), instrument=instrument, sr=SR)
    return codecs.encode(sound, format=format) if notes else b""


class KitWidget(SoundingWidget):
    """A widget of a part whose notes can be heard on any instrument of General MIDI.

    Attributes
    ----------
    instrument : str
        Such as ``"tuba"``; empty for a simple tone.
    """

    instrument = traitlets.Unicode("").tag(sync=True)

    _instruments: traitlets.List[str] = traitlets.List(list(instrument_names())).tag(sync=True)
    _kit = traitlets.Bytes().tag(sync=True)  # the part's pitches on `instrument`, one after the other
    _kit_pitches: traitlets.List[int] = traitlets.List().tag(sync=True)
    _kit_spacing = traitlets.Float(SPACING).tag(sync=True)

    @property
    def part(self) -> Part:
        """The part as it stands."""
        raise NotImplementedError

    @traitlets.validate("instrument")
    def _check_instrument(self, proposal: dict[str, Any]) -> str:
        value = proposal["value"]
        return str(self._instruments[find_program(value)]) if value else ""

    @traitlets.observe("instrument")
    def _play_on(self, change: Any) -> None:
        format = "flac" if self._format == "mp3" else "ogg"  # a browser that asks for MP3 knows no Ogg
        pitches = kit_pitches(self.part) if change["new"] else []
        sound = kit_sound(self.part, pitches, instrument=change["new"], format=format) if pitches else b""
        with self.hold_sync():
            self._kit_pitches, self._kit = pitches, sound
