"""The embedded separator: network, loss, data, training, export, engine."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab.errors import DatasetError, WeightsError
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
from musiclab.separation.engines.embedded.placing import placed
from musiclab.training.separator.curves import draw, read
from musiclab.training.separator.data import Remix, SongFolder, _stft
from musiclab.training.separator.export import export
from musiclab.training.separator.loss import Target, mask_loss, orthogonal
from musiclab.training.separator.train import Trainer, TrainingSettings, train
from tests.sounds import noise

TINY = Config(widths=(8, 8, 8, 8), middle=1)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three songs of 2 s that a tiny network can take apart: sweeps, clicks, low tones, chords."""
    folder = tmp_path_factory.mktemp("songs")
    rng = np.random.default_rng(7)
    t = np.arange(2 * SR) / SR
    for index in range(3):
        voice = np.sin(2 * np.pi * (500 * t + 30 * np.sin(2 * np.pi * 5 * t)))
        drums = rng.standard_normal(len(t)) * np.exp(-((t * (2 + index)) % 1) * 20)
        bass = np.sin(2 * np.pi * rng.uniform(50, 90) * t)
        other = sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(1500, 4000, 3)) / 3
        stems = np.stack([voice, drums, bass, other])[:, None] * np.array([0.9, 1.0])[:, None]
        np.save(folder / f"{index:06d}.npy", (stems * 0.2 * 32767).astype(np.int16))
    return folder


@pytest.fixture
def tiny(songs: Path, tmp_path: Path) -> TrainingSettings:
    return TrainingSettings(
        [songs], tmp_path / "run", minutes=1e4, batch=2, seconds=1.0, warm_up=4, max_steps=6, threads=1, network=TINY
    )


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


def test_training_and_inference_see_the_same_spectrogram(rng: np.random.Generator) -> None:
    x = tensor(2, 2, SR, rng=rng)
    expected = spectrogram(x)[:, :, :N_BINS].numpy().swapaxes(2, 3)
    np.testing.assert_allclose(_stft(x.numpy()), expected, atol=2e-4)


