"""Demucs: equal to its own loop, loaded safely, and told at once when it can't be had."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from demucs.apply import BagOfModels, apply_model
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

from musiclab.audio import Audio
from musiclab.errors import EngineError, OfflineError, WeightsError
from musiclab.separation import device, fetching, load_engine, registry, separate, weights
from musiclab.separation.engines.demucs.adapter import DemucsEngine, from_folder
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.store import default_store, sha256_of
from tests.sounds import noise

SOURCES = ["drums", "bass", "other", "vocals"]
SR = 44100
SMALL = {"channels": 8, "t_layers": 1, "t_heads": 2, "bottom_channels": 16, "segment": Fraction(17, 10)}


def small(seed: int = 0, **changes: object) -> HTDemucs:
    """A little HTDemucs with random weights."""
    torch.manual_seed(seed)
    return HTDemucs(SOURCES, **{**SMALL, **changes}).eval()


def write(folder: Path, signature: str, model: torch.nn.Module, kwargs: dict[str, object], klass: str = "") -> Path:
    """A network in a file, as on the Demucs hub."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        key: {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
        if isinstance(value, Fraction)
        else value
        for key, value in kwargs.items()
    }
    about = {
        "klass": klass or f"{type(model).__module__}.{type(model).__name__}",
        "args": json.dumps([SOURCES]),
        "kwargs": json.dumps(plain),
    }
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file(state, folder / f"{signature}.safetensors", metadata=about)
    return folder


@pytest.fixture(autouse=True)
def torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO has its own tests: converting a network takes seconds."""
    monkeypatch.setenv("MUSICLAB_RUNTIME", "torch")


@pytest.fixture
def song(rng: np.random.Generator) -> Audio:
    return Audio(noise(2, 5 * SR + 321, rng=rng), SR)


def theirs(model: torch.nn.Module, song: Audio, **settings: object) -> np.ndarray:
    """What Demucs itself makes of a song, as its API normalises it [shape=(4, 2, frames)]."""
    wav = torch.from_numpy(song.samples.copy())
    mean, std = wav.mean(0).mean(), wav.mean(0).std() + 1e-8
    with torch.no_grad():
        out = apply_model(model, ((wav - mean) / std)[None], shifts=0, split=True, **settings)[0]
    return (out * std + mean).numpy()


def ours(engine: DemucsEngine, song: Audio, **settings: object) -> np.ndarray:
    stems = separate(song, engine=engine, precision="float32", cache=False, **settings)  # type: ignore[arg-type]
    return np.stack([stems[name].samples for name in SOURCES])


def relative(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("overlap", [0.25, 0.1, 0.0])
@pytest.mark.parametrize("batch", [1, 3])
def test_equals_demucs_own_loop(song: Audio, overlap: float, batch: int) -> None:
    model = small()
    wanted = theirs(model, song, overlap=overlap)
    assert relative(ours(DemucsEngine([model]), song, overlap=overlap, batch=batch), wanted) < 1e-4


@pytest.mark.parametrize("frames", [1, 1000, SR // 2, 75000, 2 * SR])
def test_equals_demucs_on_songs_of_any_length(rng: np.random.Generator, frames: int) -> None:
    model = small()
    song = Audio(noise(2, frames, rng=rng), SR)
    if frames == 1:  # Demucs divides by the deviation of one sample and answers NaN
        assert np.isfinite(ours(DemucsEngine([model]), song)).all()
    else:
        assert relative(ours(DemucsEngine([model]), song, overlap=0.25), theirs(model, song)) < 1e-4


def test_equals_demucs_without_a_transformer(song: Audio) -> None:
    torch.manual_seed(1)
    model = HDemucs(SOURCES, channels=8, segment=2).eval()
    assert relative(ours(DemucsEngine([model]), song, overlap=0.25), theirs(model, song)) < 1e-4


def test_equals_a_bag(song: Audio) -> None:
    models = [small(seed) for seed in range(3)]
    rows = [[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    bag = BagOfModels(models, rows)
    engine = DemucsEngine(models, shares=[dict(zip(SOURCES, row, strict=True)) for row in rows])
    assert relative(ours(engine, song, overlap=0.25), theirs(bag, song)) < 1e-4


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_full_size_equals_demucs(rng: np.random.Generator) -> None:
    """HTDemucs as published (42 million weights), random weights; its segments are shorter, for the tests' sake."""
    torch.manual_seed(3)
    model = HTDemucs(SOURCES, t_layers=5, bottom_channels=512, segment=Fraction(13, 5)).eval()
    song = Audio(noise(2, 3 * SR, rng=rng), SR)
    assert relative(ours(DemucsEngine([model]), song, overlap=0.25), theirs(model, song)) < 1e-4


