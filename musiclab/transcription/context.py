"""What a part is written against, found in the song around it: beats and bars, key, chords."""

from __future__ import annotations

from dataclasses import replace

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, find
from musiclab.notes import Part
from musiclab.progress import Cancel, Progress, watching
from musiclab.stems import Stems
from musiclab.transcription import harmony
from musiclab.transcription.beats import track_beats


def in_context(
    part: Part,
    song: Audio | Stems,
    *,
    grid: BeatGrid | None = None,
    key: str = "",
    chords: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Part:
    """The part with the beats, bars, key and chords of the song it belongs to.

    All parts of one song should share them, so that their bars agree: find the `grid` once with `track_beats` and give
    it to each.

    Parameters
    ----------
    part : Part
        From `transcribe`; what it knows already of key and chords stays.
    song : Audio | Stems
        The mixture, starting where the stem starts; or its stems, which give clearer chords: drums hide them.
    grid : BeatGrid
        Beats and bars, if they are known or have been corrected; else they are found in the song.
    key : str
        Such as ``"D minor"``, if known; else the song's, so that all its parts are in one key.
    chords : bool
        Whether to look for chord symbols.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.

    Returns
    -------
    Part
        A new one.

    Raises
    ------
    TranscriptionError
        If no beats can be found: the song is too short, or has no onsets.

    Notebook: 09
    """
    rhythm, pitched = _layers(song)
    with watching(progress, cancel) as watch:
        grid = grid or track_beats(rhythm, progress=watch.part(0.0, 0.7))
        known = replace(part, beats=grid.times, downbeats=grid.downbeats, time_signature=grid.metre)
        if find(part.instrument) is DRUMS:
            return known
        watch(0.7, "finding the key")
        key = key or part.key or harmony.estimate_song_key(pitched)
        if not chords or part.chords:
            return replace(known, key=key)
        watch(0.8, "finding the chords")
        return replace(known, key=key, chords=harmony.estimate_chords(pitched, grid, key=key))


def _layers(song: Audio | Stems) -> tuple[Audio, Audio]:
    """What carries the beat (everything), and what carries the harmony (everything but the drums)."""
    if isinstance(song, Audio):
        return song, song
    return song.mixture, song.without("drums") if "drums" in song else song.mixture