def test_loss_is_the_error_of_the_masked_mixture(rng: np.random.Generator) -> None:
    D = spectrogram(tensor(2, 4, 2, SR // 4, rng=rng))[:, :, :, :N_BINS]
    masks = torch.softmax(torch.randn(D.shape), dim=1)
    mixture = D.sum(dim=1, keepdim=True)
    error = (D - masks * mixture).abs().square().sum(dim=(2, 3, 4)) / mixture.abs().square().sum(dim=(2, 3, 4))
    expected = torch.log(error + 0.1).mean()
    torch.testing.assert_close(mask_loss(masks, Target.of(D), detail=0), expected, rtol=1e-4, atol=1e-4)


def test_loss_of_silence_is_finite() -> None:
    masks = torch.full((1, 4, 2, 8, 3), 0.25, requires_grad=True)
    loss = mask_loss(masks, Target.of(torch.zeros(1, 4, 2, 8, 3, dtype=torch.complex64)))
    (gradient,) = torch.autograd.grad(loss, masks)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("shape", [(16, 64), (64, 16)])
def test_orthogonal_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1))))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_song_folder_takes_in_new_songs(songs: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(DatasetError, match="render some first"):
        SongFolder([tmp_path])
    first = np.load(songs / "000000.npy")
    np.save(tmp_path / "000000.npy", first)
    folder = SongFolder([tmp_path])
    np.save(tmp_path / "000001.npy", first)
    (tmp_path / "000002.tmp.npy").write_bytes(b"not finished")
    assert folder.refresh() == 2
    assert folder.crop(rng, 3 * SR).shape == (4, 2, 3 * SR)  # longer than the song: silence follows


def test_remix_repeats_with_its_seed_and_leaves_songs_alone(songs: Path) -> None:
    folder, before = SongFolder([songs]), np.load(songs / "000000.npy")
    one, two, three = (Remix().example(folder, np.random.default_rng(seed), SR) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, three)
    assert one.shape[:3] == (4, 2, N_BINS)
    np.testing.assert_array_equal(np.load(songs / "000000.npy"), before)


def test_coherent_unchanged_remix_is_the_song_itself(songs: Path) -> None:
    plain = Remix(strangers=0, gain_db=0, mute=0, speed=0, narrow=0, mono=0, dirt=0, dull=0, dull_mix=0)
    D = plain.example(SongFolder([songs]), np.random.default_rng(3), SR)
    assert plain.example(SongFolder([songs]), np.random.default_rng(3), SR).shape == D.shape
    power = np.square(np.abs(D)).sum(axis=(1, 3))
    peak = power.argmax(axis=1) * SR / N_FFT
    assert 400 < peak[0] < 600  # the voice's sweep
    assert 40 < peak[2] < 100  # the bass
    assert 1400 < peak[3] < 4100  # the chord


def test_training_lowers_the_loss(tiny: TrainingSettings) -> None:
    train(replace(tiny, max_steps=40))
    rows = (tiny.out / "log.csv").read_text().splitlines()
    losses = [float(row.split(",")[2]) for row in rows[1:]]
    assert len(losses) == 2
    assert losses[-1] < losses[0] - 0.2


def test_curves_leave_out_what_was_overtaken(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,minutes,loss\n20,1,3\n40,2,nan\n60,3,2.5\n40,2,2.7\n60,3,2.4\n")
    assert read(tmp_path / "log.csv") == {"step": [20, 40, 60], "minutes": [1, 2, 3], "loss": [3, 2.7, 2.4]}
    draw(tmp_path, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5_000


def test_training_resumes_exactly(tiny: TrainingSettings) -> None:
    whole = train(tiny)
    train(replace(tiny, max_steps=3, out=tiny.out / "parts"))
    parts = train(replace(tiny, max_steps=3, out=tiny.out / "parts"), resume=tiny.out / "parts" / "last.pt")
    assert parts.step == whole.step == 6
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(parts.network.state_dict()[name], value, rtol=0, atol=0, msg=name)
        torch.testing.assert_close(parts.average[name], whole.average[name], rtol=0, atol=0, msg=name)


def test_an_interrupted_training_keeps_its_steps(tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.train_step

    def stopped(trainer: Trainer, lr_factor: float) -> float:
        if trainer.step == 2:
            raise KeyboardInterrupt
        return step(trainer, lr_factor)

    monkeypatch.setattr(Trainer, "train_step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tiny)
    assert torch.load(tiny.out / "last.pt", weights_only=True)["step"] == 2


def test_a_bad_gradient_does_not_end_the_run(tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    from musiclab.training.separator import train as module

    monkeypatch.setattr(module, "mask_loss", lambda masks, *_, **__: masks.sum() * float("nan"))
    trainer = train(replace(tiny, max_steps=2))
    assert trainer.step == 2
    assert all(torch.isfinite(weight).all() for weight in trainer.network.parameters())


def test_export_is_what_the_engine_reads(tiny: TrainingSettings, tmp_path: Path, rng: np.random.Generator) -> None:
    trainer = train(replace(tiny, max_steps=2))
    path = tmp_path / "weights.safetensors"
    description = export(tiny.out / "last.pt", path)
    assert json.loads(path.with_suffix(".json").read_text())["sha256"] == description["sha256"]
    x = tensor(1, 2, SR, rng=rng)
    with torch.inference_mode():
        D = spectrogram(x)
        expected = waveform(placed(trainer.averaged()(D), D), SR)
        estimates = EmbeddedEngine(path).separate(x)
    torch.testing.assert_close(estimates, expected, atol=2e-4, rtol=0)  # fp16 weights


def test_a_bias_shifts_doubtful_bins_to_a_stem(
    tiny: TrainingSettings, tmp_path: Path, rng: np.random.Generator
) -> None:
    train(replace(tiny, max_steps=1))
    D, shares = spectrogram(tensor(1, 2, SR, rng=rng)), []
    for name, bias in (("plain", {}), ("shifted", {"other": 1.0, "vocals": -0.5})):
        export(tiny.out / "last.pt", tmp_path / f"{name}.safetensors", bias=bias)
        with torch.inference_mode():
            shares.append(EmbeddedEngine(tmp_path / f"{name}.safetensors").network(D))
    shift = torch.log(shares[1].mean(dim=(0, 2, 3, 4))) - torch.log(shares[0].mean(dim=(0, 2, 3, 4)))
    assert shift[3] - shift[1] == pytest.approx(1.0, abs=0.2)
    assert shift[0] - shift[1] == pytest.approx(-0.5, abs=0.2)


def test_training_can_start_from_published_weights(tiny: TrainingSettings, tmp_path: Path) -> None:
    first = train(replace(tiny, max_steps=2))
    path = tmp_path / "weights.safetensors"
    export(tiny.out / "last.pt", path, bias={"other": 0.5})
    again = Trainer(tiny)
    again.start_from(path)
    for name, value in first.average.items():
        torch.testing.assert_close(again.network.state_dict()[name], value, atol=2e-3, rtol=0, msg=name)
    with pytest.raises(WeightsError, match="another size"):
        Trainer(replace(tiny, network=Config(widths=(8, 8, 8, 16), middle=1))).start_from(path)


def test_changed_weights_are_refused(tiny: TrainingSettings, tmp_path: Path) -> None:
    train(replace(tiny, max_steps=1))
    path = tmp_path / "weights.safetensors"
    export(tiny.out / "last.pt", path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not the file"):
        _ = EmbeddedEngine(path).network
    path.unlink()
    with pytest.raises(WeightsError, match="can't be read"):
        _ = EmbeddedEngine(path).network


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
