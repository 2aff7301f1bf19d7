"""What is done to the sound of training examples, in torch, on any device.

Notebook: 06
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 64  # frames for each point of a gain curve: 1.5 ms
AHEAD = 4  # blocks that the limiter looks ahead
TINY = 1e-6


def overdriven(x: Tensor, drive: float) -> Tensor:
    """Soft clipping of ``(2, frames)``, from hardly (0.3) to hard (4), at the level that it had."""
    level = _rms(x)
    driven = torch.tanh(x * (drive / level))
    return driven * (level / _rms(driven))


def limited(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Stems ``(stems, 2, frames)`` under one gain curve from the envelope of their sum: they still add up to it."""
    mixture = x.sum(dim=0)
    envelope = functional.max_pool1d(mixture.abs().amax(dim=0)[None, None], BLOCK, ceil_mode=True)
    envelope = functional.max_pool1d(envelope, 2 * AHEAD + 1, stride=1, padding=AHEAD)
    threshold = _rms(mixture) * float(10 ** (rng.uniform(-3, 7) / 20))
    slope = 1 - 1 / float(rng.uniform(2, 20))
    size = int(rng.choice([9, 31, 91]))  # blocks: 13, 45 or 130 ms
    kernel = torch.hann_window(size + 2, periodic=False, device=x.device)[1:-1]
    log_gain = -slope * torch.log((envelope / threshold).clamp_min(1.0))
    log_gain = functional.pad(log_gain, (size // 2, size // 2), mode="replicate")
    log_gain = functional.conv1d(log_gain, (kernel / kernel.sum())[None, None])
    frames = envelope.shape[-1] * BLOCK
    gain = functional.interpolate(log_gain, size=frames, mode="linear", align_corners=False)[0, 0, : x.shape[-1]]
    return x * torch.exp(gain)


def equaliser_db(hz: Tensor, height: Tensor, place: Tensor, width: Tensor) -> Tensor:
    """Gains in dB ``(..., bins)`` of bumps ``(..., bumps)``: heights in dB, places and widths in octaves from 1 kHz."""
    octaves = torch.log2((hz + 20) / 1000)
    away = (octaves - place[..., None]) / width[..., None]
    return (height[..., None] * torch.exp(-0.5 * away.square())).sum(dim=-2)


def cut_db(hz: Tensor, corner: Tensor, slope: Tensor) -> Tensor:
    """Gains in dB ``(..., bins)`` of low passes ``(...)``: corners in Hz, slopes in dB an octave (0: none)."""
    octaves = torch.log2((hz + TINY) / corner[..., None])
    return -slope[..., None] * octaves.clamp_min(0)


def _rms(x: Tensor) -> Tensor:
    return x.square().mean().sqrt() + TINY
