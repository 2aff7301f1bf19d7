"""Reading: every format, the very samples, parts of files, and every way to name a file."""

import io
import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from scipy import signal

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.codecs import decoding
from tests.sounds import noise, tone

SR = 44100
LOSSY = ("mp3", "ogg", "opus", "m4a")


def music(seconds: float = 2.0, sr: int = SR, channels: int = 2, seed: int = 0) -> Audio:
    """Band-limited noise with bursts: any shift by a sample shows in a correlation."""
    rng = np.random.default_rng(seed)
    band = signal.butter(4, [200, 3000], "band", fs=sr, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal((channels, round(seconds * sr))))
    return Audio(noise * (0.2 + 0.3 * (np.arange(noise.shape[1]) // (sr // 5) % 2)), sr)


def lag(heard: Audio, sent: Audio) -> int:
    """By how many frames `heard` comes late."""
    correlation = signal.correlate(heard.samples[0], sent.samples[0], method="fft")
    return int(np.argmax(correlation)) - (sent.frames - 1)


def error_db(heard: Audio, sent: Audio) -> float:
    frames = min(heard.frames, sent.frames)
    error = heard.samples[:, :frames] - sent.samples[:, :frames]
    return float(10 * np.log10(np.mean(error**2) / np.mean(sent.samples**2) + 1e-30))


def video_file(path: Path, audio: Audio, codec: str) -> None:
    """A picture track of 10 frames, and the sound."""
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = file.add_stream(codec, rate=audio.sr)
        sound.layout = "stereo"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * number, dtype=np.uint8), format="rgb24")
            file.mux(picture.encode(frame))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.samples), format="fltp", layout="stereo")
        frame.sample_rate = audio.sr
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
        file.mux(picture.encode(None))


@pytest.mark.parametrize("sr", [8000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_plain_files_come_back_bit_for_bit(tmp_path, sr, channels):
    samples = music(0.2, sr, channels).samples
    for name, subtype in (("a.wav", "FLOAT"), ("a.flac", "PCM_24"), ("a.aiff", "PCM_16"), ("a.w64", "PCM_24")):
        sf.write(tmp_path / name, samples.T, sr, subtype=subtype)
        heard = codecs.load(tmp_path / name)
        assert (heard.sr, heard.channels) == (sr, channels)
        np.testing.assert_array_equal(heard.samples, sf.read(tmp_path / name, dtype="float32", always_2d=True)[0].T)


@pytest.mark.parametrize("format", LOSSY)
@pytest.mark.parametrize("frames", [SR, 2 * SR + 517, 5003, 1])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_we_encode_comes_back_with_no_offset_and_at_its_length(tmp_path, format, frames, channels):
    sent = Audio(music(3, channels=channels).samples[:, :frames], SR)
    heard = codecs.load(sent.save(tmp_path / f"a.{format}"))
    if format == "opus":  # always at 48 kHz
        assert heard.sr == 48000
        sent = sent.resampled(48000)
    assert heard.frames == sent.frames
    assert heard.channels == channels
    if frames > 1:
        assert lag(heard, sent) == 0
        assert error_db(heard, sent) < -12


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.mov", "aac"), ("a.mkv", "pcm_s16le"), ("a.avi", "mp3")]
)
def test_the_sound_of_a_video(tmp_path, name, codec):
    sent = music(1.0)
    video_file(tmp_path / name, sent, codec)
    heard = codecs.load(tmp_path / name)
    assert abs(heard.duration - 1.0) < 0.06
    assert 0 <= lag(heard, sent) <= 1152  # avi has no place to tell the delay of its encoder
    assert error_db(heard[lag(heard, sent) / SR :], sent) < -12


def test_a_variable_rate_mp3_without_a_tag_is_read_to_its_end(tmp_path):
    loud, quiet = music(4), Audio(np.zeros((2, 4 * SR)), SR)
    with av.open(str(tmp_path / "a.mp3"), "w", options={"write_xing": "0"}) as file:
        stream = file.add_stream("libmp3lame", rate=SR, options={"flags": "+qscale", "global_quality": "300"})
        stream.layout = "stereo"
        for block in (quiet, loud):  # the first frames suggest a file half as long, or twice
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.samples), format="fltp", layout="stereo")
            frame.sample_rate = SR
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    heard = codecs.load(tmp_path / "a.mp3")
    assert abs(heard.duration - 8) < 0.1
    assert heard[7.5:8].rms_db > -30


