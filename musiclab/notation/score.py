"""Parts as a written score: MusicXML carries it, `musiclab.notation.engrave` draws it.

Notebook: 09
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from musiclab import theory
from musiclab.codecs.files import replacing, write_whole
from musiclab.errors import ExportError, TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, find
from musiclab.notation import musicxml, staves
from musiclab.notation.quantise import quantise, swing_ratio
from musiclab.notation.staves import NoteId, Staff
from musiclab.notation.writing import Score, Writing
from musiclab.notes import Part
from musiclab.transcription.beats import beats_of_notes
from musiclab.transcription.harmony import estimate_key

log = logging.getLogger("musiclab")
DEFAULT_TEMPO = 120.0  # beats a minute, for a part whose beats nobody has found
MUSICXML_SUFFIXES = (".musicxml", ".xml")


def grid_of(part: Part) -> BeatGrid:
    """The beat grid that the part is written against.

    A part that has none is measured by its own onsets, or at an even 120 beats a minute if they are too few.
    """
    if part.grid is not None:
        return part.grid
    start = part.notes[0].onset if part.notes else 0.0
    try:
        found = beats_of_notes(part.notes, metre=part.time_signature)
    except TranscriptionError:
        log.info("%s: no beats are known, and its notes are too few to find them: 120 a minute are taken.", part)
        length = max(part.duration - start, 4.0)
        found = BeatGrid.steady(DEFAULT_TEMPO, length, start=start, metre=part.time_signature)
    return part.decisions.grid(found)


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
    chords = shown[0].chords if writing.chords and rows[0].decisions.chords is not False else ()
    remark = "Swing" if any(_swings(part, grid, writing) for part in shown) else ""
    text, ids = musicxml.document(written, title=title, grid=grid, chords=chords, remark=remark)
    return Score(text, title, _original(ids, rows, writing))


def _prepared(part: Part, writing: Writing) -> Part:
    """The part as it will be written: unsure notes left out, transposed, its chord symbols too."""
    shown = part.above(writing.min_confidence) if writing.min_confidence > 0 else part
    if not writing.semitones or find(part.instrument) is DRUMS:
        return shown
    key = theory.transpose_key(shown.key, writing.semitones) if shown.key else ""
    chords = tuple(
        replace(chord, symbol=theory.transpose_symbol(chord.symbol, writing.semitones, key)) for chord in shown.chords
    )
    return replace(shown.transposed(writing.semitones), key=key, chords=chords)


def _key(parts: Sequence[Part]) -> str:
    """The first key that a part names; else the one that the pitched notes of all are in."""
    named = next((part.key for part in parts if part.key), "")
    pitched = [note for part in parts if find(part.instrument) is not DRUMS for note in part.notes]
    return named or estimate_key(pitched) or "C major"


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
    from musiclab.notation import engrave

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
