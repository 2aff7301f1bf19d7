"""`describe`: what a song is, in numbers and names, without taking it apart."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.notes import Chord
from musiclab.progress import Cancel, Progress, watching
from musiclab.recipes.remembered import chart_of
from musiclab.recipes.source import Song, mixture_of
from musiclab.stems import Stems
from musiclab.transcription.form import Section


@dataclass(frozen=True, eq=False, repr=False)
class Description:
    """What is known of a song.

    Attributes
    ----------
    song : Audio
        The song itself.
    key : str
        Such as ``"A minor"``; empty for silence.
    grid : BeatGrid or None
        Beats and bars; None where none can be found.
    form : tuple of Section
        The sections by letters.
    chords : tuple of Chord
        Chord symbols, one after the other.

    Notebook: 11
    """

    song: Audio
    key: str
    grid: BeatGrid | None
    form: tuple[Section, ...] = ()
    chords: tuple[Chord, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can write it; times in seconds, levels in dBFS."""
        grid, song = self.grid, self.song
        return {
            "title": song.title,
            "duration": song.duration,
            "sr": song.sr,
            "channels": song.channels,
            "level_db": song.rms_db,
            "peak_db": song.peak_db,
            "key": self.key,
            "tempo": None if grid is None else grid.tempo,
            "metre": None if grid is None else "{}/{}".format(*grid.metre),
            "bars": 0 if grid is None else len(grid.downbeats),
            "form": [{"label": s.label, "start": s.start, "end": s.end, "bars": s.bars} for s in self.form],
            "chords": [{"start": c.onset, "end": c.offset, "symbol": c.symbol} for c in self.chords],
        }

    def __repr__(self) -> str:
        tempo = "no beat" if self.grid is None else f"{self.grid.tempo:.1f} bpm"
        return f"<Description of {self.song.title!r}: {self.key or 'no key'}, {tempo}, {self._form}>"

    @property
    def _form(self) -> str:
        return " ".join(f"{section.label}{section.bars}" for section in self.form) or "no form"

    def _repr_html_(self) -> str:
        told = self.as_dict()
        rows = {
            "Length": f"{told['duration']:.1f} s at {told['sr']} Hz, {told['channels']} channels",
            "Level": f"{told['level_db']:.1f} dBFS, peak {told['peak_db']:.1f}".replace("-", "−"),
            "Key": told["key"] or "none",
            "Tempo": "none found" if self.grid is None else f"{told['tempo']:.1f} in {told['metre']}",
            "Form (bars)": self._form,
            "Chords": " ".join(chord.symbol for chord in self.chords[:64]),
        }
        left = 'style="text-align:left"'  # JupyterLab has words at the right, as figures
        cells = "".join(
            f'<tr><th scope="row" {left}>{name}</th><td {left}>{escape(str(value))}</td></tr>'
            for name, value in rows.items()
        )
        return f"<table><caption>{escape(self.song.title or 'Song')}</caption>{cells}</table>"


def describe(
    song: Song,
    *,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
    cache: bool = True,
) -> Description:
    """Key, tempo, metre, form, chords and level of a song.

    Parameters
    ----------
    song : Audio, path or Stems
        The song; its stems give clearer chords, since drums hide them.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.
    cache : bool
        Whether what is found is taken from, and kept in, the store.

    Returns
    -------
    Description
        Without beats, form and chords where the song has no rhythm.

    Raises
    ------
    AudioError
        If the song can't be read.
    Cancelled
        If `cancel` was set.

    Notebook: 11
    """
    with watching(progress, cancel) as watch:
        watch(0.0, "reading the song")
        given = song if isinstance(song, Stems) else mixture_of(song)
        chart = chart_of(given, watch.part(0.2, 1.0), cache=cache)
        return Description(mixture_of(given), chart.key, chart.grid, chart.sections, chart.chords)
