"""Files that people really have: headers that lie, rare relatives of WAV and AIFF, tags in front, chains of streams.

Each is read whole, and the healthy ones without a word.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import av
import numpy as np
import pytest
import soundfile as sf

from musiclab import codecs
from musiclab.audio import LOUDEST, Audio
from musiclab.errors import AudioError

SR = 22050


def sound(seconds: float = 1.0, channels: int = 2) -> np.ndarray:
    """Samples (frames, channels) of 16 bits."""
    samples = np.random.default_rng(5).standard_normal((round(seconds * SR), channels)) * 3000
    return samples.astype(np.int16)


def made(format: str, subtype: str, samples: np.ndarray | None = None, **options: str) -> bytes:
    buffer = io.BytesIO()
    samples = sound() if samples is None else samples
    if subtype in ("FLOAT", "DOUBLE") and samples.dtype == np.int16:
        samples = samples / 32768
    sf.write(buffer, samples, SR, format=format, subtype=subtype, **options)
    return buffer.getvalue()


def changed(data: bytes, *places: tuple[int, bytes]) -> bytes:
    out = bytearray(data)
    for place, new in places:
        out[place : place + len(new)] = new
    return bytes(out)


def little(value: int) -> bytes:
    return struct.pack("<I", value)


def big(value: int) -> bytes:
    return struct.pack(">I", value)


def same(data: bytes, truth: np.ndarray | None = None, *, atol: float = 1e-4) -> Audio:
    heard = codecs.load(data)
    expected = (sound() if truth is None else truth).T / 32768
    assert heard.samples.shape == expected.shape
    np.testing.assert_allclose(heard.samples, expected, atol=atol)
    return heard


@pytest.mark.parametrize(
    ("format", "subtype", "endian"),
    [
        *[("WAV", subtype, "BIG") for subtype in ("PCM_16", "PCM_24", "FLOAT", "DOUBLE")],
        *[("WAV", subtype, "LITTLE") for subtype in ("PCM_32", "DOUBLE")],
        *[("WAVEX", subtype, "LITTLE") for subtype in ("PCM_16", "FLOAT")],
        *[(format, "PCM_24", "FILE") for format in ("RF64", "W64", "CAF", "AIFF", "AU", "SVX", "NIST", "PAF", "IRCAM")],
        *[("AIFF", subtype, "FILE") for subtype in ("PCM_16", "FLOAT", "DOUBLE")],
        ("AIFF", "PCM_16", "LITTLE"),
        *[("AU", subtype, "LITTLE") for subtype in ("PCM_16", "FLOAT")],
        ("CAF", "ALAC_16", "FILE"),
        ("VOC", "PCM_16", "FILE"),
    ],
)
def test_relatives_of_wav_and_aiff(caplog, format, subtype, endian):
    try:
        data = made(format, subtype, endian=endian)
    except (sf.LibsndfileError, ValueError):
        pytest.skip("not written here")
    if format in ("SVX", "NIST", "PAF", "IRCAM"):  # refused in a sentence, not read as noise
        with pytest.raises(AudioError, match=r"no audio in a form known here|holds text"):
            codecs.load(data)
    else:
        same(data)
    assert not caplog.messages


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
@pytest.mark.parametrize("format", ["WAV", "AIFF"])
def test_compressed_codings(caplog, format, subtype):
    t = np.arange(2 * SR) / SR
    tone = (8000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)[:, np.newaxis]
    try:
        data = made(format, subtype, tone)
    except (sf.LibsndfileError, ValueError):
        pytest.skip("not written here")
    heard = codecs.load(data)
    assert abs(heard.frames - 2 * SR) <= 2048  # whole blocks
    assert np.corrcoef(heard.samples[0][: 2 * SR - 2048], tone[: 2 * SR - 2048, 0])[0, 1] > 0.99
    assert subtype == "GSM610" or not caplog.messages  # of which the last block may be half there


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024, 0x80000000, 0xFFFFFFFE])
def test_a_wav_that_came_out_of_a_pipe_is_healthy(caplog, size):
    data = made("WAV", "PCM_16")
    same(changed(data, (4, little(size)), (data.index(b"data") + 4, little(size))))
    assert not caplog.messages


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("riff", [0, 36, None])
def test_a_wav_that_was_never_finished(caplog, subtype, riff):
    data = made("WAV", subtype, sound().astype(float) / 32768)
    at = data.index(b"data")
    same(changed(data, (4, little(len(data) - 8 if riff is None else riff)), (at + 4, little(0))))
    assert "its header was never finished" in caplog.messages[0]


@pytest.mark.parametrize("told", [1000, 44100, 88000])
@pytest.mark.parametrize("order", ["LITTLE", "BIG"])
def test_a_wav_that_tells_less_than_it_holds(caplog, told, order):
    data = made("WAV", "PCM_16", endian=order)
    size = little(told) if order == "LITTLE" else big(told)
    same(changed(data, (data.index(b"data") + 4, size)))
    assert "tells of less sound than the file holds" in caplog.messages[0]


def test_a_wav_on_disk_is_mended_as_in_memory(tmp_path, caplog):
    data = made("WAV", "PCM_16")
    (tmp_path / "a.wav").write_bytes(changed(data, (4, little(0)), (data.index(b"data") + 4, little(0))))
    heard = codecs.load(tmp_path / "a.wav")
    np.testing.assert_allclose(heard.samples, sound().T / 32768, atol=1e-4)
    part = codecs.load(tmp_path / "a.wav", offset=0.5, duration=0.5)
    np.testing.assert_array_equal(part.samples, heard[0.5:1.0].samples)
    assert heard.title == "a"


@pytest.mark.parametrize(
    "behind",
    [
        b"LIST" + little(4) + b"INFO",
        b"id3 " + little(10) + bytes(10) + b"bext" + little(3) + b"abc\0",
        b"ID3\x03" + bytes(2000),
        b"TAG" + b"x" * 125,
        b"APETAGEX" + b"\x01" * 200,
        bytes(5000),
        b"\0",
    ],
)
def test_what_follows_the_sound_of_a_wav_is_no_sound(caplog, behind):
    same(made("WAV", "PCM_16") + behind)
    assert not caplog.messages


@pytest.mark.parametrize(("format", "subtype"), [("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("AIFF", "PCM_S8")])
def test_a_last_byte_that_only_fills_up_may_be_missing(caplog, format, subtype):
    """Chunks begin at even places; some programs count the byte that fills up the last one and don't write it."""
    data = made(format, subtype, sound(channels=1)[:1001])
    if len(data) % 2:
        order = "<" if format == "WAV" else ">"
        data = changed(data, (4, struct.pack(f"{order}I", len(data) - 7)))
    else:
        data = data[:-1]
    assert codecs.load(data).frames == 1001
    assert not caplog.messages


