"""Real recordings: read, written, read back."""

import os
from pathlib import Path

import numpy as np
import pytest

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.stems import Stems

ROOT = Path(os.environ.get("MUSICLAB_REAL_DATA", "nowhere"))
SONGS = ("Beatles", "Country1", "Punk", "Reggae", "Rockabilly", "Shadows")

pytestmark = [pytest.mark.real, pytest.mark.skipif(not ROOT.is_dir(), reason="MUSICLAB_REAL_DATA is not set")]


def lag(heard: Audio, sent: Audio) -> int:
    size = 1 << (heard.frames + sent.frames).bit_length()
    product = np.fft.rfft(heard.samples.mean(axis=0), size) * np.conj(np.fft.rfft(sent.samples.mean(axis=0), size))
    place = int(np.argmax(np.fft.irfft(product)))
    return place - size if place > size // 2 else place


def db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(samples).max() + 1e-30))


@pytest.mark.parametrize("song", SONGS)
def test_true_stems_add_up_and_survive_a_round_trip_through_files(tmp_path, song, caplog):
    stems = Stems.load(ROOT / "multitracks" / song)
    assert stems.residual.peak_db < -90  # the mixture is the exact sum
    half = Stems({name: stem.gained(-3) for name, stem in stems.items()}, stems.mixture)
    for format, subtype, below in (("wav", None, -120), ("flac", "24", -120), ("wav", "16", -90)):
        saved = half.save(tmp_path, format=format, subtype=subtype)
        total = np.sum([codecs.load(path).samples.astype(np.float64) for path in saved.values()], axis=0)
        assert db(total - stems.mixture.samples * 10 ** (saved.gain_db / 20)) < below
    assert not caplog.messages


@pytest.mark.parametrize("format", ["mp3", "ogg", "m4a", "opus"])
def test_a_song_in_a_lossy_format_has_no_offset(tmp_path, format):
    song = codecs.load(ROOT / "multitracks" / "Punk" / "mixture.flac", duration=20)
    heard = codecs.load(song.save(tmp_path / f"a.{format}"))
    sent = song.resampled(heard.sr)
    assert heard.frames == sent.frames
    assert lag(heard, sent) == 0
    assert heard.peak_db <= 0


def test_an_mp3_from_elsewhere():
    """The song that Demucs ships: 20 s."""
    song = codecs.load(ROOT / "demucs-test-song.mp3")
    assert (song.sr, song.channels, song.frames) == (44100, 2, 882000)
    part = codecs.load(ROOT / "demucs-test-song.mp3", offset=10, duration=2)
    np.testing.assert_array_equal(part.samples, song[10:12].samples)


def test_three_mp3_of_one_excerpt_line_up():
    mix, vocals, rest = (
        codecs.load(ROOT / "two-stem" / "Vane" / f"{name}.mp3") for name in ("mix", "vocals_true", "accompaniment_true")
    )
    assert mix.samples.shape == vocals.samples.shape == rest.samples.shape
    total = Audio(vocals.samples + rest.samples, mix.sr)
    assert lag(total, mix) == 0
    assert Audio(total.samples - mix.samples, mix.sr).rms_db < mix.rms_db - 15


def test_a_real_song_shows_itself():
    stems = Stems.load(ROOT / "multitracks" / "Reggae")
    assert "<audio" in stems.mixture._repr_html_()
    assert len(stems._repr_html_()) < 6_000_000
