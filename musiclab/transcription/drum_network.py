"""The drum network as torch code: only for training; `musiclab.transcription.drums` runs its ONNX file.

Two small 2-D convolutions find how the spectrum changes, then dilated 1-D convolutions look 0.6 s to either side.
"""

from __future__ import annotations

import torch
from torch import nn

from musiclab.transcription.drums import BANDS, DRUMS


class Residual(nn.Module):
    """A dilated convolution over time, added to what came in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.norm(self.conv(x)))


class DrumNetwork(nn.Module):
    """Log-mel frames [shape=(batch, frames, 64)] to logits [shape=(batch, frames, 7)]."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv2d(2, 12, 3, padding=1),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d((1, 2)),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.MaxPool2d((1, 4)),
        )
        self.mix = nn.Sequential(nn.Conv1d(24 * BANDS // 8, width, 1), nn.BatchNorm1d(width), nn.ReLU())
        self.look = nn.Sequential(*(Residual(width, dilation) for dilation in (1, 2, 4, 8, 16)))
        self.out = nn.Conv1d(width, len(DRUMS), 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        rise = torch.relu(features[:, 1:] - features[:, :-1])
        rise = torch.cat([torch.zeros_like(features[:, :1]), rise], dim=1)
        x = self.front(torch.stack([features, 2 * rise], dim=1))  # (batch, 24, frames, 8)
        x = x.permute(0, 1, 3, 2).flatten(1, 2)  # (batch, 24 * 8, frames)
        return self.out(self.look(self.mix(x))).transpose(1, 2)  # type: ignore[no-any-return]
