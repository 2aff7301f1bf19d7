"""Mel-Band RoFormer anew, in numpy and float64, from the paper and the published code; and its checkpoints.

Nothing of `musiclab` is used here, nor anything of torch but its writer of checkpoints: the tests compare the two.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import special

SIZES: dict[str, Any] = {
    "dim": 24, "depth": 2, "stereo": True, "num_stems": 1, "time_transformer_depth": 1, "freq_transformer_depth": 1,
    "num_bands": 20, "dim_head": 8, "heads": 3, "mask_estimator_depth": 2, "mlp_expansion_factor": 2,
    "sample_rate": 44100, "stft_n_fft": 2048, "stft_hop_length": 441, "stft_win_length": 2048,
}  # fmt: skip


def members(bands: int, n_fft: int, sr: float) -> np.ndarray:
    """Bins of each band: those within its triangle on Slaney's mel scale, and one more at either end."""

    def hertz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))

    highest = 15 + 27 * np.log(sr / 2 / 1000) / np.log(6.4)
    edges = hertz(np.linspace(0, highest, bands + 2))
    bins = np.arange(n_fft // 2 + 1) * sr / n_fft
    found = (bins > edges[:-2, None]) & (bins < edges[2:, None])
    found[0, 0] = found[-1, -1] = True
    return found


def seeded(sizes: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Weights by their published names, random and such that signals neither vanish nor explode."""
    rng = np.random.default_rng(seed)
    dim, heads, dim_head = (sizes[key] for key in ("dim", "heads", "dim_head"))
    width = heads * dim_head
    found: dict[str, np.ndarray] = {}

    def linear(name: str, inputs: int, outputs: int, *, bias: bool = True, gain: float = 1.0) -> None:
        found[f"{name}.weight"] = rng.standard_normal((outputs, inputs), np.float32) * np.float32(gain / inputs**0.5)
        if bias:
            found[f"{name}.bias"] = 0.1 * rng.standard_normal(outputs, np.float32)

    def norm(name: str, size: int) -> None:
        found[f"{name}.gamma"] = 1 + 0.2 * rng.standard_normal(size, np.float32)

    for layer in range(sizes["depth"]):
        for kind, depth in enumerate((sizes["time_transformer_depth"], sizes["freq_transformer_depth"])):
            for number in range(depth):
                place = f"layers.{layer}.{kind}.layers.{number}"
                found[f"{place}.0.rotary_embed.freqs"] = (10000.0 ** -(np.arange(0, dim_head, 2) / dim_head)).astype(
                    "f4"
                )
                norm(f"{place}.0.norm", dim)
                linear(f"{place}.0.to_qkv", dim, 3 * width, bias=False, gain=1.5)
                linear(f"{place}.0.to_gates", dim, heads)
                linear(f"{place}.0.to_out.0", width, dim, bias=False)
                norm(f"{place}.1.net.0", dim)
                linear(f"{place}.1.net.1", dim, 4 * dim)
                linear(f"{place}.1.net.4", 4 * dim, dim)
            norm(f"layers.{layer}.{kind}.norm", dim)
    hidden = sizes["mlp_expansion_factor"] * dim
    bands = members(sizes["num_bands"], sizes["stft_n_fft"], sizes["sample_rate"])
    for band, count in enumerate(4 * bands.sum(1)):
        norm(f"band_split.to_features.{band}.0", count)
        linear(f"band_split.to_features.{band}.1", count, dim)
        for stem in range(sizes["num_stems"]):
            place = f"mask_estimators.{stem}.to_freqs.{band}.0"
            steps = [dim, *[hidden] * sizes["mask_estimator_depth"], 2 * count]
            for number, (inputs, outputs) in enumerate(pairwise(steps)):
                linear(f"{place}.{2 * number}", inputs, outputs)
    return found


def write_checkpoint(
    folder: Path, found: dict[str, np.ndarray], sizes: dict[str, Any] | None = None, **inside: Any
) -> Path:
    """A ``.ckpt`` as it is published, and the YAML file that comes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: torch.from_numpy(value) for name, value in found.items()}
    torch.save({"state_dict": state, **inside} if inside else state, folder / "MelBandRoformer.ckpt")
    if sizes:
        (folder / "config.yaml").write_text(description(sizes))
    return folder


def description(
    sizes: dict[str, Any], chunk: int = 44100, target: str = "vocals", instruments: str = "vocals, other"
) -> str:
    model = "\n".join(f"  {name}: {str(value).lower()}" for name, value in sizes.items())
    return (
        f"audio:\n  chunk_size: {chunk}\n  dim_t: 256\nmodel:\n{model}\n"
        "  multi_stft_resolutions_window_sizes: !!python/tuple\n  - 4096\n  - 2048\n"
        f"training:\n  instruments: [{instruments}]\n  target_instrument: {target}\n"
    )


class Reference:
    """The network, and what it makes of samples [shape=(2, frames)]."""

    def __init__(self, found: dict[str, np.ndarray], sizes: dict[str, Any]) -> None:
        self.found = {name: value.astype(np.float64) for name, value in found.items()}
        self.sizes = sizes
        self.bands = members(sizes["num_bands"], sizes["stft_n_fft"], sizes["sample_rate"])

    def separate(self, samples: np.ndarray) -> np.ndarray:
        """Stems [shape=(stems, 2, frames)]."""
        n_fft, hop = self.sizes["stft_n_fft"], self.sizes["stft_hop_length"]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        padded = np.pad(samples.astype(np.float64), [(0, 0), (n_fft // 2, n_fft // 2)], mode="reflect")
        columns = 1 + samples.shape[1] // hop
        frames = np.stack([padded[:, hop * t : hop * t + n_fft] for t in range(columns)], 1)
        D = np.fft.rfft(frames * window)  # (2, columns, bins)
        result = []
        for mask in self.masks(D):
            pieces = np.fft.irfft(mask * D, n_fft) * window
            out, weight = np.zeros_like(padded), np.zeros(padded.shape[1])
            for t in range(columns):
                out[:, hop * t : hop * t + n_fft] += pieces[:, t]
                weight[hop * t : hop * t + n_fft] += window**2
            inner = slice(n_fft // 2, n_fft // 2 + samples.shape[1])
            result.append(out[:, inner] / weight[inner])
        return np.stack(result)

    def masks(self, D: np.ndarray) -> list[np.ndarray]:
        """For each stem, complex [shape=(2, columns, bins)]."""
        tokens = []
        for band, bins in enumerate(self.bands):
            part = D[:, :, bins].transpose(1, 2, 0)  # (columns, bins, 2)
            numbers = np.stack([part.real, part.imag], -1).reshape(len(part), -1)
            place = f"band_split.to_features.{band}"
            tokens.append(self.linear(f"{place}.1", self.norm(f"{place}.0", numbers)))
        x = np.stack(tokens, 1)  # (columns, bands, dim)
        for layer in range(self.sizes["depth"]):
            x = self.transformer(f"layers.{layer}.0", x.swapaxes(0, 1)).swapaxes(0, 1)
            x = self.transformer(f"layers.{layer}.1", x)
        return [self.mask(stem, x) for stem in range(self.sizes["num_stems"])]

    def mask(self, stem: int, x: np.ndarray) -> np.ndarray:
        total = np.zeros((2, len(x), self.bands.shape[1]), complex)
        for band, bins in enumerate(self.bands):
            y = x[:, band]
            for number in range(self.sizes["mask_estimator_depth"] + 1):
                y = np.tanh(y) if number else y
                y = self.linear(f"mask_estimators.{stem}.to_freqs.{band}.0.{2 * number}", y)
            value, gate = np.split(y, 2, axis=-1)
            numbers = (value * special.expit(gate)).reshape(len(x), bins.sum(), 2, 2)
            total[:, :, bins] += (numbers[..., 0] + 1j * numbers[..., 1]).transpose(2, 0, 1)
        return total / self.bands.sum(0)

    def transformer(self, place: str, x: np.ndarray) -> np.ndarray:
        number = 0
        while f"{place}.layers.{number}.0.norm.gamma" in self.found:
            x = x + self.attention(f"{place}.layers.{number}.0", x)
            net = f"{place}.layers.{number}.1.net"
            y = self.linear(f"{net}.1", self.norm(f"{net}.0", x))
            x = x + self.linear(f"{net}.4", y * special.ndtr(y))
            number += 1
        return self.norm(f"{place}.norm", x)

    def attention(self, place: str, x: np.ndarray) -> np.ndarray:
        x = self.norm(f"{place}.norm", x)
        heads, size = self.sizes["heads"], self.sizes["dim_head"]
        q, k, v = np.split(x @ self.found[f"{place}.to_qkv.weight"].T, 3, axis=-1)
        angles = np.arange(x.shape[1])[:, None] * self.found[f"{place}.rotary_embed.freqs"]
        out = np.empty_like(q)
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            turned = []
            for part in (q[..., own], k[..., own]):
                pairs = (part[..., 0::2] + 1j * part[..., 1::2]) * np.exp(1j * angles)
                turned.append(np.stack([pairs.real, pairs.imag], -1).reshape(part.shape))
            weights = special.softmax(turned[0] @ turned[1].swapaxes(-1, -2) / np.sqrt(size), axis=-1)
            out[..., own] = weights @ v[..., own]
        gates = special.expit(self.linear(f"{place}.to_gates", x))
        return (out * gates.repeat(size, axis=-1)) @ self.found[f"{place}.to_out.0.weight"].T

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        length = np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
        return x / length * np.sqrt(x.shape[-1]) * self.found[f"{name}.gamma"]

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.found[f"{name}.weight"].T + self.found[f"{name}.bias"]
