"""BSS-Eval on real songs: the same figures as museval, to 0.01 dB.

A passage of three; ``tests/benchmarks/bench_bss_eval.py`` takes all of them whole.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from musiclab import datasets, metrics
from musiclab.separation import separate
from tests.references import museval_metrics

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1200)]

SONGS = {"Reggae": 6, "Beatles": 2, "Shadows": 2}  # s; the last has no voice


@pytest.mark.parametrize("name", SONGS)
def test_equal_to_museval(name: str, real_data: Path) -> None:
    """All sources, both channels, windows of one second without overlap: what SiSEC 2018 and museval take."""
    song = datasets.load_multitrack(real_data / "multitracks" / name)
    begin = song.mixture.duration / 3  # where all of them play
    span = slice(begin, begin + SONGS[name])  # s
    estimates = separate(song.mixture[span], engine="hpss", cache=False, progress=False)
    references = np.stack([song.stems[stem][span].samples for stem in song.stems])
    guesses = np.stack([estimates[stem].samples for stem in song.stems])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # museval's own, of newer versions of numpy and scipy
        sdr, isr, sir, sar, _ = museval_metrics().bss_eval(
            references.transpose(0, 2, 1), guesses.transpose(0, 2, 1), window=44100, hop=44100
        )
    ours = metrics.bss_eval(references, guesses)
    for theirs, mine in ((sdr, ours.sdr), (isr, ours.isr), (sir, ours.sir), (sar, ours.sar)):
        assert np.array_equal(np.isnan(theirs), np.isnan(mine))
        assert np.count_nonzero(~np.isnan(mine)) > 0.5 * mine.size
        np.testing.assert_allclose(mine, theirs, atol=0.01, rtol=0)
    for ratio, medians in ours.medians().items():
        theirs = np.nanmedian({"sdr": sdr, "isr": isr, "sir": sir, "sar": sar}[ratio], axis=1)
        np.testing.assert_allclose(medians, theirs, atol=0.01, rtol=0)
