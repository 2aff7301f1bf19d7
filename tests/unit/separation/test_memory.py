"""Memory of long songs: bounded, and flat in their length."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The song is one frame, seen again and again: it takes no memory, whatever its length.
SCRIPT = """
import resource, sys
import numpy as np, torch
from musiclab.audio import Audio
from musiclab.separation import Engine, Licence, separate

class Quarter(Engine):
    name, stems, sr = "quarter", ("vocals", "drums", "bass", "other"), 44100
    licence, segment, normalise, fixed = Licence("MIT", "none needed"), 7.8, True, True
    def separate(self, mixture):
        return torch.stack([mixture / 4] * 4, 1)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6

def song(minutes, sr):
    frame = np.array([[0.25], [0.5]], np.float32)
    return Audio.of_checked(np.broadcast_to(frame, (2, int(minutes * 60 * sr))), sr)

sr = int(sys.argv[2])
separate(song(0.5, sr), engine=Quarter(), cache=False)
before = peak()
stems = separate(song(float(sys.argv[1]), sr), engine=Quarter(), cache=False)
print(peak() - before)
# normalised, a quarter taken, restored: 0.375 is the mean of the two channels
assert abs(stems["bass"].samples[1, 12345] - ((0.5 - 0.375) / 4 + 0.375)) < 1e-3
"""


def growth(minutes: float, sr: int) -> float:
    """MB that a song of some minutes takes beyond one of half a minute."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(minutes), str(sr)], capture_output=True, text=True, check=True
    )
    return float(run.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read through the module resource")
def test_memory_is_flat_in_the_length_of_a_song_that_is_resampled() -> None:
    """Six minutes are 550 MB of stems: they go to disk as they are made, not into memory."""
    assert growth(6, 48000) < 250


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read through the module resource")
def test_a_long_song_takes_no_more_than_the_input_and_a_little() -> None:
    """Twenty minutes are 1.7 GB of stems; `tests/benchmarks/bench_scale.py` takes hours."""
    assert growth(20, 44100) < 200