@pytest.mark.parametrize("format", ["wav", "flac", *LOSSY])
@pytest.mark.parametrize(("offset", "duration"), [(0.0, 0.5), (0.25, None), (2.1, 0.3), (3.9, 5.0)])
def test_a_part_is_the_same_as_in_the_whole(tmp_path, format, offset, duration):
    path = music(4).save(tmp_path / f"a.{format}")
    whole, part = codecs.load(path), codecs.load(path, offset=offset, duration=duration)
    first = round(offset * whole.sr)
    expected = (
        whole.samples[:, first:] if duration is None else whole.samples[:, first:][:, : round(duration * whole.sr)]
    )
    assert part.samples.shape == expected.shape
    if format == "m4a":  # AAC replaces noise by noise of its own, other at each run
        assert lag(part, Audio(expected, whole.sr)) == 0
        assert error_db(part, Audio(expected, whole.sr)) < -10
    else:
        np.testing.assert_array_equal(part.samples, expected)


@pytest.mark.parametrize("format", ["wav", "mp3", "m4a", "ogg"])
def test_a_part_of_a_long_file_is_not_decoded_from_its_beginning(tmp_path, format, monkeypatch):
    path = Audio(np.tile(music(5, 22050).samples, 24), 22050).save(tmp_path / f"a.{format}", quality=0.3)
    from musiclab.codecs import readers

    seen = 0
    original = readers.Tape.add

    def counted(self, block):
        nonlocal seen
        seen += block.shape[1]
        original(self, block)

    monkeypatch.setattr(readers.Tape, "add", counted)
    decoded = []
    blocks = readers._blocks
    monkeypatch.setattr(readers, "_blocks", lambda *args: (decoded.append(b[0].shape[1]) or b for b in blocks(*args)))
    assert codecs.load(path, offset=100, duration=1).frames == 22050
    assert seen + sum(decoded) < 5 * 22050


@pytest.mark.parametrize(
    "name", ["with spaces.wav", "Ünïcödé – 歌.flac", "12:30 it's.mp3", "no extension", "UPPER.M4A"]
)
def test_any_path(tmp_path, name):
    folder = tmp_path / "a folder, öh"
    folder.mkdir()
    kind = Path(name).suffix.lower() or ".wav"
    made = music(0.3).save(folder / f"made{kind}")
    made.rename(folder / name)
    for path in (folder / name, str(folder / name), os.fspath(folder / name)):
        audio = codecs.load(path)
        assert audio.frames == round(0.3 * SR)
        assert audio.title == Path(name).stem


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("kind", ["wav", "m4a"])
def test_a_name_that_is_no_unicode(tmp_path, kind):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9." + kind.encode()))
    music(0.2).save(tmp_path / f"a.{kind}").rename(path)
    assert codecs.load(path).frames == round(0.2 * SR)


def test_the_home_folder_and_relative_paths(tmp_path, monkeypatch):
    music(0.2).save(tmp_path / "a.wav")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert codecs.load("~/a.wav").frames == codecs.load("a.wav").frames == round(0.2 * SR)


@pytest.mark.parametrize("format", ["wav", "mp3", "m4a", "ogg"])
def test_bytes_open_files_and_uploads(tmp_path, format):
    path = music(0.3).save(tmp_path / f"song.{format}")
    data = path.read_bytes()
    expected = codecs.load(path).samples
    upload = {"name": f"song.{format}", "type": "audio/x", "size": len(data), "content": memoryview(data)}
    with path.open("rb") as file:
        for given, title in ((data, ""), (io.BytesIO(data), ""), (file, "song"), (upload, "song")):
            heard = codecs.load(given)
            np.testing.assert_array_equal(heard.samples, expected)
            assert heard.title == title


