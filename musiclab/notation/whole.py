"""A whole song on paper: several parts under each other with each part for its player, and the lead sheet.

Notebook: 09
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from musiclab.codecs.files import safe_name
from musiclab.errors import TranscriptionError
from musiclab.instruments import DRUMS, find
from musiclab.midi import write_midi
from musiclab.notation import engrave
from musiclab.notation.score import save_score, write, writing_of
from musiclab.notation.writing import Score, Writing
from musiclab.notes import Chord, Part
from musiclab.transcription.form import Section

# From the top of a page down, as scores of songs have them.
FAMILIES = ("winds", "brass", "voice", "strings", "guitar", "keys", "bass", "drums")
FORMATS = ("pdf", "musicxml")


@dataclass(frozen=True, repr=False)
class SongScore:
    """The full score of a song, and each part by itself: see `score`.

    Attributes
    ----------
    parts : tuple of Part
        From the top of the page down.
    title : str
        Above the music.
    writing : Writing
        How it is written.
    """

    parts: tuple[Part, ...]
    title: str
    writing: Writing

    @property
    def full(self) -> Score:
        """All parts under each other."""
        return write(self.parts, writing=self.writing, title=self.title)

    def part(self, index: int) -> Score:
        """One part for its player, with the chord symbols of the song."""
        chords = next((part.chords for part in self.parts if part.chords), ())
        part = self.parts[index]
        has_own = part.chords or find(part.instrument) is DRUMS
        return write(part if has_own else replace(part, chords=chords), writing=self.writing, title=self.title)

    def names(self) -> list[str]:
        """What the file of each part is called: its instrument, with a number where there are several of it."""
        names: list[str] = []
        for part in self.parts:
            count = 1 + sum(earlier.instrument == part.instrument for earlier in self.parts[: len(names)])
            names.append(part.instrument + (f" {count}" if count > 1 else ""))
        return names

    def save(self, folder: str | Path, *, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Write the score and its parts: ``TITLE.pdf``, ``TITLE - bass.pdf``, ...

        Parameters
        ----------
        folder : str or Path
            Is made if it is not there.
        formats : sequence of str
            Any of pdf, musicxml, svg, png, and mid for all parts in one file.

        Raises
        ------
        ExportError
            If a format is none of these, or the folder can't be written to.
        """
        folder, title = Path(folder), safe_name(self.title or "Score")
        scores = {title: self.full}
        scores |= {f"{title} - {name}": self.part(i) for i, name in enumerate(self.names())}
        files: list[Path] = []
        for kind in formats:
            if kind == "mid":
                files.append(write_midi(self.parts, folder / f"{title}.mid"))
            else:
                files += [save_score(one, folder / f"{name}.{kind}") for name, one in scores.items()]
        return files

    def _repr_png_(self) -> bytes:
        """The first page."""
        return engrave.png(self.full, ppi=96)[0]

    def __repr__(self) -> str:
        return f"<SongScore {self.title!r}: {', '.join(self.names())}>"


def score(parts: Sequence[Part], *, title: str = "", **options: Any) -> SongScore:
    """The parts of one song as a full score, with each part for its player.

    Parameters
    ----------
    parts : sequence of Part
        Transcribed in the same song, so that they share its beats: those of the first that has some hold for all.
    title : str
        Above the music; the first part's if left out.
    **options
        Fields of `musiclab.notation.writing.Writing`, such as ``tab=True``.

    Returns
    -------
    SongScore
        ``.save(folder)`` writes it; the first page is shown in a notebook.

    Raises
    ------
    TranscriptionError
        If there is no part.
    ExportError
        If an option is unknown.

    Notebook: 09
    """
    rows = sorted(parts, key=lambda part: FAMILIES.index(find(part.instrument).family))
    if not rows:
        raise TranscriptionError("A score needs at least one part.")
    grid = next((part.grid for part in rows if part.grid is not None), None)
    if grid is not None:
        rows = [part.with_grid(grid) for part in rows]
    title = title or next((part.title for part in rows if part.title), "")
    return SongScore(tuple(rows), title, writing_of(options))


def lead_sheet(
    tune: Part,
    *,
    chords: Sequence[Chord] = (),
    form: Sequence[Section] = (),
    lyrics: str = "",
    title: str = "",
    **options: Any,
) -> Score:
    """Tune, chord symbols, words and form on one staff: what a band needs to play a song.

    Parameters
    ----------
    tune : Part
        The voice, or whatever leads.
    chords : sequence of Chord
        Above the staff; the part's own if left out.
    form : sequence of Section
        From `musiclab.transcription.form.sections`: their letters stand in boxes.
    lyrics : str
        Under the notes, as in `Part.lyrics`; the part's own if left out.
    title : str
        Above the music; the part's if left out.
    **options
        Fields of `musiclab.notation.writing.Writing`.

    Returns
    -------
    Score
        For `musiclab.notation.score.save_score` and `musiclab.notation.engrave`.

    Raises
    ------
    ExportError
        If an option is unknown.

    Notebook: 09
    """
    sheet = replace(tune, chords=tuple(chords) or tune.chords, lyrics=lyrics or tune.lyrics)
    # in a last bar alone a chord rings: nobody plays from a letter there
    lettered = form[:-1] if len(form) > 1 and form[-1].bars == 1 else form
    marks = [(section.start, section.label) for section in lettered]
    return write(sheet.decide(chords=True), writing=writing_of(options), title=title, marks=marks)
