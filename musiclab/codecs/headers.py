"""Headers that tell the wrong lengths: sizes are taken from what a file holds, and tags in front are skipped.

A recorder that crashed leaves sizes of zero; programs that write into a pipe can't know them; files beyond 4 GB wrap
them round; editors that append forget them. In all of these the sound lies there, from where its chunk begins to where
the next chunk begins, or to the end of the file. WAV (RIFF, RIFX, RF64), AIFF, AU and FLAC are looked at.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from musiclab.codecs import flac
from musiclab.codecs.source import HEAD, OPEN_END, Source, id3_size

_TAGS_BEHIND = (b"ID3", b"TAG", b"APETAGEX")  # what may follow the last chunk
_LAWS = {b"alaw", b"ALAW", b"ulaw", b"ULAW"}
_SIZELESS = 0xFFFFFFFF
_TELLS_LESS = "its header tells of less sound than the file holds, so all of it was read"
_EXTENSIBLE = 0xFFFE  # the coding stands further on
_PLAIN_CODINGS = {1, 3, 6, 7, 0x31}
_DISGUISED = (  # how DTS (16 and 14 bits) and IEC 61937 (AC-3 and others) begin
    *(b"\xfe\x7f\x01\x80", b"\x7f\xfe\x80\x01", b"\xff\x1f\x00\xe8", b"\x1f\xff\xe8\x00"),
    b"\x72\xf8\x1f\x4e",
)
_UNPACKED = {b"NONE", b"twos", b"sowt", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64"}  # AIFF's codings


class Spliced(io.RawIOBase):
    """A file whose first `skip` bytes are replaced by `head`: what a reader sees where a header is mended."""

    def __init__(self, head: bytes, path: Path, skip: int) -> None:
        self._head, self._skip, self._place = head, skip, 0
        self._file = path.open("rb")
        self._size = len(head) + max(0, self._file.seek(0, io.SEEK_END) - skip)

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, origin + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        count = max(0, self._size - self._place)
        count = count if size is None or size < 0 else min(size, count)
        data = self._head[self._place : self._place + count]
        if len(data) < count:
            self._file.seek(self._skip + self._place + len(data) - len(self._head))
            data += self._file.read(count - len(data))
        self._place += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True)
class Chunk:
    """A chunk: what it is called, where its contents begin, and how many bytes its header tells."""

    name: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        """Where the next one begins: at an even place."""
        return self.start + self.size + self.size % 2


@dataclass(frozen=True)
class Mended:
    """A source as its readers should see it, and what there is to tell of it."""

    source: Source
    remark: str = ""


def mended(source: Source) -> Mended:
    """`source` without tags in front of a kind of file that knows none, and with lengths as they are."""
    source = _without_tags(source)
    head = source.head
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wav(source)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(source)
    if head[:4] in (b".snd", b"dns.") and len(head) >= 24:
        return _au(source)
    if head.startswith(b"fLaC"):
        return _flac(source)
    return Mended(source)


def spliced(source: Source, head: bytes, skip: int) -> Source:
    """The source with its first `skip` bytes replaced by `head`."""
    start = (head + source.read(skip, max(0, HEAD - len(head))))[:HEAD]
    size = len(head) + source.size - skip
    if isinstance(source.target, Path):
        return replace(source, target=Spliced(head, source.target, skip), head=start, size=size)
    return replace(source, target=io.BytesIO(head + source.read(skip, source.size)), head=start, size=size)


def _without_tags(source: Source) -> Source:
    """Skip ID3v2 and APEv2 tags before anything but an mp3 or AAC, whose readers know them."""
    place = 0
    while True:
        head = source.read(place, 32)
        if head.startswith(b"ID3") and len(head) >= 10:
            place += 10 + id3_size(head) + (10 if head[5] & 0x10 else 0)  # a footer, if its flag is set
        elif head.startswith(b"APETAGEX") and len(head) == 32:
            place += 32 + int.from_bytes(head[12:16], "little")
        else:
            known = head.startswith((b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"fLaC", b"OggS", b".snd", b"caff"))
            return spliced(source, b"", place) if place and known else source


def _chunks(source: Source, order: str, start: int = 12) -> Iterator[Chunk]:
    """The chunks of a file, as long as their names can be names."""
    while start + 8 <= source.size:
        raw = source.read(start, 8)
        if raw.startswith(_TAGS_BEHIND) or not all(32 <= byte < 127 for byte in raw[:4]):
            return
        chunk = Chunk(raw[:4], start + 8, struct.unpack(f"{order}I", raw[4:])[0])
        yield chunk
        start = chunk.end


def _sound_end(source: Source, sound: Chunk, order: str) -> int:
    """Where the sound really ends: where its header says, if what follows there is in order; or with the file."""
    end = sound.start + sound.size
    if end >= source.size:
        return source.size
    return end if any(_ends_well(source, place, order, bool(sound.size)) for place in (sound.end, end)) else source.size


def _ends_well(source: Source, place: int, order: str, empty: bool) -> bool:
    """Whether only whole chunks, tags or zeros follow from `place` on; with `empty`, nothing may follow as well."""
    first = place
    for chunk in _chunks(source, order, place):
        if chunk.start + chunk.size > source.size:
            return False
        place = chunk.end
    rest = source.read(place, 1 << 16)
    return (empty or place > first) and (len(rest) < 8 or rest.startswith(_TAGS_BEHIND) or not rest.strip(b"\0"))


def _remark(told: int, held: int) -> str:
    if told == 0:
        return "its header was never finished, so all that the file holds was read"
    return "" if told >= held else _TELLS_LESS


def _wav(source: Source) -> Mended:
    order = ">" if source.head.startswith(b"RIFX") else "<"
    sound = next((chunk for chunk in _chunks(source, order) if chunk.name == b"data"), None)
    if sound is None or sound.start >= source.size or sound.start > 1 << 20:
        return Mended(source)
    head = bytearray(source.read(0, sound.start))
    told = sound.size
    if source.head.startswith((b"RF64", b"BW64")):  # 64-bit sizes stand in the first chunk
        told = struct.unpack("<Q", head[28:36])[0] if len(head) >= 36 and head[12:16] == b"ds64" else 0
        if told > source.size and told < 1 << 60:
            return Mended(source)
    held = _sound_end(source, replace(sound, size=min(told, 1 << 62)), order) - sound.start
    if told >= held:  # right, not known, or cut off: readers see the end for themselves
        return Mended(source)
    if source.head.startswith((b"RF64", b"BW64")):
        head[20:28], head[28:36] = struct.pack("<Q", source.size - 8), struct.pack("<Q", held)
        head[36:44] = struct.pack("<Q", 0)
    else:
        head[4:8] = struct.pack(f"{order}I", min(source.size - 8, _SIZELESS))
        head[-4:] = struct.pack(f"{order}I", min(held, _SIZELESS))
    return Mended(spliced(source, bytes(head), sound.start), _remark(told, held))


def _aiff(source: Source) -> Mended:
    chunks = {chunk.name: chunk for chunk in _chunks(source, ">")}
    form, sound = chunks.get(b"COMM"), chunks.get(b"SSND")
    if not form or not sound or sound.start > 1 << 20 or form.start > sound.start or sound.start + 8 >= source.size:
        return Mended(source)
    raw = source.read(form.start, 22)
    channels, frames, bits = struct.unpack(">HIH", raw[:8])
    coding = raw[18:22] if source.head[8:12] == b"AIFC" else b"NONE"
    if coding not in _UNPACKED or not channels or not bits:
        return Mended(source)
    held = _sound_end(source, sound, ">") - sound.start - 8
    whole = held // (channels * ((bits + 7) // 8))
    if whole <= frames and held + 8 <= sound.size:
        return Mended(source)
    head = bytearray(source.read(0, sound.start))
    head[4:8] = struct.pack(">I", min(source.size - 8, _SIZELESS))
    head[form.start + 2 : form.start + 6] = struct.pack(">I", min(whole, _SIZELESS))
    head[-4:] = struct.pack(">I", min(held + 8, _SIZELESS))
    return Mended(spliced(source, bytes(head), sound.start), _remark(frames, whole))


def _au(source: Source) -> Mended:
    order = ">" if source.head.startswith(b".snd") else "<"
    start, told = struct.unpack(f"{order}II", source.head[4:12])
    held = source.size - start
    if not 24 <= start <= 1 << 20 or held <= 0 or told >= min(held, OPEN_END):
        return Mended(source)
    head = source.head[:8] + struct.pack(f"{order}I", min(held, _SIZELESS))
    return Mended(spliced(source, head, 12), _remark(told, held))


def _flac(source: Source) -> Mended:
    if not flac.holds_more(source):
        return Mended(source)
    head = source.head[:21] + bytes([source.head[21] & 0xF0]) + bytes(4)  # 0 samples: not known, so FFmpeg reads them
    return Mended(spliced(source, head, len(head)), _TELLS_LESS)


def claims(source: Source) -> tuple[int, int] | None:
    """Rate in Hz and channels as a header of a plain file tells them, before any library allocates room for them."""
    head = source.head
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and 0 < (at := head.find(b"fmt ")) < len(head) - 24:
        channels, rate = struct.unpack(f"{'>' if head.startswith(b'RIFX') else '<'}HI", head[at + 10 : at + 16])
        return rate, channels
    if head[:4] in (b".snd", b"dns.") and len(head) >= 24:
        return struct.unpack(f"{'>' if head.startswith(b'.snd') else '<'}II", head[16:24])
    return None


def is_plain_aiff(source: Source) -> bool:
    """Whether an AIFF holds PCM, float, A-law or mu-law."""
    at = source.head.find(b"COMM")
    return source.head[8:12] == b"AIFF" or (at > 0 and source.head[at + 26 : at + 30] in _UNPACKED | _LAWS)


def is_plain_wav(source: Source) -> bool:
    """Whether a WAV holds PCM, float, A-law, mu-law or GSM 6.10, and its bytes are what they are said to be.

    libsndfile's reader of ADPCM overflows (CVE-2026-37555, https://github.com/libsndfile/libsndfile/issues/1120). DTS
    and AC-3 are sold as WAV files whose header says 16-bit PCM: played as that, they are noise.
    """
    order = ">" if source.head.startswith(b"RIFX") else "<"
    at, sound = source.head.find(b"fmt "), source.head.find(b"data")
    if at < 0 or len(source.head) < at + 34:
        return False
    kind = struct.unpack(f"{order}H", source.head[at + 8 : at + 10])[0]
    if kind == _EXTENSIBLE:
        kind = struct.unpack(f"{order}H", source.head[at + 32 : at + 34])[0]
    start = source.read(sound + 8, 1 << 14) if sound > 0 else b""
    return kind in _PLAIN_CODINGS and not any(mark in start for mark in _DISGUISED)
