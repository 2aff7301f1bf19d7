"""Rendering of songs, on a library of tones and noise that the test makes itself."""

import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from musiclab import datasets
from musiclab.errors import DatasetError
from musiclab.training.studio.songs import (
    STEMS,
    Library,
    clips,
    composition,
    desk,
    parts,
    players,
    render,
    sources,
    written,
)
from musiclab.training.studio.songs import __main__ as command
from musiclab.training.studio.songs.grooves import GROOVES
from musiclab.training.studio.songs.layers import ROLES
from musiclab.training.studio.songs.library import SR, shift_pitch
from musiclab.training.studio.songs.multitrack import write_multitrack
from musiclab.training.studio.songs.sources import table
from musiclab.training.studio.songs.styles import PROGRESSIONS, STYLES
from musiclab.training.studio.songs.theory import progression
from tests.sounds import harmonics, times

DURATION = 6.0


@pytest.fixture
def library(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("musiclab.training.studio.songs.soundfont.FONTS", ())  # the same on every machine
    return Library(samples)


@pytest.mark.parametrize("seed", range(6))
def test_songs_are_whole(library: Library, seed: int) -> None:
    song = render(seed, library, duration=DURATION)
    assert tuple(song.stems) == STEMS
    for name, stem in song.stems.items():
        assert stem.shape == (2, round(DURATION * SR))
        assert stem.dtype == np.float32
        assert np.isfinite(stem).all()
        assert (np.abs(stem).max() > 1e-3) == bool(song.notes[name]), name
    assert 0.05 < np.abs(song.mixture).max() <= 0.9001
    times = [time for time, _ in song.beats]
    assert (np.diff(times) > 0.2).all()
    assert set(np.diff([position for _, position in song.beats])) <= {1, 1 - int(song.metre[0]), -1, -3}
    assert song.downbeats
    for rows in song.notes.values():
        for onset, offset, pitch, velocity in rows:
            assert 0 <= onset < offset <= DURATION
            assert 12 <= pitch <= 110
            assert 1 <= velocity <= 127


def test_a_song_is_kept_with_its_notes(library: Library, tmp_path: Path) -> None:
    song = render(3, library, duration=DURATION)
    kept = datasets.load_multitrack(write_multitrack(song, tmp_path / "a song"))
    assert set(kept.stems) == {name for name in STEMS if song.notes[name]}
    assert kept.key == song.key
    assert set(kept.notes) == set(kept.stems) - (set() if song.tune_is_sung else {"vocals"})
    for name, notes in kept.notes.items():
        assert [(n.onset, n.offset, n.pitch) for n in notes] == [row[:3] for row in song.notes[name]]
        assert np.abs(kept.stems[name].samples - song.stems[name]).max() < 1e-4
    assert not list(tmp_path.glob("*.tmp"))


def test_same_seed_same_bytes_and_other_seed_other_song(library: Library, samples: Path) -> None:
    one = render(11, library, duration=DURATION)
    render(12, library, duration=DURATION)  # what was rendered between must not matter
    again = render(11, Library(samples), duration=DURATION)
    for name in STEMS:
        assert one.stems[name].tobytes() == again.stems[name].tobytes()
    assert one.notes == again.notes
    assert not np.array_equal(one.mixture, render(12, library, duration=DURATION).mixture)


def test_distortion_bends_both_half_waves_alike_unless_it_is_told_otherwise() -> None:
    wave = np.sin(2 * np.pi * 220 * np.arange(SR // 2) / SR).astype(np.float32)
    even = [np.abs(np.fft.rfft(desk.drive(wave, 18, **how)))[220] for how in ({}, {"bias": 0.3})]  # 440 Hz
    assert even[0] < 0.01 * even[1]


def test_stems_are_not_confused(library: Library) -> None:
    """Each stem sounds when its own player does: the time of its energy follows its own notes."""
    song = render(3, library, duration=DURATION)
    strokes = np.array([onset for onset, *_ in song.notes["drums"]])
    level = np.abs(song.stems["drums"]).max(axis=0)
    after = np.mean([level[int(t * SR) : int(t * SR) + 1500].max() for t in strokes if t < DURATION - 0.1])
    before = np.mean([level[max(0, int(t * SR) - 1500) : int(t * SR) - 200].mean() for t in strokes if t > 0.1])
    assert after > 2 * before
    spectrum = np.abs(np.fft.rfft(song.stems["bass"].mean(axis=0))) ** 2
    centre = (spectrum * np.fft.rfftfreq(round(DURATION * SR), 1 / SR)).sum() / spectrum.sum()
    assert centre < 500


def test_notes_sound_at_their_pitch(library: Library, rng: np.random.Generator) -> None:
    instrument = library.instruments("keys")[0]
    for pitch in (40, 57, 63, 71):
        x = players.play([written.Event(0.1, 0.6, pitch, 0.8)], instrument, library, SR, rng)
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 4 * SR))
        heard = 69 + 12 * np.log2(np.argmax(spectrum) / 4 / 440)
        assert heard == pytest.approx(pitch, abs=0.15)
        assert np.argmax(np.abs(x) > 0.02) / SR == pytest.approx(0.1, abs=0.006)  # silence before is cut off


@pytest.mark.skipif(not clips.available(), reason="pyworld is not installed")
@pytest.mark.parametrize("method", ["world", "psola"])
def test_a_singer_sings_the_tune(library: Library, rng: np.random.Generator, method: str) -> None:
    import pyworld

    from musiclab.training.studio.songs import singer

    who = singer.Singer.cast(library.voices()["a"], rng, method=method)
    tune = [written.Event(i * 0.6, 0.6, pitch, 0.8) for i, pitch in enumerate((57, 59, 62))]
    x = singer.perform(tune, who, clips.analyser_of(library), rng)
    assert len(x) / SR == pytest.approx(1.8, abs=0.15)
    f0, _ = pyworld.harvest(x.astype(np.float64), SR)
    for i, event in enumerate(tune):
        middle = f0[int((0.6 * i + 0.3) / 0.005) : int((0.6 * i + 0.5) / 0.005)]
        assert 69 + 12 * np.log2(np.median(middle[middle > 0]) / 440) == pytest.approx(event.pitch, abs=0.6)


def test_works_without_a_vocoder(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "available", lambda: False)
    seed = next(s for s in range(20) if composition.compose(np.random.default_rng(s), duration=DURATION).vocals)
    song = render(seed, library, duration=DURATION)
    assert song.notes["vocals"]
    assert np.abs(song.stems["vocals"]).max() > 1e-3


def test_limiter_keeps_the_sum(rng: np.random.Generator) -> None:
    stems = rng.standard_normal((4, 2, SR)).astype(np.float32)
    kept = stems.copy()
    out = desk.limit(stems, ceiling=0.7)
    assert np.array_equal(stems, kept)
    assert np.abs(out.sum(axis=0)).max() <= 0.7001
    loud = np.abs(stems) > 0.1
    gains = np.where(loud, out / np.where(loud, stems, 1), np.nan)
    spread = np.nanmax(gains, axis=(0, 1)) - np.nanmin(gains, axis=(0, 1))
    assert np.nanmax(spread) < 1e-5  # at any moment one gain for all stems and channels


EFFECTS = {
    "compress": lambda x, _: desk.compress(x, threshold_db=-20, ratio=4),
    "drive": lambda x, _: desk.drive(x, 24, bias=0.2, hard=0.5),
    "cabinet": lambda x, rng: desk.cabinet(x, rng),
    "chorus": lambda x, rng: desk.chorus(x, rng),
    "tremolo": lambda x, _: desk.tremolo(x, 5, 0.5),
    "room": lambda x, rng: desk.reverberate(x, desk.room(rng, 0.8), -12),
    "spring": lambda x, rng: desk.reverberate(x, desk.spring(rng), -12),
    "echo": lambda x, _: desk.echo(desk.pan(x, 0.3), 0.2),
}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e3])
def test_effects_keep_length_and_change_nothing_in_place(effect: str, scale: float, rng: np.random.Generator) -> None:
    x = (scale * rng.standard_normal(SR // 2)).astype(np.float32)
    kept = x.copy()
    y = EFFECTS[effect](x, rng)
    assert np.array_equal(x, kept)
    assert y.shape[-1] == len(x)
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert (desk.rms(y) > 0.1 * desk.rms(x)) or scale == 0


def test_compressor_narrows_the_dynamics(rng: np.random.Generator) -> None:
    x = rng.standard_normal(SR).astype(np.float32)
    x[: SR // 2] *= 0.1
    ratio = desk.rms(x[SR // 2 :]) / desk.rms(x[: SR // 2])
    y = desk.compress(x, threshold_db=-20, ratio=4, release=0.05)
    assert desk.rms(y[3 * SR // 4 :]) / desk.rms(y[: SR // 2]) < 0.6 * ratio


def test_shift_pitch_changes_length() -> None:
    x = (harmonics(60, 0.8, 5, sr=SR) * np.exp(-times(0.8, sr=SR))).astype(np.float32)
    assert len(shift_pitch(x, 12)) == pytest.approx(len(x) / 2, abs=3)


def test_styles_name_what_exists() -> None:
    for style in STYLES:
        assert set(style.grooves.split()) <= GROOVES.keys(), style.name
        assert set(style.bass.split()) <= parts.BASS_LINES.keys(), style.name
        assert set(style.progressions.split()) <= PROGRESSIONS.keys(), style.name
        beats, steps = composition.METRES[style.metre]
        for groove in style.grooves.split():
            assert {len(row) for row in GROOVES[groove].values()} == {beats * steps}, groove
        for layer in style.layers.split():
            role, sound = layer.split("/")
            assert role in ROLES
            assert sound in players.SOUNDS
    for text in PROGRESSIONS.values():
        assert all(progression(text, tonic) for tonic in range(12))


def test_share_alike_and_licences_can_be_left_out(samples: Path) -> None:
    assert any(s.kind == "ride" for s in Library(samples).samples)
    assert not any(s.kind == "ride" for s in Library(samples, share_alike=False).samples)
    assert not Library(samples, licences=("MIT",)).samples


def test_no_index_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="MUSICLAB_SAMPLES"):
        Library(tmp_path)
    monkeypatch.delenv("MUSICLAB_SAMPLES", raising=False)
    with pytest.raises(DatasetError, match="MUSICLAB_SAMPLES"):
        Library.default()
    assert command.main([str(tmp_path / "out"), "--songs", "1"]) == 1


def test_silent_samples_are_not_let_through(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "bass", lambda *_: np.zeros((2, round(DURATION * SR)), np.float32))
    seed = next(s for s in range(20) if composition.compose(np.random.default_rng(s), duration=DURATION).bass)
    with pytest.raises(DatasetError, match="bass"):
        render(seed, library, duration=DURATION)


@pytest.mark.usefixtures("library")
def test_full_scale_is_full_scale_in_sixteen_bits() -> None:
    values = np.array([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0])
    packed = command.pack(SimpleNamespace(stems={name: np.tile(values, (2, 1)) for name in STEMS}))  # type: ignore[arg-type]
    assert packed.dtype == np.int16
    assert packed[3, 1].tolist() == [-32767, -32767, -16384, 0, 8192, 32767, 32767]


def test_command_writes_songs_once(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "songs"
    arguments = [str(out), "--songs", "2", "--first-seed", "5", "--samples", str(samples), "--duration", "3"]
    assert command.main(arguments) == 0
    songs = sorted(out.iterdir())
    assert [p.name for p in songs] == ["000005.npy", "000006.npy"]
    x = np.load(songs[0])
    assert x.shape == (4, 2, 3 * SR)
    assert x.dtype == np.int16
    assert np.abs(x.astype(np.int32).sum(axis=0)).max() <= 0.9 * 32767 + 4
    stamps = [p.stat().st_mtime_ns for p in songs]
    assert command.main(arguments) == 0
    assert [p.stat().st_mtime_ns for p in songs] == stamps


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_a_stop_leaves_nothing_half_written(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "songs"
    module = "musiclab.training.studio.songs"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, str(out), "--songs", "500", "--samples", str(samples)]
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not list(out.glob("*.npy")):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) in (143, -signal.SIGTERM)
    assert list(out.glob("*.npy"))
    assert {p.suffix for p in out.iterdir()} == {".npy"}
    for path in out.iterdir():
        np.load(path)


def test_sources_list_has_every_library(library: Library) -> None:
    text = table(s.row for s in library.samples)
    assert text.count("\n") == 2 + len({(s.library, bool(s.row["share_alike"])) for s in library.samples})
    assert "CC0-1.0 (share-alike)" in text
    assert "someone/somewhere@0" in text


def test_run_as_a_program_it_writes_the_whole_page(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Library, "default", classmethod(lambda _: library))
    runpy.run_path(sources.__file__, run_name="__main__")
    page = capsys.readouterr().out
    assert page.startswith("#")
    assert page.endswith("\n" + table(sample.row for sample in library.samples))
