"""Mel-Band RoFormer: equal to an independent version of it, whatever its weights come from; nothing in them is run."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from musiclab.audio import Audio
from musiclab.errors import OfflineError, WeightsError
from musiclab.separation import Engine, load_engine, registry, separate, weights
from musiclab.separation.engines.roformer import config, network, reading
from musiclab.separation.engines.roformer.config import Config
from musiclab.store import default_store, sha256_of
from tests.unit.separation.conftest import Hub
from tests.unit.separation.engines.roformer_reference import (
    SIZES,
    Reference,
    description,
    members,
    seeded,
    write_checkpoint,
)

SR = 44100
STEMS = ("vocals", "accompaniment")
SMALL = Config(**{f.name: SIZES[f.name] for f in fields(Config) if f.name in SIZES}, frames=SR)
FULL = 228_203_172  # numbers in the published checkpoint, whose 913,106,900 bytes hold little else


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    return seeded(SIZES)


@pytest.fixture(scope="module")
def folder(found: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint and what describes it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "mine", found, SIZES)


@pytest.fixture
def own(found: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own with the published engine's weights, as if those were small."""
    place = write_checkpoint(tmp_path / "own", found)
    monkeypatch.setattr(reading, "published", lambda item: replace(SMALL, stems=item.stems))
    source = weights.entry("melband-roformer").sources[-1]
    monkeypatch.setitem(source.files, "MelBandRoformer.ckpt", sha256_of(place / "MelBandRoformer.ckpt"))
    monkeypatch.setenv("MUSICLAB_WEIGHTS", str(place))
    return place


