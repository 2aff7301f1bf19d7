"""`page`: a hand-out, one HTML file with the desk, the score and a teacher's words, that plays without a network.

It opens from a memory stick: the widgets' own front-ends are in it, with the sound and the engraved pages, and nothing
is fetched. What a pupil sets, ticks off and writes down stays in that browser.

Notebook: 13
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from musiclab import instruments
from musiclab.audio import Audio
from musiclab.codecs.files import delivered, safe_name
from musiclab.errors import ExportError
from musiclab.handout import licences, prose
from musiclab.handout.document import document
from musiclab.handout.stand_ins import QUALITY, Desk, Sheet, packed, settings_of, state_of
from musiclab.handout.written import part_data
from musiclab.notation.writing import Writing
from musiclab.notes import Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.recipes.remembered import chart_of, part_of
from musiclab.recipes.result import Result, SavedFiles
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.separation.engine import Engine
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.widgets.mixer.mixer import Mixer

SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, eq=False, kw_only=True)
class Page(Result):
    """What `page` made.

    Attributes
    ----------
    html : bytes
        The document.
    parts : tuple of str
        Whose parts are in it.
    duration : float
        Of the song, in seconds.

    Notebook: 13
    """

    html: bytes = field(repr=False)
    parts: tuple[str, ...] = ()
    duration: float = 0.0

    @property
    def sounds(self) -> Mapping[str, Audio]:
        return {}

    @property
    def facts(self) -> dict[str, Any]:
        return {"parts": list(self.parts), "duration": self.duration, "bytes": len(self.html)}

    def as_dict(self) -> dict[str, Any]:
        """What a program wants to know, as JSON can write it."""
        return {"title": self.title, "engine": self.engine, "remarks": list(self.remarks), **self.facts}

    def save(self, folder: str | PathLike[str] = "") -> SavedFiles:  # type: ignore[override]  # it writes one page
        """Write the page to a file (``"lesson.html"``), or into a folder under the song's name.

        A file that musiclab didn't write, or that was changed since, is never replaced.

        Raises
        ------
        ExportError
            If a file is in the way, or the folder or disk refuses.
        """
        path = place_of(folder, self.title)
        with delivered(path.parent, [path.name]) as scratch:
            (scratch / path.name).write_bytes(self.html)
        return SavedFiles([path])

    def __repr__(self) -> str:
        parts = f" with {', '.join(self.parts)}" if self.parts else ""
        return f"<Page of {self.title!r}{parts}: {len(self.html) / 1e6:.1f} MB>"

    def _repr_html_(self) -> str:
        parts = f", the part of {escape(', '.join(self.parts))}" if self.parts else ""
        size = f"{len(self.html) / 1e6:.1f} MB"
        save = '<code>.save("lesson.html")</code> writes it.'
        return f"<p><b>{escape(self.title)}</b>: a page with the desk{parts}; {size}. {save}</p>"


def place_of(path: str | PathLike[str], title: str) -> Path:
    """The file that a page goes to: the one that is named, or the song's in a folder.

    Raises `ExportError` if the name ends like that of another kind of file.
    """
    place = Path(path).expanduser()
    if place.suffix.lower() in SUFFIXES and not place.is_dir():
        return place
    if place.suffix and not place.is_dir():
        raise ExportError(f"A hand-out is a web page: give {place.name!r} the ending .html.")
    return place / f"{safe_name(title or 'song')}.html"


def page(
    song: Song | Mixer,
    *,
    parts: Sequence[Part | str] = (),
    title: str = "",
    notes: str | Path = "",
    tasks: Sequence[str] = (),
    licence: str = "",
    player: str = "",
    transpose: int = 0,
    tab: bool = False,
    min_confidence: float = 0.0,
    format: str = "mp3",
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Page:
    """A lesson as one HTML file: desk, score that follows, notes and tasks; it needs no network and no musiclab.

    Parameters
    ----------
    song : path, Audio, Stems or Mixer
        The song, its stems, or a mixer: then the page's desk stands as that one does.
    parts : sequence of Part or str
        What to show as sheet music: parts, or names of stems to be transcribed.
    title : str
        As it stands above the page; the song's if left out.
    notes : str or Path
        The teacher's words in Markdown, or a Markdown file. HTML in it is shown, not run. ``[here](#t=1:02)`` goes to a
        place in the song, ``[this](#t=1:02,1:10)`` and ``[that](#bars=5-8)`` loop; pictures come from files beside it.
    tasks : sequence of str
        To be ticked off, each in Markdown.
    licence : str
        Under which terms the song stands, for the foot of the page.
    player, transpose, tab, min_confidence
        How parts are written: as in `musiclab.sheet_music`.
    format : str
        Of the sound: ``"mp3"`` plays in every browser, ``"opus"`` sounds better, but not in Safari before 18.4. Either
        takes about 85 kbit/s for each stem.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Returns
    -------
    Page
        ``.save("lesson.html")`` writes it: some 4 MB for each minute of four stems.

    Raises
    ------
    LessonError
        If a link, a picture or a bar of the text is none.
    AudioError, EngineError, TranscriptionError, ExportError
        If the song, the engine, a part or the format won't do; all but what only the song can tell comes before the
        work.
    Cancelled
        If `cancel` was set.

    Notebook: 13
    """
    if format not in QUALITY:
        raise ExportError(f"The sound of a page can be {' or '.join(QUALITY)}, not {format!r}.")
    writing = Writing(player, transpose, tab=tab, min_confidence=min_confidence)
    settings = settings_of(song) if isinstance(song, Mixer) else {}
    given: Song = song.stems if isinstance(song, Mixer) else song
    mixture = mixture_of(given)
    words = prose.read(notes, mixture.duration)
    to_do = [prose.Prose(task, words.folder, mixture.duration) for task in tasks]
    title = title or mixture.title or "song"
    with watching(progress, cancel) as watch:
        wanted = [part for part in parts if isinstance(part, str)]
        whole: Audio | Stems = given if isinstance(given, Stems) else mixture
        stems = stems_of(whole, How(engine, quality, device, cache), watch.part(0.0, 0.5), wanted=wanted)
        written = _written(stems, parts, watch.part(0.5, 0.75), cache=cache)
        chart = _charted(stems, settings.pop("chart", None), written, watch.part(0.75, 0.85), cache=cache)
        lesson = Lesson(stems, chart, written, title, words, to_do, licence, settings, writing)
        made = lesson.document(format, watch.part(0.85, 1.0))
        watch(1.0, "done")
    return Page(
        title=title,
        engine=stems.engine,
        remarks=tuple(dict.fromkeys(remark for part in written.values() for remark in part.remarks)),
        html=made,
        parts=tuple(written),
        duration=stems.duration,
    )


@dataclass(frozen=True)
class Lesson:
    """All that goes into a page."""

    stems: Stems
    chart: Chart
    parts: Mapping[str, Part]
    title: str
    words: prose.Prose
    tasks: Sequence[prose.Prose]
    licence: str
    settings: Mapping[str, Any]
    writing: Writing

    def document(self, format: str, watch: Watch) -> bytes:
        """The page. Raises `LessonError` if the text names bars that are not there."""
        from musiclab import __version__

        bars = self.chart.grid.downbeats if self.chart.grid else ()
        fields = {
            "title": escape(self.title),
            "facts": escape(self._facts),
            "notes": self.words.html(bars),
            "tasks": _task_list([task.html(bars) for task in self.tasks]),
            "generator": f"musiclab {__version__}",
            "licences": licences.footer(__version__, song=self.licence, engine=self.stems.engine, heard=self._heard),
        }
        desk = Desk(self.stems, chart=self.chart, **self.settings)
        how = asdict(self.writing)
        sheets = {name: Sheet(part, self.stems, mixer=desk, **how) for name, part in self.parts.items()}
        sounds = [sound for widget in (desk, *sheets.values()) for sound in widget._sounds]
        sound = packed(sounds, format, watch.part(0.0, 0.9))
        watch(0.9, "engraving")
        data = {
            "key": hashlib.sha256(f"{self.title}\n{self.stems.mixture.digest}".encode()).hexdigest()[:24],
            "desk": state_of(desk, format, sound),
            "parts": [part_data(name, sheet, state_of(sheet, format, sound)) for name, sheet in sheets.items()],
        }
        return document(fields, data)

    @property
    def _heard(self) -> bool:
        """Whether a machine heard the notes: what is known is sure."""
        return any(note.confidence < 1 for part in self.parts.values() for note in part.notes)

    @property
    def _facts(self) -> str:
        """Length, key, tempo and metre, as far as they are known."""
        minutes, seconds = divmod(round(self.stems.duration), 60)
        told = [f"{minutes}:{seconds:02d}"]
        told += [self.chart.key] if self.chart.key else []
        if grid := self.chart.grid:
            told += [f"{grid.tempo:.0f} BPM", "/".join(map(str, grid.metre))]
        return " · ".join(told)


def _charted(stems: Stems, known: Chart | None, parts: Mapping[str, Part], watch: Watch, *, cache: bool) -> Chart:
    """Beats, bars, chords, key and sections: as the desk or a part has them, the rest found."""
    of_part = next((Chart.of_part(part) for part in parts.values() if part.beats), None)
    return chart_of(stems, watch, known=known or of_part, cache=cache)


def _written(stems: Stems, parts: Sequence[Part | str], watch: Watch, *, cache: bool) -> dict[str, Part]:
    """The parts by the names that they have in the page; those named only are transcribed."""
    found: dict[str, Part] = {}
    for number, part in enumerate(parts):
        if isinstance(part, str):
            step = watch.part(number / len(parts), (number + 1) / len(parts))
            part = part_of(stems, stems[part], instruments.of_stem(part), step, cache=cache)
        others = sum(other.instrument == part.instrument for other in found.values())
        found[f"{part.instrument} {others + 1}" if others else part.instrument] = part
    return found


def _task_list(tasks: Sequence[str]) -> str:
    """Tasks with boxes to tick; each is kept under what it says, so that another order mixes nothing up."""
    if not tasks:
        return ""
    rows = "".join(
        f'<li><label><input type="checkbox" disabled data-task="{hashlib.sha256(task.encode()).hexdigest()[:12]}">'
        f"<span>{task}</span></label></li>"
        for task in tasks
    )
    return f'<h2>Tasks</h2><ul class="page-tasks">{rows}</ul>'
