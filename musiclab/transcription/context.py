"""What a part is written against, found in the song around it: beats and bars, key, chords."""

from __future__ import annotations

from dataclasses import replace

from musiclab.audio import Audio
from musiclab.decisions import Decisions
from musiclab.errors import TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.instruments import DRUMS, find
from musiclab.notes import Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.stems import Stems
from musiclab.transcription import harmony
from musiclab.transcription.beats import track_beats


def in_context(
    part: Part,
    song: Audio | Stems,
    *,
    grid: BeatGrid | None = None,
    key: str = "",
    chords: bool | None = None,
    decisions: Decisions | None = None,
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
        Whether to look for chord symbols. If left out, they are looked for unless the part is a line of single notes
        and nothing else sounds.
    decisions : Decisions
        What a person has decided; what the part holds already if left out. They go before all that is found, and stay
        with the part.
    progress, cancel
        As in `musiclab.separate`: see `musiclab.progress`.

    Returns
    -------
    Part
        A new one.

    Raises
    ------
    TranscriptionError
        If no beats can be found (the song is too short, or has no onsets) and no tempo was decided.

    Notebook: 09
    """
    rhythm, pitched = layers(song)
    part = part if decisions is None else replace(part, decisions=decisions)
    decisions = part.decisions
    with watching(progress, cancel) as watch:
        grid = decisions.grid(grid or _found(rhythm, part, watch.part(0.0, 0.7)))
        placed = replace(part.with_grid(grid), decisions=decisions.settled(grid))
        if find(part.instrument) is DRUMS:
            return placed
        watch(0.7, "finding the key")
        alone = find(part.instrument).monophonic and harmony.is_alone(part.notes, pitched)
        key = key or decisions.key or part.key
        key = key or harmony.estimate_song_key(pitched, grid=None if alone else grid)
        placed = replace(placed, key=key)
        watch(0.8, "finding the chords")
        wanted = decisions.chords if chords is None else chords
        if wanted is None:
            wanted = not alone
        if not wanted or part.chords:
            return placed
        return replace(placed, chords=harmony.estimate_chords(pitched, grid, key=key))


def _found(rhythm: Audio, part: Part, watch: Watch) -> BeatGrid:
    """The beats of the song near the decided tempo; where there are none, even ones at that tempo."""
    tempo = part.decisions.tempo if isinstance(part.decisions.tempo, float) else None
    # Half and double are of what is found by itself: another metre might make it another level of the pulse.
    metre = part.decisions.metre if tempo is not None or part.decisions.tempo is None else None
    try:
        return track_beats(rhythm, tempo=tempo, metre=metre, progress=watch)
    except TranscriptionError:
        if tempo is None:
            raise
        start = part.decisions.bar_one or (part.notes[0].onset if part.notes else 0.0)
        length = max(rhythm.duration - start, 4.0)
        return BeatGrid.steady(tempo, length, start=start, metre=part.decisions.metre or part.time_signature)


def unmeasured(part: Part, error: TranscriptionError) -> Part:
    """A part for which `in_context` found no beats: as it is, with a remark that says so."""
    return replace(part, remarks=(*part.remarks, f"{error} The part is written at 120 beats a minute."))


def layers(song: Audio | Stems) -> tuple[Audio, Audio]:
    """What carries the beat (everything), and what carries the harmony (everything but the drums)."""
    if isinstance(song, Audio):
        return song, song
    return song.mixture, song.without("drums") if "drums" in song else song.mixture
