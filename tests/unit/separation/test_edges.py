"""What happens at the edges: last frames, ends of blocks, grids that begin before the song, the time that is left."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from musiclab.audio import Audio
from musiclab.separation import Engine, Licence, refine, registry, separate, streams, weights
from musiclab.separation.engines import builtin
from musiclab.separation.layout import Layout
from musiclab.separation.loop import Run, _Clock
from musiclab.stems import Stems
from tests.sounds import noise, song, tone

SR = 8000


class Same(Engine):
    """Gives the mixture back, twice."""

    name, stems, sr, licence, segment = "same", ("a", "b"), SR, Licence("MIT", "none needed"), Fraction(1)
    normalise = False

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        return torch.stack([mixture, mixture], dim=1)


def smooth(frames: int, sr: int) -> np.ndarray:
    """Two tones that both rates hold, sounding to the very end."""
    seconds = frames / sr
    return np.stack([tone(440, seconds, level=0.4, sr=sr), tone(700, seconds, level=0.3, sr=sr)])[:, :frames]


@pytest.mark.parametrize("sr", [48_000, 44_100, 11_025])
def test_the_last_hundredth_of_a_second_is_there_at_any_rate(sr: int) -> None:
    """A resampler keeps its last 15 ms to itself until it is told that nothing follows."""
    whole = Audio(smooth(2 * sr + 17, sr), sr)
    stem = separate(whole, engine=Same(), cache=False)["a"]
    end = slice(-sr // 100, None)
    level = np.sqrt(np.mean(stem.samples[:, end] ** 2) / np.mean(whole.samples[:, end] ** 2))
    assert level == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("sr", [48_000, 11_025])
def test_no_seam_where_a_block_ends(sr: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 3000)
    whole = Audio(smooth(2 * sr, sr), sr)
    stem = separate(whole, engine=Same(), cache=False)["a"]
    inside = np.s_[:, sr // 4 : -sr // 4]
    np.testing.assert_allclose(stem.samples[inside], whole.samples[inside], atol=1e-4)


@pytest.mark.parametrize("fixed", [False, True])
def test_shifted_grids_weigh_a_frame_by_its_place_in_the_segment(fixed: bool) -> None:
    """A segment that begins before the song has lost the rising side of its window, not the falling one."""
    layout = Layout(length=1000, overlap=0.25, context=0, align=1, fixed=fixed, shifts=2, shift=400)
    window = layout.window()
    cut = [segment for segment in layout.segments(5000) if segment.write[0] == 0 and segment.write[1] < layout.kept]
    assert cut
    for segment in cut:
        start, stop = segment.write
        assert start == 0
        assert 0 < segment.phase == layout.kept - (stop - start)
        weights_used = window[segment.phase : segment.phase + stop - start]
        assert weights_used[-1] == window[-1]


class Numbered(Same):
    """Gives the number of the piece that it is given, in place of its sound."""

    stems, count = ("a",), 0

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return torch.full((1, 1, *mixture.shape[1:]), float(self.count))


def test_where_segments_meet_each_has_the_weight_of_its_place_in_it() -> None:
    """Also those of which the song's beginning has cut off the rising side of the window."""
    layout, total, found = Layout(length=800, overlap=0.25, shifts=2, shift=300), 3000, []
    run = Run(Numbered(), torch.device("cpu"), layout)
    run.separate(lambda a, b: np.zeros((1, 2, b - a), np.float32), total, lambda block: found.append(block.copy()))
    window = layout.window().numpy()
    wanted, weight = np.zeros((2, total))
    for number, segment in enumerate(layout.segments(total), start=1):
        start, stop = segment.write
        first = min(0, stop - layout.kept) if start == 0 else start  # where it would have begun
        here = window[start - first : stop - first]
        wanted[start:stop] += number * here
        weight[start:stop] += here
    np.testing.assert_allclose(np.concatenate(found, axis=-1)[0, 0, 0], wanted / weight, rtol=1e-5)


@pytest.mark.parametrize(("passed", "done", "left"), [(10.0, 1, "0:30"), (20.0, 2, "0:20"), (90.0, 1, "4:30")])
def test_the_time_left_is_what_the_rest_takes_at_this_pace(
    monkeypatch: pytest.MonkeyPatch, passed: float, done: int, left: str
) -> None:
    told: list[tuple[float, str]] = []
    now = iter([100.0, 100.0 + passed])
    monkeypatch.setattr("musiclab.separation.loop.time.monotonic", lambda: next(now))
    clock = _Clock([None] * 4, Same(), lambda fraction, text: told.append((fraction, text)), None)  # type: ignore[list-item]
    clock.tick(done)
    ((fraction, text),) = told
    assert fraction == done / 4
    assert re.search(r"(\d+:\d\d) left", text)[1] == left  # type: ignore[index]


def test_a_residual_that_is_loud_is_a_source_of_the_filter(rng: np.random.Generator) -> None:
    """Stems that leave half of the song over: what they leave must not be shared out among them."""
    parts = song(
        {"left": np.outer([1, 0.1], tone(300, 2, level=0.3)), "right": np.outer([0.1, 1], tone(2000, 2, level=0.3))}
    )
    half = Stems({"left": parts["left"]}, parts.mixture)
    refined = refine.refine(half)["left"]
    before = np.square(refined.samples - parts["left"].samples).mean()
    assert before < 0.01 * np.square(parts["right"].samples).mean()


def test_new_weights_make_a_new_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stems in the store were made with the old ones."""
    old = registry.version("embedded")
    monkeypatch.setattr(builtin, "sha256_of", lambda _: "0" * 64)
    new = registry.version("embedded")
    assert old != new
    assert "0" * 64 in new


@pytest.mark.parametrize("inside", ["", "mine"])
def test_weights_in_a_folder_of_yours_are_found_there_and_in_one_of_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    source = SimpleNamespace(kind="hub", place="nobody/nothing", files={"a.safetensors": None})
    item = SimpleNamespace(name="mine", sources=(source,))
    folder = tmp_path / inside
    folder.mkdir(exist_ok=True)
    (folder / "a.safetensors").touch()
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "_snapshots", lambda _: [])
    assert weights._local(item) == (source, folder, f"the folder {folder}")  # type: ignore[arg-type]
    (folder / "a.safetensors").unlink()
    assert weights._local(item) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["part.npy", "more.npy"])
def test_files_in_folders_of_an_entry_are_sealed_too(tmp_path: Path, name: str) -> None:
    """One that was changed is seen, and one that somebody put there."""
    from musiclab.store import Store

    def fill(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "part.npy").write_bytes(b"sound")

    store = Store(tmp_path)
    entry = store.entry("entry-1", fill)
    made: list[Path] = []

    def again() -> Path:
        return store.entry("entry-1", lambda folder: made.append(folder) or fill(folder))

    again()
    assert not made, "nobody touched it"
    (entry / "deep" / name).write_bytes(b"noise")
    again()
    assert made, "the damage was not seen"
    assert (entry / "deep" / "part.npy").read_bytes() == b"sound"


def test_noise_is_not_silence(rng: np.random.Generator) -> None:
    """The engine's two copies leave minus the mixture over, to the bit."""
    whole = Audio(noise(2, SR, rng=rng), SR)
    stems = separate(whole, engine=Same(), cache=False)
    np.testing.assert_allclose(stems.residual.samples, -whole.samples, atol=1e-6)
