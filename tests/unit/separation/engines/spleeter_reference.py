"""Spleeter anew, in numpy and float64, from its own description; and checkpoints in TensorFlow's format.

Nothing of `musiclab` is used here, and nothing is done block by block: the tests compare the two.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

N_FFT, HOP, T, F = 4096, 1024, 512, 1024
WIDTHS = (16, 32, 64, 128, 256, 512)


def seeded(stems: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of Spleeter by TensorFlow's names, random and such that signals neither vanish nor explode."""
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    counts = {"conv2d": 0, "conv2d_transpose": 0, "batch_normalization": 0}

    def layer(kind: str, **values: np.ndarray) -> None:
        number = counts[kind]
        counts[kind] += 1
        for name, value in values.items():
            found[f"{kind}_{number}/{name}" if number else f"{kind}/{name}"] = value.astype(np.float32)

    def kernel(height: int, inputs: int, outputs: int, *, turned: bool = False) -> np.ndarray:
        shape = (height, height, outputs, inputs) if turned else (height, height, inputs, outputs)
        return rng.standard_normal(shape) / np.sqrt(height * height * inputs / (4 if turned else 1))

    def norm(width: int) -> None:
        layer(
            "batch_normalization", gamma=1 + 0.2 * rng.standard_normal(width), beta=0.2 * rng.standard_normal(width),
            moving_mean=0.1 * rng.standard_normal(width), moving_variance=1 + 0.3 * rng.random(width),
        )  # fmt: skip

    for _ in range(stems):
        for before, after in zip((2, *WIDTHS), WIDTHS, strict=False):
            layer("conv2d", kernel=kernel(5, before, after), bias=0.1 * rng.standard_normal(after))
            norm(after)
        up = (*WIDTHS[-2::-1], 1)
        for before, after in zip((512, *(2 * width for width in up)), up, strict=False):
            layer(
                "conv2d_transpose", kernel=kernel(5, before, after, turned=True), bias=0.1 * rng.standard_normal(after)
            )
            norm(after)
        layer("conv2d", kernel=kernel(4, 1, 2), bias=0.1 * rng.standard_normal(2))
    return found


