"""What a part is written against, found in the song around it: beats and bars, key, chords."""

from __future__ import annotations

from dataclasses import replace

from musiclab.audio import Audio
from musiclab.instruments import DRUMS, find
from musiclab.notes import Part
from musiclab.transcription import harmony
from musiclab.transcription.beats import track_beats
from musiclab.transcription.grid import BeatGrid


def in_context(part: Part, song: Audio, *, grid: BeatGrid | None = None, key: str = "", chords: bool = True) -> Part:
    """The part with the beats, bars, key and chords of the song it belongs to.

    All parts of one song should share them, so that their bars agree: find the `grid` once with `track_beats` and give
    it to each.

    Parameters
    ----------
    part : Part
        From `transcribe`; what it knows already of key and chords stays.
    song : Audio
        The mixture: any rate and channels, starting where the stem starts.
    grid : BeatGrid
        Beats and bars, if they are known or have been corrected; else they are found in the song.
    key : str
        Such as ``"D minor"``, if known; else it follows from the part's notes and the chords around them.
    chords : bool
        Whether to look for chord symbols.

    Returns
    -------
    Part
        A new one.

    Raises
    ------
    TranscriptionError
        If no beats can be found: the song is too short, or has no onsets.

    Notes
    -----
    Notebook: 09
    """
    grid = grid or track_beats(song)
    pitched = find(part.instrument) is not DRUMS
    key = key or part.key or (harmony.estimate_song_key(song, part.notes if pitched else ()))
    symbols = part.chords
    if chords and pitched and not symbols:
        symbols = harmony.estimate_chords(song, grid, key=key)
    return replace(part, beats=grid.times, downbeats=grid.downbeats, time_signature=grid.metre, key=key, chords=symbols)
