"""TensorFlow's checkpoints ("tensor bundles"), read without TensorFlow.

A checkpoint is a table of names (``PREFIX.index``) and the numbers (``PREFIX.data-00000-of-00001``). The table is
LevelDB's: blocks of sorted keys, each sharing a prefix with the one before, found by a block of their own, to which the
footer points. Its values are protocol buffers: type, shape, and where the numbers lie.

References
----------
TensorFlow: ``tensorflow/core/util/tensor_bundle``, ``tensorflow/core/protobuf/tensor_bundle.proto``.
LevelDB: ``doc/table_format.md``.

Notebook: 06
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musiclab.errors import WeightsError

MAGIC = 0xDB4775248B80FB57
FOOTER = 48  # bytes: two handles, filled up, and the magic number
TRAILER = 5  # bytes behind each block: its compression, and a checksum
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # those of TensorFlow's `DataType` that checkpoints of networks hold
LARGEST = 1 << 24  # bytes of a table: Spleeter's has less than 100 kB


@dataclass(frozen=True)
class Entry:
    """Where one tensor lies: type of TensorFlow, shape, number of its file, first byte, bytes."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read(index: Path) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint.

    Parameters
    ----------
    index : Path
        ``PREFIX.index``; the data lie beside it.

    Returns
    -------
    dict
        By name: float32, float64, int32 or int64 arrays of any shape.

    Raises
    ------
    WeightsError
        If the files are missing, damaged, or of another kind.
    """
    try:
        if index.stat().st_size > LARGEST:
            raise ValueError("its table is too large")
        rows = dict(table(index.read_bytes()))
        header = fields(rows.pop(b""))
        shards = int(header.get(1, [1])[0])
        if header.get(2, [0])[0] != 0:
            raise ValueError("its numbers are big-endian")
        entries = {name.decode(): entry(value) for name, value in rows.items()}
        return {name: _tensor(index, found, shards) for name, found in entries.items() if found.dtype in TYPES}
    except (OSError, ValueError, KeyError, IndexError, TypeError, struct.error) as error:
        raise WeightsError(f"{index} is not a checkpoint of TensorFlow that can be read ({error}).") from error


def table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table, in order."""
    if len(data) < FOOTER or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise ValueError("it does not end as a table does")
    position = 0
    for _ in range(2):  # the handle of the metadata, which is empty
        _, position = varint(data[-FOOTER:], position)
    offset, position = varint(data[-FOOTER:], position)
    size, _ = varint(data[-FOOTER:], position)
    for _, handle in block(data, offset, size):
        where, after = varint(handle, 0)
        yield from block(data, where, varint(handle, after)[0])


def block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block."""
    if offset + size + TRAILER > len(data):
        raise ValueError("it is cut off")
    if data[offset + size]:
        raise ValueError("its table is compressed")
    content = data[offset : offset + size]
    restarts = struct.unpack("<I", content[-4:])[0]
    end = size - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = varint(content, position)
        own, position = varint(content, position)
        length, position = varint(content, position)
        key = key[:shared] + content[position : position + own]
        position += own
        yield key, content[position : position + length]
        position += length


def varint(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number in it has no end")


def fields(data: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a protocol buffer, by their numbers."""
    found: dict[int, list[int | bytes]] = {}
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        value: int | bytes
        if tag & 7 == 0:
            value, position = varint(data, position)
        else:
            size = {1: 8, 5: 4}.get(tag & 7)
            if size is None:
                size, position = varint(data, position)
            value = data[position : position + size]
            position += size
        found.setdefault(tag >> 3, []).append(value)
    return found


def entry(data: bytes) -> Entry:
    """TensorFlow's ``BundleEntryProto``."""
    found = fields(data)
    shape = tuple(
        int(fields(dimension).get(1, [0])[0])  # type: ignore[arg-type]
        for dimension in fields(found.get(2, [b""])[0]).get(2, [])  # type: ignore[arg-type]
    )
    dtype, shard, offset, size = (int(found.get(number, [0])[0]) for number in (1, 3, 4, 5))
    return Entry(dtype, shape, shard, offset, size)


def _tensor(index: Path, found: Entry, shards: int) -> np.ndarray:
    dtype = np.dtype(TYPES[found.dtype])
    if math.prod(found.shape) * dtype.itemsize != found.size:
        raise ValueError("a tensor's size is not that of its shape")
    path = index.with_suffix(f".data-{found.shard:05d}-of-{shards:05d}")
    with path.open("rb") as file:
        file.seek(found.offset)
        data = file.read(found.size)
    if len(data) != found.size:
        raise ValueError(f"{path.name} is cut off")
    return np.frombuffer(data, dtype).reshape(found.shape)
