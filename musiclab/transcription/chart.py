"""`Chart`: what is known of a song's time, in one value: beats and bars, chords, key, sections.

A player calls it the chart of a song. Whatever shows or counts the song's time reads this one value: the mixer's
timeline, the click, the score view, a hand-out. `Chart.as_dict` is the form in which it travels to a page (there
``widgets/shared/chart.js`` reads it) and into files; times are seconds, and every list is in their order:

.. code-block:: text

    beats      [s, ...]                    when each beat is; empty where no beats are known
    positions  [1, 2, 3, 4, 1, ...]        the place of each beat in its bar: 1 is a downbeat
    bars       [1, 1, 1, 1, 2, ...]        the number of each beat's bar: 0 is a pick-up
    metre      [4, 4]                      in 6/8, 9/8 and 12/8 a beat is a dotted quarter
    tempo      120.0                       beats a minute over the whole song, or null
    key        "G major"                   empty where it is not known
    chords     [[from, to, "Am7"], ...]    one after the other; "N" where there is none
    sections   [[from, to, "A"], ...]      without gaps; those that are alike share a letter

Notebook: 10
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.notes import Chord, Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.stems import Stems
from musiclab.transcription.beats import track_beats
from musiclab.transcription.context import layers
from musiclab.transcription.form import Section, sections
from musiclab.transcription.harmony import estimate_chords, estimate_song_key


@dataclass(frozen=True)
class Chart:
    """Beats and bars, chords, key and sections of a song.

    Parameters
    ----------
    grid : BeatGrid or None
        Beats and bars; None where none are known.
    key : str
        Such as ``"A minor"``; empty where it is not known.
    chords : tuple of Chord
        Chord symbols, one after the other.
    sections : tuple of Section
        The form by letters, from the first downbeat to the end of the song.

    Notebook: 10
    """

    grid: BeatGrid | None = None
    key: str = ""
    chords: tuple[Chord, ...] = ()
    sections: tuple[Section, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can write it: see `musiclab.transcription.chart` for the names."""
        grid = self.grid
        return {
            "beats": [] if grid is None else list(grid.times),
            "positions": [] if grid is None else list(grid.positions),
            "bars": [] if grid is None else list(grid.bar_numbers),
            "metre": [4, 4] if grid is None else list(grid.metre),
            "tempo": None if grid is None else grid.tempo,
            "key": self.key,
            "chords": [[chord.onset, chord.offset, chord.symbol] for chord in self.chords],
            "sections": [[section.start, section.end, section.label] for section in self.sections],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Chart:
        """From `as_dict`."""
        beats, positions = values["beats"], values["positions"]
        grid = BeatGrid(tuple(beats), positions[0], tuple(values["metre"])) if beats else None
        downbeats = grid.downbeats if grid else ()
        form = tuple(
            Section(start, end, label, max(1, sum(start <= time < end for time in downbeats)))
            for start, end, label in values["sections"]
        )
        return Chart(grid, values["key"], tuple(Chord(*chord) for chord in values["chords"]), form)

    @staticmethod
    def of_part(part: Part) -> Chart:
        """What a part knows of its song: its beats, key and chords; no sections."""
        return Chart(part.grid, part.key, part.chords if part.decisions.chords is not False else ())


def find_chart(
    song: Audio | Stems,
    *,
    known: Chart | None = None,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Chart:
    """Listen to a song for its beats and bars, key, chords and sections.

    Parameters
    ----------
    song : Audio | Stems
        The mixture; or its stems, which give clearer chords: drums hide them.
    known : Chart
        What is known already: it stays as it is, and only the rest is looked for.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.

    Returns
    -------
    Chart
        With the key alone where the song has no beats that can be found.

    Notebook: 10
    """
    mixture, pitched = layers(song)
    known = known or Chart()
    with watching(progress, cancel) as watch:
        grid = known.grid or _beats(mixture, watch.part(0.0, 0.6))
        watch(0.6, "finding the key")
        key = known.key or estimate_song_key(pitched, grid=grid)
        if grid is None:
            return Chart(None, key)
        watch(0.7, "finding the chords")
        chords = known.chords or estimate_chords(pitched, grid, key=key)
        watch(0.85, "finding the sections")
        return Chart(grid, key, chords, known.sections or sections(mixture, grid=grid))


def _beats(mixture: Audio, watch: Watch) -> BeatGrid | None:
    try:
        return track_beats(mixture, progress=watch)
    except TranscriptionError:
        return None