def test_the_seed_matters(song: Audio) -> None:
    """The tests of equality can fail."""
    assert relative(ours(DemucsEngine([small(1)]), song, overlap=0.25), theirs(small(0), song)) > 1e-2


def test_shifts_average_and_repeat(song: Audio) -> None:
    engine = DemucsEngine([small()])
    plain, one, two = (ours(engine, song, shifts=shifts) for shifts in (0, 2, 2))
    np.testing.assert_array_equal(one, two)
    assert relative(one, plain) > 1e-4


def test_half_precision_stays_below_minus_forty_decibels(song: Audio) -> None:
    engine = DemucsEngine([small()])
    wanted = ours(engine, song)
    half = separate(song, engine=engine, precision="bfloat16", cache=False)
    got = np.stack([half[name].samples for name in SOURCES])
    assert -90 < 10 * np.log10(np.square(got - wanted).mean() / np.square(wanted).mean()) < -40


def test_best_is_never_in_half_precision(song: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda *_: True)  # whatever this processor has
    monkeypatch.setattr(DemucsEngine, "half_pays", lambda *_: True)
    engine = DemucsEngine([small()])
    best = separate(song, engine=engine, quality="best", cache=False)
    np.testing.assert_array_equal(best["bass"].samples, ours(engine, song, overlap=0.25, shifts=2)[1])
    default = separate(song, engine=engine, cache=False)
    assert relative(default["bass"].samples, ours(engine, song)[1]) > 1e-4


def test_stems_come_in_our_order() -> None:
    assert DemucsEngine([small()]).stems == ("vocals", "drums", "bass", "other")


def test_the_attention_switch_is_put_back() -> None:
    before = torch.backends.mha.get_fastpath_enabled()
    seen = []
    with suppress(RuntimeError), flash_attention():
        seen.append(torch.backends.mha.get_fastpath_enabled())
        raise RuntimeError
    assert seen == [False]
    assert torch.backends.mha.get_fastpath_enabled() == before


def bag_folder(folder: Path, name: str = "mine", rows: list[list[float]] | None = None) -> Path:
    for seed in range(2):
        write(folder, f"net{seed}", small(seed), SMALL)
    bag = {"models": ["net0", "net1"], "weights": rows or [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(bag))
    return folder


def test_a_folder_of_weights(tmp_path: Path, song: Audio) -> None:
    folder = bag_folder(tmp_path / "my weights")
    stems = separate(song, engine=f"demucs:{folder}")
    assert stems.engine == "mine"
    again = separate(song, engine=from_folder(folder), cache=False)
    np.testing.assert_array_equal(stems["bass"].samples, again["bass"].samples)


def test_changed_weights_in_a_folder_are_not_served_from_the_store(tmp_path: Path, song: Audio) -> None:
    folder = bag_folder(tmp_path / "w")
    before = separate(song, engine=f"demucs:{folder}")["drums"].samples.copy()
    write(folder, "net0", small(7), SMALL)
    assert relative(separate(song, engine=f"demucs:{folder}")["drums"].samples, before) > 1e-2


def test_one_file_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, "solo", small(), SMALL)
    assert from_folder(folder).name == "solo"


@pytest.mark.parametrize("klass", ["os.system", "subprocess.Popen", "builtins.exec"])
def test_a_file_does_not_choose_what_runs(tmp_path: Path, klass: str) -> None:
    write(tmp_path, "evil", small(), {}, klass=klass)
    with pytest.raises(WeightsError, match="not a Demucs network"):
        from_folder(tmp_path)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (Path(self.path),))

    def __init__(self, path: Path) -> None:
        self.path = str(path)


