"""Stems as files: they add up, share one gain, are written together or not at all, and come back."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musiclab import codecs, datasets, stemfiles
from musiclab.audio import Audio
from musiclab.codecs import writers
from musiclab.errors import AudioError, ExportError
from musiclab.stems import Stems

SR = 44100
NAMES = ("vocals", "drums", "bass", "other")


def made(*, peak: float = 0.3, seconds: float = 0.7, grid: bool = False, seed: int = 0) -> Stems:
    """Stems that leave a residual, as an engine's do; on request all of 16-bit numbers."""
    rng = np.random.default_rng(seed)
    envelope = np.minimum(1, np.arange(round(seconds * SR)) / 2000)
    parts = rng.uniform(-1, 1, (5, 2, len(envelope))) * envelope * peak / 3
    if grid:
        parts = np.rint(parts * 32768) / 32768
    mixture = Audio(parts.sum(axis=0), SR, title="My Song")
    return Stems(dict(zip(NAMES, (Audio(part, SR) for part in parts), strict=False)), mixture, engine="embedded")


def sum_of(paths) -> np.ndarray:
    return np.sum([codecs.load(path).samples.astype(np.float64) for path in paths], axis=0)


def db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(samples).max() + 1e-30))


@pytest.mark.parametrize("peak", [1e-3, 1.0, 1e3])
def test_files_in_the_default_format_add_up_to_the_mixture(tmp_path, caplog, peak):
    stems = made(peak=peak)
    saved = stems.save(tmp_path)
    assert not caplog.messages  # who reads them is told where they pass full scale by far
    assert [path.name for path in saved.values()] == [f"{name}.wav" for name in (*NAMES, "residual")]
    assert list(saved) == [*NAMES, "residual"]
    rest = sum_of(saved.values()) - stems.mixture.samples
    assert db(rest) - max(0, stems.mixture.peak_db) < -120
    assert saved.gain_db == 0


@pytest.mark.parametrize(("format", "bits"), [("wav", "16"), ("wav", "24"), ("flac", "16"), ("flac", "24")])
def test_files_of_whole_numbers_add_up_to_the_mixture_rounded_once(tmp_path, format, bits):
    """Five files that were dithered each for itself would miss it by 8 steps."""
    stems = made()
    saved = stems.save(tmp_path, format=format, subtype=bits)
    rest = sum_of(saved.values()) - stems.mixture.samples
    assert np.abs(rest).max() <= (1.5 if bits == "16" else 0.5) * 2.0 ** (1 - int(bits)) + 1e-7
    assert 20 * np.log10(np.sqrt(np.mean(rest**2))) < -90
    for name in NAMES:
        error = codecs.load(saved[name]).samples - stems[name].samples
        assert np.abs(error).max() <= 1.6 * 2.0 ** (1 - int(bits))


def test_whole_numbers_that_were_whole_before_are_left_alone(tmp_path):
    stems = made(grid=True)
    saved = stems.save(tmp_path, subtype="16")
    for name in NAMES:
        np.testing.assert_array_equal(codecs.load(saved[name]).samples, stems[name].samples)
    np.testing.assert_array_equal(sum_of(saved.values()), stems.mixture.samples)


@pytest.mark.parametrize(
    ("format", "bits"), [("wav", "16"), ("flac", "24"), ("mp3", None), ("ogg", None), ("m4a", None)]
)
def test_where_one_would_clip_all_get_the_same_gain_and_it_is_told(tmp_path, caplog, format, bits):
    quiet = made(peak=0.3)
    loud = Stems(
        {name: stem.gained(26 if name == "drums" else 0) for name, stem in quiet.items()}, quiet.mixture, engine="x"
    )
    saved = loud.save(tmp_path, format=format, subtype=bits)
    assert saved.gain_db < -5
    gains = {name: codecs.load(path).rms_db - loud[name].rms_db for name, path in saved.items()}
    for name in NAMES:
        assert gains[name] == pytest.approx(saved.gain_db, abs=0.05 if bits else 0.8), name
    for path in saved.values():
        assert codecs.load(path).peak_db <= 0
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"All 5 files were, alike, made softer by {-saved.gain_db:.3g} dB")