def test_an_empty_wav_with_tags_behind_stays_empty():
    data = made("WAV", "PCM_16")
    at = data.index(b"data")
    with pytest.raises(AudioError, match="no sound that can be read"):
        codecs.load(changed(data[: at + 8], (at + 4, little(0))) + b"LIST" + little(4) + b"INFO")


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU"])
def test_a_header_that_tells_more_than_the_file_holds(caplog, format):
    data = made(format, "PCM_16")
    cut = data[: len(data) - 20_000]
    heard = codecs.load(cut)
    assert heard.frames == pytest.approx(SR - 5000, abs=4)
    np.testing.assert_allclose(heard.samples[:, :17000], sound().T[:, :17000] / 32768, atol=1e-4)
    assert len(caplog.messages) == 1
    assert "cut off" in caplog.messages[0]


@pytest.mark.parametrize(("frames", "size"), [(0, 0), (0, 8), (100, 408), (100, None), (None, 8)])
def test_an_aiff_that_was_never_finished_or_tells_less(caplog, frames, size):
    data = made("AIFF", "PCM_16")
    places = []
    if frames is not None:
        places.append((data.index(b"COMM") + 10, big(frames)))
    if size is not None:
        places.append((data.index(b"SSND") + 4, big(size)))
    heard = codecs.load(changed(data, *places))
    np.testing.assert_allclose(heard.samples[:, :SR], sound().T / 32768, atol=1e-4)


