"""Training the embedded network: songs, mixing, loss, steps, checkpoints, export, and every command."""

import csv
import json
import logging
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from musiclab.errors import DatasetError, WeightsError
from musiclab.separation.engines.embedded import EmbeddedEngine
from musiclab.separation.engines.embedded.network import N_BINS, N_FFT, SR, STEMS, Config, spectrogram, waveform
from musiclab.separation.engines.embedded.placing import placed
from musiclab.training.separator import __main__ as command
from musiclab.training.separator import compact as copying
from musiclab.training.separator import effects
from musiclab.training.separator.curves import draw, read
from musiclab.training.separator.data import SongPool
from musiclab.training.separator.export import export
from musiclab.training.separator.loss import Target, mask_loss
from musiclab.training.separator.mixing import Batches, Remix
from musiclab.training.separator.muon import Muon, orthogonal
from musiclab.training.separator.running import Plan, Run
from musiclab.training.separator.train import Trainer, TrainingSettings
from tests.sounds import noise

CPU = torch.device("cpu")
TINY = Config(widths=(8, 8, 8, 8), middle=1)
PLAIN = Remix(**(dict.fromkeys((field.name for field in fields(Remix)), 0.0) | {"strangers": 1.0}))


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
def tiny(songs: Path) -> TrainingSettings:
    return TrainingSettings([songs], device="cpu", batch=2, seconds=1.0, half=False, warm_up=4, network=TINY)


