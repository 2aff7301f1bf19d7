"""`sheet_music`: from a song to the written part of one instrument.

Notebook: 12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from musiclab import instruments, tunings
from musiclab.audio import Audio
from musiclab.codecs.files import delivered
from musiclab.decisions import Decisions
from musiclab.errors import ExportError
from musiclab.notation import engrave, score
from musiclab.notation.writing import Writing
from musiclab.notes import Part
from musiclab.progress import Cancel, Progress, watching
from musiclab.recipes.remembered import part_of
from musiclab.recipes.result import Result, SavedFiles
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.separation.engine import Engine
from musiclab.stems import Stems

FORMATS = ("pdf", "musicxml", "mid", "svg", "png", "json")
USUAL = ("pdf", "musicxml", "mid")
PLAIN = ("mid", "json")  # hold the notes as performed: nothing of how they are written
WHOLE = "song"  # as a stem's name: the recording is a solo, and is taken as it is


@dataclass(frozen=True, eq=False, kw_only=True)
class SheetMusic(Result):
    """What `sheet_music` made.

    Attributes
    ----------
    stem : str
        Which stem it was.
    part : Part
        Its notes, with the beats, the key and the chords of the song.
    audio : Audio
        The stem.
    writing : Writing
        How it is to be written.

    Notebook: 12
    """

    stem: str
    part: Part
    audio: Audio
    writing: Writing

    @property
    def sounds(self) -> Mapping[str, Audio]:
        notes = self.part.audio(sr=self.audio.sr)
        alike_db = min(self.audio.rms_db - notes.rms_db, -notes.peak_db)  # as loud as the stem: the ear compares them
        return {self.stem: self.audio, "the notes": notes.gained(alike_db)}

    @property
    def confidence(self) -> float:
        """About what share of the notes is right: the mean of their confidences, 0–1."""
        notes = self.part.notes
        return sum(note.confidence for note in notes) / max(len(notes), 1)

    @property
    def facts(self) -> dict[str, Any]:
        part = self.part
        told = {"stem": self.stem, "instrument": part.instrument, "notes": len(part.notes)}
        return {**told, "confidence": self.confidence, "key": part.key, "tempo": part.tempo}

    def as_dict(self) -> dict[str, Any]:
        """What a program wants to know, as JSON can write it; no sounds: none are written."""
        return {"title": self.title, "engine": self.engine, "remarks": list(self.remarks), **self.facts}

    def save(  # type: ignore[override]  # it writes pages, and no sounds
        self, folder: str | PathLike[str], *, formats: Sequence[str] = USUAL
    ) -> SavedFiles:
        """Write the part into a folder in each of `formats`, or to one file whose name ends in one (``"bass.pdf"``).

        Files that musiclab didn't write, or that were changed since, are never replaced.

        Parameters
        ----------
        folder : path
            A folder (made if it lacks), or a file.
        formats : sequence of str
            Any of pdf, musicxml, mid, svg, png, json. The first page of several, as svg or png.

        Raises
        ------
        ExportError
            If a format is not known, a file is in the way, or the folder or disk refuses.
        """
        path = Path(folder).expanduser()
        if (suffix := path.suffix.lower().lstrip(".")) in FORMATS:
            path, names = path.parent, {path.name: suffix}
        else:
            begin = f"{self.stem_of(self.title)} - {self.stem}"
            names = {f"{begin}.{kind}": kind for kind in checked_formats(formats)}
        with delivered(path, list(names)) as scratch:
            for name, kind in names.items():
                self.part.save(scratch / name, **({} if kind in PLAIN else asdict(self.writing)))
        return SavedFiles([path / name for name in names])

    def _repr_html_(self) -> str:
        pages = engrave.svg(score.write(self.part, writing=self.writing), page=False)
        page = f'<div style="background:white;color:black;max-width:860px">{pages[0]}</div>' if pages else ""
        return page + super()._repr_html_()


def checked_formats(formats: Sequence[str]) -> list[str]:
    """The formats in lower case, each once; `ExportError` if one is none."""
    wanted = list(dict.fromkeys(kind.strip().lower().lstrip(".") for kind in formats))
    if unknown := [kind for kind in wanted if kind not in FORMATS]:
        raise ExportError(f"A score can't be written as {unknown[0]!r}: choose any of {', '.join(FORMATS)}.")
    return wanted


def sheet_music(
    song: Song,
    stem: str = "vocals",
    *,
    instrument: str | None = None,
    decisions: Decisions | None = None,
    lyrics: str = "",
    player: str = "",
    transpose: int = 0,
    tab: bool = False,
    min_confidence: float = 0.0,
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> SheetMusic:
    """The part of one instrument as sheet music, with the bars, the key and the chords of the song.

    Parameters
    ----------
    song : path, Audio or Stems
        The song, or its stems if they are there.
    stem : str
        Which stem; ``"song"`` takes a solo recording as it is.
    instrument : str
        What plays it, if the stem's name doesn't say: see `musiclab.transcribe`.
    decisions : Decisions
        What you know better than the machine: tempo, metre, key, tuning, ...
    lyrics : str
        Words under the notes, syllables parted by hyphens.
    player : str
        For a player in ``"C"``, ``"Bb"``, ``"Eb"`` or ``"F"``; by default as the instrument is written.
    transpose : int
        Semitones up (negative: down) from there.
    tab : bool
        Whether there is tablature under the notes of a guitar or bass.
    min_confidence : float
        Notes of less (0–1) are left out.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Raises
    ------
    TranscriptionError
        If there is no such instrument, or it can't be written so.
    AudioError, EngineError
        If the song or the engine won't do, or it finds no such stem.
    Cancelled
        If `cancel` was set.

    Notebook: 12
    """
    known = instruments.find(instrument or ("piano" if stem == WHOLE else instruments.of_stem(stem)))
    if decisions is not None and decisions.tuning:
        tunings.parse_tuning(decisions.tuning, instrument=known.name)
    writing = Writing(player, transpose, tab=tab, min_confidence=min_confidence)
    mixture = mixture_of(song)
    with watching(progress, cancel) as watch:
        whole: Audio | Stems = song if isinstance(song, Stems) else mixture
        if stem != WHOLE:
            whole = stems_of(whole, How(engine, quality, device, cache), watch.part(0.0, 0.7), wanted=[stem])
        audio = whole[stem] if isinstance(whole, Stems) and stem != WHOLE else mixture
        part = part_of(whole, audio, known.name, watch.part(0.7, 1.0), decisions=decisions, cache=cache)
        watch(1.0, "done")
    engine_name, note = (whole.engine, whole.note) if isinstance(whole, Stems) else ("", "")
    return SheetMusic(
        title=mixture.title or "song",
        engine=engine_name,
        remarks=(*((note,) if note else ()), *part.remarks),
        stem=stem,
        part=replace(part, title=mixture.title or "song", lyrics=lyrics),
        audio=audio,
        writing=writing,
    )