def _conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, dilation: int = 1) -> np.ndarray:
    """TensorFlow's "same" convolution of ``(rows, columns, channels)``."""
    size = (kernel.shape[0] - 1) * dilation + 1
    out = [-(-length // stride) for length in x.shape[:2]]
    pads = [max((n - 1) * stride + size - length, 0) for n, length in zip(out, x.shape[:2], strict=True)]
    x = np.pad(x, [(pad // 2, pad - pad // 2) for pad in pads] + [(0, 0)])
    y = np.zeros((*out, kernel.shape[3])) + bias
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            a, b = i * dilation, j * dilation
            y += (
                x[a : a + stride * out[0] : stride, b : b + stride * out[1] : stride][: out[0], : out[1]] @ kernel[i, j]
            )
    return y


def _up(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """TensorFlow's "same" transposed convolution with a stride of two: each input adds a patch; 1 off in front."""
    rows, columns = x.shape[:2]
    y = np.zeros((2 * rows + 3, 2 * columns + 3, kernel.shape[2]))
    for i in range(5):
        for j in range(5):
            y[i : i + 2 * rows : 2, j : j + 2 * columns : 2] += x @ kernel[i, j].T
    return y[1:-2, 1:-2] + bias


class Reference:
    """Spleeter with the given weights."""

    def __init__(self, found: dict[str, np.ndarray], stems: int) -> None:
        self.found = {name: value.astype(np.float64) for name, value in found.items()}
        self.stems = stems

    def _of(self, kind: str, number: int) -> list[np.ndarray]:
        prefix = f"{kind}_{number}" if number else kind
        names = ("gamma", "beta", "moving_mean", "moving_variance") if kind.startswith("b") else ("kernel", "bias")
        return [self.found[f"{prefix}/{name}"] for name in names]

    def _norm(self, x: np.ndarray, number: int) -> np.ndarray:
        gamma, beta, mean, variance = self._of("batch_normalization", number)
        return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta

    def _active(self, x: np.ndarray, slope: float) -> np.ndarray:
        return np.where(x > 0, x, slope * x if self.stems == 2 else np.expm1(np.minimum(x, 0)))

    def logits(self, S: np.ndarray, stem: int) -> np.ndarray:
        """The U-Net of a stem [shape=(T, F, 2)]."""
        convs, y = [], S
        for level in range(6):
            y = _conv(y, *self._of("conv2d", 7 * stem + level), stride=2)
            convs.append(y)
            y = self._active(self._norm(y, 12 * stem + level), 0.2)
        y = convs.pop()
        for level in range(6):
            y = self._active(_up(y, *self._of("conv2d_transpose", 6 * stem + level)), 0.0)
            y = self._norm(y, 12 * stem + 6 + level)
            if convs:
                y = np.concatenate([convs.pop(), y], axis=-1)
        return _conv(y, *self._of("conv2d", 7 * stem + 6), dilation=2)

    def masks(self, S: np.ndarray) -> np.ndarray:
        """Masks of a block [shape=(stems, T, F, 2)]."""
        logits = np.stack([self.logits(S, stem) for stem in range(self.stems)])
        if self.stems == 5:
            answers = np.exp(logits - logits.max(0))
            answers = answers / answers.sum(0) * S
        else:
            answers = S / (1 + np.exp(-logits))
        power = answers**2
        return (power + 1e-10 / self.stems) / (power.sum(0) + 1e-10)

    def separate(self, samples: np.ndarray) -> np.ndarray:
        """Stems [shape=(stems, 2, frames)] of a song [shape=(2, frames)], whole."""
        frames = samples.shape[1]
        columns = -(-(frames + N_FFT) // HOP)
        padded = np.zeros((2, (columns - 1) * HOP + N_FFT))
        padded[:, N_FFT : N_FFT + frames] = samples
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
        starts = np.arange(columns) * HOP
        D = np.fft.rfft(np.stack([padded[:, s : s + N_FFT] * window for s in starts]))  # (columns, 2, bins)
        S = np.zeros((-(-columns // T) * T, F, 2))
        S[:columns] = np.abs(D[..., :F]).transpose(0, 2, 1)
        masks = np.concatenate([self.masks(block) for block in S.reshape(-1, T, F, 2)], axis=1)[:, :columns]
        out = np.zeros((self.stems, *padded.shape))
        for stem, mask in enumerate(masks):
            masked = np.zeros_like(D)
            masked[..., :F] = D[..., :F] * mask.transpose(0, 2, 1)
            for s, piece in zip(starts, np.fft.irfft(masked) * window * 2 / 3, strict=True):
                out[stem, :, s : s + N_FFT] += piece
        return out[..., N_FFT : N_FFT + frames]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _block(rows: list[tuple[bytes, bytes]], every: int = 16) -> bytes:
    """A block of LevelDB's table: keys share what they can with the one before, from restart to restart."""
    out, restarts, before = bytearray(), [], b""
    for index, (key, value) in enumerate(rows):
        shared = 0
        if index % every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def write_checkpoint(folder: Path, found: dict[str, np.ndarray], *, per_block: int = 40) -> Path:
    """``model.index`` and ``model.data-00000-of-00001`` as TensorFlow writes them, with its counter of steps."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**found, "global_step": np.array(1_500_000, dtype=np.int64)}
    rows = [(b"", _field(1, 1) + _field(3, _field(1, 1)))]  # one file of data, little-endian, a version
    with (folder / "model.data-00000-of-00001").open("wb") as data:
        for name in sorted(tensors, key=str.encode):
            value = np.asarray(tensors[name], order="C")
            shape = b"".join(_field(2, _field(1, size)) for size in value.shape)
            about = _field(1, {"f4": 1, "i8": 9}[value.dtype.str[1:]]) + _field(2, shape)
            about += (_field(4, data.tell()) if data.tell() else b"") + _field(5, value.nbytes)
            about += _varint(6 << 3 | 5) + struct.pack("<I", 0)  # a checksum
            rows.append((name.encode(), about))
            data.write(value.tobytes())
    table, handles = bytearray(), []

    def put(content: bytes) -> bytes:
        handle = _varint(len(table)) + _varint(len(content))
        table.extend(content + b"\0" + struct.pack("<I", 0))  # not compressed; a checksum
        return handle

    for first in range(0, len(rows), per_block):
        part = rows[first : first + per_block]
        handles.append((part[-1][0], put(_block(part))))
    ends = put(_block([])) + put(_block(handles, every=1))
    table += ends.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    (folder / "model.index").write_bytes(table)
    return folder
