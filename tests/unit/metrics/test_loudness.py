"""Loudness by BS.1770: the standard's own figures."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from musiclab.audio import SILENCE_DB, Audio
from musiclab.metrics.loudness import loudness
from tests import sounds


@pytest.mark.parametrize("sr", [44_100, 48_000])
def test_a_full_scale_sine_of_997_hz_in_one_channel_is_at_minus_3(sr: int) -> None:
    """EBU Tech 3341 and ITU-R BS.1770-4: a 0 dBFS sine of 997 Hz in one front channel reads −3.01 LKFS."""
    tone = sounds.tone(997, 3.0, sr=sr)
    assert loudness(Audio(tone, sr)) == pytest.approx(-3.01, abs=0.1)
    assert loudness(Audio(np.stack([tone, tone]), sr)) == pytest.approx(0.0, abs=0.1)


def test_pauses_do_not_count() -> None:
    tone = sounds.tone(997, 4.0, level=0.1)
    assert loudness(Audio(np.pad(tone, (0, 8 * sounds.SR)), sounds.SR)) == pytest.approx(
        loudness(Audio(tone, sounds.SR)), abs=0.3
    )


def test_silence_and_very_short_sounds_have_an_answer() -> None:
    assert loudness(Audio(np.zeros((2, 100)), 44_100)) == SILENCE_DB
    assert loudness(Audio(sounds.tone(997, 0.1), 44_100)) > -20


def test_surround_is_folded() -> None:
    wide = Audio(sounds.noise(6, 44_100), 44_100)
    assert loudness(wide) == pytest.approx(loudness(wide.stereo()))


@pytest.mark.parametrize(
    ("channels", "seconds", "sr"),
    [(1, 0.1, 44_100), (2, 0.4001, 44_100), (2, 33.3, 44_100), (2, 12.9, 48_000), (5, 7.8, 22_050), (4, 9.0, 44_101)],
)
def test_read_in_pieces_it_is_what_the_whole_is_by_pyloudnorm(channels: int, seconds: float, sr: int) -> None:
    frames = round(seconds * sr)
    swelling = np.abs(np.cos(np.arange(frames) / sr)) ** 6  # so that the gates have something to do
    sound = Audio(sounds.noise(channels, frames) * swelling, sr)
    padded = np.pad(sound.samples.T.astype(float), ((0, max(0, int(0.4 * sr) + 2 - frames)), (0, 0)))
    assert loudness(sound) == pytest.approx(pyloudnorm.Meter(sr).integrated_loudness(padded), abs=1e-6)
