"""Bad input: each kind is told in one clear sentence, or read as far as it goes with a warning."""

import os
import stat
import struct
from contextlib import suppress
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.codecs import readers
from musiclab.errors import AudioError
from tests import sounds

SR = 44100
recording = partial(sounds.recording, peak=0.3)  # no codec makes it clip


def refusal(given, **part) -> str:
    """The message, which must be one sentence and name the file."""
    with pytest.raises(AudioError) as caught:
        codecs.load(given, **part)
    text = str(caught.value)
    assert text.endswith((".", "?"))
    assert "\n" not in text
    assert len(text) < 250
    return text


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.m4a", "a.ogg"])
def test_an_empty_file(tmp_path, name):
    (tmp_path / name).touch()
    assert refusal(tmp_path / name) == f"'{name}' is empty (0 bytes): copy or export it again."
    assert refusal(b"").startswith("The audio in memory is empty")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.m4a", "a.ogg", "a.webm"])
def test_bytes_that_mean_nothing(tmp_path, name):
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(20_000))
    assert f"'{name}' " in refusal(tmp_path / name)


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_a_header_and_then_nothing(tmp_path, format):
    data = recording(3).save(tmp_path / f"a.{format}").read_bytes()
    for length in (4, 12, 40, 60):
        (tmp_path / f"b.{format}").write_bytes(data[:length])
        assert f"'b.{format}' " in refusal(tmp_path / f"b.{format}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Verse 1\nHello, hello\n", "holds text"),
        ("Strophe: Größe, 歌\n".encode() * 400, "holds text"),
        (b"#EXTM3U\nhttp://example.org/a.mp3\n", "holds text"),
        (b"MThd\x00\x00\x00\x06" + bytes(30), "MIDI"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"%PDF-1.7\n\x00\x01", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no audio in a form known here"),
    ],
)
def test_other_kinds_of_file_named_mp3(tmp_path, content, says):
    (tmp_path / "song.mp3").write_bytes(content)
    assert says in refusal(tmp_path / "song.mp3")


def test_a_playlist_in_disguise_opens_nothing_else(tmp_path):
    secret = recording(3).save(tmp_path / "secret.wav")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\x01\n{secret}\n#EXT-X-ENDLIST\n".encode()
    for name in ("song.mp3", "song.m3u8"):
        (tmp_path / name).write_bytes(playlist)
        refusal(tmp_path / name)
    (tmp_path / "song.mp3").write_bytes(f"ffconcat version 1.0\nfile '{secret}'\n#\x01".encode())
    refusal(tmp_path / "song.mp3")


def test_a_missing_file_and_what_comes_near_it(tmp_path):
    recording(0.1).save(tmp_path / "My Song.wav")
    assert "did you mean 'My Song.wav'?" in refusal(tmp_path / "my song.mp3")
    assert "check the name" in refusal(tmp_path / "quite another")
    text = refusal(tmp_path / "no folder" / "deep" / "song.wav")
    assert "There is no folder" in text
    assert repr(str(tmp_path)) in text


def test_a_folder(tmp_path):
    recording(0.1).save(tmp_path / "b.wav")
    assert "is a folder: give one audio file in it, such as 'b.wav'." in refusal(tmp_path)


def test_an_address():
    assert "download it first" in refusal("https://example.org/song.mp3")


def test_a_name_that_no_file_can_have():
    assert "can't be opened" in refusal("x" * 5000)
    assert "can't be opened" in refusal("a\0b.wav")


