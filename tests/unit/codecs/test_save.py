"""Writing: bit for bit where it can be, never clipped, never silently rescaled, all or nothing."""

import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.codecs import encoding, pcm
from musiclab.codecs.formats import FORMATS
from musiclab.errors import ExportError
from tests.sounds import recording, tone

SR = 44100
PCM = [("wav", "16"), ("wav", "24"), ("flac", "16"), ("flac", "24")]


@pytest.mark.parametrize("peak", [1e-3, 1.0, 1e3])
def test_float_wav_holds_every_level_exactly(tmp_path, caplog, peak):
    sent = recording(peak=peak)
    np.testing.assert_array_equal(codecs.load(sent.save(tmp_path / "a.wav")).samples, sent.samples)
    assert ["never divided" in message for message in caplog.messages] == [True] * (peak == 1e3)


@pytest.mark.parametrize(("format", "bits"), PCM)
def test_whole_numbers_come_back_bit_for_bit(tmp_path, format, bits):
    """From the lowest to the highest: no dither, no gain, no off-by-one of scale."""
    full = 2 ** (int(bits) - 1)
    steps = np.concatenate([np.arange(-full, full, full // 2**12), [full - 1, -full]])
    sent = Audio(steps / full, SR)
    heard = codecs.load(sent.save(tmp_path / f"a.{format}", subtype=bits))
    np.testing.assert_array_equal(heard.samples, sent.samples)


@pytest.mark.parametrize("bits", [16, 24])
@given(seed=st.integers(0, 999), level=st.floats(1e-4, 0.99))
@settings(max_examples=20)
def test_rounding_is_a_step_and_a_half_at_most(bits, seed, level):
    samples = recording(0.02, peak=level, seed=seed).samples
    steps = np.concatenate(list(pcm.quantised(samples, bits, seed=seed)), axis=1)
    full = 2 ** (bits - 1)
    error = steps - samples.astype(np.float64) * full
    assert np.abs(error).max() <= (1.5 if bits == 16 else 0.5)
    assert np.abs(steps).max() < full


def test_16_bit_errors_are_noise_and_not_distortion():
    """A tone of one and a half steps: plain rounding makes harmonics of it, dither leaves noise alone."""
    time = np.arange(1 << 16)
    tone = 1.5 / 32768 * np.sin(2 * np.pi * 1024 * time / (1 << 16))
    heard = np.concatenate(list(pcm.quantised(tone[None], 16)), axis=1)[0]
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    floor = np.median(spectrum)
    assert max(spectrum[3072], spectrum[5120], spectrum[7168]) < 30 * floor  # noise, not peaks
    plain = np.abs(np.fft.rfft(np.rint(tone * 32768))) ** 2
    assert max(plain[3072], plain[5120], plain[7168]) > 1000 * floor


def test_silence_stays_silence():
    assert not any(block.any() for block in pcm.quantised(np.zeros((2, 1000), dtype=np.float32), 16))


@pytest.mark.parametrize(("format", "bits"), [*PCM, ("mp3", None), ("ogg", None), ("opus", None), ("m4a", None)])
@pytest.mark.parametrize("peak", [1.0, 1.7])
def test_nothing_clips_and_the_gain_is_told(tmp_path, caplog, format, bits, peak):
    sent = recording(1.0, peak=peak)
    path = sent.save(tmp_path / f"a.{format}", subtype=bits)
    heard = codecs.load(path)
    assert heard.peak_db <= 0
    if bits:
        assert np.abs(heard.samples).max() < 1.0 - 2.0 ** (1 - int(bits))  # the highest number itself is not reached
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("'a.")
    assert "softer by" in caplog.messages[0]
    told = float(re.search(r"by ([\d.e-]+) dB", caplog.messages[0]).group(1))
    assert told >= 20 * np.log10(peak) - 0.01
    assert heard.rms_db == pytest.approx(sent.rms_db - told, abs=0.02 if bits else 1.0)
    np.testing.assert_array_equal(sent.samples, recording(1.0, peak=peak).samples)


def test_what_fits_is_not_rescaled(tmp_path, caplog):
    sent = recording(peak=0.9)
    for format, bits in PCM:
        heard = codecs.load(sent.save(tmp_path / f"a.{format}", subtype=bits))
        assert np.abs(heard.samples - sent.samples).max() < 2 * 2.0 ** (1 - int(bits))
    for format in ("mp3", "ogg", "opus", "m4a"):
        quiet = sent.gained(-10)
        heard = codecs.load(quiet.save(tmp_path / f"a.{format}"))
        assert abs(heard.rms_db - quiet.rms_db) < 1
    assert not caplog.messages


@pytest.mark.parametrize("format", [*FORMATS])
@pytest.mark.parametrize("channels", [1, 2])
def test_encode_gives_a_file_at_the_same_level(format, channels):
    sent = recording(1.0, channels=channels, peak=0.3)
    heard = codecs.load(codecs.encode(sent, format=format))
    assert heard.channels == channels
    assert abs(heard.duration - 1) < 0.03
    assert abs(heard.rms_db - sent.rms_db) < 1.5  # white noise: the hardest for a lossy encoder
    assert codecs.encode(sent.mono(), format=f".{format.upper()}")


def test_encode_keeps_levels_above_full_scale_or_refuses():
    tone = Audio(2.0 * np.sin(np.arange(SR) / 20), SR)
    for format in ("wav", "ogg", "mp3"):
        heard = codecs.load(codecs.encode(tone, format=format))
        assert heard.peak_db == pytest.approx(6.0, abs=0.3)
        assert heard.rms_db == pytest.approx(tone.rms_db, abs=0.1)
    for format, name in (("flac", "24-bit FLAC"), ("opus", "Opus"), ("webm", "WebM"), ("m4a", "AAC")):
        with pytest.raises(ExportError, match=rf"At \+6.0 dBFS the audio would clip in {name}: lower it first"):
            codecs.encode(tone, format=format)


def test_better_quality_costs_more_bytes():
    sent = recording(2)
    for format in ("mp3", "ogg", "opus", "m4a"):
        sizes = [len(codecs.encode(sent, format=format, quality=quality)) for quality in (0.0, 0.5, 1.0)]
        assert sizes[0] < sizes[1] < sizes[2], format
    with pytest.raises(ValueError, match="Quality"):
        codecs.encode(sent, quality=1.1)


@pytest.mark.parametrize(("format", "sr"), [("mp3", 192000), ("opus", 44100), ("m4a", 192000), ("mp3", 9000)])
def test_rates_that_a_format_lacks_become_the_next_that_it_has(tmp_path, format, sr):
    sent = Audio(tone(441, level=0.5, sr=sr), sr)
    heard = codecs.load(sent.save(tmp_path / f"a.{format}"))
    assert heard.sr == FORMATS[format][next(iter(FORMATS[format]))].rate_for(sr)
    assert abs(heard.frames - heard.sr) <= 1
    assert heard.rms_db == pytest.approx(sent.rms_db, abs=0.1)


@pytest.mark.parametrize(
    ("name", "subtype", "says"),
    [
        ("a.xyz", None, "'.xyz' is not one that can be written: choose wav, flac, ogg"),
        ("a", None, "needs an extension"),
        ("a.wav", "8", "choose 'float' or '24' or '16'"),
        ("a.mp3", "16", "choose 'mp3'"),
    ],
)
def test_unknown_formats(tmp_path, name, subtype, says):
    with pytest.raises(ExportError, match=says):
        recording().save(tmp_path / name, subtype=subtype)
    assert not list(tmp_path.iterdir())


def test_subtypes_by_their_names_in_libsndfile(tmp_path):
    path = recording().save(tmp_path / "a.WAV", subtype="PCM_24")
    assert sf.info(path).subtype == "PCM_24"
    assert sf.info(recording().save(tmp_path / "b.wav", subtype="FLOAT")).subtype == "FLOAT"


def test_more_channels_than_a_format_holds(tmp_path, caplog):
    eight = recording(channels=8)
    with pytest.raises(ExportError, match="MP3 holds at most 2 channels and this has 8"):
        codecs.encode(eight, format="mp3")
    assert eight.save(tmp_path / "a.flac").exists()
    assert not caplog.messages
    folded = codecs.load(eight.save(tmp_path / "a.ogg"))
    assert folded.channels == 8
    folded = codecs.load(eight.gained(-12).save(tmp_path / "a.mp3"))
    assert folded.rms_db == pytest.approx(eight.gained(-12).stereo().rms_db, abs=0.6)
    assert caplog.messages == ["MP3 holds two channels: the 8 of the sound are folded down to stereo."]
    with pytest.raises(ExportError, match=r"MP3 holds at most 2 channels. No rule folds 12 channels"):
        recording(channels=12).save(tmp_path / "b.mp3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.flac", "a.mp3", "a.ogg"]


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "new folder" / "deep" / "ö.wav"
    recording().save(path)
    recording(0.1).save(path)
    assert codecs.load(path).frames == round(0.1 * SR)
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        recording().save(tmp_path / "a.wav")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="choose another folder"):
        recording().save(tmp_path / "file" / "a.wav")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which even root can't write")
def test_a_folder_in_which_nothing_may_be_written():
    with pytest.raises(ExportError, match="choose another folder"):
        recording().save("/proc/a.wav")


def test_a_read_only_folder(tmp_path, monkeypatch):
    """Root may write everywhere, so the system's answer is played here."""

    def forbidden(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", forbidden)
    with pytest.raises(ExportError, match="Nothing may be written in"):
        recording().save(tmp_path / "a.wav")


@pytest.mark.parametrize("said", [OSError(5, "Input/output error", "a.part"), OSError("Input/output error")])
def test_what_else_a_disk_says_is_passed_on_in_its_words(tmp_path, monkeypatch, said):
    def broken(*_args, **_kwargs):
        raise said

    monkeypatch.setattr(Path, "touch", broken)
    with pytest.raises(ExportError, match=r"can't be written in .* \(Input/output error\): choose another folder"):
        recording().save(tmp_path / "a.wav")


@pytest.mark.skipif(os.name == "nt", reason="no such limit on Windows")
@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
@pytest.mark.parametrize("room", [0, 5_000, 40_000])
def test_a_full_disk_loses_nothing(tmp_path, format, room):
    """The system refuses to let a file grow beyond `room` bytes, as a full disk does."""
    import resource
    import signal

    path = recording(0.1).save(tmp_path / f"a.{format}")
    before = path.read_bytes()
    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limit[1]))
    try:
        with pytest.raises(ExportError, match="no room left"):
            recording(10).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="no such limit on Windows")
