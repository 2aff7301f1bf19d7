"""The drum network as torch code: only for training; `musiclab.transcription.drums` runs its ONNX file.

Three small 2-D convolutions find how the spectrum changes, then dilated 1-D convolutions look 0.6 s to either side.
"""

from __future__ import annotations

import torch
from torch import nn

from musiclab.transcription.drums import BANDS, DRUMS


def halving(channels: int, out: int, height: int) -> nn.Module:
    """A convolution over 3 columns and `height` bands that halves the number of bands."""
    return nn.Sequential(
        nn.Conv2d(channels, out, (3, height), stride=(1, 2), padding=(1, height // 2)), nn.BatchNorm2d(out), nn.ReLU()
    )


class ResidualConvolution(nn.Module):
    """A dilated convolution over time, added to what came in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.norm(self.conv(x)))


class DrumNetwork(nn.Module):
    """Log-mel columns [shape=(batch, columns, 64)] to logits [shape=(batch, columns, 9)]."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        # Strides instead of pooling: a third of the time.
        self.front = nn.Sequential(halving(2, 16, 5), halving(16, 32, 3), halving(32, 32, 3))
        self.mix = nn.Sequential(nn.Conv1d(32 * BANDS // 8, width, 1), nn.BatchNorm1d(width), nn.ReLU())
        self.look = nn.Sequential(*(ResidualConvolution(width, dilation) for dilation in (1, 2, 4, 8, 16)))
        self.out = nn.Sequential(nn.Dropout(0.1), nn.Conv1d(width, len(DRUMS), 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        rise = torch.relu(features[:, 1:] - features[:, :-1])
        rise = torch.cat([torch.zeros_like(features[:, :1]), rise], dim=1)
        x = self.front(torch.stack([features, 2 * rise], dim=1))  # (batch, 32, columns, 8)
        x = x.permute(0, 1, 3, 2).flatten(1, 2)  # (batch, 32 * 8, columns)
        return self.out(self.look(self.mix(x))).transpose(1, 2)  # type: ignore[no-any-return]
