"""What the user of ``musiclab score`` decides, as options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from musiclab.decisions import Decisions, Tempo
from musiclab.errors import TranscriptionError

PlayerOption = Annotated[str, typer.Option("--for", help="For a player in C (concert pitch), Bb, Eb or F.")]
TransposeOption = Annotated[int, typer.Option(help="Semitones up, or down if negative.")]
TabOption = Annotated[bool, typer.Option("--tab", help="Tablature under the notes of a guitar or bass.")]
TempoOption = Annotated[
    str | None, typer.Option(help="Beats a minute, or `half` or `double` of what is found.", show_default=False)
]
MetreOption = Annotated[str | None, typer.Option(help="Time signature, as in 6/8.", show_default=False)]
BarOneOption = Annotated[
    float | None, typer.Option(help="Seconds: a bar begins at the beat nearest to it.", show_default=False)
]
KeyOption = Annotated[str, typer.Option(help="As in 'Bb major' or 'F# minor'.")]
ChordsOption = Annotated[
    bool | None,
    typer.Option(
        "--chords/--no-chords",
        help="Chord symbols above the staff; not over a lone line if left out.",
        show_default=False,
    ),
]
TuningOption = Annotated[
    str, typer.Option(help="Of a guitar or bass: 'drop D', or strings from the lowest on, 'D2 A2 D3 G3 B3 E4'.")
]
CapoOption = Annotated[int, typer.Option(min=0, max=12, help="Fret of a capo.")]
LyricsOption = Annotated[
    Path | None,
    typer.Option(help="A text file: words under the notes, syllables parted by hyphens.", show_default=False),
]
ConfidenceOption = Annotated[float, typer.Option(min=0, max=1, help="Leave out notes with a lower confidence.")]


def decided(tempo: str | None, metre: str | None, *others: Any) -> Decisions:
    """The options as `Decisions`: `others` are its further fields in their order."""
    return Decisions(_tempo(tempo), _metre(metre), *others)


def _tempo(text: str | None) -> Tempo | None:
    if text is None:
        return None
    if text == "half":
        return "half"
    if text == "double":
        return "double"
    try:
        return float(text)
    except ValueError as error:
        raise TranscriptionError(f"{text!r} is no tempo: write beats a minute, half or double.") from error


def _metre(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    numerator, _, denominator = text.partition("/")
    try:
        return int(numerator), int(denominator)
    except ValueError as error:
        raise TranscriptionError(f"{text!r} is no metre: write it as 3/4 or 6/8.") from error


def read_lyrics(path: Path | None) -> str:
    """The text of a file of lyrics; an empty one for none."""
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptionError(f"{path} can't be read as a text: give a UTF-8 text file.") from error
