"""Parts as a written score: MusicXML carries it, `musiclab.transcription.engrave` draws it.

Notebook: 09
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from musiclab.codecs.files import replacing, write_whole
from musiclab.errors import ExportError, TranscriptionError
from musiclab.instruments import DRUMS, find
from musiclab.notes import Part
from musiclab.transcription import harmony, musicxml, staves
from musiclab.transcription.beats import beats_of_notes
from musiclab.transcription.grid import BeatGrid
from musiclab.transcription.quantise import quantise, swing_ratio
from musiclab.transcription.staves import NoteId, Staff

log = logging.getLogger("musiclab")
DEFAULT_TEMPO = 120.0  # beats a minute, for a part whose beats nobody has found
MUSICXML_SUFFIXES = (".musicxml", ".xml")


@dataclass(frozen=True)
class Writing:
    """How a part is to be written.

    Parameters
    ----------
    transposition : str
        For whom: ``""`` as the instrument is usually written, ``"C"`` at concert pitch, or ``"Bb"``, ``"Eb"``, ``"F"``
        for a player of a transposing instrument.
    semitones : int
        Transposed to another key by so many semitones, sounding.
    subdivisions : tuple of int
        Ticks a beat that the rhythm may use, such as (1, 2, 4); empty for all.
    swing : bool or None
        Straight eighths with the remark "Swing" for long-short pairs; None finds out.
    tab : bool
        A tablature staff under a guitar's or bass's notes.
    chords : bool
        Chord symbols above the staff.
    min_confidence : float
        Notes that are less sure are left out (0–1).
    colours : bool
        Notes that are not sure in colour: orange under 0.7, red under 0.4.

    Notes
    -----
    Notebook: 09
    """

    transposition: str = ""
    semitones: int = 0
    subdivisions: tuple[int, ...] = ()
    swing: bool | None = None
    tab: bool = False
    chords: bool = True
    min_confidence: float = 0.0
    colours: bool = False

    def __post_init__(self) -> None:
        if self.transposition not in ("", *staves.TRANSPOSITIONS):
            known = ", ".join(staves.TRANSPOSITIONS)
            raise TranscriptionError(f"Parts can be written in {known}, not in {self.transposition!r}.")


@dataclass(frozen=True)
class Score:
    """A written score: MusicXML text, and which printed note is which note of which part.

    `notes` maps the ids in the MusicXML (and in the engraved SVG) to (part index, note index in that part); a note that
    is split by a tie has an id for each of its symbols.
    """

    musicxml: str
    title: str
    notes: dict[str, tuple[int, int]] = field(repr=False)


def grid_of(part: Part) -> BeatGrid:
    """The beat grid that the part is written against.

    A part that has none is measured by its own onsets, or at an even 120 beats a minute if they are too few.
    """
    if len(part.beats) < 2:
        try:
            return beats_of_notes(part.notes, metre=part.time_signature)
        except TranscriptionError:
            log.info("%s: no beats are known, and its notes are too few to find them: 120 a minute are taken.", part)
        start = part.notes[0].onset if part.notes else 0.0
        return BeatGrid.steady(DEFAULT_TEMPO, max(part.duration - start, 4.0), start=start, metre=part.time_signature)
    grid = BeatGrid(part.beats, 1, part.time_signature)
    if not part.downbeats:
        return grid
    nearest = min(range(len(part.beats)), key=lambda i: abs(part.beats[i] - part.downbeats[0]))
    return grid.with_first((-nearest) % grid.beats_per_bar + 1)


def write(parts: Part | Sequence[Part], *, writing: Writing | None = None, title: str = "") -> Score:
    """Write one part, or several under each other, as a score.

    Parameters
    ----------
    parts : Part or sequence of Part
        Several parts share the beats and the key of the first.
    writing : Writing
        How; see there.
    title : str
        Above the music; default: the first part's.

    Returns
    -------
    Score
        Ready for `to_musicxml` files and for `engrave`.

    Raises
    ------
    TranscriptionError
        If there is no part.

    Notes
    -----
    Notebook: 09
    """
    rows = [parts] if isinstance(parts, Part) else list(parts)
    if not rows:
        raise TranscriptionError("A score needs at least one part.")
    writing = writing or Writing()
    shown = [_prepared(part, writing) for part in rows]
    key = _key(shown)
    grid = grid_of(shown[0])
    title = title or rows[0].title
    written = [_staves(part, index, grid, key, writing) for index, part in enumerate(shown)]
    chords = shown[0].chords if writing.chords else ()
    remark = "Swing" if any(_swings(part, grid, writing) for part in shown) else ""
    text, ids = musicxml.document(written, title=title, grid=grid, chords=chords, remark=remark)
    return Score(text, title, _original(ids, rows, writing))


def _prepared(part: Part, writing: Writing) -> Part:
    """The part as it will be written: unsure notes left out, transposed, its chord symbols too."""
    shown = part.above(writing.min_confidence) if writing.min_confidence > 0 else part
    if not writing.semitones or find(part.instrument) is DRUMS:
        return shown
    key = harmony.transpose_key(shown.key, writing.semitones) if shown.key else ""
    chords = tuple(
        replace(chord, symbol=harmony.transpose_symbol(chord.symbol, writing.semitones, key)) for chord in shown.chords
    )
    return replace(shown.transposed(writing.semitones), key=key, chords=chords)


def _key(parts: Sequence[Part]) -> str:
    """The first key that a part names; else the one that the pitched notes of all are in."""
    named = next((part.key for part in parts if part.key), "")
    pitched = [note for part in parts if find(part.instrument) is not DRUMS for note in part.notes]
    return named or harmony.estimate_key(pitched) or "C major"


def _staves(part: Part, index: int, grid: BeatGrid, key: str, writing: Writing) -> list[Staff]:
    """The staves of one part: two for keys, a tablature beside the notes where wanted."""
    known = find(part.instrument)
    written = quantise(
        [note.onset for note in part.notes],
        [note.offset for note in part.notes],
        grid,
        subdivisions=writing.subdivisions or None,
        monophonic=known.monophonic,
        swing=writing.swing,
    )
    return staves.layout(part, index, written, grid, key=key, writing=writing)


def _swings(part: Part, grid: BeatGrid, writing: Writing) -> bool:
    """Whether long-short pairs are written as even eighths."""
    if writing.swing is not None:
        return writing.swing
    return swing_ratio([note.onset for note in part.notes], grid) is not None


def _original(ids: dict[str, NoteId], rows: Sequence[Part], writing: Writing) -> dict[str, tuple[int, int]]:
    """Printed ids as indices into the caller's parts, whose notes may be more than those that were written."""
    kept = [[i for i, note in enumerate(part.notes) if note.confidence >= writing.min_confidence] for part in rows]
    return {name: (part, kept[part][note]) for name, (part, note) in ids.items()}