def test_what_can_not_be_a_file_is_a_mistake(tmp_path):
    with pytest.raises(TypeError, match="int"):
        codecs.load(5)
    with pytest.raises(TypeError, match="rb"):
        codecs.load(io.StringIO("text"))
    path = music(0.2).save(tmp_path / "a.wav")
    for wrong in ({"offset": -1}, {"offset": float("nan")}, {"duration": 0}, {"sr": 10}, {"sr": 10**7}):
        with pytest.raises(ValueError, match=r"can't be|sample rate"):
            codecs.load(path, **wrong)


def test_resampling_and_mono_on_the_way_in(tmp_path):
    path = music(0.5, 48000).save(tmp_path / "a.flac")
    whole = codecs.load(path)
    np.testing.assert_array_equal(codecs.load(path, mono=True).samples, whole.mono().samples)
    np.testing.assert_array_equal(codecs.load(path, sr=22050).samples, whole.resampled(22050).samples)


@pytest.mark.parametrize("channels", [3, 5, 6, 8])
@pytest.mark.parametrize("format", ["ogg", "flac", "wav"])
def test_channels_keep_their_order(tmp_path, channels, format):
    tones = [tone(100 * (k + 3)) for k in range(channels)]
    path = Audio(np.stack(tones) * 0.2, SR).save(tmp_path / f"a.{format}")
    for heard in (codecs.load(path).samples, by_ffmpeg(path)):
        found = [int(np.argmax(np.abs(np.fft.rfft(channel[:SR])))) // 100 - 3 for channel in heard]
        lfe = 3 if channels in (6, 8) and format == "ogg" else None  # Vorbis keeps only the lowest of it
        assert [f for k, f in enumerate(found) if k != lfe] == [k for k in range(channels) if k != lfe]


def by_ffmpeg(path: Path) -> np.ndarray:
    """An independent reader, which knows every format's order of channels."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        packed = av.AudioResampler(format="flt", layout=stream.layout, rate=stream.rate)
        frames = [out.to_ndarray()[0] for frame in file.decode(stream) for out in packed.resample(frame)]
        return np.concatenate(frames).reshape(-1, stream.channels).T


def test_an_adpcm_wav_never_reaches_libsndfile(tmp_path, monkeypatch):
    sf.write(tmp_path / "a.wav", music(0.5).samples.T, SR, subtype="IMA_ADPCM")
    monkeypatch.setattr(decoding, "by_sndfile", lambda *_: pytest.fail("libsndfile 1.2.2 overflows on such files"))
    assert abs(codecs.load(tmp_path / "a.wav").duration - 0.5) < 0.05


def test_a_stream_of_unknown_length(tmp_path):
    path = music(1).save(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    data[8 + 13] &= 0xF0  # STREAMINFO: total samples, 36 bits from here, 0 for unknown
    data[8 + 14 : 8 + 18] = bytes(4)
    assert codecs.load(bytes(data)).frames == SR


def test_fragmented_mp4_is_read_to_its_end(tmp_path):
    sent = music(5)
    with av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "frag_keyframe+empty_moov"}) as file:
        stream = file.add_stream("aac", rate=SR)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sent.samples), format="fltp", layout="stereo")
        frame.sample_rate = SR
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    heard = codecs.load(tmp_path / "a.mp4")
    assert abs(heard.duration - 5) < 0.06
    assert 0 <= lag(heard, sent) <= 1024


def test_the_samples_are_loaded_once(tmp_path):
    """No second copy is kept: memory for an hour of music is that hour alone."""
    import tracemalloc

    path = music(60, 16000).save(tmp_path / "a.flac")
    codecs.load(path, duration=1)  # imports
    tracemalloc.start()
    audio = codecs.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * audio.samples.nbytes


def test_an_mp3_whose_tag_counts_a_frame_too_many_is_not_called_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    data = bytearray(codecs.encode(Audio(noise(2, 44100), 44100), format="mp3"))
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    whole = codecs.load(bytes(data)).frames
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + 1).to_bytes(4, "big")
    assert abs(codecs.load(bytes(data)).frames - whole) <= 2 * 1152
    assert not caplog.messages
