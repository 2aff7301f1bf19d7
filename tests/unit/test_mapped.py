"""Sound that is longer than memory suits lies in a file: nothing else about it may differ."""

from __future__ import annotations

import gc
import logging
import mmap
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from musiclab import codecs, mapped
from musiclab.audio import Audio
from musiclab.stems import Stems, added
from musiclab.widgets.explorer.tiles import Tiles
from tests.sounds import noise, recording

SR = 44_100


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything above ten kilobytes lies in a file."""
    monkeypatch.setattr(mapped, "IN_MEMORY", 10_000)


def in_a_file(samples: np.ndarray) -> bool:
    base: object = samples
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


CHANGES: dict[str, Callable[[Audio], Audio]] = {
    "a part of it": lambda song: song[0.1:0.9],
    "a part of a part": lambda song: song[0.1:0.9][0.2:],
    "mono": lambda song: song.mono(),
    "mono of inverse channels": lambda song: Audio(song.samples[:1] * [[1], [-1]], SR).mono(),
    "stereo": lambda song: Audio(np.tile(song.samples, (3, 1)), SR).stereo(),
    "louder": lambda song: song.gained(3),
    "faded": lambda song: song.faded(0.1),
    "slower": lambda song: song.resampled(22_050),
    "faster": lambda song: song.resampled(48_000),
    "the rest": lambda song: Stems({"half": song.gained(-6)}, song).residual,
    "a mix": lambda song: Stems({"half": song.gained(-6)}, song).mix({"half": -3}),
    "a sum": lambda song: added([(song, 1.0), (song.gained(-6), -0.5)], title=""),
    "from flac": lambda song: codecs.load(codecs.encode(song, format="flac", subtype="16")),
    "from opus": lambda song: codecs.load(codecs.encode(song, format="opus")),
    "the middle of flac": lambda song: codecs.load(codecs.encode(song, format="flac"), offset=0.2, duration=0.5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_sound_in_a_file_is_as_sound_in_memory(change: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = recording(1.0)
    expected = CHANGES[change](song)
    assert not in_a_file(expected.samples)
    monkeypatch.setattr(mapped, "IN_MEMORY", 10_000)
    made = CHANGES[change](Audio(np.array(song.samples), SR))
    assert in_a_file(made.samples)
    assert not made.samples.flags.writeable
    assert made.sr == expected.sr
    np.testing.assert_array_equal(made.samples, expected.samples)
    assert (made.digest, made.rms_db, made.peak_db) == (expected.digest, expected.rms_db, expected.peak_db)


@pytest.mark.usefixtures("little_memory")
def test_the_given_array_stays_as_it_was() -> None:
    given = noise(2, 10_000).astype(np.float32)
    before = given.copy()
    song = Audio(given, SR)
    given[:] = 0
    np.testing.assert_array_equal(song.samples, before)
    assert given.flags.writeable


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", ["left", "right", "mid", "side"])
def test_an_explorer_of_it_sees_each_channel(name: str) -> None:
    song = recording(0.5)
    left, right = song.samples
    expected = {"left": left, "right": right, "mid": (left + right) / 2, "side": (left - right) / 2}
    np.testing.assert_array_equal(Tiles(song).channel(name), expected[name])


@pytest.mark.usefixtures("little_memory")
def test_stems_are_written_and_read(tmp_path: Path) -> None:
    song = recording(1.0)
    stems = Stems({"a": song.gained(-6), "b": song.gained(-9)}, song)
    stems.save(tmp_path / "stems", format="flac")
    again = Stems.load(tmp_path / "stems")
    assert in_a_file(again.mixture.samples)
    assert np.abs(again.mixture.samples - song.samples).max() < 2**-22
    assert np.abs(again["a"].samples - stems["a"].samples).max() < 2**-21


@pytest.mark.usefixtures("little_memory")
def test_the_file_has_no_name_and_goes_with_the_last_array(folder: Path) -> None:
    def is_mapped() -> bool:
        maps = Path("/proc/self/maps")
        return not maps.exists() or str(folder) in maps.read_text()

    part = Audio(noise(2, 10_000), SR)[0.1:0.2]
    assert not list(folder.iterdir()) or sys.platform == "win32"
    assert is_mapped()  # a part keeps it
    assert part.rms_db < 0
    del part
    gc.collect()
    assert not list(folder.iterdir())
    assert not is_mapped() or not Path("/proc/self/maps").exists()


@pytest.mark.usefixtures("little_memory")
def test_without_room_on_the_disk_it_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise mapped.NoRoomError(28, "No space left on device")

    monkeypatch.setattr(mapped, "reserve", full)
    with caplog.at_level(logging.WARNING, "musiclab"):
        song = Audio(noise(2, 10_000), SR)
    assert not in_a_file(song.samples)
    assert "stay in memory: No space left on device" in caplog.text


SCRIPT = """
import sys
from pathlib import Path
import matplotlib
matplotlib.use("agg")
import numpy as np, soundfile, torch
import musiclab as ml
from musiclab import mapped, plots
from musiclab.audio import blocks
from musiclab.metrics.loudness import loudness
from musiclab.separation import Engine, Licence

class Half(Engine):
    name, stems, sr = "half", ("vocals", "other"), 44100
    licence, segment = Licence("MIT", "none needed"), 7.8
    def separate(self, mixture):
        return torch.stack([mixture / 2] * 2, 1)

def most():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e3

class Most:
    def __init__(self):
        import threading
        self.seen, self.done = most(), threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
    def look(self):
        while not self.done.wait(0.005):
            self.seen = max(self.seen, most())
    def stop(self):
        self.done.set()
        self.thread.join()
        return self.seen

def use(path):
    song = ml.load(path)
    loudness(song), song.rms_db, song.digest, song.mono(), song.resampled(22050)
    song._repr_html_()
    plots.waveform(song), plots.spectrogram(song)
    stems = ml.separate(song, engine=Half(), progress=False)
    without = stems.without("vocals").samples
    assert all(np.allclose(a, b / 2, atol=1e-6) for a, b in zip(blocks(without), blocks(song.samples)))
    mixer = ml.Mixer(stems)
    mixer.close()
    stems.save(path.parent / "out", format="flac")
    matplotlib.pyplot.close("all")

def write(path, seconds):
    tone = np.sin(np.arange(44100) * 0.05)[:, None] * [0.3, 0.2]
    with soundfile.SoundFile(path, "w", 44100, 2) as file:
        for _ in range(seconds):
            file.write(tone)
    return path

mapped.IN_MEMORY = 1 << 20
folder = Path(sys.argv[1])
use(write(folder / "short.wav", 20))
before, watch = most(), Most()
try:
    use(write(folder / "long.wav", int(sys.argv[2])))
finally:
    print(watch.stop() - before)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of its own is read from /proc")
def test_fifteen_minutes_take_little_memory_of_their_own(tmp_path: Path) -> None:
    """The song is 318 MB, what is made of it 1.5 GB: read, measured, drawn, separated, mixed, shown and written."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), "900"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not run.returncode, run.stderr
    assert float(run.stdout) < 150
