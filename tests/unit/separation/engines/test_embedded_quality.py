"""What the published weights are worth: on the bundled songs, and on real ones where they are at hand."""

import os
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from musiclab import datasets, metrics
from musiclab.separation import separate

REAL = os.environ.get("MUSICLAB_REAL_DATA", "")
QUIET_DB = 15.0


def scores(songs: list[datasets.Multitrack]) -> dict[str, float]:
    """Mean SDR of the embedded engine per stem; stems far under the mixture are left out."""
    found = defaultdict(list)
    for song in songs:
        estimates = separate(song.mixture, engine="embedded", cache=False, progress=False)
        for name, stem in song.stems.items():
            if stem.rms_db > song.mixture.rms_db - QUIET_DB:
                found[name].append(metrics.sdr(stem, estimates[name]))
    return {name: statistics.mean(values) for name, values in found.items()}


@pytest.mark.slow
def test_bundled_songs_come_apart() -> None:
    means = scores([datasets.demo(name) for name in datasets.demo_songs()])
    assert statistics.mean(means.values()) > 9.0
    assert min(means.values()) > 8.0


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="MUSICLAB_REAL_DATA is not set")
def test_real_songs_come_apart() -> None:
    means = scores(list(datasets.multitracks(Path(REAL) / "multitracks")))
    assert statistics.mean(means.values()) > 8.3
    assert min(means.values()) > 7.0
