"""Folders of multitracks: what is found, how parts are fitted to their mixture, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from musiclab import datasets
from musiclab.errors import DatasetError
from tests.sounds import noise, tone


def write(folder, name, samples, sr=8000):
    folder.mkdir(parents=True, exist_ok=True)
    sf.write(folder / name, np.atleast_2d(samples).T, sr, subtype="FLOAT" if name.endswith("wav") else None)


@pytest.fixture
def sounds(rng):
    return {name: noise(2, 4000, rng=rng).astype(np.float32) for name in ("drums", "bass", "vocals")}


def test_stems_come_in_the_usual_order_and_add_up_without_a_mixture(tmp_path, sounds):
    for name, samples in sounds.items():
        write(tmp_path / "song", f"{name}.wav", samples)
    song = datasets.load_multitrack(tmp_path / "song")
    assert list(song.stems) == ["vocals", "drums", "bass"]
    np.testing.assert_allclose(song.mixture.samples, sum(sounds.values()), atol=1e-6)
    assert song.stems.residual.peak_db < -120
    assert (song.name, song.title, song.tempo) == ("song", "song", None)


def test_stems_take_the_rate_channels_and_length_of_the_mixture(tmp_path, sounds):
    write(tmp_path, "mixture.wav", sum(sounds.values()))
    write(tmp_path, "Drums.wav", sounds["drums"][0, :1000])  # mono, short, capital letter
    write(tmp_path, "bass.flac", np.tile(tone(200, 0.5, level=0.5, sr=16000), (2, 1)), sr=16000)
    song = datasets.load_multitrack(tmp_path)
    assert all(stem.samples.shape == (2, 4000) and stem.sr == 8000 for stem in song.stems.values())
    np.testing.assert_allclose(song.stems["drums"].samples[:, :1000], sounds["drums"][[0, 0], :1000], atol=1e-6)
    assert not song.stems["drums"].samples[:, 1000:].any()
    expected = tone(200, 0.5, level=0.5, sr=8000)
    np.testing.assert_allclose(song.stems["bass"].samples[0, 500:3500], expected[500:3500], atol=1e-3)


def test_song_json_is_read(tmp_path, sounds):
    write(tmp_path, "bass.wav", sounds["bass"])
    info = {
        "title": "Tide",
        "licence": "CC0-1.0",
        "key": "A minor",
        "tempo": 96,
        "time_signature": [3, 4],
        "beats": [[0.0, 1], [0.1, 2], [0.2, 3], [0.3, 1]],
        "notes": {"bass": [[0.0, 0.2, 33, 90]]},
    }
    (tmp_path / "song.json").write_text(json.dumps(info))
    song = datasets.load_multitrack(tmp_path)
    assert (song.title, song.licence, song.key, song.tempo) == ("Tide", "CC0-1.0", "A minor", 96.0)
    part = song.part("bass")
    assert part.notes[0].pitch == 33
    assert part.downbeats == (0.0, 0.3)
    assert part.time_signature == (3, 4)
    with pytest.raises(DatasetError, match=r"not known \(known: bass\)"):
        song.part("drums")
    with pytest.raises(DatasetError, match=r"not known \(known: no stem\)"):
        replace(song, notes={}).part("drums")


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "can't be read"), ('{"tempo": "fast"}', "can't be read"), ('{"beats": [1, 2]}', "can't be read")],
)
def test_broken_song_json_is_told(tmp_path, sounds, text, message):
    write(tmp_path, "bass.wav", sounds["bass"])
    (tmp_path / "song.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        datasets.load_multitrack(tmp_path)


def test_what_is_no_multitrack_is_refused(tmp_path, sounds):
    with pytest.raises(DatasetError, match="There is no folder"):
        datasets.load_multitrack(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="holds no stem"):
        datasets.load_multitrack(tmp_path)
    write(tmp_path, "mix.wav", sounds["bass"][:, :100])
    write(tmp_path, "bass.wav", sounds["bass"])
    with pytest.raises(DatasetError, match="longer than its mixture"):
        datasets.load_multitrack(tmp_path)
    write(tmp_path, "bass.flac", sounds["bass"])
    with pytest.raises(DatasetError, match="twice"):
        datasets.load_multitrack(tmp_path)


def test_multitracks_are_found_in_folders_of_folders(tmp_path, sounds):
    write(tmp_path / "train" / "b", "vocals.wav", sounds["vocals"])
    write(tmp_path / "train" / "a", "drums.flac", sounds["drums"])
    write(tmp_path / "loose", "song.wav", sounds["drums"])
    assert [song.name for song in datasets.multitracks(tmp_path)] == ["a", "b"]
    with pytest.raises(DatasetError, match="No multitrack"):
        datasets.multitracks(tmp_path / "loose")


def test_bundled_songs_have_true_stems_that_add_up():
    names = datasets.demo_songs()
    if not names:
        pytest.skip("no bundled songs in this checkout")
    for name in names:
        song = datasets.demo(name)
        assert song.mixture.sr == 44100
        assert song.stems.residual.rms_db < song.mixture.rms_db - 40
    with pytest.raises(DatasetError, match="No bundled song"):
        datasets.demo("no such song")
