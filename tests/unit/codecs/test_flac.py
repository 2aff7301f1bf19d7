"""FLAC files whose header tells less than they hold: read whole, and told."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf

from musiclab import codecs
from musiclab.codecs.flac import holds_more
from musiclab.codecs.source import open_source
from musiclab.errors import AudioError

Encoder = Callable[[np.ndarray], bytes]
SR = 22050
FRAMES = 9 * 4096 + 1234
LESS = "its header tells of less sound than the file holds, so all of it was read"


def samples(frames: int = FRAMES, seed: int = 5) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((frames, 2)) * 3000).astype(np.int16)


def by_libflac(given: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    sf.write(buffer, given, SR, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def by_ffmpeg(given: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as file:
        stream = file.add_stream("flac", rate=SR)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(given.reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts = SR, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def telling(data: bytes, frames: int) -> bytes:
    """The same file with another number of samples in its header."""
    field = int.from_bytes(data[18:26], "big") >> 36 << 36 | frames
    return data[:18] + field.to_bytes(8, "big") + data[26:]


@pytest.mark.parametrize("told", [1, 4096, FRAMES - 10_000, FRAMES - 1])
@pytest.mark.parametrize("encode", [by_libflac, by_ffmpeg])
def test_what_its_header_does_not_tell_is_read_too(
    caplog: pytest.LogCaptureFixture, encode: Encoder, told: int
) -> None:
    heard = codecs.load(telling(encode(samples()), told))
    np.testing.assert_array_equal(heard.samples, samples().T / 32768)
    assert [LESS in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), b"ID3\4\0\0\0\0\0\x10" + bytes(16), bytes(500)])
def test_tags_at_its_end_hide_no_sound(caplog: pytest.LogCaptureFixture, behind: bytes) -> None:
    """The last frame ends where nobody knows: the one before it shows that the header is wrong."""
    heard = codecs.load(telling(by_libflac(samples()), 5000) + behind)
    np.testing.assert_array_equal(heard.samples[:, :FRAMES], samples().T / 32768)
    assert LESS in caplog.messages[-1]


def test_parts_of_it_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(telling(by_libflac(samples()), 5000))
    part = codecs.load(tmp_path / "a.flac", offset=1, duration=0.5)
    np.testing.assert_array_equal(part.samples, samples()[SR : SR + SR // 2].T / 32768)


def test_streams_behind_each_other_are_read_to_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """As ``cat a.flac b.flac`` makes them."""
    pieces = [samples(seed=seed) for seed in (1, 2, 3)]
    heard = codecs.load(b"".join(by_libflac(piece) for piece in pieces))
    np.testing.assert_array_equal(heard.samples, np.concatenate(pieces).T / 32768)
    assert LESS in caplog.messages[0]


@pytest.mark.parametrize("encode", [by_libflac, by_ffmpeg])
@pytest.mark.parametrize("frames", [100, 192, 4096, 4608, FRAMES, 200 * 4096, 200 * 4608 + 17])
def test_healthy_ones_are_read_without_a_word(caplog: pytest.LogCaptureFixture, encode: Encoder, frames: int) -> None:
    data = encode(samples(frames))
    assert not holds_more(open_source(data))
    assert holds_more(open_source(telling(data, frames - 1)))
    assert not holds_more(open_source(telling(data, frames + 1)))
    assert not holds_more(open_source(telling(data, 0)))  # not known: a reader goes on to the end
    np.testing.assert_array_equal(codecs.load(data).samples, samples(frames).T / 32768)
    assert not caplog.messages


def test_one_without_a_frame_is_refused_in_a_sentence() -> None:
    data = by_libflac(samples())
    with pytest.raises(AudioError):
        codecs.load(data[: data.index(b"\xff\xf8")])


def checksum(data: bytes, polynomial: int, bits: int) -> bytes:
    """By long division, bit for bit."""
    rest = int.from_bytes(data, "big") << bits
    for place in range(8 * len(data) - 1, -1, -1):
        if rest >> (place + bits) & 1:
            rest ^= (1 << bits | polynomial) << place
    return rest.to_bytes(bits // 8, "big")


def test_frames_of_different_lengths_count_samples_and_not_frames() -> None:
    data = by_libflac(samples(6 * 4096))
    start = data.index(b"\xff\xf8")
    starts = [at for at in range(start, len(data)) if data.startswith(data[start : start + 4], at)]
    assert [data[at + 4] for at in starts] == list(range(6))
    made = data[: starts[0]]
    for number, (at, stop) in enumerate(pairwise([*starts, len(data)])):
        head = b"\xff\xf9" + data[at + 2 : at + 4] + chr(4096 * number).encode()
        head += checksum(head, 0x07, 8)
        body = head + data[at + 6 : stop - 2]
        made += body + checksum(body, 0x8005, 16)
    assert not holds_more(open_source(made))
    assert holds_more(open_source(telling(made, 6 * 4096 - 1)))
    assert not holds_more(open_source(telling(made[:-1] + bytes([made[-1] ^ 1]), 6 * 4096 - 1)))  # a wrong checksum