def test_pickles_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "old-1234.th").write_bytes(pickle.dumps(_Bomb(tmp_path / "exploded")))
    (folder / "old.yaml").write_text("models: ['old']")
    with pytest.raises(WeightsError, match="pickle"):
        from_folder(folder)
    (folder / "old.yaml").unlink()
    with pytest.raises(WeightsError, match="pickle"):
        from_folder(folder)
    assert not (tmp_path / "exploded").exists()


def test_a_file_that_is_named_by_its_digest_must_have_it(tmp_path: Path) -> None:
    """Demucs names its own files by a signature and the first digits of their SHA-256."""
    content = pickle.dumps({"nothing": "of a network"})
    digits = hashlib.sha256(content).hexdigest()[:8]
    wrong = tmp_path / "955717e8-00000000.th"
    wrong.write_bytes(content)
    with pytest.raises(WeightsError, match="not the file that Demucs published"):
        from_folder(tmp_path, allow_pickle=True)
    wrong.rename(tmp_path / f"955717e8-{digits}.th")
    with pytest.raises(Exception, match=r"(?s)^(?!.*that Demucs published)"):  # it is no network, but it was read
        from_folder(tmp_path, allow_pickle=True)


@pytest.mark.parametrize("wrong", ["bytes", "foreign", "bag"])
def test_what_is_no_demucs_is_refused_before_it_is_kept(brought: Path, wrong: str) -> None:
    file = brought / "955717e8.safetensors"
    if wrong == "bytes":
        file.write_bytes(b"\0" * 5000)
    elif wrong == "foreign":
        save_file({"weight": torch.ones(3)}, file)
    else:
        (brought / "htdemucs.yaml").write_text("models: ['12345678']")
    with pytest.raises(WeightsError, match="as the Demucs hub has it"):
        load_engine("htdemucs")
    assert default_store().peek("htdemucs", kind="weights") is None


def test_what_was_brought_is_not_called_published_and_a_change_is_told(
    brought: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_engine("htdemucs")
    assert "not known here" in weights.origin("htdemucs")
    assert str(brought) in weights.origin("htdemucs")
    assert "not those that were kept" not in caplog.text
    write(brought, "955717e8", small(5), SMALL)
    load_engine("htdemucs")
    assert "not those that were kept" in caplog.text


@pytest.mark.parametrize("damage", ["truncated", "text", "missing", "foreign"])
def test_damaged_weights_are_said(tmp_path: Path, damage: str) -> None:
    folder = bag_folder(tmp_path)
    file = folder / "net0.safetensors"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "text":
        file.write_text("<html>404</html>")
    elif damage == "missing":
        file.unlink()
    else:
        save_file({"weight": torch.ones(3)}, file)
    with pytest.raises(WeightsError, match="net0"):
        from_folder(folder)


@pytest.mark.parametrize(
    "wrong",
    [
        {"segment": {"numerator": 1}}, {"segment": "8"}, {"segment": float("nan")}, {"segment": 0}, {"segment": -1},
        {"segment": 1e9}, {"samplerate": 0}, {"samplerate": "44100"}, {"samplerate": 10**9},
    ],
    ids=str,
)  # fmt: skip
def test_a_network_with_settings_that_can_not_be_is_said(tmp_path: Path, wrong: dict[str, object]) -> None:
    write(tmp_path, "net0", small(), {**SMALL, **wrong})
    with pytest.raises(WeightsError, match="net0"):
        from_folder(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "segment: .nan", "segment: -1", "segment: 1.0e+9", "segment: [8]", "weights: 3", "weights: [[a, b, c, d], 1]",
        "weights: [[1, 1, 1, 1]]", "weights: [[1, 1, 1, 1], [.nan, 1, 1, 1]]", "weights: [[1, 1, 1, 1], [1, -1, 1, 1]]",
        "weights: [[1, 1, 1, 1], [1, .inf, 1, 1]]", "weights: [[1, 1, 1], [1, 1, 1]]",
        "weights: [[1, 1, 1, 1, 1], [1, 1, 1, 1]]",
    ],
)  # fmt: skip
def test_a_bag_with_settings_that_can_not_be_is_said(tmp_path: Path, line: str) -> None:
    folder = bag_folder(tmp_path)
    (bag,) = folder.glob("*.yaml")
    bag.write_text(f"models: ['net0', 'net1']\n{line}\n")
    with pytest.raises(WeightsError, match=bag.stem):
        from_folder(folder)


