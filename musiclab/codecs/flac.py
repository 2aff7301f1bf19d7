"""What the last frame of a FLAC file tells, against its header: RFC 9639.

A recorder that was stopped, or an editor that appended, leaves a header that tells fewer samples than there are, and
libsndfile reads no more than it tells. Each frame says itself where it lies in the song.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from musiclab.codecs.source import Source

_TAIL = 1 << 17  # bytes of the end to look for frames in: with 8 channels of 24 bits, one has about 100,000
_BLOCK = 1 << 22
_START = b"fLaC\0\0\0\x22"  # of a stream: its mark, then a block of 34 bytes
_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 1 << code for code in range(8, 16)}  # by their code


def holds_more(source: Source) -> bool:
    """Whether it holds more than its header tells: sound behind that end, or another stream behind the first."""
    head = source.read(0, 26)
    told = int.from_bytes(head[18:26], "big") & ((1 << 36) - 1)
    if len(head) < 26 or told == 0:  # not known: readers go on to the end
        return False
    return _last_end(source, told, int.from_bytes(head[10:12], "big")) > told or _chained(source)


def _chained(source: Source) -> bool:
    """Whether another stream begins behind the first one's header."""
    place = len(_START)
    while len(data := source.read(place, _BLOCK)) >= len(_START):
        if _START in data:
            return True
        place += len(data) - len(_START) + 1
    return False


def _last_end(source: Source, told: int, block: int) -> int:
    """Where the last whole frame ends, in samples, if that is beyond what is told; else 0."""
    tail = source.read(-_TAIL, _TAIL)
    frames = [*_frames(tail, block), (len(tail), 0)]
    for (place, end), (stop, _) in reversed(list(pairwise(frames))):
        if end > told and _crc(tail[place:stop], 0x8005, 16) == 0:  # the last two bytes of a frame make it so
            return end
    return 0


def _frames(data: bytes, block: int) -> Iterator[tuple[int, int]]:
    """Places where a frame's header is, and where in the song such a frame ends. `block`: samples in a frame."""
    place = -1
    while (place := data.find(b"\xff", place + 1)) >= 0:
        head = data[place : place + 16]
        if len(head) < 16 or head[1] not in (0xF8, 0xF9):
            continue
        ones = 8 - (head[4] ^ 0xFF).bit_length()  # a number as in UTF-8: so many bytes, or one if there are none
        at = 4 + max(ones, 1)
        number = head[4] & (0x7F >> ones)
        for byte in head[5:at]:
            number = number << 6 | byte & 0x3F
        size, rate = head[2] >> 4, head[2] & 15
        extra = {6: 1, 7: 2}.get(size, 0)
        samples = int.from_bytes(head[at : at + extra], "big") + 1 if extra else _SIZES.get(size, 0)
        at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
        if samples and at < len(head) and _crc(head[: at + 1], 0x07, 8) == 0:
            yield place, (number if head[1] & 1 else number * block) + samples


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    """A cyclic redundancy check, high bit first, from 0."""
    table, value, mask = _table(polynomial, bits), 0, (1 << bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> (bits - 8) ^ byte]
    return value


@cache
def _table(polynomial: int, bits: int) -> list[int]:
    made = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) else 0)
            value &= (1 << bits) - 1
        made.append(value)
    return made