def song(seconds: float, *, sr: int = SR, channels: int = 2, seed: int = 0) -> Audio:
    """Noise that comes and goes."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * sr)
    sound = rng.standard_normal((channels, frames)) * (1 + np.sin(2 * np.pi * 3 * np.arange(frames) / sr))
    return Audio(0.1 * sound, sr)


def decibels(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.square(got - wanted).mean() / np.square(wanted).mean() + 1e-20))


def test_a_piece_is_what_the_published_network_makes_of_it(found: dict[str, np.ndarray], folder: Path) -> None:
    mixture = song(1.0)
    stems = separate(mixture, engine=f"melband-roformer:{folder}", overlap=0, cache=False)
    assert tuple(stems) == STEMS
    (voice,) = Reference(found, SIZES).separate(mixture.samples)
    assert decibels(stems["vocals"].samples, voice) < -100
    assert decibels(stems["accompaniment"].samples, mixture.samples - voice) < -100
    assert decibels(voice, mixture.samples) > -20  # neither silence
    assert decibels(voice - mixture.samples, mixture.samples) > -20  # nor all of it


def test_other_sizes_and_several_stems(tmp_path: Path) -> None:
    sizes = SIZES | {
        "num_stems": 2, "depth": 1, "time_transformer_depth": 2, "mask_estimator_depth": 1, "num_bands": 12,
        "stft_n_fft": 1024, "stft_win_length": 1024, "stft_hop_length": 256,
    }  # fmt: skip
    found = seeded(sizes, seed=1)
    write_checkpoint(tmp_path, found, epoch=7)
    (tmp_path / "config.yaml").write_text(description(sizes, chunk=20000, target="null", instruments="drums, Bass"))
    mixture = song(1.0, seed=1)
    stems = separate(mixture, engine=f"melband-roformer:{tmp_path}", segment=20000 / SR, overlap=0, cache=False)
    assert tuple(stems) == ("drums", "bass")
    truth = Reference(found, sizes).separate(mixture.samples[:, :20000])
    for name, wanted in zip(stems, truth, strict=True):
        assert decibels(stems[name].samples[:, :20000], wanted) < -100


@pytest.mark.parametrize(("sr", "channels"), [(44100, 2), (22050, 1), (48000, 2)])
def test_the_parts_and_the_residual_are_the_mixture(folder: Path, sr: int, channels: int) -> None:
    mixture = song(0.7, sr=sr, channels=channels)
    stems = separate(mixture, engine=f"melband-roformer:{folder}", cache=False)
    assert stems["vocals"].samples.shape == mixture.samples.shape
    total = sum(stem.samples.astype(np.float64) for stem in stems.values()) + stems.residual.samples
    assert decibels(total, mixture.samples) < -100


def test_pieces_at_once_change_nothing_and_a_short_end_hears_what_is_before_it(folder: Path) -> None:
    mixture = song(2.25)
    engine = load_engine(f"melband-roformer:{folder}")
    wanted = separate(mixture, engine=engine, overlap=0, cache=False)["vocals"].samples
    got = separate(mixture, engine=engine, overlap=0, batch=3, cache=False)["vocals"].samples
    assert decibels(got, wanted) < -100
    read = SR - (SR - SR // 4) // 2  # the last piece is centred in a whole one: what is before it is heard
    last = mixture.samples[:, 2 * SR - (SR - read) :]
    heard = np.pad(last, [(0, 0), (0, SR - last.shape[1])])
    (piece,) = engine.separate(torch.from_numpy(heard.copy())[None]).numpy()[:, 0]
    start = SR - read
    assert decibels(piece[:, start : start + SR // 4], wanted[:, 2 * SR :]) < -100


def test_few_sequences_at_a_time_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load_engine(f"melband-roformer:{folder}")
    piece = torch.from_numpy(song(0.3).samples.copy())[None]
    wanted = engine.separate(piece).numpy()
    monkeypatch.setattr(network, "TOKENS", 1)
    assert decibels(engine.separate(piece).numpy(), wanted) < -100


def test_half_precision_can_be_asked_for(folder: Path) -> None:
    mixture = song(0.5)
    engine = f"melband-roformer:{folder}"
    wanted = separate(mixture, engine=engine, cache=False)["vocals"].samples
    got = separate(mixture, engine=engine, precision="bfloat16", cache=False)["vocals"].samples
    assert -90 < decibels(got, wanted) < -25


def test_silence_is_silence(folder: Path) -> None:
    engine = load_engine(f"melband-roformer:{folder}")
    assert not engine.separate(torch.zeros(1, 2, SR)).any()


def test_a_piece_is_not_changed(folder: Path) -> None:
    engine = load_engine(f"melband-roformer:{folder}")
    for scale in (1e-3, 1.0, 1e3):
        piece = scale * torch.from_numpy(song(0.2).samples.copy())[None]
        before = piece.clone()
        engine.separate(piece)
        assert torch.equal(piece, before)


def test_bands_are_those_of_the_mel_scale() -> None:
    bands = network.membership(Config())
    np.testing.assert_array_equal(bands, members(60, 2048, 44100))
    assert bands.any(axis=0).all()
    assert bands.sum(axis=0).max() == 2


def test_the_whole_network_has_as_many_numbers_as_the_published_one() -> None:
    state = network.MelBandRoformer(Config()).state_dict()
    assert sum(value.numel() for value in state.values()) == FULL


def test_it_is_kept_by_the_digest_of_the_weights(found: dict[str, np.ndarray], tmp_path: Path) -> None:
    mixture = song(0.5)
    write_checkpoint(tmp_path, found, SIZES)
    told: list[float] = []
    first = separate(mixture, engine=f"melband-roformer:{tmp_path}", progress=lambda share, _: told.append(share))
    assert told[-1] == 1
    entries = default_store().info().kinds["results"].entries
    separate(mixture, engine=f"melband-roformer:{tmp_path}")
    assert default_store().info().kinds["results"].entries == entries
    write_checkpoint(tmp_path, seeded(SIZES, seed=9), SIZES)
    other = separate(mixture, engine=f"melband-roformer:{tmp_path}")
    assert decibels(other["vocals"].samples, first["vocals"].samples) > -40


def test_the_published_engine_is_read_from_a_folder_checked_and_kept_as_safetensors(
    own: Path, found: dict[str, np.ndarray]
) -> None:
    info = next(info for info in registry.engines() if info.name == "melband-roformer")
    assert info.ready
    assert "not measured here" in info.quality
    assert info.sdr is None
    mixture = song(1.0)
    stems = separate(mixture, engine="melband-roformer", segment=1.0, overlap=0)
    assert decibels(stems["vocals"].samples, Reference(found, SIZES).separate(mixture.samples)[0]) < -100
    np.testing.assert_allclose(sum(stem.samples for stem in stems.values()), mixture.samples, atol=1e-5)
    kept = default_store().peek("melband-roformer", kind="weights")
    assert kept is not None
    assert {file.name for file in kept.iterdir()} == {"model.safetensors", "origin.json", ".contents.json"}
    assert "as they were published" in weights.origin("melband-roformer")
    (own / "MelBandRoformer.ckpt").unlink()
    assert load_engine("melband-roformer").version == registry.version("melband-roformer")


def test_other_bytes_than_the_published_ones_are_refused(own: Path) -> None:
    with (own / "MelBandRoformer.ckpt").open("ab") as file:
        file.write(b"!")
    with pytest.raises(WeightsError, match="as it was published"):
        load_engine("melband-roformer")
    assert default_store().peek("melband-roformer", kind="weights") is None


def test_safetensors_that_were_brought_are_used_and_their_origin_is_said_to_be_unknown(
    own: Path, found: dict[str, np.ndarray]
) -> None:
    (own / "MelBandRoformer.ckpt").unlink()
    half = {name: torch.from_numpy(value).half() for name, value in found.items()}
    save_file(half, own / "MelBandRoformer.safetensors")
    engine = load_engine("melband-roformer")
    assert engine.stems == STEMS
    assert "not known here" in weights.origin("melband-roformer")
    kept = default_store().peek("melband-roformer", kind="weights")
    assert kept is not None
    assert (kept / reading.FILE).stat().st_size < 1.2 * (own / "MelBandRoformer.safetensors").stat().st_size


def test_it_is_fetched_from_the_hub_checked_and_the_checkpoint_is_not_kept(
    own: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files["MelBandRoformer.ckpt"] = (own / "MelBandRoformer.ckpt").read_bytes()
    monkeypatch.delenv("MUSICLAB_WEIGHTS")
    told: list[str] = []
    assert load_engine("melband-roformer", progress=lambda _, text: told.append(text)).stems == STEMS
    assert told[0] == "fetching melband-roformer: MelBandRoformer.ckpt"
    assert any("KimberleyJSN/melbandroformer" in path for path in hub.asked)
    assert "as they were published (from hub: KimberleyJSN" in weights.origin("melband-roformer")
    assert not list(default_store().root.rglob("*.ckpt"))


def test_without_weights_it_says_how_to_get_them() -> None:
    with pytest.raises(OfflineError, match="MUSICLAB_WEIGHTS"):
        load_engine("melband-roformer")


def test_with_another_engine_its_voice_counts_alone_and_the_rest_is_found_in_what_it_leaves(own: Path) -> None:
    mixture = song(1.0)
    alone = separate(mixture, engine="melband-roformer", cache=False)["vocals"].samples
    stems = separate(mixture, engine="hpss+melband-roformer", cache=False)
    np.testing.assert_array_equal(stems["vocals"].samples, alone)
    rest = separate(Audio(mixture.samples - alone, SR), engine="hpss", cache=False)
    np.testing.assert_allclose(stems["drums"].samples, rest["drums"].samples, atol=1e-6)
    assert own.is_dir()


def test_the_two_are_listed_and_auto_does_not_take_what_was_not_measured(own: Path) -> None:
    info = next(info for info in registry.engines() if info.name == "embedded+melband-roformer")
    assert info.ready
    assert info.sdr is None
    assert info.quality == "as embedded, with the other's voice, not measured here"
    assert info.licence.weights == "MIT"
    assert not any("roformer" in name for name, _ in registry.choices())
    assert own.is_dir()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_what_torch_saved_is_read_as_it_was_written(tmp_path: Path, dtype: torch.dtype) -> None:
    numbers = torch.arange(24, dtype=torch.float32).to(dtype)
    state: Any = OrderedDict(
        plain=numbers.reshape(4, 6), turned=numbers.reshape(4, 6).T, part=numbers[5:9], one=torch.tensor(3.0),
        learned=torch.nn.Parameter(numbers.float()).detach(),
    )  # fmt: skip
    state._metadata = OrderedDict({"": {"version": 1}})
    for content in (state, {"state_dict": state, "epoch": 3}, {"state": state}):
        torch.save(content, tmp_path / "a.ckpt")
        got = reading.tensors(tmp_path / "a.ckpt")
        assert got.keys() == state.keys()
        for name, value in state.items():
            assert got[name].dtype == value.dtype
            assert torch.equal(got[name], value)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (Path(self.path),))


def _packed(path: Path, content: object) -> Path:
    """A file as `torch.save` writes it, with any pickle in it."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
    return path