@pytest.mark.parametrize(("format", "bits"), [("wav", None), ("wav", "16"), ("flac", "24")])
def test_they_come_back_as_they_were(tmp_path, format, bits):
    loud = made(peak=4.0)
    loud.save(tmp_path, format=format, subtype=bits)
    for place in (tmp_path, str(tmp_path), tmp_path / "stems.json"):
        back = Stems.load(place)
        assert (list(back), back.engine, back.mixture.title) == (list(NAMES), "embedded", "My Song")
        for name in (*NAMES, "residual"):
            step = 0 if bits is None else 3 * 2.0 ** (1 - int(bits)) * 4
            assert np.abs(back[name].samples - loud[name].samples).max() <= step + 2e-6
        assert back.mixture.rms_db == pytest.approx(loud.mixture.rms_db, abs=1e-3)


@pytest.mark.parametrize("format", ["mp3", "ogg", "opus", "m4a"])
def test_lossy_stems_come_back_at_their_rate_and_length(tmp_path, format):
    stems = made(seconds=1.2345)
    stems.save(tmp_path, format=format)
    back = Stems.load(tmp_path)
    assert (back.sr, back.mixture.samples.shape) == (SR, stems.mixture.samples.shape)
    assert back["vocals"].rms_db == pytest.approx(stems["vocals"].rms_db, abs=1)


def test_any_folder_of_stems_can_be_read(tmp_path):
    stems = made()
    for name in ("other", "vocals", "drums", "bass", "kazoo"):
        (stems["other"] if name == "kazoo" else stems[name]).save(tmp_path / f"{name}.flac")
    (tmp_path / "notes.txt").write_text("not audio")
    (tmp_path / "package.json").write_text('{"kind": "something else"}')
    back = Stems.load(tmp_path)
    assert list(back) == ["vocals", "drums", "bass", "other", "kazoo"]
    assert back.residual.peak_db < -120
    stems.mixture.save(tmp_path / "mixture.wav")
    np.testing.assert_array_equal(Stems.load(tmp_path).mixture.samples, stems.mixture.samples)


def test_a_silent_stem_is_nothing_to_warn_of(tmp_path, caplog):
    song = made().mixture
    Stems({"other": song, "vocals": Audio(np.zeros_like(song.samples), SR)}, song).save(tmp_path, format="flac")
    assert Stems.load(tmp_path)["vocals"].peak_db < -100
    assert not caplog.messages


def test_folders_that_hold_no_stems(tmp_path):
    with pytest.raises(AudioError, match="no stem"):
        Stems.load(tmp_path)
    with pytest.raises(AudioError, match="There is no folder"):
        Stems.load(tmp_path / "nowhere")
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(AudioError, match="not the card"):
        Stems.load(tmp_path / "x.json")
    made().mixture[:0.3].save(tmp_path / "mix.wav")
    with pytest.raises(AudioError, match="no stem"):
        Stems.load(tmp_path)
    made().mixture.save(tmp_path / "vocals.wav")
    with pytest.raises(AudioError, match=r"'vocals' is 0.40 s longer than its mixture"):
        Stems.load(tmp_path)
    made().mixture.save(tmp_path / "mixture.wav")
    with pytest.raises(AudioError, match="mixture twice"):
        Stems.load(tmp_path)
    (tmp_path / "mix.wav").unlink()
    made().mixture.save(tmp_path / "Vocals.flac")
    with pytest.raises(AudioError, match="'vocals' twice"):
        Stems.load(tmp_path)


def test_a_folder_reads_the_same_as_stems_and_as_a_multitrack(tmp_path):
    """Names in capitals, other rates, mono and short files, a residual, any format: one reader, one order."""
    stems = made()
    for name in ("piano", "other", "guitar", "Drums", "accompaniment", "kazoo"):
        stems["other"].save(tmp_path / f"{name}.flac")
    stems["bass"].mono().resampled(22050)[:0.5].save(tmp_path / "BASS.wav")
    stems["vocals"].save(tmp_path / "vocals.oga.ogg")
    stems["vocals"].save(tmp_path / ".vocals.wav")
    sf.write(tmp_path / "vocals.aiff", stems["vocals"].samples.T, SR)
    stems.residual.save(tmp_path / "residual.wav")
    read, multitrack = Stems.load(tmp_path), datasets.load_multitrack(tmp_path).stems
    expected = ["vocals", "drums", "bass", "other", "guitar", "piano", "accompaniment", "kazoo", "vocals.oga"]
    assert list(read) == list(multitrack) == expected
    for name in [*expected, "residual"]:
        np.testing.assert_array_equal(read[name].samples, multitrack[name].samples)
        assert read[name].samples.shape == stems.mixture.samples.shape
    assert not read["bass"].samples[:, round(0.5 * SR) + 1 :].any()
    assert read.residual.rms_db == pytest.approx(stems.residual.rms_db, abs=0.01)