def tensor(*shape: int, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(noise(*shape, rng=rng).astype(np.float32))


def trained(settings: TrainingSettings, out: Path, steps: int, resume: Path | None = None) -> Trainer:
    trainer = Trainer(settings, resume=resume)
    Run(trainer, Plan(out, steps=steps)).train()
    return trainer


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


@pytest.mark.parametrize("shape", [(16, 64), (64, 16), (3, 16, 64)])
def test_orthogonal_brings_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.mT @ orthogonal(matrix) @ right.mT
    assert (turned - torch.diag_embed(turned.diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-3  # its axes stay
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_matrices_of_one_shape_step_as_if_alone(rng: np.random.Generator) -> None:
    weights = [torch.nn.Parameter(tensor(8, 4, 3, rng=rng)) for _ in range(2)]
    alone = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    steps = [Muon(weights, lr=0.1), *(Muon([weight], lr=0.1) for weight in alone)]
    for _ in range(2):
        for weight, other in zip(weights, alone, strict=True):
            weight.grad = tensor(8, 4, 3, rng=rng)
            other.grad = weight.grad.clone()
        for step in steps:
            step.step()
    for weight, other in zip(weights, alone, strict=True):
        torch.testing.assert_close(weight, other, atol=1e-5, rtol=0)


def test_new_songs_are_taken_in_and_bad_files_left_out(
    songs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatasetError, match="render some first"):
        SongPool([tmp_path], CPU)
    first = np.load(songs / "000000.npy")
    np.save(tmp_path / "000000.npy", first)
    np.save(tmp_path / "000001.npy", first)
    pool = SongPool([tmp_path], CPU, hold=1, most=2)
    assert (pool.names, len(pool.held)) == (["000001.npy"], 1)
    (tmp_path / "000002.tmp.npy").write_bytes(b"not finished")
    (tmp_path / "000003.npy").write_bytes(b"no song")
    np.save(tmp_path / "000004.npy", first.astype(np.float32))
    np.save(tmp_path / "000005.npy", first)
    np.save(tmp_path / "000006.npy", first)
    assert pool.refresh() == 2
    assert pool.names == ["000001.npy", "000005.npy"]
    assert sum("left out" in message for message in caplog.messages) == 2
    assert SongPool([tmp_path], CPU, order=["000005.npy", "gone.npy"]).names[:2] == ["000005.npy", "000000.npy"]


def test_batches_repeat_with_seed_and_step_and_leave_songs_alone(songs: Path) -> None:
    before, pool = np.load(songs / "000000.npy"), SongPool([songs], CPU)

    def features(seed: int, step: int) -> torch.Tensor:
        return Batches(pool, batch=3, seconds=1.0, remix=Remix(), seed=seed).at(step)[0]

    assert features(5, 0).shape == (3, 4, N_BINS, SR // 1024 + 1)
    assert torch.equal(features(5, 1), features(5, 1))
    assert not torch.allclose(features(5, 1), features(5, 2))
    assert not torch.allclose(features(5, 1), features(6, 1))
    np.testing.assert_array_equal(np.load(songs / "000000.npy"), before)


def test_an_unchanged_mix_is_the_song_itself(songs: Path) -> None:
    pool = SongPool([songs], CPU)
    x = Batches(pool, batch=2, seconds=3.0, remix=replace(PLAIN, strangers=0.0)).waves(np.random.default_rng(3))
    assert x.shape == (2, 4, 2, 3 * SR)
    assert not x[..., 2 * SR :].any()  # longer than the song: silence follows
    for piece in x:  # sides, polarity and balance of each stem are free, what sounds is not
        alike = [
            min(float(torch.corrcoef(torch.stack((stem[0, : 2 * SR], t[0].float())))[0, 1].abs()) for stem, t in pairs)
            for pairs in (list(zip(piece, song, strict=True)) for song in pool.songs)
        ]
        assert max(alike) > 0.9999
        assert min(alike) < 0.5


def test_a_faster_piece_is_higher(tmp_path: Path) -> None:
    sine = 8000 * np.sin(2 * np.pi * 500 * np.arange(2 * SR) / SR)
    np.save(tmp_path / "sine.npy", np.broadcast_to(sine, (4, 2, 2 * SR)).astype(np.int16))
    remix = replace(PLAIN, speed=1.0)
    x = Batches(SongPool([tmp_path], CPU), batch=4, seconds=1.0, remix=remix).waves(np.random.default_rng(1))
    hz = torch.fft.rfft(x[:, :, 0]).abs().argmax(-1)  # bins of a second are Hz
    assert ((hz >= 440) & (hz <= 560)).all()
    assert hz.min() < 480
    assert hz.max() > 520


@pytest.mark.parametrize("seed", range(4))
def test_a_limiter_is_one_gain_for_all_stems(rng: np.random.Generator, seed: int) -> None:
    x = tensor(4, 2, SR, rng=rng)
    x[:, :, SR // 2 : SR // 2 + 4000] *= 8
    y = effects.limited(x, np.random.default_rng(seed))
    gains = y / x
    assert (gains - gains[:1, :1]).abs().max() < 1e-4
    assert 0 < gains.min() < 0.9
    assert gains.max() <= 1 + 1e-5
    quiet, loud = gains[0, 0, : SR // 8].mean(), gains[0, 0, SR // 2 + 1000 : SR // 2 + 3000].mean()
    assert loud < quiet


@pytest.mark.parametrize("seed", range(4))
def test_a_limiter_comes_as_it_goes(rng: np.random.Generator, seed: int) -> None:
    """It looks ahead as far as back: played backwards, a song is limited alike."""
    x = tensor(2, 2, 400 * effects.BLOCK, rng=rng)
    x[:, :, 90 * effects.BLOCK : 150 * effects.BLOCK] *= 8
    y, backwards = (effects.limited(one, np.random.default_rng(seed)) for one in (x, x.flip(-1)))
    torch.testing.assert_close(backwards.flip(-1), y, rtol=0, atol=1e-4)


def test_overdrive_keeps_the_level(rng: np.random.Generator) -> None:
    x = tensor(2, SR, rng=rng)
    y = effects.overdriven(x, 4.0)
    assert float(y.square().mean()) == pytest.approx(float(x.square().mean()), rel=1e-3)
    assert float(y.abs().max()) < 0.8 * float(x.abs().max())


def test_examples_without_voice_and_in_mono(songs: Path) -> None:
    remix = replace(PLAIN, voiceless=1.0, mono=1.0)
    x = Batches(SongPool([songs], CPU), batch=2, seconds=1.0, remix=remix).waves(np.random.default_rng(1))
    assert not x[:, STEMS.index("vocals")].any()
    assert x[:, 1:].abs().amax(dim=(2, 3)).min() > 0.01
    torch.testing.assert_close(x[:, :, 0], x[:, :, 1])


def test_a_dull_mixture_has_no_treble(songs: Path) -> None:
    pool = SongPool([songs], CPU)
    plain, dull = (Batches(pool, batch=2, seconds=1.0, remix=replace(PLAIN, dull_mix=d)).at(0)[1] for d in (0.0, 1.0))
    top = slice(int(15_500 * N_FFT / SR), None)
    assert dull.mixture[..., top, :].mean() < 0.5 * plain.mixture[..., top, :].mean()


def test_training_lowers_the_loss_and_logs_it(tiny: TrainingSettings, tmp_path: Path) -> None:
    losses = [trained(tiny, tmp_path, 1).train_step(1.0)]
    trainer = trained(tiny, tmp_path, 60)
    losses.append(float(np.mean([trainer.train_step(0.0) for _ in range(5)])))
    assert losses[1] < losses[0] - 0.2
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "60"
    assert rows[-1]["songs"] == "3"


def test_a_batch_in_parts_is_the_batch(tiny: TrainingSettings) -> None:
    trainers = [Trainer(replace(tiny, batch=3, parts=parts)) for parts in (1, 3)]
    losses = [trainer.train_step(1.0) for trainer in trainers]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    for one, other in zip(*(trainer.average for trainer in trainers), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=0)


def test_curves_leave_out_what_was_overtaken(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,minutes,loss\n20,1,3\n40,2,nan\n60,3,2.5\n40,2,2.7\n60,3,2.4\n")
    assert read(tmp_path / "log.csv") == {"step": [20, 40, 60], "minutes": [1, 2, 3], "loss": [3, 2.7, 2.4]}
    draw(tmp_path, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5_000


def test_training_resumes_exactly(tiny: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tiny, tmp_path / "whole", 6)
    step = Trainer.train_step

    def stopped(trainer: Trainer, lr_factor: float) -> float:
        if trainer.step == 3:
            raise KeyboardInterrupt
        return step(trainer, lr_factor)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", stopped)
        with pytest.raises(KeyboardInterrupt):
            trained(tiny, tmp_path / "parts", 6)
    parts = trained(tiny, tmp_path / "parts", 6, tmp_path / "parts" / "last.pt")
    assert parts.step == whole.step == 6
    for one, other in ((parts.network, whole.network), (parts.averaged(), whole.averaged())):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    with pytest.raises(WeightsError, match="another size"):
        Trainer(replace(tiny, network=Config((8, 8, 8, 16), 1)), resume=tmp_path / "parts" / "last.pt")


def test_a_step_without_a_number_is_left_out(tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(tiny)
    trainer.train_step(1.0)
    before = [w.detach().clone() for w in trainer.network.parameters()]
    monkeypatch.setattr(trainer, "loss", lambda logits, _: logits.sum() * float("nan"))
    assert math.isnan(trainer.train_step(1.0))
    assert (trainer.step, trainer.left_out) == (2, 1)
    for weight, kept in zip(trainer.network.parameters(), before, strict=True):
        assert torch.equal(weight, kept)
    monkeypatch.undo()
    assert math.isfinite(trainer.train_step(1.0))


def test_memory_that_runs_out_halves_what_is_computed_at_once(
    tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(replace(tiny, batch=4, parts=1))
    part = Trainer._part

    def short(self: Trainer, inputs: torch.Tensor, target: Target, which: slice) -> float:
        if which.stop - which.start > 2:
            raise torch.OutOfMemoryError
        return part(self, inputs, target, which)

    monkeypatch.setattr(Trainer, "_part", short)
    assert math.isfinite(trainer.train_step(1.0))
    assert trainer.parts == 2


def test_a_plan_ends_by_clock_or_by_steps() -> None:
    assert Plan(Path(), minutes=10).done(99, 5.0) == 0.5
    assert Plan(Path(), steps=10).done(5, 99.0) == 0.5
    assert Plan(Path(), minutes=10, steps=10).done(9, 2.0) == 0.9
    with pytest.raises(ValueError, match="how long"):
        Plan(Path())


def test_the_rate_falls_to_zero_and_what_was_before_is_kept(tiny: TrainingSettings, tmp_path: Path) -> None:
    factors: list[float] = []

    class Watched(Trainer):
        def train_step(self, lr_factor: float) -> float:
            factors.append(lr_factor)
            self.step += 1
            return 0.0

    Run(Watched(tiny), Plan(tmp_path, steps=10, tail=0.5)).train()
    assert factors == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
    assert torch.load(tmp_path / "steady.pt", weights_only=True)["step"] == 6


def test_export_is_what_the_engine_reads(tiny: TrainingSettings, tmp_path: Path, rng: np.random.Generator) -> None:
    trainer = trained(tiny, tmp_path, 2)
    path = tmp_path / "weights.safetensors"
    description = export(tmp_path / "last.pt", path)
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
    trained(tiny, tmp_path, 1)
    D, shares = spectrogram(tensor(1, 2, SR, rng=rng)), []
    for name, bias in (("plain", {}), ("shifted", {"other": 1.0, "vocals": -0.5})):
        export(tmp_path / "last.pt", tmp_path / f"{name}.safetensors", bias=bias)
        with torch.inference_mode():
            shares.append(EmbeddedEngine(tmp_path / f"{name}.safetensors").network(D))
    shift = torch.log(shares[1].mean(dim=(0, 2, 3, 4))) - torch.log(shares[0].mean(dim=(0, 2, 3, 4)))
    assert shift[3] - shift[1] == pytest.approx(1.0, abs=0.2)
    assert shift[0] - shift[1] == pytest.approx(-0.5, abs=0.2)


def test_training_can_start_from_published_weights(tiny: TrainingSettings, tmp_path: Path) -> None:
    first = trained(tiny, tmp_path, 2)
    path = tmp_path / "weights.safetensors"
    export(tmp_path / "last.pt", path, bias={"other": 0.5})
    again = Trainer(tiny)
    again.start_from(path)
    for name, value in first.averaged().state_dict().items():
        torch.testing.assert_close(again.network.state_dict()[name], value, atol=2e-3, rtol=0, msg=name)
    with pytest.raises(WeightsError, match="another size"):
        Trainer(replace(tiny, network=Config(widths=(8, 8, 8, 16), middle=1))).start_from(path)


def test_every_command_from_songs_to_scores(songs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "musiclab")
    real = tmp_path / "real" / "a song"
    real.mkdir(parents=True)
    for name, stem in zip(STEMS, np.load(songs / "000001.npy"), strict=True):
        soundfile.write(real / f"{name}.flac", stem.T, SR)
    run, weights = tmp_path / "run", tmp_path / "out" / "weights.safetensors"
    weights.parent.mkdir()
    words = (
        f"train --songs {songs} --out {run} --steps 3 --device cpu --batch 1 --seconds 1 --hold 1 --dev {real.parent}"
    )
    assert command.main(words.split()) == 0
    assert {path.name for path in run.iterdir()} == {"last.pt", "steady.pt", "log.csv", "held.csv", "dev.csv"}
    assert command.main([*words.split(), "--resume", str(run / "last.pt")]) == 0
    assert command.main(["export", str(run / "last.pt"), "--out", str(weights)]) == 0
    assert json.loads(weights.with_suffix(".json").read_text())["steps"] == 3
    for folder in (songs, real.parent):
        assert command.main(["evaluate", str(folder), "--weights", str(weights)]) == 0
        assert caplog.messages[-1].startswith("engine")
    assert command.main(["curves", str(run), "--out", str(tmp_path / "curve.png")]) == 0
    assert command.main(["evaluate", str(tmp_path / "out"), "--weights", str(weights)]) == 1
    assert command.main(words.replace(" --steps 3", "").split()) == 1  # for how long?


def test_songs_are_rendered_by_several_processes(samples: Path, tmp_path: Path) -> None:
    for out, jobs in (("one", "1"), ("two", "2")):
        words = ["render", str(tmp_path / out), "--songs", "2", "--samples", str(samples), "--duration", "6"]
        assert command.main([*words, "--jobs", jobs]) == 0
    for seed in ("000001", "000002"):
        one, two = (np.load(tmp_path / out / f"{seed}.npy") for out in ("one", "two"))
        assert one.shape == (4, 2, 6 * SR)
        np.testing.assert_array_equal(one, two)
    assert SongPool([tmp_path / "two"], CPU).names == ["000001.npy", "000002.npy"]


def test_a_compact_copy_has_something_of_everything(samples: Path, tmp_path: Path) -> None:
    rows = json.loads((samples / "index.json").read_text())["entries"]
    seconds = sum(row["dur"] for row in rows)
    size = seconds * copying.BYTES_A_SECOND / 2 / 1e6
    assert command.main(["compact", str(samples), str(tmp_path), "--megabytes", str(size)]) == 0
    kept = json.loads((tmp_path / "index.json").read_text())["entries"]
    assert 0.3 * len(rows) < len(kept) < 0.8 * len(rows)
    assert {(r["family"], r["kind"]) for r in kept} == {(r["family"], r["kind"]) for r in rows}
    assert {key for row in kept for key in row} == {key for row in rows for key in row}
    for row in kept:
        info = soundfile.info(tmp_path / row["file"])
        assert (info.channels, info.format) == (1, "OGG")
        assert info.duration == pytest.approx(min(row["dur"], copying.LONGEST), abs=0.01)
    assert sum(row["dur"] for row in kept) * copying.BYTES_A_SECOND <= size * 1e6
    assert command.main(["compact", str(tmp_path / "nowhere"), str(tmp_path)]) == 1


def test_who_says_nothing_trains_as_the_settings_say() -> None:
    """The command's usual values are those of the class."""
    told = vars(command._parser().parse_args(["train", "--songs", "songs", "--out", "out"]))
    usual = vars(TrainingSettings([Path("songs")]))
    names = told.keys() & usual.keys()
    assert names > {"batch", "seconds", "muon_lr", "adam_lr", "average", "seed", "hold", "most"}
    assert {name: told[name] for name in names} == {name: usual[name] for name in names}
