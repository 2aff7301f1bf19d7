"""What beats, key and chords hear of a bass that is inverted in one channel of a mix, on real songs.

    MUSICLAB_REAL_DATA=FOLDER python tests/benchmarks/bench_phase.py

For each song (its first minute): whether it stays as it is to the bit; and with its bass inverted on the right, the
level below 150 Hz (dB, against the song's own) and the share of half seconds whose chord is the song's own, with the
plain mean of the channels and as it is listened to.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.stems import Stems
from musiclab.transcription.harmony import estimate_chords
from musiclab.transcription.phase import in_phase

GRID = BeatGrid(tuple(np.arange(0.2, 59.0, 0.5)), 1, (4, 4))


def level(sound: Audio) -> float:
    low = sosfilt(butter(4, 150, fs=sound.sr, output="sos"), sound.samples[0])
    return float(20 * np.log10(low.std()))


def chords(sound: Audio) -> list[str]:
    found = estimate_chords(sound, GRID)
    at = (next((c for c in found if c.onset <= time < c.offset), None) for time in np.arange(0.25, 59.0, 0.5))
    return [chord.symbol if chord else "" for chord in at]


def main() -> None:
    root = os.environ.get("MUSICLAB_REAL_DATA")
    if root is None:
        raise SystemExit("MUSICLAB_REAL_DATA names the folder with real songs, in multitracks/ in it.")
    for folder in sorted(Path(root, "multitracks").iterdir()):
        stems = Stems.load(folder)
        song, bass = stems.mixture[:60], stems["bass"][:60].samples
        same = np.array_equal(in_phase(song).samples, song.mono().samples)
        opposed = Audio(song.samples - bass + bass * np.array([[1], [-1]]), song.sr)
        heard = {"plain": opposed.mono(), "as listened to": opposed}
        true = chords(song)
        rows = [
            f"{name}: {level(in_phase(sound)) - level(song.mono()):+.1f} dB, "
            f"{np.mean([a == b for a, b in zip(chords(sound), true, strict=True)]):.0%} of the chords"
            for name, sound in heard.items()
        ]
        print(f"{folder.name}: the same to the bit: {same}; {'; '.join(rows)}")


if __name__ == "__main__":
    main()
