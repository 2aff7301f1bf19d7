"""Parts as a written score: MusicXML carries it, `musiclab.notation.engrave` draws it.

Notebook: 09
"""

from __future__ import annotations

import logging
import re
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
from musiclab.notation.musicxml import Mark
from musiclab.notation.quantise import Written, quantise, swing_ratio
from musiclab.notation.staves import NoteId, bar_count
from musiclab.notation.writing import Score, Writing
from musiclab.notes import Chord, Part
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


def write(
    parts: Part | Sequence[Part], *, writing: Writing | None = None, title: str = "", marks: Sequence[Mark] = ()
) -> Score:
    """Write one part, or several under each other, as a score.

    Parameters
    ----------
    parts : Part or sequence of Part
        Several parts share the beats of the first; the key is the first that one names, the chord symbols above the
        first staff are those of the first part that has some.
    writing : Writing
        How; see there.
    title : str
        Above the music; default: the first part's.
    marks : sequence of (float, str)
        Times in seconds and what stands at the bar there, such as the letters of the form.

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
    grid, quantised = _quantised(shown, grid_of(shown[0]), writing)
    count = max(bar_count(written, grid) for written in quantised)
    laid_out = [
        staves.layout(part, index, written, grid, key=key, writing=writing, count=count)
        for index, (part, written) in enumerate(zip(shown, quantised, strict=True))
    ]
    title = " ".join((title or rows[0].title).split())
    text, ids = musicxml.document(
        laid_out,
        title=title,
        grid=grid,
        chords=_chords(shown) if writing.chords else (),
        remark="Swing" if _swings(shown, grid, writing) else "",
        marks=marks,
    )
    return Score(text, title, _original(ids, rows, writing), _bar_times(text, grid, count))


def _bar_times(musicxml: str, grid: BeatGrid, count: int) -> tuple[float, ...]:
    """When the printed bars begin, in seconds, and when the last one ends: see `Score`."""
    first = (1 - grid.first) if not grid.has_pickup else 0
    places = [max((1 - grid.first) + bar * grid.beats_per_bar, first) for bar in range(count + 1)]
    times = grid.seconds_at(places).clip(0)
    printed, together = [], 0
    for bar, text in enumerate(musicxml.partition("</part>")[0].split("<measure ")[1:]):
        if together == 0:
            printed.append(float(times[bar]))
            rests = re.search(r"<multiple-rest>(\d+)<", text)
            together = int(rests[1]) if rests else 1
        together -= 1
    return (*printed, float(times[-1]))


def _chords(parts: Sequence[Part]) -> tuple[Chord, ...]:
    """The chord symbols of the first part that has some and for which nobody has turned them off."""
    return next((part.chords for part in parts if part.chords and part.decisions.chords is not False), ())


def _quantised(parts: Sequence[Part], grid: BeatGrid, writing: Writing) -> tuple[BeatGrid, list[list[Written]]]:
    """The written notes of each part, against one grid that begins before all of them."""
    swing = _swings(parts, grid, writing)

    def against(grid: BeatGrid) -> list[list[Written]]:
        return [
            quantise(
                [note.onset for note in part.notes],
                [note.offset for note in part.notes],
                grid,
                subdivisions=writing.subdivisions or None,
                monophonic=find(part.instrument).monophonic,
                swing=swing,
            )
            for part in parts
        ]

    written = against(grid)
    before = max(_bars_before(part, row, grid) for part, row in zip(parts, written, strict=True))
    if not before:
        return grid, written
    grid = grid.with_bars_before(before)
    return grid, against(grid)


def _bars_before(part: Part, written: Sequence[Written], grid: BeatGrid) -> int:
    """How many bars were put before the grid's first, for notes that begin before it."""
    if not written:
        return 0
    one = written[0]
    beats = float(one.onset / grid.beat_quarters) - float(grid.beats_at([part.notes[one.index].onset])[0])
    return round((beats - (grid.first - 1)) / grid.beats_per_bar)


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


def _swings(parts: Sequence[Part], grid: BeatGrid, writing: Writing) -> bool:
    """Whether long-short pairs are written as even eighths: in all parts of a song, or in none."""
    if writing.swing is not None:
        return writing.swing
    return any(swing_ratio([note.onset for note in part.notes], grid) is not None for part in parts)


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
    title = str(options.pop("title", ""))
    return save_score(write(parts, writing=writing_of(options), title=title), path)


def writing_of(options: dict[str, Any]) -> Writing:
    """The options of a page as `Writing`; `ExportError` for one that there is not, naming those that there are."""
    unknown = [name for name in options if name not in Writing.__dataclass_fields__]
    if unknown:
        names = ", ".join(Writing.__dataclass_fields__)
        raise ExportError(f"A score has no option {unknown[0]!r}: it has title, {names}.")
    return Writing(**options)


def save_score(score: Score, path: str | Path) -> Path:
    """Write a score that is there already to a file, as `save` does."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in MUSICXML_SUFFIXES:
        return write_whole(path, score.musicxml.encode())
    from musiclab.notation import engrave

    if suffix == ".pdf":
        return write_whole(path, engrave.pdf(score))
    if suffix in (".svg", ".png"):
        pages = [page.encode() for page in engrave.svg(score)] if suffix == ".svg" else engrave.png(score)
        names = [path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, len(pages) + 1))]
        with replacing(names) as temporary:
            for beside, page in zip(temporary, pages, strict=True):
                beside.write_bytes(page)
        return path
    raise ExportError(
        f"A score can't be saved as {suffix or 'a file without extension'}: use .musicxml, .pdf, .svg or .png."
    )