def test_a_system_that_does_not_tell_its_cores_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert len(made().save(tmp_path, format="flac")) == len(NAMES) + 1


def test_stems_made_softer_come_back_at_their_level_as_a_multitrack_too(tmp_path):
    loud = made(peak=4.0)
    assert loud.save(tmp_path, format="flac").gain_db < -2
    assert datasets.load_multitrack(tmp_path).stems["bass"].rms_db == pytest.approx(loud["bass"].rms_db, abs=0.01)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("files", None, "its files are no names"),
        ("files", ["vocals.wav"], "its files are no names"),
        ("files", {"vocals": 3}, "its files are no names"),
        ("files", {}, "it names no stem"),
        ("files", {"residual": "residual.wav"}, "it names no stem"),
        ("sr", "44100", "its sr can't be '44100'"),
        ("sr", 10**9, "its sr can't be"),
        ("sr", 44100.5, "no whole numbers"),
        ("frames", -1, "its frames can't be"),
        ("frames", True, "its frames can't be True"),
        ("frames", 10**12, "its frames can't be"),
        ("frames", 10**8, "is 0.70 s long, and its card says 2267.57 s"),
        ("gain_db", float("nan"), "its gain_db can't be nan"),
        ("gain_db", -1e308, "its gain_db can't be"),
        ("gain_db", -900, "its gain_db can't be"),
        ("title", {"a": 1}, "its title is no text"),
        ("engine", None, "its engine is no text"),
    ],
)
def test_a_card_that_can_not_be_is_told(tmp_path, key, value, says):
    made().save(tmp_path)
    card = json.loads((tmp_path / "stems.json").read_text())
    (tmp_path / "stems.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(AudioError, match=re.escape(says)):
        Stems.load(tmp_path)
    del card[key]
    (tmp_path / "stems.json").write_text(json.dumps(card))
    with pytest.raises(AudioError, match="is damaged"):
        Stems.load(tmp_path)


def test_a_card_can_not_lead_out_of_its_folder(tmp_path):
    made().save(tmp_path / "inner")
    made().mixture.save(tmp_path / "vocals.wav")
    card = tmp_path / "inner" / "stems.json"
    text = json.loads(card.read_text())
    text["files"]["vocals"] = "../vocals.wav"
    card.write_text(json.dumps(text))
    np.testing.assert_allclose(Stems.load(card)["vocals"].samples, made()["vocals"].samples)


def test_names_by_a_template(tmp_path):
    for title in ("One", "AC/DC: <live>?"):
        stems = made()
        stems = Stems(dict(stems), Audio(stems.mixture.samples, SR, title=title))
        saved = stems.save(tmp_path, names="{title} - {stem}")
        assert saved["bass"].parent == tmp_path
    assert saved["bass"].name == "AC_DC_ _live__ - bass.wav"
    assert (tmp_path / "One - stems.json").exists()
    assert Stems.load(tmp_path / "One - stems.json").mixture.title == "One"
    with pytest.raises(AudioError, match=r"several songs: give one of AC_DC_ _live__ - stems.json, One - stems.json"):
        Stems.load(tmp_path)
    with pytest.raises(ExportError, match="same file"):
        made().save(tmp_path, names="{title}")
    with pytest.raises(ExportError, match="can't be filled in"):
        made().save(tmp_path, names="{artist} {stem}")


def test_one_failure_leaves_all_old_files_as_they_were(tmp_path, monkeypatch):
    made(seed=1).save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()}
    real = writers._by_sndfile

    def full_at_bass(take, target, *rest):
        if take.seed == 3:
            raise OSError(28, "No space left on device")
        real(take, target, *rest)

    monkeypatch.setattr(writers, "_by_sndfile", full_at_bass)
    with pytest.raises(ExportError, match="no room left"):
        made(seed=2).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()} == before
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_of_yours_is_never_replaced(tmp_path):
    """Not one that was there, nor one of ours that you changed; what is left as it was is replaced."""
    stems = made()
    (tmp_path / "bass.wav").write_bytes(b"my own")
    with pytest.raises(ExportError, match=r"bass.wav' is there already and is not as musiclab left it"):
        stems.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["bass.wav"]
    assert (tmp_path / "bass.wav").read_bytes() == b"my own"
    (tmp_path / "bass.wav").unlink()
    stems.save(tmp_path)
    made(seed=3).save(tmp_path)
    np.testing.assert_allclose(Stems.load(tmp_path)["bass"].samples, made(seed=3)["bass"].samples, atol=1e-6)
    made(seed=4)["bass"].save(tmp_path / "bass.wav")
    with pytest.raises(ExportError, match="not as musiclab left it"):
        stems.save(tmp_path)


