"""Signs, scales and edges of what widgets show and play."""

from __future__ import annotations

import numpy as np
import pytest

import musiclab as ml
from musiclab.widgets.mixer.waves import waveform
from musiclab.widgets.shared.limiter import LOOK_AHEAD, RELEASE, limit
from tests.sounds import noise, song, tone


@pytest.mark.parametrize("sign", [1, -1])
def test_a_peak_downwards_is_limited_as_one_upwards(sign: int) -> None:
    """By a gain that moves, not by cutting it off: the wave keeps its shape."""
    sound = sign * np.abs(tone(100, 1, level=0.5, sr=8000))[None]
    sound[:, 3000:5000] *= 3
    limited, reduction = limit(sound, 8000)
    assert reduction == pytest.approx(20 * np.log10(1.5), abs=0.05)
    assert np.count_nonzero(np.abs(limited) > 0.999) < 60  # only the tips touch the ceiling
    other, _ = limit(-sound, 8000)
    np.testing.assert_array_equal(other, -limited)


@pytest.mark.parametrize("sr", [8000, 44_100, 96_000])
def test_the_limiter_returns_in_the_same_time_at_any_rate(sr: int) -> None:
    sound = np.full((1, sr), 0.5)
    sound[:, sr // 4 : sr // 2] = 2.0
    limited, _ = limit(sound, sr)
    gain = limited[0] / sound[0]
    at = sr // 2 + round((LOOK_AHEAD + RELEASE) * sr)
    assert 1 - gain[at] == pytest.approx(0.5 * np.exp(-1), rel=0.06)


def test_the_scale_of_a_waveform_is_what_fills_the_lane() -> None:
    sound = np.full((1, 100), 0.25, np.float32)
    assert waveform(sound, scale=0.25, columns=4)[:, 1].tolist() == [127] * 4
    half = waveform(sound, scale=0.5, columns=4)[:, 1]
    assert 0 < half[0] < 127
    assert waveform(sound, scale=1.0, columns=4)[0, 1] < half[0]


def test_louder_is_plus_and_softer_is_minus(rng: np.random.Generator) -> None:
    """All below 2 kHz goes from the bass to the voice."""
    stems = song({name: noise(2, 44_100, rng=rng) for name in ("vocals", "bass")})
    lab = ml.MaskLab(stems.mixture, stems, stem="vocals")
    lab.paint_rectangle(0, 1, 30, 2000, partner="bass")
    change = {name: lab._session.sheet.change_db(name) for name in ("vocals", "bass")}
    assert change["vocals"] > 0 > change["bass"]
    for name, before in stems.items():
        assert change[name] == pytest.approx(lab.stems[name].rms_db - before.rms_db, abs=0.5)
