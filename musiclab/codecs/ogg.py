"""The pages of an Ogg file: whether they are whole, and whether several streams follow each other.

Ogg: RFC 3533. A page tells its length and a checksum of itself; a stream begins with a page that is marked so.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from musiclab.codecs.source import Source

_BEGINS, _ENDS = 2, 4  # marks of a page: a stream begins, a stream ends
_READ = 1 << 22  # bytes of the file looked at in one go; a page has at most 65,307
_LARGEST = 65_307
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Pages:
    """What the pages of a file tell.

    Parameters
    ----------
    holes : int
        How often something else than a page with the right checksum lies between the pages.
    cut : bool
        What follows the last page is no whole page.
    chained : bool
        A stream begins after another has begun to sound, as in recordings of a radio station.
    ended : bool
        The last page is marked as an end.
    """

    holes: int
    cut: bool
    chained: bool
    ended: bool

    @property
    def sure(self) -> bool:
        """Whether any reader will do."""
        return not (self.holes or self.cut or self.chained)


def look_at(source: Source) -> Pages:
    """Walk through all pages of an Ogg file. Reads it once."""
    holes, chained, sounding, marks, end = 0, False, False, 0, 0
    for start, page in _pages(source):
        holes += start != end or checksum(page) != page[22:26]
        marks = page[5]
        chained |= sounding and bool(marks & _BEGINS)
        sounding |= not marks & _BEGINS
        end = start + len(page)
    return Pages(holes, end != source.size, chained, bool(marks & _ENDS))


def _pages(source: Source) -> Iterator[tuple[int, bytes]]:
    """Each page with its place; what lies between pages is skipped."""
    data, base, place = source.read(0, _READ), 0, 0
    while True:
        if len(data) - place < _LARGEST and base + len(data) < source.size:
            base, data, place = base + place, source.read(base + place, _READ), 0
        place = data.find(b"OggS", place)
        if place < 0 or place + 27 > len(data):
            if base + len(data) >= source.size:
                return
            place = max(0, len(data) - 27)
            continue
        length = 27 + data[place + 26]
        length += sum(data[place + 27 : place + length])
        page = data[place : place + length]
        if len(page) == length and page[4] == 0:
            yield base + place, page
            place += length
        else:
            place += 4


def checksum(page: bytes) -> bytes:
    """An Ogg page's checksum: the polynomial of zlib's, but with the bits of each byte the other way round."""
    plain = page[:22] + bytes(4) + page[26:]
    mirrored = zlib.crc32(plain.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return struct.pack("<I", int(f"{mirrored:032b}"[::-1], 2))