@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "mp3", "m4a"])
def test_a_disk_that_is_full_at_the_last_bytes(tmp_path, format):
    import resource
    import signal

    whole = len(recording(1).save(tmp_path / f"a.{format}").read_bytes())
    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole - 200, limit[1]))
    try:
        with pytest.raises(ExportError):
            recording(1).save(tmp_path / f"b.{format}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (tmp_path / f"b.{format}").exists()


def test_an_interrupt_leaves_no_half_file(tmp_path, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoding, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recording().save(tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


def test_readers_see_the_old_file_or_the_new_and_nothing_between(tmp_path):
    path = recording(0.5).save(tmp_path / "a.wav")
    done = threading.Event()
    lengths = set()

    def reader() -> None:
        while not done.is_set():
            lengths.add(codecs.load(path).frames)

    thread = threading.Thread(target=reader)
    thread.start()
    for seconds in (1.0, 0.5) * 10:
        recording(seconds).save(path)
    done.set()
    thread.join()
    assert lengths <= {SR, SR // 2}


def test_a_wav_beyond_4_gb_is_rf64(tmp_path, monkeypatch):
    from musiclab.codecs import writers

    monkeypatch.setattr(writers, "_WAV_LIMIT", 1000)
    path = recording().save(tmp_path / "a.wav")
    assert path.read_bytes()[:4] == b"RF64"
    np.testing.assert_array_equal(codecs.load(path).samples, recording().samples)


def test_a_soundfile_that_knows_no_quality_writes_in_its_own(tmp_path, monkeypatch):
    """soundfile before 0.13, as Pyodide has it."""

    class Older(sf.SoundFile):
        def __init__(self, file, mode="r", samplerate=None, channels=None, subtype=None, format=None):
            super().__init__(file, mode, samplerate, channels, subtype=subtype, format=format)

    monkeypatch.setattr(sf, "SoundFile", Older)
    sent = recording(peak=0.5)
    for format in ("ogg", "flac"):
        assert codecs.load(sent.save(tmp_path / f"a.{format}")).frames == sent.frames