@pytest.mark.parametrize("told", [0, 100, 0xFFFFFFFF])
@pytest.mark.parametrize("order", ["LITTLE", "BIG"])
def test_an_au_whose_length_is_not_known(caplog, told, order):
    data = made("AU", "PCM_16", endian=order)
    same(changed(data, (8, little(told) if order == "LITTLE" else big(told))))
    assert bool(caplog.messages) == (told != 0xFFFFFFFF)


def test_an_rf64_that_was_never_finished(caplog):
    data = made("RF64", "PCM_16")
    same(changed(data, (20, bytes(24))))
    assert "never finished" in caplog.messages[0]


def id3(size: int, *, footer: bool = False) -> bytes:
    digits = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    body = b"TIT2" + big(5) + b"\0\0\0song"
    return b"ID3\x04\0" + (b"\x10" if footer else b"\0") + digits + body.ljust(size, b"\0") + bytes(10 * footer)


@pytest.mark.parametrize("tag", [id3(100), id3(70_000), id3(300, footer=True), id3(50) + id3(60), None])
@pytest.mark.parametrize(
    ("format", "subtype"),
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "PCM_24"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("OGG", "VORBIS")],
)
def test_a_tag_in_front_of_a_file_that_knows_none(caplog, format, subtype, tag):
    ape = b"APETAGEX" + little(2000) + little(100) + little(1) + little(0xA0000000) + bytes(8) + bytes(100)
    data = made(format, subtype, sound().astype(float) / 32768)
    plain = codecs.load(data)
    tagged = codecs.load((ape if tag is None else tag) + data)
    np.testing.assert_array_equal(tagged.samples, plain.samples)
    assert not caplog.messages


