"""Where sound comes from: a path, bytes, an open file, or an upload; with one clear sentence when it is none of them.

Nothing is decoded here. What a file is, is told by its first bytes, never by its name.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Any

from musiclab.errors import AudioError

HEAD = 4096  # bytes looked at to tell what a file is
OPEN_END = 0x7FFF0000  # bytes: a size from here on stands for "not known", as programs write it into pipes
_NAMELESS = "The audio in memory"
_SUFFIXES = """
    .wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .caf .au .snd .voc .flac .ape .wv .tak .tta .mp3 .mp2 .mpga .mpc
    .ogg .oga .ogx .ogv .opus .spx .m4a .m4b .m4r .aac .adts .ac3 .eac3 .dts .thd .wma .asf .wmv .amr .dsf
    .mp4 .m4v .mov .3gp .3g2 .mkv .mka .webm .weba .avi .flv .mpg .mpeg .mts .m2ts .mxf
"""
AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())  # by which files in folders are found; what they are, their bytes tell


@dataclass(frozen=True)
class Source:
    """Something to decode: a path or bytes in memory, its name for messages, its first bytes, size and state."""

    target: Path | io.BytesIO | io.RawIOBase
    name: str
    head: bytes
    size: int
    state: tuple[int, ...] = ()  # of a file: another when the file was replaced or written to

    @property
    def title(self) -> str:
        return "" if self.name == _NAMELESS else readable(Path(self.name).stem)

    @property
    def label(self) -> str:
        """How a sentence about it starts."""
        return self.name if self.name == _NAMELESS else repr(readable(self.name))

    def rewound(self) -> Path | io.BytesIO | io.RawIOBase:
        """The target, at its beginning."""
        if not isinstance(self.target, Path):
            self.target.seek(0)
        return self.target

    def again(self) -> Source | None:
        """The file as it is now, if it is no longer what it was when it was opened."""
        if not isinstance(self.target, Path) or (self.target.exists() and _state(self.target.stat()) == self.state):
            return None
        return open_source(self.target)

    def read(self, start: int, count: int) -> bytes:
        """Raw bytes; a negative start counts from the end."""
        start = max(0, start if start >= 0 else self.size + start)
        if isinstance(self.target, io.BytesIO):
            return bytes(self.target.getbuffer()[start : start + count])
        if isinstance(self.target, io.RawIOBase):
            self.target.seek(start)
            return self.target.read(count) or b""
        with self.target.open("rb") as file:
            file.seek(start)
            return file.read(count)


def readable(path: str | PathLike[str]) -> str:
    """A path as text that can be shown and written: bytes that are no UTF-8, as old disks have in names, become �."""
    return os.fspath(path).encode(errors="surrogateescape").decode(errors="replace")


def open_source(given: str | PathLike[str] | bytes | IO[bytes] | Mapping[str, Any]) -> Source:
    """Whatever `musiclab.load` was given, as a `Source` that exists, is readable and not empty.

    Raises
    ------
    AudioError
        With the reason and what to do, if it is missing, a folder, forbidden, empty, or plainly not sound.
    TypeError
        If it is not a path, bytes, a binary file or an entry of ``ipywidgets.FileUpload.value``.
    """
    if isinstance(given, str | PathLike):
        source = _from_path(given)
    else:
        name, data = _in_memory(given)
        source = Source(io.BytesIO(data), name, data[:HEAD], len(data))
    if source.size == 0:
        raise AudioError(f"{source.label} is empty (0 bytes): copy or export it again.")
    _refuse_other_kinds(source)
    return source


def _in_memory(given: Any) -> tuple[str, bytes]:
    """Name and bytes of an upload, of bytes, or of an open binary file."""
    if isinstance(given, Mapping) and "content" in given:
        return str(given.get("name") or _NAMELESS), bytes(given["content"])
    if isinstance(given, bytes | bytearray | memoryview):
        return _NAMELESS, bytes(given)
    if hasattr(given, "read"):
        data = given.read()
        if isinstance(data, bytes):
            name = getattr(given, "name", None)
            return (Path(name).name if isinstance(name, str) else _NAMELESS), data
        raise TypeError("The file is open as text: open it with open(path, 'rb').")
    raise TypeError(f"Audio comes from a path, bytes, a binary file or an upload, not from {type(given).__name__}.")


def _from_path(given: str | PathLike[str]) -> Source:
    text = os.fspath(given)
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        raise AudioError(f"{text!r} is an address, not a file: download it first and give the file's path.")
    path = Path(text).expanduser().absolute()
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # a pipe or a device might never end
            raise AudioError(f"{str(path)!r} is a device or a pipe, not a file: save its sound to a file first.")
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            return Source(path, path.name, file.read(HEAD), seen.st_size, _state(seen))
    except FileNotFoundError:
        raise AudioError(_missing(path)) from None
    except IsADirectoryError:
        raise AudioError(_folder(path)) from None
    except PermissionError:
        if path.is_dir():  # what Windows says of a folder
            raise AudioError(_folder(path)) from None
        raise AudioError(f"{path.name!r} may not be read: change its permissions, or copy it elsewhere.") from None
    except (OSError, ValueError) as error:  # names that no file can have, unplugged disks
        raise AudioError(
            f"{path.name[:60]!r} can't be opened ({getattr(error, 'strerror', None) or error})."
        ) from error


def _state(seen: os.stat_result) -> tuple[int, ...]:
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _missing(path: Path) -> str:
    """What to say of a path that leads nowhere, with the names that come nearest."""
    parent = path.parent
    if not parent.is_dir():
        while not parent.is_dir():
            parent = parent.parent
        return f"There is no folder {str(path.parent)!r}: the path is right up to {str(parent)!r}."
    names = {entry.name.casefold(): entry.name for entry in parent.iterdir()}
    near = [names[key] for key in difflib.get_close_matches(path.name.casefold(), names, n=3, cutoff=0.6)]
    if near:
        return f"There is no file {path.name!r} in {str(parent)!r}: did you mean {' or '.join(map(repr, near))}?"
    return f"There is no file {path.name!r} in {str(parent)!r}: check the name and the folder."


def _folder(path: Path) -> str:
    songs = audio_files(path)
    example = f", such as {songs[0].name!r}" if songs else ""
    return f"{str(path)!r} is a folder: give one audio file in it{example}."


def _refuse_other_kinds(source: Source) -> None:
    """Name the kinds of file that people mistake for audio."""
    head, name = source.head, source.label
    if head.startswith(b"MThd"):
        raise AudioError(f"{name} is a MIDI file, which holds notes and no sound: render it to audio first.")
    if head.startswith(b"PK\x03\x04"):
        raise AudioError(f"{name} is a zip archive: unpack it and give an audio file in it.")
    if head.startswith(b"%PDF"):
        raise AudioError(f"{name} is a PDF, not audio: give a wav, flac, mp3, ogg, opus, m4a or video file.")
    if not any(byte < 9 or 13 < byte < 32 for byte in head):
        try:
            head[:-4].decode()  # the last bytes may be half a character
        except UnicodeDecodeError:
            return
        raise AudioError(f"{name} holds text, not audio: give a wav, flac, mp3, ogg, opus, m4a or video file.")


def is_audio_file(path: Path) -> bool:
    """Whether it is a file, not hidden, that by its name holds sound."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def audio_files(folder: Path) -> list[Path]:
    """The files in a folder that by their names hold sound, sorted."""
    return sorted(path for path in folder.iterdir() if is_audio_file(path))


