"""Damage: to bytes anywhere, to numbers in headers, to the order and length of pieces, and to values in JSON."""

from __future__ import annotations

import copy
import json
import struct
from typing import Any

import numpy as np

from musiclab.codecs.ogg import checksum
from tests.fuzz.seeds import Files

_HEAD = 512  # bytes in which headers mostly lie
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -1e308, 10**30, float("nan"), float("inf"), "", "x" * 5000, "\0", "../x", "/"),
    *([], {}, [[]], {"a": {}}, [None], ["a"], [1, 2, 3], "\ud800", "NaN", "1e9"),
)


def damaged(files: Files, rng: np.random.Generator) -> Files:
    """A copy of the files of which one, the first mostly, is damaged."""
    names = list(files)
    name = names[0] if rng.random() < 0.6 else names[rng.integers(len(names))]
    if rng.random() < 0.02:
        return {other: data for other, data in files.items() if other != name} or files
    data = files[name]
    if data[:1] in (b"{", b"[") and rng.random() < 0.8:
        return {**files, name: _json(data, rng)}
    for _ in range(rng.integers(1, 5)):
        data = _bytes(data, rng)
    return {**files, name: _ogg(data) if data[:4] == b"OggS" and rng.random() < 0.7 else data}


def _place(length: int, rng: np.random.Generator) -> int:
    return int(rng.integers(min(length, _HEAD) if rng.random() < 0.7 else length))


def _bytes(data: bytes, rng: np.random.Generator) -> bytes:
    if len(data) < 8:
        return data + bytes(rng.integers(0, 256, 8, dtype=np.uint8))
    out, at, kind = bytearray(data), _place(len(data), rng), rng.integers(9)
    if kind <= 2:
        for _ in range(rng.integers(1, 8)):
            out[_place(len(data), rng)] = rng.integers(256)
    elif kind == 3:
        out[at] ^= 1 << rng.integers(8)
    elif kind <= 5:
        form = ("<H", ">H", "<I", ">I", "<Q", ">Q")[rng.integers(6)]
        number = _NUMBERS[rng.integers(len(_NUMBERS))] & ((1 << 8 * struct.calcsize(form)) - 1)
        out[at : at + struct.calcsize(form)] = struct.pack(form, number)
    elif kind == 6:
        del out[int(rng.integers(4, len(data))) :]
    elif kind == 7:
        length = int(rng.integers(1, 4000))
        del out[at : at + length]
    else:
        start, length = _place(len(data), rng), int(rng.integers(1, 4000))
        out[at:at] = data[start : start + length] if rng.random() < 0.7 else rng.bytes(length)
    return bytes(out)


def _json(data: bytes, rng: np.random.Generator) -> bytes:
    tree = json.loads(data)
    for _ in range(rng.integers(1, 4)):
        node = tree
        while isinstance(node, dict | list) and node:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = keys[rng.integers(len(keys))]
            inner = node[key]
            if not isinstance(inner, dict | list) or not inner or rng.random() < 0.25:
                if rng.random() < 0.15:
                    del node[key]
                else:
                    node[key] = copy.deepcopy(_VALUES[rng.integers(len(_VALUES))])
                break
            node = inner
    return json.dumps(tree).encode()


def _ogg(data: bytes) -> bytes:
    """The checksums of its pages made right again, so that damage reaches the decoders."""
    out, at = bytearray(data), 0
    while (at := out.find(b"OggS", at)) >= 0 and at + 27 <= len(out):
        length = 27 + out[at + 26]
        length += sum(out[at + 27 : at + length])
        page = bytes(out[at : at + length])
        if len(page) == length:
            out[at + 22 : at + 26] = checksum(page)
        at += 4
    return bytes(out)