def test_a_folder_is_free_for_the_stems_that_it_holds_and_no_others(tmp_path):
    song, other = made(), made(seed=9)
    place = tmp_path / "song"
    assert stemfiles.free_folder(place, song.mixture) == place
    place.mkdir()
    (place / "lyrics.txt").write_text("la")
    assert stemfiles.free_folder(place, song.mixture) == place
    song.save(place)
    assert stemfiles.free_folder(place, song.mixture) == place
    assert stemfiles.free_folder(place, other.mixture).name == "song (2)"
    other.save(tmp_path / "song (2)")
    assert stemfiles.free_folder(place, other.mixture).name == "song (2)"
    assert stemfiles.free_folder(place, made(seed=5).mixture).name == "song (3)"
    (place / "drums.wav").write_bytes(b"mine")
    assert stemfiles.free_folder(place, song.mixture).name == "song (3)"
    (place / "stems.json").write_text('{"kind": "musiclab stems"}')
    assert stemfiles.free_folder(place, song.mixture).name == "song (3)"
    (tmp_path / "file").write_text("in the way")
    assert stemfiles.free_folder(tmp_path / "file", song.mixture).name == "file (2)"


@pytest.mark.parametrize("format", ["mp3", "opus", "m4a"])
def test_stems_of_surround_are_folded_where_a_format_holds_two_channels(tmp_path, caplog, format):
    rng = np.random.default_rng(0)
    parts = {name: Audio(rng.uniform(-0.02, 0.02, (6, SR)), SR) for name in ("vocals", "drums")}
    song = Audio(sum(part.samples for part in parts.values()) * 1.2, SR)
    saved = Stems(parts, song).save(tmp_path, format=format)
    assert len([text for text in caplog.messages if "the 6 of the sound are folded" in text]) == 1
    for name, path in saved.items():
        assert codecs.load(path).channels == 2, name
    assert Stems.load(tmp_path).mixture.rms_db == pytest.approx(song.stereo().rms_db, abs=1)


def test_what_is_saved_is_not_changed(tmp_path):
    for peak in (1e-3, 1.0, 1e3):
        stems, twin = made(peak=peak), made(peak=peak)
        for format in ("wav", "flac", "ogg"):
            stems.save(tmp_path, format=format)
        for name in (*NAMES, "residual"):
            np.testing.assert_array_equal(stems[name].samples, twin[name].samples)


def test_the_same_stems_give_the_same_files(tmp_path):
    first = made().save(tmp_path / "a", subtype="16")
    second = made().save(tmp_path / "b", subtype="16")
    assert [path.read_bytes() for path in first.values()] == [path.read_bytes() for path in second.values()]
    assert isinstance(first, dict)
    assert all(isinstance(path, Path) for path in first.values())


def test_a_song_is_called_as_it_was_and_not_as_its_last_part(tmp_path: Path) -> None:
    """Its stems have names of their own, and the residual is added last."""
    stems = made()
    stems.save(tmp_path / "folder")
    assert Stems.load(tmp_path / "folder").mixture.title == "My Song"
    (tmp_path / "folder" / "stems.json").unlink()
    for whole in (tmp_path / "folder").glob("mix*"):
        whole.unlink()
    assert Stems.load(tmp_path / "folder").mixture.title == "folder"
    assert stems.mix({next(iter(stems)): -6.0}).title == "My Song"
