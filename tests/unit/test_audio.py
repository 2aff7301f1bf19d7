"""`Audio`: a frozen sound in memory."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.audio import SILENCE_DB, Audio, ramp
from musiclab.errors import AudioError
from tests.sounds import noise, tone


def test_one_dimension_is_mono_and_any_dtype_becomes_float32():
    audio = Audio(np.array([0, 1, 2], dtype=np.int16), 8000)
    assert audio.samples.shape == (1, 3)
    assert audio.samples.dtype == np.float32
    assert audio.duration == 3 / 8000


def test_samples_can_not_be_written_and_the_callers_array_still_can():
    mine = noise(2, 1000)
    audio = Audio(mine, 44100)
    mine[:] = 7
    assert audio.samples.max() < 1
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        audio.sr = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("samples", "sr", "says"),
    [
        (np.zeros((2, 0)), 44100, "zero samples"),
        (np.zeros((2, 3, 4)), 44100, "shape"),
        (np.array([0.0, np.nan]), 44100, "NaN"),
        (np.array([0.0, np.inf]), 44100, "NaN or infinite"),
        (np.zeros(4), 0, "sample rate"),
        (np.zeros(4), 44100.5, "sample rate"),
    ],
)
def test_what_is_no_audio_is_refused(samples, sr, says):
    with pytest.raises(AudioError, match=says):
        Audio(samples, sr)


def test_levels_follow_the_definitions():
    sine = Audio(tone(441), 44100)
    assert sine.rms_db == pytest.approx(20 * np.log10(0.5**0.5), abs=1e-4)
    assert sine.peak_db == pytest.approx(0, abs=1e-4)
    assert Audio(-np.ones(10), 44100).rms_db == pytest.approx(0)
    assert Audio(np.zeros(10), 44100).rms_db == Audio(np.zeros(10), 44100).peak_db == SILENCE_DB


def test_level_over_many_blocks_is_that_of_the_whole():
    samples = noise(2, 600_001)
    assert Audio(samples, 44100).rms_db == pytest.approx(
        10 * np.log10(np.mean(samples.astype(np.float64) ** 2)), abs=1e-9
    )


def test_the_digest_tells_sounds_apart_and_nothing_else():
    samples = noise(2, 1000)
    assert Audio(samples, 44100, title="a").digest == Audio(samples.astype(np.float64), 44100, title="b").digest
    assert Audio(samples, 44100).digest != Audio(samples, 48000).digest
    assert Audio(samples, 44100).digest != Audio(samples.reshape(1, -1), 44100).digest
    assert Audio(samples, 44100).digest != Audio(samples * 1.001, 44100).digest


@given(start=st.floats(0, 0.9), length=st.floats(0.01, 2))
def test_a_slice_is_what_lies_between_its_seconds(start, length):
    audio = Audio(noise(2, 8000), 8000)
    part = audio[start : start + length]
    first = round(start * 8000)
    np.testing.assert_array_equal(part.samples, audio.samples[:, first : round((start + length) * 8000)])


def test_slices_count_from_the_end_and_join_up():
    audio = Audio(noise(2, 8000), 8000)
    np.testing.assert_array_equal(audio[-0.25:].samples, audio.samples[:, -2000:])
    joined = np.concatenate([audio[:0.3].samples, audio[0.3:].samples], axis=1)
    np.testing.assert_array_equal(joined, audio.samples)


@pytest.mark.parametrize("bad", [slice(3, 4), slice(0.5, 0.5), slice(0, 1, 2)])
def test_empty_and_stepped_slices_are_refused(bad):
    with pytest.raises(AudioError):
        Audio(noise(2, 8000), 8000)[bad]


def test_gain_and_mono():
    audio = Audio(noise(2, 1000), 44100, title="x")
    assert audio.gained(-6).rms_db == pytest.approx(audio.rms_db - 6, abs=1e-4)
    assert audio.gained(float("-inf")).rms_db == SILENCE_DB
    np.testing.assert_allclose(audio.mono().samples[0], audio.samples.mean(axis=0))
    assert audio.mono().title == "x"


@pytest.mark.parametrize(
    "factors",
    [
        (1, -1),
        (-1, 1),
        (1, -0.4),
        (0.2, -1),
        (1, 1, -1),
        (-1, -1, 1),
        (1, 1, 1, 0, -1, -1),
        (1, -1, 1, -1, 1, -1, 1, -1),
    ],
)
def test_an_inverted_channel_is_not_cancelled_in_mono(factors):
    """As loud as all channels in phase are."""
    x = noise(1, 1000)
    turned = Audio(np.array(factors)[:, np.newaxis] * x, 44100).mono()
    assert turned.rms_db == pytest.approx(Audio(np.mean(np.abs(factors)) * x, 44100).rms_db, abs=1e-3)


@pytest.mark.parametrize("width", [0.0, 0.5, 1.0, 1.3])
def test_wide_stereo_has_its_plain_mean(width):
    middle, side = noise(1, 1000), width * noise(1, 1000, rng=1)
    audio = Audio(np.concatenate([middle + side, middle - side]), 44100)
    np.testing.assert_allclose(audio.mono().samples, middle, atol=1e-6)


def test_channels_of_silence_have_a_silent_mean():
    assert not Audio(np.zeros((4, 100)), 44100).mono().samples.any()


@given(frames=st.integers(1, 3000), seconds=st.floats(0, 0.2))
def test_a_fade_ends_in_silence_and_leaves_the_middle_alone(frames, seconds):
    audio = Audio(np.ones((2, frames)), 8000)
    faded = audio.faded(seconds).samples
    length = min(round(seconds * 8000), frames // 2)
    np.testing.assert_array_equal(faded[:, length : frames - length], 1)
    np.testing.assert_array_equal(faded[0], faded[1, ::-1])
    if length:
        assert faded[0, 0] == pytest.approx(0.5 / length)
        np.testing.assert_allclose(ramp(length) + ramp(length)[::-1], 1, atol=1e-6)


@given(
    frames=st.integers(1, 5000),
    sr=st.sampled_from([8000, 22050, 44100, 48000, 96000]),
    to=st.sampled_from([8000, 16000, 22050, 44100, 48000, 192000]),
)
def test_resampling_gives_the_rounded_length(frames, sr, to):
    audio = Audio(noise(2, frames), sr)
    out = audio.resampled(to)
    assert out.sr == to
    assert out.frames == max(1, round(frames * to / sr))
    assert out.channels == 2


def test_resampling_keeps_pitch_level_and_place():
    sine = Audio(tone(1000, level=0.5, sr=48000), 48000)
    out = sine.resampled(44100)
    expected = tone(1000, level=0.5)
    error = (out.samples[0] - expected)[500:-500]  # the edges ring: there is silence around
    assert 20 * np.log10(np.abs(error).max()) < -100
    assert sine.resampled(48000) is sine


@pytest.mark.parametrize("sr", [0, -1, 44100.5])
def test_a_rate_that_is_none_is_a_mistake(sr):
    with pytest.raises(ValueError, match="sample rate"):
        Audio(noise(2, 1000), 44100).resampled(sr)


@pytest.mark.parametrize(
    ("channels", "left", "right"),
    [
        (1, [1], [1]),
        (3, [1, 0, 0.7071], [0, 1, 0.7071]),
        (6, [1, 0, 0.7071, 0, 0.7071, 0], [0, 1, 0.7071, 0, 0, 0.7071]),
        (7, [1, 0, 0.7071, 0, 0.5, 0.7071, 0], [0, 1, 0.7071, 0, 0.5, 0, 0.7071]),
        (8, [1, 0, 0.7071, 0, 0.7071, 0, 0.7071, 0], [0, 1, 0.7071, 0, 0, 0.7071, 0, 0.7071]),
    ],
)
def test_surround_folds_to_stereo_by_itu_775(channels, left, right):
    one_at_a_time = Audio(np.eye(channels), 44100)  # frame k holds channel k alone
    np.testing.assert_allclose(one_at_a_time.stereo().samples, [left, right], atol=1e-4)


def test_stereo_stays_and_unknown_layouts_are_refused():
    audio = Audio(noise(2, 1000), 44100)
    assert audio.stereo() is audio
    with pytest.raises(AudioError, match="12 channels"):
        Audio(noise(12, 1000), 44100).stereo()


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_nothing_changes_its_source(scale):
    samples = noise(2, 1000, level=scale).astype(np.float32)
    before = samples.copy()
    audio = Audio(samples, 44100)
    for change in (
        audio.mono,
        audio.stereo,
        lambda: audio.faded(0.01),
        lambda: audio.resampled(22050),
        lambda: audio.gained(3),
    ):
        change()
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(audio.samples, before)


def test_it_says_what_it_is():
    assert repr(Audio(np.ones((2, 44100)), 44100, title="tone")) == "<Audio 'tone': 1.00 s, 2 ch, 44100 Hz, 0.0 dBFS>"