@pytest.mark.skipif(os.name == "nt", reason="pipes are elsewhere on Windows")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "song.wav")
    assert "a device or a pipe" in refusal(tmp_path / "song.wav")
    assert stat.S_ISFIFO((tmp_path / "song.wav").stat().st_mode)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    """Root may read all, so the system's answer is played here."""
    path = recording(0.1).save(tmp_path / "a.wav")

    def forbidden(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert refusal(path) == "'a.wav' may not be read: change its permissions, or copy it elsewhere."


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus"])
@pytest.mark.parametrize("kept", [0.3, 0.8])
def test_a_truncated_file_is_read_as_far_as_it_goes_and_told(tmp_path, caplog, format, kept):
    data = recording(4).save(tmp_path / f"whole.{format}").read_bytes()
    (tmp_path / f"cut.{format}").write_bytes(data[: round(len(data) * kept)])
    whole = codecs.load(tmp_path / f"whole.{format}")
    assert not caplog.messages
    heard = codecs.load(tmp_path / f"cut.{format}")
    assert 0.2 * kept < heard.duration / 4 < kept + 0.1
    settled = heard.frames - 3000  # the last frame may be half there
    np.testing.assert_allclose(heard.samples[:, :settled], whole.samples[:, :settled], atol=1e-6)
    assert len(caplog.messages) == 1
    assert "is cut off" in caplog.messages[0]


def test_a_truncated_m4a(tmp_path, caplog):
    """Its table of contents comes last: without it, nothing can be read; in front, what is there can."""
    data = recording(3).save(tmp_path / "a.m4a").read_bytes()
    assert "damaged" in refusal(data[: len(data) // 2])
    with (
        av.open(str(tmp_path / "a.m4a")) as given,
        av.open(str(tmp_path / "b.m4a"), "w", format="mp4", options={"movflags": "faststart"}) as front,
    ):
        stream = front.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                front.mux(packet)
    data = (tmp_path / "b.m4a").read_bytes()
    assert 0.5 < codecs.load(data[: len(data) // 2]).duration < 2.5
    assert "cut off or damaged" in caplog.messages[0]


@pytest.mark.parametrize("format", ["flac", "mp3", "ogg", "m4a"])
def test_a_file_with_a_hole_in_it_is_read_and_told(tmp_path, caplog, format):
    data = bytearray(recording(6).save(tmp_path / f"a.{format}").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(3).bytes(3000)
    heard = codecs.load(bytes(data))
    assert heard.duration > 3
    assert len(caplog.messages) == 1
    assert "damaged" in caplog.messages[0]


@pytest.mark.parametrize("sr", [8000, 44100, 192000])
def test_silence_is_read_and_told(tmp_path, caplog, sr):
    heard = codecs.load(Audio(np.zeros((2, sr)), sr).save(tmp_path / "a.wav"))
    assert heard.frames == sr
    assert caplog.messages == ["'a.wav' is silent: is it the right file?"]


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_one_sample(tmp_path, format, caplog):
    heard = codecs.load(Audio(np.full((2, 1), 0.5), SR).save(tmp_path / f"a.{format}"))
    assert heard.samples.shape == (2, 1)
    assert not [message for message in caplog.messages if "cut off" in message]


def test_eight_channels_and_192_khz(tmp_path, caplog):
    heard = codecs.load(recording(0.5, channels=8, sr=192000).save(tmp_path / "a.wav"))
    assert heard.samples.shape == (8, 96000)
    assert heard.sr == 192000
    assert heard.stereo().samples.shape == (2, 96000)
    assert not caplog.messages


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_a_number(tmp_path, bad):
    samples = np.zeros((1000, 2), dtype=np.float32)
    samples[500, 1] = bad
    sf.write(tmp_path / "a.wav", samples, SR, subtype="FLOAT")
    assert "'a.wav' can't be used. The audio holds NaN or infinite samples" in refusal(tmp_path / "a.wav")


def test_a_video_without_sound(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
        file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
    assert refusal(tmp_path / "a.mp4") == "'a.mp4' has no sound track: give another file."


def wav_header(channels: int, sr: int, data_bytes: int) -> bytes:
    """A WAV that promises whatever it is told to."""
    block = channels * 2
    return (
        b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, sr, (sr * block) % 2**32, block, 16)
        + b"data" + struct.pack("<I", data_bytes)
    )  # fmt: skip


def sparse(path: Path, header: bytes, size: int) -> Path:
    """A file of `size` bytes that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(header)
        file.truncate(size)
    return path


@pytest.mark.parametrize("sr", [1, 100, 900_000, 2**31 - 1])
def test_odd_rates(tmp_path, sr):
    text = refusal(sparse(tmp_path / "a.wav", wav_header(2, sr, 4000), 4044))
    assert f"sample rate of {sr} Hz" in text or "no audio in a form known" in text


def test_too_many_channels(tmp_path):
    assert "200 channels" in refusal(sparse(tmp_path / "a.wav", wav_header(200, SR, 40_000), 40_044))


def test_too_long_is_told_from_the_header_before_anything_is_allocated(tmp_path, monkeypatch):
    size = 3_700_000_000  # 5.8 hours
    path = sparse(tmp_path / "a.wav", wav_header(2, SR, size), size + 44)
    monkeypatch.setattr(readers.Tape, "__init__", lambda *_: pytest.fail("allocated"))
    assert "'a.wav' would give 350 minutes of sound, and 240 are the limit" in refusal(path)
    monkeypatch.undo()
    assert codecs.load(path, offset=20_000, duration=1).frames == SR


def test_many_channels_at_a_high_rate_have_a_lower_limit(tmp_path):
    size = 4_200_000_000
    path = sparse(tmp_path / "a.wav", wav_header(60, 192_000, size), size + 44)
    assert "and 2 are the limit for its 60 channels" in refusal(path, duration=125)


def test_a_header_that_lies_about_the_length_costs_no_memory(tmp_path, caplog):
    data = bytearray(recording(1).save(tmp_path / "a.flac").read_bytes())
    data[8 + 14 : 8 + 18] = struct.pack(">I", 3 * 3600 * SR)  # STREAMINFO: total samples
    heard = codecs.load(bytes(data))
    assert abs(heard.frames - SR) < 5000
    assert heard.samples.base is None or heard.samples.base.nbytes < 10 * heard.samples.nbytes
    assert "cut off or damaged" in caplog.messages[0]


@pytest.mark.parametrize("format", ["wav", "mp3", "m4a"])
def test_a_part_behind_the_end(tmp_path, format):
    path = recording(2).save(tmp_path / f"a.{format}")
    assert f"'a.{format}' ends at 2.00 s, before the offset of 30 s." in refusal(path, offset=30)


def test_nothing_that_anyone_feeds_it_escapes_the_errors(tmp_path):
    """Random damage to real files: sound, or an AudioError, and nothing else."""
    rng = np.random.default_rng(7)
    for format in ("wav", "flac", "mp3", "ogg", "opus", "m4a"):
        whole = recording(0.5).save(tmp_path / f"a.{format}").read_bytes()
        for _ in range(25):
            data = bytearray(whole)
            for place in rng.integers(0, min(len(data), 3000), size=rng.integers(1, 12)):
                data[place] = rng.integers(256)
            with suppress(AudioError):
                assert codecs.load(bytes(data[: rng.integers(1, len(data) + 1)])).frames > 0
