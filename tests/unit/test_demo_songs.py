"""The bundled songs are what their description says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2] / "datasets"
SONGS = sorted(path.parent for path in ROOT.glob("*/song.json"))
FREE = ("CC0", "Public Domain", "MIT")
RANGES = {"vocals": (48, 84), "bass": (24, 60), "other": (36, 100), "drums": (35, 60)}


@pytest.fixture(scope="module", params=SONGS, ids=lambda path: path.name)
def song(request: pytest.FixtureRequest) -> tuple[Mapping[str, Any], dict[str, np.ndarray]]:
    folder: Path = request.param
    info = json.loads((folder / "song.json").read_text(encoding="utf-8"))
    return info, {p.stem: soundfile.read(p, dtype="float32", always_2d=True)[0].T for p in folder.glob("*.ogg")}


def test_there_are_songs_and_they_are_small() -> None:
    assert len(SONGS) >= 2
    files = [file for folder in SONGS for file in folder.iterdir()]
    assert sum(file.stat().st_size for file in files) < 12e6
    assert any(file.name == "vocals.ogg" for file in files)
    assert any(not (folder / "vocals.ogg").exists() for folder in SONGS)  # and an instrumental


def test_stems_fit_their_description(song: tuple[Mapping[str, Any], dict[str, np.ndarray]]) -> None:
    info, stems = song
    assert stems.keys() == info["notes"].keys()
    assert {"drums", "bass", "other"} <= stems.keys()
    for name, x in stems.items():
        assert x.shape == (2, round(info["duration"] * info["sr"])), name
        assert 0.02 < np.sqrt(np.mean(x**2)) < 0.3, name
    mixture = np.sum(list(stems.values()), axis=0)
    assert 0.5 < np.abs(mixture).max() < 0.95
    assert 25 <= info["duration"] <= 35
    assert np.abs(mixture[:, -100:]).max() < 0.01  # it ends


def test_licence_is_free_of_conditions(song: tuple[Mapping[str, Any], dict[str, np.ndarray]]) -> None:
    info, _ = song
    assert info["licence"] == "CC0-1.0"
    assert info["sources"]
    for source in info["sources"]:
        assert source["licence"].startswith(FREE)
        assert source["repo"].count("@") == 1
        assert source["attribution"]


def test_beats_chords_and_sections(song: tuple[Mapping[str, Any], dict[str, np.ndarray]]) -> None:
    info, _ = song
    times, positions = np.array(info["beats"]).T
    assert np.diff(times) == pytest.approx(60 / info["tempo"], rel=0.05)
    metre = info["time_signature"][0]
    assert list(positions) == [1 + i % metre for i in range(len(positions))]
    downbeats = times[positions == 1]
    assert [time for time, _ in info["chords"]] == pytest.approx(list(downbeats))
    assert {time for _, time in info["sections"]} <= set(downbeats)


def test_notes_are_where_they_sound(song: tuple[Mapping[str, Any], dict[str, np.ndarray]]) -> None:
    """Just after a note's onset there is more sound than just before it, and never a note without sound."""
    info, stems = song
    for name, notes in info["notes"].items():
        low, high = RANGES[name]
        level = np.abs(stems[name]).max(axis=0)
        for onset, offset, pitch, velocity in notes:
            assert 0 <= onset < offset <= info["duration"]
            assert low <= pitch <= high, name
            assert 1 <= velocity <= 127
            assert level[int(onset * 44100) : int((onset + 0.12) * 44100)].max() > 0.01, (name, onset)
    level = np.abs(stems["drums"]).max(axis=0)
    rises = [_rise(level, onset) for onset, *_ in info["notes"]["drums"] if onset > 0.1]
    assert np.median(rises) > 2


def _rise(level: np.ndarray, onset: float) -> float:
    at = int(onset * 44100)
    return float(level[at : at + 1300].max() / (level[max(0, at - 1300) : at - 200].mean() + 1e-4))


def test_bass_plays_its_notes(song: tuple[Mapping[str, Any], dict[str, np.ndarray]]) -> None:
    info, stems = song
    right = []
    bass = stems["bass"].mean(axis=0)
    for onset, offset, pitch, _ in info["notes"]["bass"]:
        part = bass[int((onset + 0.03) * 44100) : int(offset * 44100)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16))
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        scores = [_harmonics(spectrum, f0 * 2 ** (d / 12)) for d in range(-5, 7)]
        right.append(int(np.argmax(scores)) == 5)
    assert np.mean(right) > 0.9


def _harmonics(spectrum: np.ndarray, f0: float) -> float:
    return sum(spectrum[round(f0 * k * (1 << 16) / 44100)] for k in (1, 2, 3, 4))


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("MUSICLAB_SAMPLES"), reason="needs the folder of samples")
def test_script_makes_the_same_song(tmp_path: Path) -> None:
    """What is bundled is what the script makes."""
    name = SONGS[0].name
    for file in ("make.py", "tunes.py"):
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    subprocess.run([sys.executable, "-W", "ignore", str(tmp_path / "make.py"), name], check=True, timeout=280)
    made, kept = (json.loads((root / name / "song.json").read_text("utf-8")) for root in (tmp_path, ROOT))
    assert made == kept
    for file in SONGS[0].glob("*.ogg"):
        ours, again = (soundfile.read(path)[0] for path in (file, tmp_path / name / file.name))
        assert np.abs(ours - again).max() < 0.02
