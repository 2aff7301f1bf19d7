"""The embedded separator: network, transforms, engine."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from musiclab.errors import WeightsError
from musiclab.separation.engines.embedded import EmbeddedEngine
from musiclab.separation.engines.embedded.network import (
    HOP_LENGTH,
    N_BINS,
    N_FFT,
    SR,
    Config,
    MaskNetwork,
    features,
    spectrogram,
    waveform,
)
from tests.sounds import noise

TINY = Config(widths=(8, 8, 8, 8), middle=1)


def tensor(*shape: int, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(noise(*shape, rng=rng).astype(np.float32))


def test_published_size_fits_into_8_megabytes() -> None:
    assert 2 * sum(weight.numel() for weight in MaskNetwork().parameters()) < 7.99e6


@given(frames=st.integers(1, 70), batch=st.integers(1, 2), scale=st.sampled_from([0.0, 1e-3, 1.0, 1e3]))
@settings(deadline=None, max_examples=8)
def test_masks_add_up_to_one_for_any_length_and_level(frames: int, batch: int, scale: float) -> None:
    D = torch.randn(batch, 2, N_FFT // 2 + 1, frames, dtype=torch.complex64) * scale
    with torch.inference_mode():
        masks = MaskNetwork(TINY)(D)
    assert masks.shape == (batch, 4, 2, N_FFT // 2 + 1, frames)
    assert torch.all(masks >= 0)
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(batch, 2, N_FFT // 2 + 1, frames))


def test_features_do_not_change_with_the_volume(rng: np.random.Generator) -> None:
    D = spectrogram(tensor(1, 2, SR, rng=rng))
    torch.testing.assert_close(features(D), features(D * 1e-2), atol=1e-2, rtol=0)


def test_every_bin_is_heard_and_answered(rng: np.random.Generator) -> None:
    network = MaskNetwork(TINY)
    x = tensor(1, 4, N_BINS, 16, rng=rng).requires_grad_()
    logits = network.logits(x)
    assert torch.all(logits.std(dim=(0, 1, 2, 4)) > 0)
    (gradient,) = torch.autograd.grad(logits.square().sum(), x)
    assert torch.all(gradient.abs().sum(dim=(0, 1, 3)) > 0)


@pytest.mark.parametrize("frames", [SR + 17, 8 * 1024, 2049])
def test_the_transform_is_that_of_torch(rng: np.random.Generator, frames: int) -> None:
    x, window = tensor(3, 2, frames, rng=rng), torch.hann_window(N_FFT)
    expected = torch.stft(x.flatten(0, 1), N_FFT, HOP_LENGTH, window=window, return_complex=True)
    D = spectrogram(x)
    torch.testing.assert_close(D.flatten(0, 1), expected, atol=1e-3, rtol=1e-4)
    D = D * torch.rand(D.shape)  # an STFT of no sound: both find the nearest one
    expected = torch.istft(D.flatten(0, 1), N_FFT, HOP_LENGTH, window=window, length=frames)
    torch.testing.assert_close(waveform(D, frames).flatten(0, 1), expected, atol=1e-5, rtol=1e-4)


def test_spectrogram_and_waveform_are_inverse(rng: np.random.Generator) -> None:
    x = tensor(2, 2, SR + 17, rng=rng)
    torch.testing.assert_close(waveform(spectrogram(x), x.shape[-1]), x, atol=1e-6, rtol=0)


def test_stems_add_up_and_the_argument_is_left_alone(rng: np.random.Generator) -> None:
    engine = EmbeddedEngine()
    for scale in (1e-3, 1.0, 1e3):
        x = tensor(2, 2, SR + 5, rng=rng) * scale
        before = x.clone()
        with torch.inference_mode():
            estimates = engine.separate(x)
        assert estimates.shape == (2, 4, 2, SR + 5)
        torch.testing.assert_close(estimates.sum(dim=1), x, atol=1e-5 * scale, rtol=0)
        torch.testing.assert_close(x, before, atol=0, rtol=0)


def test_half_precision_stays_40_db_under(rng: np.random.Generator) -> None:
    engine, x = EmbeddedEngine(), tensor(1, 2, 2 * SR, rng=rng)
    x[:, :, ::4410] += 1.0  # something like music: clicks and noise
    with torch.inference_mode():
        exact = engine.separate(x)
        with torch.autocast("cpu", torch.bfloat16):
            rough = engine.separate(x)
    assert 10 * torch.log10((exact - rough).square().sum() / exact.square().sum()) < -40


def test_silence_stays_silent() -> None:
    with torch.inference_mode():
        assert torch.all(EmbeddedEngine().separate(torch.zeros(1, 2, SR)) == 0)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    content = save({name: weight.half().contiguous() for name, weight in MaskNetwork(TINY).state_dict().items()})
    about = {"sha256": hashlib.sha256(content).hexdigest(), "config": TINY.to_dict()}
    path.with_suffix(".json").write_text(json.dumps(about))
    path.write_bytes(content)
    assert EmbeddedEngine(path).network.config == TINY
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="not the file"):
        _ = EmbeddedEngine(path).network
    path.unlink()
    with pytest.raises(WeightsError, match="can't be read"):
        _ = EmbeddedEngine(path).network
