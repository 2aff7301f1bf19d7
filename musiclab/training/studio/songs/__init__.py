"""Training songs (and the demo songs) that musiclab composes, plays and mixes itself from recorded samples.

`render(seed, library)` gives a song's true stems, notes and beats. The recipe stands here; the samples do not, only the
list of where they come from (`SOURCES.md`). Samples under share-alike licences are used for training songs, which are
never given away, and never for the demo songs.
"""

from musiclab.training.studio.songs.library import Library
from musiclab.training.studio.songs.song import STEMS, Rendering, render

__all__ = ["STEMS", "Library", "Rendering", "render"]
