"""`Track`: one file of a remix pack, as a project lists it."""

from __future__ import annotations

from dataclasses import dataclass

from musiclab.audio import Audio


@dataclass(frozen=True)
class Track:
    """One file, and how it starts in a project.

    Attributes
    ----------
    name : str
        What it is: ``drums``.
    file : str
        The file's name.
    audio : Audio
        What is in it.
    colour : str
        ``#rrggbb``.
    muted : bool
        Whether a project opens with it muted: the stems play, the mixture and the click wait.
    """

    name: str
    file: str
    audio: Audio
    colour: str
    muted: bool = False
