"""The segment loop: no seams, any length, any channels and rate, memory that runs out, and being stopped."""

# ruff: noqa: ARG002 - engines that fail need not look at what they get

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab.audio import Audio
from musiclab.errors import AudioError, Cancelled, DeviceError, EngineError
from musiclab.separation import Engine, Licence, separate
from musiclab.separation.layout import Layout
from musiclab.separation.loop import OverlapAdd, Run
from tests.sounds import noise

SR = 8000
TAPS = 801


class Fir(Engine):
    """Two filters: what an engine with local context is, at its simplest."""

    name, stems, sr, licence = "fir", ("low", "high"), SR, Licence("MIT", "none needed")

    def __init__(self, segment: float | None = 1.0, *, align: int = 1, context: float = TAPS // 2 / SR) -> None:
        self.segment, self.context, self.align = segment, context, align
        taps = np.random.default_rng(1).standard_normal((2, 1, TAPS)).astype(np.float32) / TAPS**0.5
        self.taps = torch.from_numpy(taps)
        self.batches: list[int] = []

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        self.batches.append(mixture.shape[0])
        batch, channels, frames = mixture.shape
        made = torch.nn.functional.conv1d(mixture.reshape(-1, 1, frames), self.taps, padding=TAPS // 2)
        return made.reshape(batch, channels, 2, frames).transpose(1, 2)


class Same(Engine):
    """Gives the mixture back, twice."""

    name, stems, sr, licence, segment = "same", ("a", "b"), SR, Licence("MIT", "none needed"), 0.5

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        return torch.stack([mixture, mixture], dim=1)


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("align", [1, 256])
def test_segments_of_a_local_engine_equal_the_whole_run(rng: np.random.Generator, overlap: float, align: int) -> None:
    song = Audio(noise(2, 5 * SR + 123, rng=rng), SR)
    whole = separate(song, engine=Fir(None), cache=False)
    parts = separate(song, engine=Fir(1.0, align=align), overlap=overlap, cache=False)
    for name in whole:
        np.testing.assert_allclose(parts[name].samples, whole[name].samples, atol=1e-6)


def test_without_context_there_are_seams(rng: np.random.Generator) -> None:
    """The test above can fail: it is the context that removes the seams."""
    song = Audio(noise(2, 5 * SR, rng=rng), SR)
    whole = separate(song, engine=Fir(None), cache=False)
    parts = separate(song, engine=Fir(1.0, context=0.0), overlap=0.0, cache=False)
    assert np.abs(parts["low"].samples - whole["low"].samples).max() > 1e-2


@settings(deadline=None, max_examples=60)
@given(
    total=st.integers(1, 5000),
    length=st.integers(8, 1200),
    overlap=st.floats(0, 0.95),
    shifts=st.integers(0, 3),
    fixed=st.booleans(),
    data=st.data(),
)
def test_any_layout_gives_the_identity_back(
    total: int, length: int, overlap: float, shifts: int, fixed: bool, data: st.DataObject
) -> None:
    align = data.draw(st.integers(1, max(1, length // 4)))
    context = 0 if fixed else data.draw(st.integers(0, (length - align) // 2)) // align * align
    layout = Layout(length, overlap, context, align, fixed, shifts, shift=length)
    song = np.random.default_rng(total).standard_normal((1, 2, total)).astype(np.float32)
    out, window = [], layout.window()
    adder = OverlapAdd((1, 2), torch.device("cpu"))
    for segment in layout.segments(total):
        first, stop = segment.read
        assert not fixed or segment.length == length
        assert segment.length <= length
        assert fixed or first % align == 0
        heard = np.pad(song, ((0, 0), (0, 0), (length, length)))[..., first + length : stop + length]
        kept = heard[..., segment.write[0] - first : segment.write[1] - first]
        if segment.write[0] > adder.base:
            out.append(adder.take(segment.write[0]))
        count = segment.write[1] - segment.write[0]
        adder.add(segment.write[0], torch.from_numpy(kept), window[segment.phase : segment.phase + count])
    out.append(adder.take(total))
    np.testing.assert_allclose(np.concatenate(out, axis=-1), song, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("frames", [1, 7, SR, 2 * SR + 1])
def test_stems_have_the_shape_of_the_mixture(rng: np.random.Generator, channels: int, frames: int) -> None:
    song = Audio(noise(channels, frames, rng=rng), SR)
    before = song.samples.copy()
    stems = separate(song, engine=Same(), cache=False)
    assert stems.mixture is song
    np.testing.assert_array_equal(song.samples, before)
    np.testing.assert_allclose(stems["a"].samples, song.samples, atol=1e-6)


@pytest.mark.parametrize("sr", [4000, 22050, 48000, 192000])
def test_another_rate_comes_back_in_place(sr: int) -> None:
    """A tone survives two resamplings without delay; the length is the mixture's."""
    t = np.arange(2 * sr + 5) / sr
    song = Audio(np.stack([np.sin(2 * np.pi * 440 * t), np.cos(2 * np.pi * 700 * t)]), sr)
    stems = separate(song, engine=Same(), cache=False)
    middle = np.s_[:, sr // 4 : -sr // 4]  # a filter rings where the sound is cut off
    np.testing.assert_allclose(stems["a"].samples[middle], song.samples[middle], atol=1e-4)


@pytest.mark.parametrize("sr", [SR, 44100])
def test_stems_and_residual_add_up(rng: np.random.Generator, sr: int) -> None:
    song = Audio(noise(2, 2 * sr, rng=rng), sr)
    stems = separate(song, engine=Fir(), cache=False)
    total = sum(part.samples.astype(np.float64) for part in [*stems.values(), stems.residual])
    assert np.abs(total - song.samples).max() < 10 ** (-90 / 20)


def test_silence_stays_silence() -> None:
    class Never(Same):
        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            raise AssertionError("silence needs no engine")

    stems = separate(Audio(np.zeros((2, 3 * SR)), SR), engine=Never(), cache=False)
    assert not stems["a"].samples.any()


def test_the_mixture_is_normalised_and_restored(rng: np.random.Generator) -> None:
    class Normal(Same):
        normalise = True
        segment = 10.0

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            mono = mixture.mean(1)
            assert abs(float(mono.mean())) < 1e-4
            assert abs(float(mono.std()) - 1) < 1e-3
            return super().separate(mixture)

    for scale in (1e-3, 1.0, 1e3):
        song = Audio(scale * (0.3 + 0.1 * rng.standard_normal((2, 10 * SR))), SR)
        stems = separate(song, engine=Normal(), overlap=0.0, cache=False)
        np.testing.assert_allclose(stems["a"].samples, song.samples, rtol=1e-5, atol=1e-6 * scale)


def test_the_batch_is_halved_when_memory_runs_out(rng: np.random.Generator) -> None:
    class Tight(Fir):
        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            if mixture.shape[0] > 2:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")
            return super().separate(mixture)

    song = Audio(noise(2, 9 * SR, rng=rng), SR)
    tight, free = Tight(), Fir()
    stems = separate(song, engine=tight, batch=8, cache=False)
    assert max(tight.batches) == 2
    np.testing.assert_array_equal(
        stems["low"].samples, separate(song, engine=free, batch=2, cache=False)["low"].samples
    )


def test_too_little_memory_for_one_segment_is_said() -> None:
    class Full(Same):
        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="too small for one segment"):
        separate(Audio(np.ones((2, SR)), SR), engine=Full(), batch=4, cache=False)


def test_other_errors_of_an_engine_are_not_swallowed() -> None:
    class Broken(Same):
        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        separate(Audio(np.ones((2, SR)), SR), engine=Broken(), cache=False)


def test_a_wrong_shape_is_said() -> None:
    class Wrong(Same):
        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            return mixture

    with pytest.raises(EngineError, match="gave the shape"):
        separate(Audio(np.ones((2, SR)), SR), engine=Wrong(), cache=False)


def test_progress_rises_to_one_and_tells_the_time_left(rng: np.random.Generator) -> None:
    told: list[tuple[float, str]] = []
    separate(
        Audio(noise(2, 5 * SR, rng=rng), SR), engine=Fir(), progress=lambda f, text: told.append((f, text)), cache=False
    )
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert any("left" in text for _, text in told)


@pytest.mark.parametrize("kept", [True, False])
def test_cancel_stops_and_keeps_nothing(
    rng: np.random.Generator, kept: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "store"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stop, engine = threading.Event(), Fir()
    engine.version = "1"

    def watch(fraction: float, _: str) -> None:
        if fraction > 0.3:
            stop.set()

    with pytest.raises(Cancelled):
        separate(Audio(noise(2, 20 * SR, rng=rng), SR), engine=engine, progress=watch, cancel=stop, cache=kept)
    assert 0 < len(engine.batches) < 20
    assert not list(tmp_path.rglob("*.npy"))


def test_ctrl_c_passes_through_and_keeps_nothing(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))

    class Interrupted(Fir):
        version = "1"

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().separate(mixture)

    with pytest.raises(KeyboardInterrupt):
        separate(Audio(noise(2, 9 * SR, rng=rng), SR), engine=Interrupted())
    assert not list(tmp_path.rglob("*.npy"))


def test_the_same_request_gives_the_same_samples(rng: np.random.Generator) -> None:
    song = Audio(noise(2, 4 * SR, rng=rng), SR)
    one, two = (separate(song, engine=Fir(), shifts=2, overlap=0.25, cache=False) for _ in range(2))
    np.testing.assert_array_equal(one["low"].samples, two["low"].samples)


def test_the_second_time_comes_from_the_store(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    song, engine = Audio(noise(2, 3 * SR, rng=rng), SR), Fir()
    engine.version = "1"
    first = separate(song, engine=engine)
    calls = len(engine.batches)
    again = separate(Audio(song.samples.copy(), SR), engine=engine)
    assert len(engine.batches) == calls
    np.testing.assert_array_equal(first["low"].samples, again["low"].samples)
    separate(song, engine=engine, overlap=0.5)
    assert len(engine.batches) > calls
    engine.version = "2"
    calls = len(engine.batches)
    separate(song, engine=engine)
    assert len(engine.batches) > calls


def test_an_engine_without_version_is_never_taken_from_the_store(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A student's own engine changes from run to run: its old results must not come back."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    song, engine = Audio(noise(2, 2 * SR, rng=rng), SR), Fir()
    separate(song, engine=engine)
    calls = len(engine.batches)
    separate(song, engine=engine)
    assert len(engine.batches) == 2 * calls


def test_a_store_that_can_not_be_used_does_not_cost_the_result(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "file"))
    engine = Same()
    engine.version = "1"
    song = Audio(noise(2, SR, rng=rng), SR)
    np.testing.assert_allclose(separate(song, engine=engine)["a"].samples, song.samples, atol=1e-6)


def test_a_temporary_result_goes_with_its_stems(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stems = separate(Audio(noise(2, SR, rng=rng), SR), engine=Same(), cache=False)
    assert list(tmp_path.rglob("a.npy"))
    del stems
    assert not list(tmp_path.rglob("a.npy"))


@pytest.mark.parametrize(
    "bad",
    [
        {"overlap": 1.0},
        {"overlap": -0.1},
        {"shifts": -1},
        {"segment": 0},
        {"batch": 0},
        {"quality": "superb"},
        {"precision": "int8"},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is"):
        separate(Audio(np.ones((2, SR)), SR), engine=Same(), cache=False, **bad)  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_said() -> None:
    for device in ("cuda:77", "warp drive"):
        with pytest.raises(DeviceError):
            separate(Audio(np.ones((2, SR)), SR), engine=Same(), device=device, cache=False)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        separate(tmp_path / "nothing.wav", engine=Same(), cache=False)


def test_segments_longer_than_a_network_takes_are_refused() -> None:
    class Fixed(Same):
        fixed = True

    with pytest.raises(EngineError, match=r"up to 0\.50 s"):
        separate(Audio(np.ones((2, SR)), SR), engine=Fixed(), segment=3.0, cache=False)


def test_a_layout_of_frames_reads_each_frame_about_once(rng: np.random.Generator) -> None:
    """No work on padding: what is read beyond the song's length is the context, and little else."""
    layout = Layout.of(Fir(1.0), segment=None, overlap=0.0, shifts=0)
    assert layout is not None
    segments = layout.segments(100 * SR)
    assert sum(s.length for s in segments) <= 100 * SR + len(segments) * TAPS
    read = sum(batch for batch in _batches(rng, 100))
    assert read == len(segments)


def _batches(rng: np.random.Generator, seconds: int) -> list[int]:
    engine = Fir(1.0)
    song = Audio(noise(2, seconds * SR, rng=rng), SR)
    layout = Layout.of(engine, segment=None, overlap=0.0, shifts=0)
    run = Run(engine, torch.device("cpu"), layout, batch=4)
    run.separate(lambda a, b: song.samples[None, :, a:b], song.frames, lambda _: None)
    return engine.batches


def test_what_goes_wrong_while_writing_stops_the_run(rng: np.random.Generator) -> None:
    """Writing goes on beside computing; its errors come out all the same, also those of the last piece."""
    song = noise(1, 2, 4 * SR, rng=rng).astype(np.float32)

    def read(start: int, stop: int) -> np.ndarray:
        return song[..., max(start, 0) : stop]

    for last in (1, 6):
        written: list[int] = []

        def write(estimates: np.ndarray, last: int = last, written: list[int] = written) -> None:
            if len(written) == last:
                raise RuntimeError("the plug was pulled")
            written.append(estimates.shape[-1])

        layout = Layout(int(0.6 * SR), 0.0)
        with pytest.raises(RuntimeError, match="the plug"):
            Run(Same(), torch.device("cpu"), layout).separate(read, 4 * SR, write)
        assert written == [int(0.6 * SR)] * last


def test_pieces_are_written_in_order_beside_the_work(rng: np.random.Generator) -> None:
    song = Audio(noise(2, 4 * SR, rng=rng), SR)
    main, seen = threading.get_ident(), []

    def write(estimates: np.ndarray) -> None:
        seen.append((threading.get_ident(), estimates.copy()))

    def read(start: int, stop: int) -> np.ndarray:
        return song.samples[None, :, start:stop]

    Run(Same(), torch.device("cpu"), Layout(SR // 2, 0.0)).separate(read, song.frames, write)
    assert main not in {thread for thread, _ in seen}
    np.testing.assert_allclose(np.concatenate([made for _, made in seen], -1)[0, 0], song.samples, atol=1e-6)