def looks_cut_off(source: Source) -> bool:
    """Whether the container itself says that its end is missing, where decoders don't tell."""
    if source.head.startswith((b"RIFF", b"RIFX", b"FORM")) and len(source.head) >= 8:
        order = "<" if source.head.startswith(b"RIFF") else ">"
        announced = struct.unpack(f"{order}I", source.head[4:8])[0] + 8
        return bool(source.size + 1 < announced < OPEN_END)
    if source.head.startswith((b".snd", b"dns.")) and len(source.head) >= 12:
        order = ">" if source.head.startswith(b".snd") else "<"
        start, length = struct.unpack(f"{order}II", source.head[4:12])
        return bool(source.size < start + length < OPEN_END)
    if source.head.startswith(b"OggS"):
        tail = source.read(-70_000, 70_000)  # a page has at most 65,307 bytes
        page = tail.rfind(b"OggS")
        return page >= 0 and not (tail[page + 5 : page + 6] or b"\0")[0] & 4  # no end-of-stream mark
    return False


def has_xing_tag(source: Source) -> bool:
    """Whether an mp3's first frame tells its exact length (a Xing or Info tag), behind its ID3 tag."""
    head, at = source.head, 0
    if head.startswith(b"ID3") and len(head) >= 10:
        at = 10 + id3_size(head)
        head = source.read(at, HEAD)
    return any(0 <= head.find(tag) < 256 for tag in (b"Xing", b"Info"))


def id3_size(head: bytes) -> int:
    """Bytes of an ID3v2 tag behind its header of ten: four bytes of seven bits each."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