def test_a_bag_may_not_leave_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "outside", small(), SMALL)
    inside = tmp_path / "w"
    inside.mkdir()
    (inside / "bag.yaml").write_text("models: ['../outside']")
    with pytest.raises(WeightsError):
        from_folder(inside)


def test_a_stem_without_a_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="without a network"):
        from_folder(bag_folder(tmp_path, rows=[[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]))


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of htdemucs weights that somebody carried to a machine with no network."""
    folder = write(tmp_path / "brought", "955717e8", small(), SMALL)
    (folder / "htdemucs.yaml").write_text("models: ['955717e8']")
    monkeypatch.setenv("MUSICLAB_WEIGHTS", str(folder))
    return folder


def test_weights_that_were_brought_make_htdemucs_the_choice(brought: Path, song: Audio) -> None:
    assert brought.is_dir()
    assert next(info for info in registry.engines() if info.name == "htdemucs").ready
    stems = separate(song)
    assert stems.engine == "htdemucs"
    assert "best" in stems.note


def test_the_result_is_known_again_without_loading_the_network(
    brought: Path, song: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert brought.is_dir()
    first = separate(song, engine="htdemucs")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the stored result needs no network")

    monkeypatch.setattr("musiclab.separation.engines.demucs.adapter.from_hub", never)
    np.testing.assert_array_equal(separate(song, engine="htdemucs")["bass"].samples, first["bass"].samples)


def test_changed_weights_are_refused(brought: Path) -> None:
    assert brought.is_dir()
    load_engine("htdemucs")
    stored = default_store().peek("htdemucs", kind="weights")
    assert stored is not None
    digests = weights.verify("htdemucs")
    file = stored / "955717e8.safetensors"
    assert digests[file.name] == sha256_of(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="not what was fetched"):
        load_engine("htdemucs")


@pytest.mark.parametrize("how", ["told", "refused", "silent"])
def test_no_network_is_told_without_waiting_for_an_answer(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(fetching, "_last", {})
    answered = threading.Event()
    if how != "told":
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    if how == "silent":
        monkeypatch.setattr(fetching, "_probe", lambda _: str(answered.wait()))
    with pytest.raises(OfflineError, match="'htdemucs'"):
        load_engine("htdemucs")
    assert not answered.is_set()
    answered.set()  # lets the thread end


def test_auto_without_a_network_says_what_it_took(song: Audio) -> None:
    stems = separate(song)
    assert stems.engine in ("embedded", "hpss")
    assert "htdemucs can't be had" in stems.note


def test_auto_passes_over_an_engine_that_does_not_load(song: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr("musiclab.separation.engines.embedded.EmbeddedEngine", broken, raising=False)
    assert separate(song).engine == "hpss"
    monkeypatch.setattr("musiclab.separation.engines.classical.HPSS", broken)
    with pytest.raises(EngineError, match="size mismatch"):
        separate(Audio(song.samples[:, ::-1], SR))


@pytest.mark.parametrize("damage", ["changed", "cut", "no description"])
def test_auto_passes_over_an_embedded_network_that_is_damaged(
    song: Audio, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its weights are read before the work begins, while there is another choice."""
    from musiclab.separation.engines import embedded

    content = bytearray(embedded.WEIGHTS.read_bytes())
    content[-5] ^= damage == "changed"
    file = tmp_path / "weights.safetensors"
    file.write_bytes(content[:5000] if damage == "cut" else content)
    description = embedded.WEIGHTS.with_suffix(".json").read_text()
    file.with_suffix(".json").write_text("{" if damage == "no description" else description)
    monkeypatch.setattr(embedded.EmbeddedEngine.__init__, "__defaults__", (file,))
    assert separate(song).engine == "hpss"
    assert "install" in caplog.text
    with pytest.raises(WeightsError, match="install"):
        separate(song, engine="embedded")


def test_an_unknown_engine_is_said(song: Audio) -> None:
    with pytest.raises(EngineError, match="choose one of"):
        separate(song, engine="no such engine")