def to_musicxml(parts: Part | Sequence[Part], *, writing: Writing | None = None, title: str = "") -> str:
    """MusicXML 4 text of one part or several. See `write`."""
    return write(parts, writing=writing, title=title).musicxml


def save(parts: Part | Sequence[Part], path: str | Path, **options: Any) -> Path:
    """Write a score to a file: .musicxml, .pdf, .svg or .png; several pages of SVG or PNG get numbers.

    Parameters
    ----------
    parts : Part or sequence of Part
        What to write.
    path : str or Path
        Where; the extension says as what.
    **options
        Fields of `Writing`, and `title`.

    Returns
    -------
    Path
        The file; of several pages the first.

    Raises
    ------
    ExportError
        If the extension is none of these, an option is unknown, or the folder can't be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    title = str(options.pop("title", ""))
    try:
        writing = Writing(**options)
    except TypeError as error:
        known = ", ".join(Writing.__dataclass_fields__)
        raise ExportError(f"A score's options are title, {known}.") from error
    score = write(parts, writing=writing, title=title)
    if suffix in MUSICXML_SUFFIXES:
        return write_whole(path, score.musicxml.encode())
    from musiclab.transcription import engrave

    if suffix == ".pdf":
        return write_whole(path, engrave.pdf(score))
    if suffix in (".svg", ".png"):
        pages = [page.encode() for page in engrave.svg(score)] if suffix == ".svg" else engrave.png(score)
        names = [path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, len(pages) + 1))]
        with replacing(names) as made:
            for beside, page in zip(made, pages, strict=True):
                beside.write_bytes(page)
        return path
    raise ExportError(
        f"A score can't be saved as {suffix or 'a file without extension'}: use .musicxml, .pdf, .svg or .png."
    )