@pytest.mark.parametrize("where", ["whole", "inside", "name", "function", "empty", "numbers"])
def test_nothing_in_a_checkpoint_is_run(tmp_path: Path, where: str) -> None:
    bomb = _Bomb(tmp_path / "exploded")
    content: dict[str, object] = {
        "whole": bomb, "inside": {"a": [bomb]}, "name": {"a": torch.nn.Linear}, "function": {"a": torch.load},
        "empty": {}, "numbers": {"a": 1.5},
    }  # fmt: skip
    with pytest.raises(WeightsError, match="read safely"):
        reading.tensors(_packed(tmp_path / "evil.ckpt", content[where]))
    assert not (tmp_path / "exploded").exists()


def _rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, change(name, content))


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "short", "beyond"])
def test_a_damaged_checkpoint_is_said(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"a": torch.arange(250.0)}, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-300])
    elif damage == "text":
        path.write_text("<html>404</html>")
    elif damage == "missing":
        path.unlink()
    elif damage == "short":
        _rewritten(path, lambda name, content: content[:-4] if name.endswith("data/0") else content)
    else:  # the size of the view: 250 becomes 251
        _rewritten(
            path, lambda name, content: content.replace(b"K\xfa\x85", b"K\xfb\x85") if ".pkl" in name else content
        )
    with pytest.raises(WeightsError):
        reading.tensors(path)


