"""A stem file for DJ programs (``.stem.mp4``): Traktor, Mixxx, Serato and others play its four stems on four faders.

One MP4 with five stereo streams: the mixture first, then drums, bass, other and vocals; all but the first are switched
off, so that a plain player plays the song. What the streams are called stands as JSON in the box ``moov/udta/stem``
[1]_. What an engine finds beyond the four, and the residual, goes into *other*: the four add up to the mixture.

References
----------
.. [1] Native Instruments: "Stems: a multi-channel audio format", specification 1.0, 2015
"""

from __future__ import annotations

import json
import struct
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from musiclab.audio import Audio, blocks
from musiclab.packages import need
from musiclab.palette import colour
from musiclab.stems import Stems

if TYPE_CHECKING:
    import av

FOUR = ("drums", "bass", "other", "vocals")  # in the order of the programs' faders
RATES = (44100, 48000)  # Hz, that all programs play
BIT_RATE = 256_000  # of each stream
HEADROOM = 0.89  # −1 dBFS: AAC overshoots a little
_BLOCK = 1 << 15  # frames of each stream in turn, so that a player need not seek between them
# What the programs' own limiter and compressor are to do: nothing. All keys are required.
_MASTERING: dict[str, dict[str, Any]] = {
    "compressor": {"enabled": False, "input_gain": 0.0, "output_gain": 0.0, "threshold": 0.0, "dry_wet": 50,
                   "attack": 0.003, "release": 0.3, "ratio": 3.0, "hp_cutoff": 300},
    "limiter": {"enabled": False, "threshold": 0.0, "ceiling": -0.35, "release": 0.05},
}  # fmt: skip


def five_streams(stems: Stems) -> dict[str, Audio]:
    """The mixture and the four, all stereo, at a rate that the programs play, with one gain under which none clips."""
    sr = stems.sr if stems.sr in RATES else RATES[stems.sr > RATES[0]]
    named = [name for name in FOUR if name in stems and name != "other"]
    streams = {"mixture": stems.mixture.stereo()}
    silence = Audio.of_checked(np.zeros_like(streams["mixture"].samples), stems.sr)
    rest = stems.without(*named).stereo()  # what is left of the mixture: other, guitar, piano, residual
    for name in FOUR:
        streams[name] = rest if name == "other" else stems[name].stereo() if name in stems else silence
    resampled = {name: audio.resampled(sr) for name, audio in streams.items()}
    peak = max(10 ** (audio.peak_db / 20) for audio in resampled.values())
    gain_db = 20 * float(np.log10(min(1.0, HEADROOM / peak)))
    return {name: audio.gained(gain_db) if gain_db else audio for name, audio in resampled.items()}


def write_stem_mp4(path: Path, stems: Stems, *, title: str = "") -> None:
    """Write the stem file, in AAC at 256 kbit/s a stream."""
    need("av", "Writing a .stem.mp4")
    import av

    def encode(stream: av.AudioStream, block: np.ndarray | None) -> list[av.Packet[av.AudioStream]]:
        if block is None:
            return stream.encode(None)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = sr, place, Fraction(1, sr)
        return stream.encode(frame)

    streams = five_streams(stems)
    sr = streams["mixture"].sr
    options = {"movie_timescale": str(sr)}
    with av.open(str(path), "w", format="mp4", options=options) as file, ThreadPoolExecutor(len(streams)) as pool:
        file.metadata["title"] = title
        added = [_stream(file, name, sr) for name in streams]
        place = 0
        together = zip(*(blocks(audio.samples, _BLOCK) for audio in streams.values()), strict=True)
        for group in [*together, (None,) * len(streams)]:
            for packets in pool.map(encode, added, group):  # the encoders release Python's lock
                file.mux(packets)
            place += _BLOCK
    _add_atom(path, _manifest())


def _stream(file: av.container.OutputContainer, name: str, sr: int) -> av.AudioStream:
    from av.stream import Disposition

    stream = file.add_stream("aac", rate=sr, options={"aac_coder": "twoloop"})
    stream.layout = "stereo"
    stream.bit_rate = BIT_RATE
    stream.disposition = Disposition.default if name == "mixture" else Disposition(0)
    stream.metadata["title"] = name
    return stream


def _manifest() -> bytes:
    names = [{"name": name.capitalize(), "color": colour(name).upper()} for name in FOUR]
    return json.dumps({"version": 1, "mastering_dsp": _MASTERING, "stems": names}).encode()


def _add_atom(path: Path, manifest: bytes) -> None:
    """Put the box ``stem`` into ``moov/udta``. FFmpeg writes ``moov`` last, so no offset in the file changes."""
    atom = struct.pack(">I4s", len(manifest) + 8, b"stem") + manifest
    with path.open("r+b") as file:
        start, size = _find_moov(file, path.stat().st_size)
        file.seek(start)
        moov = file.read(size)
        inside = _boxes(moov)
        if b"udta" in inside:
            at, length = inside[b"udta"]
            grown = struct.pack(">I", length + len(atom)) + moov[at + 4 : at + length] + atom
            moov = moov[:at] + grown + moov[at + length :]
        else:
            moov += struct.pack(">I4s", len(atom) + 8, b"udta") + atom
        file.seek(start)
        file.write(struct.pack(">I", len(moov)) + moov[4:])


def _find_moov(file: BinaryIO, end: int) -> tuple[int, int]:
    """Where ``moov`` begins, and its size: the last box of the file."""
    start = 0
    while True:
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:  # a box of more than 4 GiB: its size follows
            (size,) = struct.unpack(">Q", file.read(8))
        if name == b"moov" and start + size == end:
            return start, size
        start += size


def _boxes(moov: bytes) -> dict[bytes, tuple[int, int]]:
    """Where each box in ``moov`` begins, and its size with its head."""
    found, start = {}, 8
    while start + 8 <= len(moov):
        size, name = struct.unpack_from(">I4s", moov, start)
        found[name] = (start, size)
        start += max(size, 8)
    return found
