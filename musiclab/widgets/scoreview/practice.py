"""`PracticeDesk`: the mixer above, the part below, as one."""

from __future__ import annotations

from typing import Any

from musiclab.grid import BeatGrid
from musiclab.notes import Part
from musiclab.progress import watching
from musiclab.recipes.remembered import part_of
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.listening import Evidence
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView
from musiclab.widgets.scoreview.sources import chosen_stem


class PracticeDesk:
    """A mixing desk with the sheet music of one part below it: one clock, one loop, one speed and key.

    Drag over bars of the page, or over the waves, and they go round; both show the same loop.

    Parameters
    ----------
    stems : Stems
        The song taken apart.
    part : Part, Evidence or str
        What is practised: from `transcribe` or `listen`; or the name of an instrument, which is listened for in its
        stem (and kept in the store).
    stem : str
        Which stem the part was played by; guessed from the instrument if left out.
    chart : Chart, Part or BeatGrid
        What is known of the song's time; by default the part's own beats and chords.
    **writing
        Fields of `musiclab.notation.writing.Writing`: ``tab=True``, ``transposition="Bb"``, ...

    Attributes
    ----------
    mixer : Mixer
    score : ScoreView

    Raises
    ------
    TranscriptionError
        If `stem` names none of the stems, or the instrument is not known.

    Notebook: 09
    """

    def __init__(
        self,
        stems: Stems,
        part: Part | Evidence | str,
        *,
        stem: str = "",
        chart: Chart | Part | BeatGrid | None = None,
        **writing: Any,
    ) -> None:
        if isinstance(part, str):
            with watching(None) as watch:
                part = part_of(stems, chosen_stem(stems, stem, part), part, watch)
        known = part if isinstance(part, Part) and part.grid is not None else None
        self.mixer = Mixer(stems, chart=chart or known)
        self.score = ScoreView(part, stems, mixer=self.mixer, stem=stem, **writing)
        if chart is None and known is None and self.score.part.grid is not None:
            self.mixer.chart = self.score.part  # page and waves have the same bars

    @property
    def part(self) -> Part:
        """The part as it stands, corrections included."""
        return self.score.part

    def close(self) -> None:
        """Take both out of the page."""
        self.score.close()
        self.mixer.close()

    def _ipython_display_(self) -> None:
        """One below the other: each has its own picture for pages where nothing runs."""
        from IPython.display import display

        display(self.mixer)
        display(self.score)

    def __repr__(self) -> str:
        return f"<PracticeDesk: {self.score!r} with {self.mixer!r}>"