@pytest.mark.parametrize(("format", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS")])
@pytest.mark.parametrize("links", [2, 5])
def test_chained_ogg_is_read_to_its_end(caplog, format, subtype, links):
    pieces = []
    for number in range(links):
        t = np.arange(2 * 48000) / 48000
        buffer = io.BytesIO()
        tone = 0.3 * np.sin(2 * np.pi * 200 * (number + 1) * t)
        sf.write(buffer, tone, 48000, format=format, subtype=subtype)
        pieces.append(buffer.getvalue())
    heard = codecs.load(b"".join(pieces))
    assert heard.duration == pytest.approx(2 * links, abs=0.01 * links)
    for number in range(links):
        x = heard[2 * number + 0.5 : 2 * number + 1.5].samples[0]
        assert np.argmax(np.abs(np.fft.rfft(x))) == 200 * (number + 1)
    assert not caplog.messages


def test_an_ogg_with_an_offset_is_the_part_of_the_whole(tmp_path):
    data = made("OGG", "VORBIS", sound(3).astype(float) / 32768)
    np.testing.assert_array_equal(
        codecs.load(data, offset=1.2, duration=0.7).samples, codecs.load(data)[1.2:1.9].samples
    )


def spdif(codec: str) -> bytes:
    """A second of a tone of 300 Hz as it runs over a digital cable: packed into what looks like 16-bit stereo PCM."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="spdif") as file:
        stream = file.add_stream(codec, rate=48000)
        stream.layout = "stereo"
        tone = np.tile(0.3 * np.sin(2 * np.pi * 300 * np.arange(48000) / 48000), (2, 1)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone, "fltp", "stereo")
        frame.sample_rate, frame.pts = 48000, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def test_ac3_that_poses_as_pcm_is_decoded_and_not_played_as_noise():
    """What a film's sound track looks like when it was recorded from a digital cable."""
    buffer = io.BytesIO()
    sf.write(buffer, np.frombuffer(spdif("ac3"), dtype="<i2").reshape(-1, 2), 48000, format="WAV", subtype="PCM_16")
    heard = codecs.load(buffer.getvalue()).samples[0]
    spectrum = np.abs(np.fft.rfft(heard[:48000]))
    assert np.argmax(spectrum) == pytest.approx(300 * len(heard[:48000]) / 48000, abs=2)
    assert spectrum.max() > 100 * np.median(spectrum)


@pytest.mark.parametrize("channels", [0, 65, 1024, 65535])
def test_a_header_with_channels_that_nobody_has(channels):
    data = made("WAV", "PCM_16")
    with pytest.raises(AudioError, match=f"{channels} channels: at most 64"):
        codecs.load(changed(data, (data.index(b"fmt ") + 10, struct.pack("<H", channels))))


def test_a_coding_that_nobody_knows_is_refused_in_a_sentence():
    data = made("WAV", "PCM_16")
    for coding in (0x0004, 0x0166, 0xABCD, 0x0270):
        with pytest.raises(AudioError, match=r"not known here|no audio in a form known"):
            codecs.load(changed(data, (data.index(b"fmt ") + 8, struct.pack("<H", coding))))


@pytest.mark.parametrize("peak", [1.1 * LOUDEST, 2.0**31, 3e38])
def test_samples_that_are_no_sound_are_refused(tmp_path, peak):
    samples = np.zeros((1000, 2), dtype=np.float32)
    samples[500] = peak
    sf.write(tmp_path / "a.wav", samples, SR, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"'a.wav' can't be used.*beyond 32,768"):
        codecs.load(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="never divided by their full scale"):
        Audio(samples.T, SR)


def test_whole_numbers_as_samples_are_read_and_told_of(tmp_path, caplog):
    x = (np.random.default_rng(0).standard_normal((SR, 2)) * 3000).astype(np.int16)
    sf.write(tmp_path / "a.wav", x, SR, subtype="FLOAT")  # as they are: nobody divides them
    got = codecs.load(tmp_path / "a.wav")
    assert np.array_equal(got.samples, x.T)
    assert f"samples up to {np.abs(x).max()}" in caplog.text
    caplog.clear()
    codecs.load(Audio(got.samples / 32768, SR).gained(20).save(tmp_path / "b.wav"))
    assert "never divided" not in caplog.text


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_the_loudest_sound_there_is_can_be_written(tmp_path, format):
    loud = Audio(sound().T / 32768, SR)
    loud = loud.gained(20 * np.log10(0.99 * LOUDEST) - loud.peak_db)
    assert codecs.load(loud.save(tmp_path / f"a.{format}")).frames > 0.9 * SR
    if format in ("mp3", "ogg", "wav"):
        assert len(codecs.encode(loud, format=format)) > 1000


def film(path, *, tracks: int, label: Callable[[int], dict[str, str]]) -> None:
    """A video with sound tracks that hold tones of 300 Hz, 600 Hz, ..."""
    with av.open(str(path), "w") as file:
        streams = []
        for number in range(tracks):
            stream = file.add_stream("aac", rate=44100)
            stream.layout = "stereo"
            stream.metadata.update(label(number))
            streams.append(stream)
        for number, stream in enumerate(streams, start=1):
            t = np.arange(44100) / 44100
            tone = np.tile(0.3 * np.sin(2 * np.pi * 300 * number * t), (2, 1)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone, "fltp", "stereo")
            frame.sample_rate, frame.pts = 44100, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))


def test_of_several_sound_tracks_it_is_told_which_was_read(tmp_path, caplog):
    film(tmp_path / "film.mkv", tracks=3, label=lambda n: {"language": ("eng", "fra", "deu")[n], "title": f"Take {n}"})
    codecs.load(tmp_path / "film.mkv")
    assert "has several sound tracks: 1 (eng Take 0 stereo), 2 (fra Take 1 stereo)" in caplog.messages[0]
    caplog.clear()
    for track in (1, 2, 3):
        heard = codecs.load(tmp_path / "film.mkv", track=track).samples[0][:44100]
        assert np.argmax(np.abs(np.fft.rfft(heard))) == pytest.approx(300 * track, abs=2)
    assert not caplog.messages
    with pytest.raises(AudioError, match="there is no track 4"):
        codecs.load(tmp_path / "film.mkv", track=4)
    with pytest.raises(ValueError, match="counted from 1"):
        codecs.load(tmp_path / "film.mkv", track=0)


def test_one_sound_track_is_nothing_to_speak_of(tmp_path, caplog):
    film(tmp_path / "film.mp4", tracks=1, label=lambda n: {})
    codecs.load(tmp_path / "film.mp4")
    assert not caplog.messages
