"""How well beats and bars are found: rendered songs that no fit has seen, the bundled songs, real songs.

    [MUSICLAB_SAMPLES=...] [MUSICLAB_REAL_DATA=...] python tests/benchmarks/bench_beats.py [--songs 40] [--verbose]

prints the table of docs/transcription.md. Beats and downbeats are scored as mir_eval does (70 ms); a tempo is right
within 1 %, its octave included. Songs for each tempo and metre are composed by the studio and played on computed
sounds; where MUSICLAB_SAMPLES names the recorded samples, songs of the studio itself are scored too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mir_eval
import numpy as np

from musiclab import codecs, datasets
from musiclab.audio import Audio
from musiclab.grid import BeatGrid, tempo_of
from musiclab.training.studio.songs.library import Library
from musiclab.training.studio.songs.rhythms import RhythmSong, rhythm_song, studio_song
from musiclab.training.studio.songs.styles import STYLES
from musiclab.transcription.beats import track_beats

TEMPI = (60, 66, 72, 80, 88, 96, 104, 112, 120, 132, 140, 150, 160, 180)
HELD_OUT = 100_001  # first seed of songs that no fit has seen
STUDIO = range(900_001, 900_025)
SAME_TEMPO = 0.01
MANY = "many metres and tempi"
AMONG = {"in 5/4 and 7/8": ("5/4", "7/8"), "in 6/8 and 12/8": ("6/8", "12/8")}  # rows of their own beside that one


@dataclass(frozen=True)
class Score:
    """One song."""

    name: str
    beats: float
    downbeats: float
    tempo_is_right: bool
    metre_is_right: bool
    found: BeatGrid


def score(name: str, audio: Audio, times: np.ndarray, positions: np.ndarray, metre: tuple[int, int]) -> Score:
    """Beats of a song against the truth."""
    found = track_beats(audio)
    f = [
        mir_eval.beat.f_measure(mir_eval.beat.trim_beats(true, 0.0), np.array(mine))
        for true, mine in ((times, found.times), (times[positions == 1], found.downbeats))
    ]
    inside = [time for time in found.times if times[0] - 0.1 <= time <= times[-1] + 0.1]
    tempo = tempo_of(inside) if len(inside) > 1 else found.tempo
    right = abs(tempo / tempo_of(times) - 1) <= SAME_TEMPO
    return Score(name, f[0], f[1], right, found.metre == metre, found)


def of_song(song: RhythmSong) -> Score:
    return score(song.name, song.mixture, song.times, song.positions, song.metre)


def at_tempi() -> Iterator[Score]:
    """A song in four at each tempo."""
    styles = [style for style in STYLES if style.metre == "4/4"]
    for i, tempo in enumerate(TEMPI):
        usual = [s for s in styles if s.tempo[0] <= tempo <= s.tempo[1]]
        style = replace(usual[i % len(usual)], tempo=(tempo, tempo))
        yield of_song(rhythm_song(HELD_OUT + 10_000 + i, style=style))


def bundled() -> Iterator[Score]:
    for name in datasets.demo_songs():
        song = datasets.demo(name)
        beats = np.array(song.beats)
        yield score(name, song.mixture, beats[:, 0], beats[:, 1], song.time_signature)


def real() -> Iterator[Score]:
    root = Path(os.environ.get("MUSICLAB_REAL_DATA", "nowhere"))
    for file in sorted(root.glob("drums/*.beats.txt")):
        beats = np.loadtxt(file)
        name = file.name.removesuffix(".beats.txt")
        yield score(name, codecs.load(root / "multitracks" / name / "mixture.flac"), beats[:, 0], beats[:, 1], (4, 4))


def row(name: str, scores: list[Score]) -> str:
    tempi, metres = sum(s.tempo_is_right for s in scores), sum(s.metre_is_right for s in scores)
    beats, downbeats = np.mean([s.beats for s in scores]), np.mean([s.downbeats for s in scores])
    return f"| {name} | {len(scores)} | {beats:.3f} | {downbeats:.3f} | {tempi} | {metres} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=40, help="in many metres")
    parser.add_argument("--verbose", action="store_true", help="a line for each song")
    options = parser.parse_args()
    print("| songs | number | beat F | downbeat F | tempo right | metre right |\n| --- |" + " ---: |" * 5)
    sets: dict[str, Iterator[Score]] = {
        "real": real(),
        "bundled": bundled(),
        "in four, 60 to 180 beats a minute": at_tempi(),
        MANY: (of_song(rhythm_song(HELD_OUT + i)) for i in range(options.songs)),
    }
    if "MUSICLAB_SAMPLES" in os.environ:
        library = Library.default()
        sets["the studio's, recorded samples"] = (of_song(studio_song(seed, library)) for seed in STUDIO)
    for name, songs in sets.items():
        scores = list(songs)
        if scores:
            print(row(name, scores), flush=True)
        for among, metres in AMONG.items() if name == MANY else ():
            some = [s for s in scores if any(f"{metre} " in s.name for metre in metres)]
            print(row(f"of these, {among}", some) if some else f"none {among}", flush=True)
        for s in scores if options.verbose else ():
            told = f"{s.found.tempo:.1f} in {s.found.metre[0]}/{s.found.metre[1]} from {s.found.first}"
            print(f"    {s.name}: beats {s.beats:.3f} downbeats {s.downbeats:.3f}, found {told}", flush=True)


if __name__ == "__main__":
    main()
