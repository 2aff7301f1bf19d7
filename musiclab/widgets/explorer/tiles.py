"""Pictures of any part of a long song's spectrogram, fast: what was computed once is kept as a pyramid of bytes.

A song is cut into chunks of about twelve seconds, whose levels in dB are kept as bytes of half a dB. Every chunk has
coarser copies of itself, each with a quarter of the columns (the largest of four, so that no click and no partial gets
lost). A view takes the coarsest copy that still has a column for every pixel. Chunks are computed when they are first
looked at, one after the other, so that a page can show how far it is.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from musiclab import fourier, mapped, spectral
from musiclab.audio import Audio
from musiclab.fourier import transform, window_samples
from musiclab.plots.pictures import to_scale
from musiclab.widgets.explorer import constantq
from musiclab.widgets.explorer.constantq import LOWEST_HZ

CHUNK = 1 << 19  # samples: 11.9 s at 44.1 kHz
STEP_DB = 0.5  # of a byte
FLOOR_DB = -127.5  # of the byte 0; 255 is 0 dBFS (a sine of full scale)
KEEP_BYTES = 400_000_000
WINDOWS = ("hann", "hamming", "blackman", "boxcar")
SCALES = ("linear", "log", "mel", "cqt")
CHANNELS = ("mid", "left", "right", "side")


@dataclass(frozen=True)
class Look:
    """What a spectrogram is computed with."""

    n_fft: int = 2048
    overlap: int = 4  # columns to a window
    window: str = "hann"
    channel: str = "mid"
    cqt: bool = False
    reassigned: bool = False

    @property
    def hop_length(self) -> int:
        return max(self.n_fft // self.overlap, 1)

    @property
    def margin(self) -> int:
        """Samples before and after a column that it hears; of a constant-Q one, in whole columns and sixteenths."""
        if not self.cqt:
            return self.n_fft // 2
        step = max(CHUNK // 16, self.hop_length)
        return -(-constantq.longest(self.n_fft) // 2 // step) * step


class Tiles:
    """The spectrogram of a song, in pieces, for one `Look` after the other."""

    def __init__(self, audio: Audio) -> None:
        self.audio = audio
        self._chunks: OrderedDict[tuple[Look, int], list[np.ndarray]] = OrderedDict()
        self._sums: dict[str, np.ndarray] = {}

    def channel(self, name: str) -> np.ndarray:
        """Mid, left, right or side of the song [shape=(frames,)], float32. Mono has only a middle."""
        if name not in self._sums:
            left, right = self.audio.samples[0], self.audio.samples[-1]
            made = {"left": left, "right": right}.get(name)
            if made is None:
                made = (np.add if name == "mid" else np.subtract)(left, right, out=mapped.empty(left.shape))
                made /= 2
            self._sums[name] = np.ascontiguousarray(made)
        return self._sums[name]

    def rows_hz(self, look: Look) -> np.ndarray:
        """Frequency of each row of a chunk, low to high."""
        return constantq.rows_hz(self.audio.sr) if look.cqt else spectral.frequencies(self.audio.sr, look.n_fft)

    def chunks(self, look: Look, t0: float, t1: float) -> range:
        """The chunks from `t0` to `t1` seconds."""
        length = self._per_chunk(look) * look.hop_length
        last = min(int(t1 * self.audio.sr) // length, (self.audio.frames - 1) // length)
        return range(min(int(t0 * self.audio.sr) // length, last), last + 1)

    def missing(self, look: Look, t0: float, t1: float) -> list[int]:
        """Those of them that are still to be computed."""
        return [index for index in self.chunks(look, t0, t1) if (look, index) not in self._chunks]

    def compute(self, look: Look, index: int) -> None:
        """Compute a chunk."""
        self._chunk(look, index)

    def tile(
        self, look: Look, *, t0: float, t1: float, low: float, high: float, scale: str, width: int, height: int,
        ready: bool = False,
    ) -> np.ndarray:  # fmt: skip
        """The picture from `t0` to `t1` seconds and `low` to `high` Hz.

        Parameters
        ----------
        look : Look
            What it is computed with.
        t0, t1 : float
            In seconds.
        low, high : float
            In Hz.
        scale : {"linear", "log", "mel"}
            Of the frequency axis.
        width, height : int
            Pixels.
        ready : bool
            Only what is computed already; the rest is silent.

        Returns
        -------
        np.ndarray [shape=(height, width)], uint8
            Level in half dB (255: 0 dBFS), lowest row first.
        """
        hop, sr = look.hop_length, self.audio.sr
        edges = np.linspace(t0, t1, width + 1) * sr / hop  # in columns
        per_pixel = (edges[-1] - edges[0]) / width
        level = 0
        while per_pixel >= 4 ** (level + 1):
            level += 1
        step = 4**level
        first = max(int(np.floor(edges[0] / step)) - 1, 0)
        last = max(int(np.ceil(edges[-1] / step)) + 2, first + 1)
        cells = self._columns(look, level, first, last, ready)
        rows = _pooled(cells, self._row_edges(look, low, high, scale, height))
        starts = np.clip(np.floor(edges[:-1] / step + 0.5).astype(int) - first, 0, rows.shape[1] - 1)
        stops = np.clip(np.floor(edges[1:] / step + 0.5).astype(int) - first, starts + 1, rows.shape[1])
        bounds = np.stack([starts, stops], axis=1).ravel()
        padded = np.concatenate([rows, rows[:, -1:]], axis=1)  # reduceat wants every bound inside
        return np.asarray(np.maximum.reduceat(padded, bounds, axis=1)[:, ::2])

    def _row_edges(self, look: Look, low: float, high: float, scale: str, height: int) -> np.ndarray:
        """Where each pixel row begins, and the last one ends, in rows of a chunk."""
        from musiclab.plots.pictures import from_scale

        hz = from_scale(np.linspace(to_scale(low, scale), to_scale(high, scale), height + 1), scale)
        if not look.cqt:
            return np.asarray(hz * look.n_fft / self.audio.sr)
        return np.asarray(constantq.ROWS * np.log2(np.maximum(hz, 1.0) / LOWEST_HZ))

    def _columns(self, look: Look, level: int, first: int, last: int, ready: bool) -> np.ndarray:
        """Columns `first` to `last` of a level of the pyramid, across chunks; past the song there is silence."""
        per_chunk = self._per_chunk(look) // 4**level
        chunks = -(-self.audio.frames // (self._per_chunk(look) * look.hop_length))
        found = []
        for index in range(first // per_chunk, min((last - 1) // per_chunk, chunks - 1) + 1):
            if ready and (look, index) not in self._chunks:
                piece = np.zeros((len(self.rows_hz(look)), per_chunk), dtype=np.uint8)
            else:
                piece = self._chunk(look, index)[level]
            found.append(piece[:, max(first - index * per_chunk, 0) : last - index * per_chunk])
        if not found:
            return np.zeros((len(self.rows_hz(look)), 1), dtype=np.uint8)
        return np.concatenate(found, axis=1)

    def _per_chunk(self, look: Look) -> int:
        """Columns of a chunk: a multiple of 4^5, so that every level divides it."""
        return max(CHUNK // look.hop_length // 1024, 1) * 1024

    def _chunk(self, look: Look, index: int) -> list[np.ndarray]:
        key = (look, index)
        if key in self._chunks:
            self._chunks.move_to_end(key)
            return self._chunks[key]
        columns, hop = self._per_chunk(look), look.hop_length
        x, start, margin = self.channel(look.channel), index * columns * hop, look.margin
        piece = np.zeros(columns * hop + 2 * margin, dtype=np.float32)
        a, b = max(start - margin, 0), min(start + columns * hop + margin, len(x))
        piece[a - start + margin : b - start + margin] = x[a:b]
        if look.cqt:
            S = constantq.constant_q(
                piece, sr=self.audio.sr, n_fft=look.n_fft, hop_length=hop, window=look.window, skip=margin // hop,
                columns=columns,
            )  # fmt: skip
        else:
            S = (_reassigned if look.reassigned else _plain)(piece, look, columns)
        levels = [to_bytes(S)]
        for _ in range(5):
            fine = levels[-1]
            levels.append(fine[:, : fine.shape[1] // 4 * 4].reshape(len(fine), -1, 4).max(axis=2))
        self._chunks[key] = levels
        while sum(chunk[0].nbytes for chunk in self._chunks.values()) > KEEP_BYTES and len(self._chunks) > 1:
            self._chunks.popitem(last=False)
        return levels


def to_bytes(S: np.ndarray) -> np.ndarray:
    """Amplitude (1: a sine of full scale) as bytes of half a dB."""
    if fourier.has_torch():  # five times as fast
        import torch

        decibels = torch.from_numpy(S).clamp_(min=1e-7).log10_().mul_(20 / STEP_DB).add_(255.5)  # to the nearest
        return np.asarray(decibels.clamp_(0, 255).to(torch.uint8).numpy())
    nearest = 20 / STEP_DB * np.log10(np.maximum(S, 1e-7)) + 255.5
    return np.asarray(np.clip(nearest, 0, 255).astype(np.uint8))


def _plain(piece: np.ndarray, look: Look, columns: int) -> np.ndarray:
    D = spectral.columns_of(piece[None], n_fft=look.n_fft, hop_length=look.hop_length, window=look.window)
    return _magnitude(D[0, :, :columns]) * np.float32(2 / float(window_samples(look.window, look.n_fft).sum()))


def _magnitude(D: np.ndarray) -> np.ndarray:
    """Faster than `np.abs`, which guards against overflow."""
    return np.asarray(np.sqrt(D.real * D.real + D.imag * D.imag))


def _reassigned(piece: np.ndarray, look: Look, columns: int) -> np.ndarray:
    """Every cell's energy moved to where its phase says that it lies: Auger and Flandrin, 1995.

    doi:10.1109/78.382394
    """
    n, hop = look.n_fft, look.hop_length
    w = window_samples(look.window, n).astype(float)
    ramp = (np.arange(n) - n // 2) * w
    slope = np.fft.ifft(np.fft.fft(w) * 2j * np.pi * np.fft.fftfreq(n)).real
    D, T, F = (transform(piece[None], v, hop_length=hop)[0, :, :columns] for v in (w, ramp, slope))
    power = D.real**2 + D.imag**2
    heard = power > power.max() * 1e-9
    safe = np.where(heard, power, 1)
    moved_t = (T * D.conj()).real / safe / hop
    moved_f = -(F * D.conj()).imag / safe * n / (2 * np.pi)
    bins, width = D.shape
    t = np.rint(np.arange(width)[None] + moved_t).astype(int).clip(0, width - 1)
    f = np.rint(np.arange(bins)[:, None] + moved_f).astype(int).clip(0, bins - 1)
    out = np.bincount((f * width + t)[heard], weights=power[heard], minlength=bins * width)
    return np.asarray((np.sqrt(out) * (2 / w.sum())).reshape(bins, width), dtype=np.float32)


def _pooled(cells: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Rows between each pair of `edges`: the largest of several, or what lies between two."""
    last = len(cells) - 1
    first, stop = np.ceil(edges[:-1] - 0.5).astype(int), np.ceil(edges[1:] - 0.5).astype(int)
    many = stop - first > 1
    centres = np.clip((edges[:-1] + edges[1:]) / 2, 0, last)
    below = np.minimum(centres.astype(int), max(last - 1, 0))
    share = np.round(256 * (centres - below)).astype(np.uint16)[:, None]
    mixed = (256 - share) * cells[below].astype(np.uint16) + share * cells[np.minimum(below + 1, last)]
    out: np.ndarray = (mixed >> 8).astype(np.uint8)
    for row in np.flatnonzero(many):
        a, b = np.clip([first[row], stop[row]], 0, last + 1)
        if b > a:
            out[row] = cells[a:b].max(axis=0)
    return out
