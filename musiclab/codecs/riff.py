"""What a WAV file can say beside its sound: cue points with labels, loops, tempo, and who made it.

Chunks are put behind the sound, so that a file that is written already needs no second copy: `add_chunks` grows it in
place. Programs that don't know a chunk skip it.

* ``cue `` and ``LIST adtl``: named points and regions [1]_ (Reaper, Audition, WaveLab, samplers);
* ``smpl``: loops and root key [1]_ (samplers);
* ``acid``: length in beats, tempo, root key (Acid, Ableton Live, FL Studio); its layout was never published, and this
  is the one that programs agree on;
* ``bext``: description and the place on the time line, the broadcast extension [2]_.

References
----------
.. [1] Microsoft, IBM: "Multimedia Programming Interface and Data Specifications 1.0", 1991
.. [2] EBU Tech 3285: "Specification of the Broadcast Wave Format", version 2, 2011
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from musiclab.errors import ExportError

Chunk = tuple[bytes, bytes]  # its four letters, and what is in it
ACID_ONE_SHOT, ACID_ROOT, ACID_STRETCH = 0x01, 0x02, 0x04


@dataclass(frozen=True)
class Cue:
    """A point, or a region of `length` frames, in a sound."""

    frame: int
    label: str = ""
    length: int = 0


def add_chunks(path: Path, chunks: Sequence[Chunk]) -> None:
    """Put chunks behind the sound of a WAV or RF64 file.

    Raises
    ------
    ExportError
        If the file is no WAV, or would grow beyond the 4 GiB that its header can tell.
    """
    tail = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    with path.open("r+b") as file:
        head = file.read(28)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
            raise ExportError(f"{path.name!r} is no WAV file: only these can hold cue points and loops.")
        end = file.seek(0, 2)
        size = end + end % 2 + len(tail) - 8
        if head[:4] == b"RIFF" and size >= 1 << 32:
            raise ExportError(f"{path.name!r} is too long to hold cue points and loops: cut the song.")
        file.write(b"\0" * (end % 2) + tail)
        if head[:4] == b"RF64":  # the true size stands in the ds64 chunk, which comes first
            file.seek(20)
            file.write(struct.pack("<Q", size))
        else:
            file.seek(4)
            file.write(struct.pack("<I", size))


def cue_chunks(cues: Sequence[Cue]) -> list[Chunk]:
    """``cue `` with the points, and ``LIST adtl`` with their labels and lengths; nothing for no cues."""
    if not cues:
        return []
    points, notes = bytearray(struct.pack("<I", len(cues))), bytearray(b"adtl")
    for number, cue in enumerate(cues, start=1):
        points += struct.pack("<II4sIII", number, cue.frame, b"data", 0, 0, cue.frame)
        notes += _noted(b"labl", struct.pack("<I", number) + cue.label.encode() + b"\0")
        if cue.length:
            notes += _noted(b"ltxt", struct.pack("<II4sHHHH", number, cue.length, b"rgn ", 0, 0, 0, 0))
    return [(b"cue ", bytes(points)), (b"LIST", bytes(notes))]


def _noted(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def smpl_chunk(sr: int, loops: Sequence[Cue], *, root: int = 60) -> Chunk:
    """Loops for samplers: each `Cue` with a length is played over and over.

    Parameters
    ----------
    sr : int
        Sample rate in Hz.
    loops : sequence of Cue
        With lengths in frames.
    root : int
        MIDI key at which the sound has its own pitch.
    """
    data = struct.pack("<9I", 0, 0, round(1e9 / sr), root, 0, 0, 0, len(loops), 0)
    for number, loop in enumerate(loops, start=1):  # the last frame of a loop is played too
        data += struct.pack("<6I", number, 0, loop.frame, loop.frame + loop.length - 1, 0, 0)
    return b"smpl", data


def acid_chunk(*, beats: float, metre: tuple[int, int], tempo: float, root: int | None = None) -> Chunk:
    """Tempo and length for programs that stretch loops to their own tempo.

    Parameters
    ----------
    beats : float
        Length in beats of the metre; 0 is a one-shot, which is never stretched.
    metre : (int, int)
        Time signature.
    tempo : float
        Beats a minute.
    root : int
        MIDI key, if the sound has a pitch.
    """
    flags = (ACID_STRETCH if beats else ACID_ONE_SHOT) | (0 if root is None else ACID_ROOT)
    numerator, denominator = metre
    key = 60 if root is None else root
    return b"acid", struct.pack("<IHHfIHHf", flags, key, 0x8000, 0.0, round(beats), denominator, numerator, tempo)


def bext_chunk(description: str, *, originator: str = "musiclab", start: int = 0) -> Chunk:
    """The broadcast extension, without a date: the same sound gives the same file.

    Parameters
    ----------
    description : str
        At most 256 letters; others than ASCII are left out, as the standard wants it.
    originator : str
        Who made the file, at most 32 letters.
    start : int
        Frames between the start of the time line and the file's first frame.
    """
    text = description.encode("ascii", errors="ignore")[:256]
    who = originator.encode("ascii", errors="ignore")[:32]
    head = struct.pack("<256s32s32s10s8sQH", text, who, b"", b"", b"", start, 1)
    return b"bext", head + bytes(64 + 190)  # no UMID, and what version 1 reserves
