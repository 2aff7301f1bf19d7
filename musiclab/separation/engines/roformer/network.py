"""Mel-Band RoFormer: a complex mask for each stem, from transformers over time and over mel bands in turn.

A spectrogram's bins are gathered into overlapping bands of the mel scale; each band of each column becomes one token.
Transformers attend along time, band by band, and along the bands, column by column; where a token stands is told by
turning queries and keys (RoPE). Each band then says a complex mask for its bins, and where bands overlap, the mean of
theirs counts. Names and order of the parameters are those of the published checkpoints.

References
----------
J.-C. Wang, W.-T. Lu, M. Won: "Mel-Band RoFormer for music source separation", 2023, arXiv:2310.01809.
W.-T. Lu, J.-C. Wang, Q. Kong, Y.-N. Hung: "Music source separation with band-split RoPE transformer", ICASSP 2024,
arXiv:2309.02612.
J. Su et al.: "RoFormer: enhanced transformer with rotary position embedding", 2021, arXiv:2104.09864.

Notebook: 06
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from musiclab.separation.engines.roformer.config import Config
from musiclab.separation.inverse import real_ends_
from musiclab.spectral import mel_filters

TOKENS = 4_096  # that a transformer takes at once on a processor: what lies between its layers stays in the cache
NUMBERS = 4  # of one bin: left and right, each real and imaginary


def membership(config: Config) -> np.ndarray:
    """Which bins each mel band has [shape=(num_bands, 1 + n_fft / 2)], bool: those under its triangle.

    The outermost bins, at the triangles' feet, have no weight; they belong to the outermost bands.

    Raises
    ------
    ValueError
        If there are so many bands that some have no bin.
    """
    bands = mel_filters(config.sample_rate, config.stft_n_fft, config.num_bands) > 0
    bands[0, 0] = bands[-1, -1] = True
    if not (bands.any(axis=0).all() and bands.any(axis=1).all()):
        raise ValueError(f"{config.num_bands} bands are too many for windows of {config.stft_n_fft}")
    return bands


class Linear(nn.Linear):
    """Without first values, which would take seconds to draw: they come from a checkpoint."""

    def reset_parameters(self) -> None:
        """Nothing."""


class RMSNorm(nn.Module):
    """Tokens of one length, and a gain for each of their numbers. Silence stays silence."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., dim)]"""
        out: Tensor = functional.normalize(x, dim=-1) * (self.gamma * self.gamma.numel() ** 0.5)
        return out


class Rotary(nn.Module):
    """Turns pairs of numbers by angles that grow with the place in the sequence; how fast, the checkpoint says."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.freqs = nn.Parameter(10_000.0 ** (-torch.arange(0, dim, 2) / dim))

    def forward(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines [shape=(length, dim / 2)] for a sequence of some length."""
        angles = torch.arange(length, device=self.freqs.device)[:, None] * self.freqs
        return angles.cos(), angles.sin()


def turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Vectors [shape=(..., length, dim)], each pair of neighbouring numbers turned."""
    first, second = torch.unflatten(x, -1, (-1, 2)).unbind(-1)
    pairs = torch.stack([first * cosines - second * sines, second * cosines + first * sines], dim=-1)
    return pairs.flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Multi-head attention with a gate for each head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, width = config.heads, config.heads * config.dim_head
        self.rotary_embed = Rotary(config.dim_head)
        self.norm = RMSNorm(config.dim)
        self.to_qkv = Linear(config.dim, 3 * width, bias=False)
        self.to_gates = Linear(config.dim, config.heads)
        self.to_out = nn.Sequential(Linear(width, config.dim, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(sequences, length, dim)]"""
        x = self.norm(x)
        queries, keys, values = torch.unflatten(self.to_qkv(x), -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        turns = self.rotary_embed(x.shape[1])
        heard = functional.scaled_dot_product_attention(turned(queries, *turns), turned(keys, *turns), values)
        heard = heard.transpose(1, 2) * self.to_gates(x).sigmoid()[..., None]
        out: Tensor = self.to_out(heard.flatten(2))
        return out


class FeedForward(nn.Module):
    """Each token for itself."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # The fourth was a dropout: it holds no weights, but the fifth is called by its number.
        self.net = nn.Sequential(RMSNorm(dim), Linear(dim, 4 * dim), nn.GELU(), nn.Identity(), Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., dim)]"""
        out: Tensor = self.net(x)
        return out


class Transformer(nn.Module):
    """Attention and feed-forward layers in turn, each added to what it was given."""

    def __init__(self, config: Config, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleList([Attention(config), FeedForward(config.dim)]) for _ in range(depth))
        self.norm = RMSNorm(config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """Sequences [shape=(sequences, length, dim)]; none hears another, so they may come a few at a time."""
        few = max(TOKENS // x.shape[1], 1) if x.device.type == "cpu" else len(x)
        return torch.cat([self._some(part) for part in torch.split(x, few)])

    def _some(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            attention, feed = cast("Sequence[nn.Module]", layer)
            x = attention(x) + x
            x = feed(x) + x
        out: Tensor = self.norm(x)
        return out


class BandSplit(nn.Module):
    """A token from the numbers of each band."""

    def __init__(self, dim: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.to_features = nn.ModuleList(nn.Sequential(RMSNorm(width), Linear(width, dim)) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., sum of widths)] to [shape=(..., bands, dim)]"""
        parts = torch.split(x, list(self.widths), dim=-1)
        return torch.stack([layer(part) for layer, part in zip(self.to_features, parts, strict=True)], dim=-2)


class MaskEstimator(nn.Module):
    """The numbers of each band from its token: a perceptron for each, half of whose answer gates the other half."""

    def __init__(self, config: Config, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.to_freqs = nn.ModuleList(nn.Sequential(_perceptron(config, 2 * width), nn.GLU()) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., bands, dim)] to [shape=(..., sum of widths)]"""
        return torch.cat([layer(token) for layer, token in zip(self.to_freqs, x.unbind(-2), strict=True)], dim=-1)


def _perceptron(config: Config, width: int) -> nn.Sequential:
    hidden = config.mlp_expansion_factor * config.dim
    sizes = (config.dim, *[hidden] * config.mask_estimator_depth, width)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class MelBandRoformer(nn.Module):
    """The whole network, from samples to samples.

    Parameters
    ----------
    config : Config
        Its sizes.
    """

    bins: Tensor  # of each band in turn: an overlapped bin comes more than once
    shares: Tensor  # one over the number of bands that a bin belongs to [shape=(bins, 1)]

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        bands = membership(config)
        widths = tuple(NUMBERS * int(count) for count in bands.sum(axis=1))
        self.layers = nn.ModuleList(
            nn.ModuleList(
                Transformer(config, depth) for depth in (config.time_transformer_depth, config.freq_transformer_depth)
            )
            for _ in range(config.depth)
        )
        self.register_buffer("bins", torch.from_numpy(np.nonzero(bands)[1]), persistent=False)
        shares = (1 / bands.sum(axis=0)).astype(np.float32)[:, None]
        self.register_buffer("shares", torch.from_numpy(shares), persistent=False)
        self.band_split = BandSplit(config.dim, widths)
        self.mask_estimators = nn.ModuleList(MaskEstimator(config, widths) for _ in range(config.num_stems))

    def forward(self, mixture: Tensor) -> Tensor:
        """Stems [shape=(batch, num_stems, 2, frames)] of pieces [shape=(batch, 2, frames)]."""
        n_fft, hop_length = self.config.stft_n_fft, self.config.stft_hop_length
        window = torch.hann_window(n_fft, device=mixture.device)
        D = torch.stft(mixture.flatten(0, 1), n_fft, hop_length, window=window, return_complex=True)
        D = torch.unflatten(D, 0, mixture.shape[:2]).permute(0, 3, 2, 1)  # (batch, columns, bins, channels)
        numbers = torch.view_as_real(D)[:, :, self.bins]
        masks = self.masks(self._attended(self.band_split(numbers.flatten(2))))
        estimates = (masks * D[:, None]).permute(0, 1, 4, 3, 2)  # (batch, stems, channels, bins, columns)
        spectra = real_ends_(estimates.flatten(0, 2).contiguous(), n_fft=n_fft)
        out = torch.istft(spectra, n_fft, hop_length, window=window, length=mixture.shape[-1])
        return torch.unflatten(out, 0, estimates.shape[:3])

    def _attended(self, x: Tensor) -> Tensor:
        """Tokens [shape=(batch, columns, bands, dim)] that know of each other."""
        batch, columns, bands, _ = x.shape
        for layer in self.layers:
            over_time, over_bands = cast("Sequence[nn.Module]", layer)
            x = torch.unflatten(over_time(x.transpose(1, 2).flatten(0, 1)), 0, (batch, bands)).transpose(1, 2)
            x = torch.unflatten(over_bands(x.flatten(0, 1)), 0, (batch, columns))
        return x

    def masks(self, x: Tensor) -> Tensor:
        """Masks [shape=(batch, stems, columns, bins, channels)], complex, from tokens."""
        said = torch.stack([estimator(x) for estimator in self.mask_estimators], dim=1).float()
        said = torch.unflatten(said, -1, (-1, NUMBERS))
        total = said.new_zeros(*said.shape[:3], len(self.shares), NUMBERS).index_add_(3, self.bins, said)
        return torch.view_as_complex(torch.unflatten(total * self.shares, -1, (2, 2)))
