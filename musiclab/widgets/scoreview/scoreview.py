"""`ScoreView`: the sheet music of one part, following the playback; every note can be heard and corrected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import traitlets

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.history import History
from musiclab.instruments import find
from musiclab.notation import engrave, score
from musiclab.notation.writing import Writing
from musiclab.notes import Note, Part
from musiclab.stems import Stems
from musiclab.transcription.listening import Evidence
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.correction import Correction
from musiclab.widgets.scoreview.decided import describe, read_changes, with_chords
from musiclab.widgets.scoreview.kit import KitWidget
from musiclab.widgets.scoreview.pianoroll import backdrop, pitch_range
from musiclab.widgets.scoreview.sources import chosen_stem, context_of, found_in
from musiclab.widgets.shared import front
from musiclab.widgets.shared.widget import Order

PAUSE = 1.0  # s: a slider that rests for less is still in one movement, which is undone in one step
WIDTH_MM = 190  # of the engraved page: staves of 7 mm on most screens


class ScoreView(KitWidget):
    """The engraved part, its piano roll over the stem's spectrogram, and the sound, in one.

    Notes are coloured by how sure they are. A click on a note plays it alone from the stem; it can be moved, made
    longer, deleted, and new ones added, each step undone. What is corrected here is what is saved.

    Parameters
    ----------
    part : Part or Evidence
        From `transcribe`; or from `listen`, whose thresholds can be moved without listening again.
    stems : Stems or Audio
        What it was transcribed from: to hear notes, and to show the spectrogram. A part that has no beats yet gets
        beats, key and chords from the mixture of `Stems`.
    mixer : Mixer
        To follow its playback. Without one the view plays the stem itself.
    stem : str
        Which stem the part was played by; guessed from the instrument if left out.
    **writing
        Fields of `musiclab.notation.writing.Writing`: ``tab=True``, ``transposition="Bb"``, ...

    Attributes
    ----------
    part : Part
        The part as it stands, corrections included.
    sure : float
        Notes that are less sure than this (0–1) are left out.
    instrument : str
        What "hear the notes" plays them on: one of General MIDI (``"tuba"``); empty for a simple tone.
    onset_threshold, frame_threshold : float
        How sure the beginnings and the sustain of notes have to be (0–1), as in `Evidence.part`.

    Raises
    ------
    TranscriptionError
        If `stem` names none of the stems.

    Notes
    -----
    A still page of the score stands where no JavaScript may run.

    Notebook: 09
    """

    _esm = front.esm("scoreview/scoreview.js")
    _css = front.css("scoreview/scoreview.css")

    sure = traitlets.Float(0.0, min=0, max=1).tag(sync=True)
    onset_threshold = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    frame_threshold = traitlets.Float(0.3, min=0, max=1).tag(sync=True)
    clock = traitlets.Unicode("").tag(sync=True)  # the mixer's that is followed; empty: its own

    _name = traitlets.Unicode().tag(sync=True)
    _thresholds = traitlets.Bool().tag(sync=True)  # whether there is evidence to move thresholds over
    _svg = traitlets.Unicode().tag(sync=True)
    _drawn = traitlets.Int(0).tag(sync=True)  # how often the score was drawn: sliders wait for it before they ask again
    # of each note: onset, offset, pitch, confidence, [ids in the SVG]
    _notes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _bars: traitlets.List[float] = traitlets.List().tag(sync=True)  # when printed bars begin, and the last one ends (s)
    _beats: traitlets.List[float] = traitlets.List().tag(sync=True)
    _downbeats: traitlets.List[float] = traitlets.List().tag(sync=True)
    _pitches = traitlets.Tuple().tag(sync=True)  # lowest and highest row of the roll
    _duration = traitlets.Float().tag(sync=True)
    _backdrop = traitlets.Bytes().tag(sync=True)
    _drums = traitlets.Bool().tag(sync=True)
    _decided: traitlets.Dict[str, Any] = traitlets.Dict().tag(
        sync=True
    )  # tempo, metre, key, chords, tab: as they stand
    _can_undo = traitlets.Bool(False).tag(sync=True)
    _can_redo = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        part: Part | Evidence,
        stems: Stems | Audio,
        *,
        mixer: Mixer | None = None,
        stem: str = "",
        **writing: Any,
    ) -> None:
        self.evidence = part if isinstance(part, Evidence) else None
        self._found = part.part() if isinstance(part, Evidence) else part
        if not self._found.beats and isinstance(stems, Stems):
            self._found = found_in(self._found, stems)
        self.writing = self._first_writing = Writing(**writing)
        self._song, self._mixer = stems, mixer
        self._stem = chosen_stem(stems, stem, self._found.instrument)
        self._history = History(Correction())
        self._part = self._found
        self._busy = False
        self._told: tuple[Mapping[str, Any], ...] = ()  # the decisions that the mixer knows of
        self._moving = ("", 0.0)  # the slider that moved last, and when: see `_on_threshold`
        defaults = self.evidence.defaults if self.evidence else None
        duration = max(self._stem.duration, self._found.duration)
        low, high = pitch_range(self._found)
        super().__init__(
            [self._stem],
            clock=mixer.clock if mixer else "",
            onset_threshold=defaults.onset_threshold if defaults else 0.5,
            frame_threshold=defaults.frame_threshold if defaults else 0.3,
            _name=self._found.title or find(self._found.instrument).name.capitalize(),
            _thresholds=self.evidence is not None and self.evidence.gram is not None,
            _pitches=(low, high),
            _duration=duration,
            _drums=self._found.instrument == "drums",
            _backdrop=backdrop(self._stem, low, high, drums=self._found.instrument == "drums"),
        )
        self._refresh()

    # --- the part

    @property
    def part(self) -> Part:
        """The part as it stands: what was found at these thresholds, with the corrections."""
        return self._part

    def delete(self, note: Note) -> None:
        """Take a note out."""
        now = self._history.present
        added = tuple(other for other in now.added if other != note)
        self._do(replace(now, removed=(*now.removed, note), added=added))

    def add(self, note: Note) -> None:
        """Put a note in."""
        now = self._history.present
        self._do(replace(now, added=(*now.added, note)))

    def move(
        self, note: Note, *, onset: float | None = None, offset: float | None = None, pitch: float | None = None
    ) -> None:
        """Change a note, as `Part.move` does: seconds and MIDI pitch."""
        changed = self.part.move(note, onset=onset, offset=offset, pitch=pitch)
        moved = next((new for new in changed.notes if new not in self.part.notes), None)
        if moved is None:
            return
        now = self._history.present
        added = (*(other for other in now.added if other != note), moved)
        self._do(replace(now, removed=(*now.removed, note), added=added))

    def decide(self, **changes: Any) -> None:
        """Decide what was estimated otherwise, as `Part.decide` does: tempo, metre, bar_one, key, chords, ..."""
        decided = self.part.decide(**changes)  # says what is wrong with it, before anything is changed
        if changes.get("chords") and not decided.chords and isinstance(self._song, Stems):
            self._found = replace(self._found, chords=with_chords(decided, self._song).chords)
        now = self._history.present
        self._do(replace(now, decided=(*now.decided, changes)))

    def rewrite(self, **fields: Any) -> None:
        """Write it otherwise: fields of `Writing`, such as ``tab=True``."""
        replace(self.writing, **fields)
        now = self._history.present
        self._do(replace(now, writing={**now.writing, **fields}))

    def undo(self) -> None:
        """Take back the last correction or change of thresholds."""
        self._moving = ("", 0.0)
        self._go(self._history.present, self._history.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._go(self._history.present, self._history.redo())

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the part as it stands to a file: see `Part.save`. Options default to how it is shown here."""
        shown = {} if str(path).lower().endswith((".json", ".mid", ".midi")) else vars(self.writing)
        return self.part.save(path, **{**shown, **options})

    def _do(self, correction: Correction) -> None:
        self._moving = ("", 0.0)
        self._go(self._history.present, self._history.do(correction))

    def _go(self, before: Correction, now: Correction) -> None:
        if self.evidence is not None and dict(before.settings) != dict(now.settings):
            found = self.evidence.part(**dict[str, Any](now.settings))
            self._found = replace(found, **context_of(self._found))
            self._busy = True
            for name in ("onset_threshold", "frame_threshold"):
                setattr(self, name, now.settings.get(name, getattr(self.evidence.defaults, name)))
            self._busy = False
        self._refresh()

    @traitlets.observe("onset_threshold", "frame_threshold")
    def _on_threshold(self, change: Any) -> None:
        if self._busy or self.evidence is None or not self._thresholds:
            return
        before = self._history.present
        now = replace(before, settings={**before.settings, change["name"]: change["new"]})
        moving = (change["name"], time.monotonic())
        same_movement = moving[0] == self._moving[0] and moving[1] - self._moving[1] < PAUSE
        self._moving = moving
        self._go(before, self._history.amend(now) if same_movement else self._history.do(now))

    @traitlets.observe("sure")
    def _on_sure(self, _change: object) -> None:
        if self._svg:
            self._refresh()

    def _refresh(self) -> None:
        """Derive the part as it now stands, engrave it, and send the page its notes."""
        now = self._history.present
        part = self._part = now.applied(self._found).above(self.sure)
        self.writing = replace(self._first_writing, **now.writing)
        self._written = score.write(part, writing=self.writing)
        ids: dict[int, list[str]] = {}
        for name, (_, index) in self._written.notes.items():
            ids.setdefault(index, []).append(name)
        page = engrave.svg(self._written, width_mm=WIDTH_MM, page=False)[0]
        with self.hold_sync():
            self._bars = list(self._written.bars)
            self._beats, self._downbeats = list(part.beats), list(part.downbeats)
            self._decided = describe(part, self.writing)
            self._svg = page
            self._notes = [
                [round(n.onset, 4), round(n.offset, 4), n.pitch, round(n.confidence, 3), ids.get(i, [])]
                for i, n in enumerate(part.notes)
            ]
            self._drawn += 1
            self._can_undo, self._can_redo = self._history.can_undo, self._history.can_redo
        if self._mixer is not None and now.decided != self._told:
            self._told = now.decided
            self._mixer.chart = part  # the bars over its waves are those of the page

    # --- messages from the page

    def _orders(self) -> Mapping[str, Order]:
        return {
            **super()._orders(),
            "delete": lambda c: self.delete(self._at(c)),
            "add": lambda c: self.add(Note(c["onset"], c["offset"], c["pitch"], 80, 1.0)),
            "move": lambda c: self.move(self._at(c), onset=c["onset"], offset=c["offset"], pitch=c["pitch"]),
            "decide": lambda c: self.decide(**read_changes(c["changes"])),
            "rewrite": lambda c: self.rewrite(**c["fields"]),
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "export": self._export,
        }

    def _at(self, content: dict[str, Any]) -> Note:
        notes, index = self.part.notes, int(content["index"])
        if not 0 <= index < len(notes):
            raise TranscriptionError("This note is no longer there: the score has changed meanwhile.")
        return notes[index]

    def _export(self, content: dict[str, Any]) -> None:
        """The part as a file, for the browser to save."""
        import tempfile

        suffix = content["format"]
        with tempfile.TemporaryDirectory(prefix="musiclab-") as folder:
            path = self.save(Path(folder) / f"part.{suffix}")
            data = path.read_bytes()
        self.send({"file": f"{self._name}.{suffix}"}, [data])

    # --- how it shows itself without JavaScript

    def _still(self) -> bytes:
        return engrave.png(self._written, ppi=96, page=False)[0]