def test_weights_of_another_network_are_said(found: dict[str, np.ndarray], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "few", dict(list(found.items())[:20]), SIZES)
    write_checkpoint(tmp_path / "plain", found)
    write_checkpoint(tmp_path / "nan", found | {"layers.0.0.norm.gamma": np.full(24, np.nan, np.float32)}, SIZES)
    write_checkpoint(tmp_path / "bands", found, SIZES | {"num_bands": 900})
    for place, words in {
        "few": "see band_split",
        "plain": "put it beside it",
        "nan": "not finite",
        "bands": "900 bands",
    }.items():
        with pytest.raises(WeightsError, match=words):
            load_engine(f"melband-roformer:{tmp_path / place}")
    with pytest.raises(WeightsError, match="one checkpoint"):
        load_engine(f"melband-roformer:{tmp_path}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"linear_transformer_depth": 1}, "linear_transformer_depth"),
        ({"skip_connection": True}, "skip_connection"),
        ({"stereo": False}, "mono"),
        ({"stft_win_length": 1024}, "window is shorter"),
        ({"freqs_per_bands": "[2, 2]"}, "BS-RoFormer"),
        ({"heads": 0}, "heads is 0"),
        ({"dim": "wide"}, "dim is wide"),
        ({"dim_head": 7}, "even"),
        ({"num_stems": 3}, "3 stems"),
    ],
)
def test_a_description_of_what_is_not_built_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    (tmp_path / "a.yaml").write_text(description(SIZES | change))
    with pytest.raises(WeightsError, match=words):
        config.read(tmp_path / "a.yaml")


def test_a_description_runs_nothing_and_names_no_other_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for text in (
        f"model: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']", "just words", "", "a: [",
        description(SIZES, target="../../vocals"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(WeightsError, match=r"a\.yaml does not describe"):
            config.read(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("target", "instruments", "stems"),
    [
        ("vocals", "vocals, other", STEMS),
        ("Vocals", "Vocals, Instrumental", STEMS),
        ("other", "vocals, other", STEMS[::-1]),
        ("vocals", "vocals", STEMS),
        ("guitar", "guitar, other", ("guitar", "other")),
    ],
)
def test_stems_have_the_names_of_the_house(
    tmp_path: Path, target: str, instruments: str, stems: tuple[str, ...]
) -> None:
    (tmp_path / "a.yaml").write_text(description(SIZES, target=target, instruments=instruments))
    assert config.read(tmp_path / "a.yaml") == replace(SMALL, stems=stems)


@pytest.mark.slow
def test_the_whole_network_loads_from_a_checkpoint_of_its_size_and_separates(tmp_path: Path) -> None:
    shapes = {name: value.shape for name, value in network.MelBandRoformer(Config()).state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    state = {name: (torch.rand(shape, generator=generator) - 0.5).mul_(0.1).half() for name, shape in shapes.items()}
    torch.save(state, tmp_path / "MelBandRoformer.ckpt")
    engine = load_engine(f"melband-roformer:{tmp_path}")
    assert isinstance(engine, Engine)
    assert (engine.sr, engine.segment) == (44100, 8.0)
    stems = separate(song(0.2), engine=engine, segment=0.2, overlap=0, cache=False)
    assert stems["vocals"].samples.any()
