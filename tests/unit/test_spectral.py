"""The STFT gives back what it took, for any shape; its views agree with their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab import spectral
from tests.sounds import tone

SCALES = [1e-3, 1.0, 1e3]


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 5000),
    lead=st.sampled_from([(), (1,), (2,), (3, 2), (0,)]),
    n_fft=st.sampled_from([64, 250, 1024]),
    overlap=st.sampled_from([2, 3, 4, 8]),
    window=st.sampled_from(["hann", "hamming", "blackman", "boxcar"]),
    seed=st.integers(0, 99),
)
def test_inverse_is_identity_for_any_shape(frames, lead, n_fft, overlap, window, seed):
    x = np.random.default_rng(seed).standard_normal((*lead, frames)).astype(np.float32)
    hop = n_fft // overlap
    D = spectral.stft(x, n_fft=n_fft, hop_length=hop, window=window)
    assert D.shape == (*lead, n_fft // 2 + 1, 1 + -(-frames // hop))
    assert D.dtype == np.complex64
    y = spectral.istft(D, length=frames, hop_length=hop, window=window)
    np.testing.assert_allclose(y, x, atol=2e-4)


def test_agrees_with_librosa(rng):
    librosa = pytest.importorskip("librosa")
    x = rng.standard_normal((2, 8192)).astype(np.float32)
    theirs = librosa.stft(x, n_fft=1024, hop_length=256)
    np.testing.assert_allclose(spectral.stft(x, n_fft=1024, hop_length=256), theirs, atol=1e-3)


@pytest.mark.parametrize("scale", SCALES)
def test_inputs_are_not_changed(rng, scale):
    x = (scale * rng.standard_normal((2, 3000))).astype(np.float32)
    before = x.copy()
    D = spectral.stft(x, n_fft=256, hop_length=64)
    D_before = D.copy()
    spectral.istft(D, length=3000, hop_length=64)
    spectral.to_db(D)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(D, D_before)


def test_column_is_centred_on_its_time():
    x = np.zeros(4096, np.float32)
    x[1536] = 1.0
    S = np.abs(spectral.stft(x, n_fft=512, hop_length=128))
    assert spectral.column_times(S.shape[-1], 44100, 128)[S.sum(axis=0).argmax()] == pytest.approx(1536 / 44100)


def test_a_sine_peaks_in_its_bin():
    sr, n_fft = 44100, 4096
    x = tone(440, sr=sr)
    S = np.abs(spectral.stft(x))[:, 20]
    assert abs(spectral.frequencies(sr, n_fft)[S.argmax()] - 440) <= sr / n_fft / 2


def test_gaps_and_short_spectrograms_are_refused():
    D = spectral.stft(np.ones(2000), n_fft=256, hop_length=200)
    with pytest.raises(ValueError, match="leaves gaps"):
        spectral.istft(D, length=2000, hop_length=200)
    with pytest.raises(ValueError, match="columns hold"):
        spectral.istft(spectral.stft(np.ones(100), n_fft=64, hop_length=16), length=1000, hop_length=16)
    with pytest.raises(ValueError, match="at least one sample"):
        spectral.stft(np.zeros((2, 0)))
    with pytest.raises(ValueError, match="n_fft"):
        spectral.stft(np.zeros(8), hop_length=0)


def test_db_has_its_reference_range_and_silence():
    S = np.array([1.0, 0.1, 1e-9, 0.0])
    np.testing.assert_allclose(spectral.to_db(S, range_db=60), [0, -20, -60, -60], atol=1e-4)
    np.testing.assert_allclose(spectral.to_db(S, ref=10.0), [-20, -40, -80, -80], atol=1e-4)
    assert (spectral.to_db(np.zeros((3, 4))) == -80).all()
    assert spectral.to_db(np.zeros((3, 0))).shape == (3, 0)


def test_mel_scale_inverts():
    hz = np.linspace(0, 20000, 77)
    np.testing.assert_allclose(spectral.mel_to_hz(spectral.hz_to_mel(hz)), hz, atol=1e-6)


@pytest.mark.parametrize("window", ["hann", "blackman"])
def test_reassignment_finds_a_sine_and_a_click_between_the_cells(window):
    sr, n_fft, hop = 44100, 2048, 512
    x = tone(1003.7, sr=sr)
    hz, _, S = spectral.reassigned(x, sr=sr, n_fft=n_fft, hop_length=hop, window=window)
    assert hz.shape == spectral.stft(x, n_fft=n_fft, hop_length=hop).shape
    np.testing.assert_allclose(S, np.abs(spectral.stft(x, n_fft=n_fft, hop_length=hop, window=window)), atol=1e-2)
    middle = np.s_[:, 20:60]
    np.testing.assert_allclose(hz[middle][S[middle] > 10], 1003.7, atol=0.5)
    click = np.zeros(sr)
    click[20_123] = 1.0
    _, seconds, S = spectral.reassigned(click, sr=sr, n_fft=n_fft, hop_length=hop, window=window)
    np.testing.assert_allclose(seconds[S > 0.05], 20_123 / sr, atol=1e-4)


def test_reassignment_of_silence_stays_put():
    hz, seconds, S = spectral.reassigned(np.zeros((2, 700)), sr=8000, n_fft=64, hop_length=16)
    assert not S.any()
    np.testing.assert_allclose(hz[0, :, 0], spectral.frequencies(8000, 64))
    np.testing.assert_allclose(seconds[1, 3], spectral.column_times(seconds.shape[-1], 8000, 16))


def test_mel_filters_are_those_of_librosa() -> None:
    import librosa

    ours = spectral.mel_filters(22050, 2048, 24, fmin=40.0, fmax=10000.0)
    np.testing.assert_allclose(
        ours, librosa.filters.mel(sr=22050, n_fft=2048, n_mels=24, fmin=40, fmax=10000), atol=1e-7
    )
