"""The embedded network: from the spectrogram of a mixture to one mask per stem.

The idea in five lines, each a function or class below:

1. `features`: how loud every time–frequency bin is, in dB-like units, left, right, middle and side.
2. `BandSplit`: 1,536 bins become 104 bands, narrow where notes lie close, wide in the treble; two frames make a token.
3. `Trunk`: a U-Net over (band, time) pictures; each block looks around (3 × 3 convolutions) and over all bands at once.
4. `BandMerge`: every band's description becomes numbers for its own bins again.
5. `MaskNetwork`: a softmax over the stems turns them into masks that add up to one, so the stems add up to the mixture.

Sizes: spectrograms are ``(batch, channels, bins, frames)``; pictures inside are ``(batch, width, bands, frames / 2)``.

References
----------
Band splitting: Luo & Yu, "Music source separation with band-split RNN", 2023, doi:10.1109/TASLP.2023.3271145.
Blocks that mix all frequencies (TFC-TDF): Choi et al., "Investigating U-Nets with various intermediate blocks for
spectrogram-based singing voice separation", ISMIR 2020, doi:10.48550/arXiv.1912.02591; made small by Chen et al.,
"Music source separation based on a lightweight deep learning framework (DTTNet)", 2024, doi:10.48550/arXiv.2309.08684.
U-Nets on spectrograms: Jansson et al., "Singing voice separation with deep U-Net convolutional networks", ISMIR 2017.

Notebook: 06
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from musiclab.separation.engines.embedded import transforms

STEMS = ("vocals", "drums", "bass", "other")
SR = 44_100  # Hz
N_FFT = 4_096  # 93 ms, bins of 10.8 Hz: fine enough for the overtones of a bass, short enough for drums
HOP_LENGTH = 1_024  # 23 ms
# (bins per band, bands): 32 bands up to 690 Hz, 32 up to 2.1 kHz, 16 to 3.4, 12 to 5.5, 8 to 11 and 4 to 16.5 kHz.
BANDS = ((2, 32), (4, 32), (8, 16), (16, 12), (64, 8), (128, 4))
N_BINS = sum(width * count for width, count in BANDS)  # 1,536: up to 16.5 kHz; above, the highest mask is continued
N_BANDS = sum(count for _, count in BANDS)
TOKEN = 2  # frames in one column of the picture
FRAMES_MULTIPLE = TOKEN * 8  # three halvings of time; shorter pieces are padded


@dataclass(frozen=True)
class Config:
    """What makes one network differ from another; it travels with the weights.

    Parameters
    ----------
    widths : tuple of int
        Channels of the picture on each level, finest first. Each level halves bands and time.
    middle : int
        Blocks on the coarsest level.
    """

    widths: tuple[int, ...] = (64, 128, 160, 192)
    middle: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))  # JSON gives a list

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def power_of(D: Tensor) -> Tensor:
    """Squared magnitude of a complex tensor (several times faster than ``abs().square()``)."""
    return D.real.square() + D.imag.square()


def features(D: Tensor) -> Tensor:
    """What the network sees of a mixture: log magnitudes of left, right, middle and side.

    Parameters
    ----------
    D : torch.Tensor [shape=(batch, 2, bins, frames)], complex
        STFT of the mixture.

    Returns
    -------
    torch.Tensor [shape=(batch, 4, bins, frames)]
        About −2 (silent) to 2 (loud), relative to the piece's own level: the master volume makes no difference.
    """
    left, right = D[:, 0], D[:, 1]
    powers = power_of(left), power_of(right)
    mean, common = (powers[0] + powers[1]) / 4, (left.real * right.real + left.imag * right.imag) / 2
    # |(L ± R) / 2|² without another complex array; rounding may leave a side of nothing slightly below zero.
    power = torch.stack((*powers, (mean + common).clamp_min(0), (mean - common).clamp_min(0)), dim=1)
    # Music falls by about 4.5 dB an octave: tilted up by as much, cymbals count like kicks.
    tilt = (torch.arange(D.shape[2], device=D.device) / 64 + 0.1).pow(1.5)
    power = power * tilt[:, None]
    level = power[:, :2].mean(dim=(1, 2, 3), keepdim=True)
    # The floor is 60 dB under the mean bin: below it lies noise that would only tell which codec was used.
    return torch.log10(power / (level + 1e-12) + 1e-6) * 0.5 + 1.0


class BandSplit(nn.Module):
    """Bins to bands: in each group of equally wide bands a convolution that steps from band to band.

    All bands of one group share their weights (a note one octave up looks alike); a learnt bias tells them apart.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, width, (bins, TOKEN), stride=(bins, TOKEN), bias=False) for bins, _ in BANDS
        )
        self.place = nn.Parameter(torch.zeros(1, width, N_BANDS, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, N_BINS, frames)`` to ``(batch, width, N_BANDS, frames / TOKEN)``."""
        groups = torch.split(x, [bins * count for bins, count in BANDS], dim=2)
        bands = torch.cat([conv(group) for conv, group in zip(self.convs, groups, strict=True)], dim=2)
        return bands + self.place


class BandMerge(nn.Module):
    """Bands to bins: the reverse of `BandSplit`, with a learnt bias for every bin (no voice sings at 30 Hz)."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(width, outputs, (bins, TOKEN), stride=(bins, TOKEN), bias=False) for bins, _ in BANDS
        )
        self.place = nn.Parameter(torch.zeros(1, outputs, N_BINS, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, width, N_BANDS, frames / TOKEN)`` to ``(batch, outputs, N_BINS, frames)``."""
        groups = torch.split(x, [count for _, count in BANDS], dim=2)
        bins = torch.cat([conv(group) for conv, group in zip(self.convs, groups, strict=True)], dim=2)
        return bins + self.place


class AllBands(nn.Module):
    """Each moment's whole spectrum through a bottleneck: overtones far apart, and a kick with its click, meet here."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        hidden = max(bands // 2, 8)
        self.down = nn.Parameter(torch.randn(hidden, bands) / bands**0.5)
        self.up = nn.Parameter(torch.zeros(bands, hidden))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, bands, frames = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(batch, bands, frames * width)  # free of copies in channels-last memory
        rows = self.up @ functional.relu(self.down @ rows)
        return rows.view(batch, bands, frames, width).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Norm, two 3 × 3 convolutions, one look over all bands; added to what came in (a residual block)."""

    def __init__(self, width: int, bands: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.first = nn.Conv2d(width, width, 3, padding=(1, dilation), dilation=(1, dilation))
        self.all_bands = AllBands(bands)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)  # a new block changes nothing: deep stacks train from the first step
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first(self.norm(x)))
        out: Tensor = x + self.second(y) + self.all_bands(y)
        return out


class GlobalContext(nn.Module):
    """What the whole piece is like (mean over time), told to every moment: who plays at all, how loud on average."""

    def __init__(self, width: int, bands: int) -> None:
        super().__init__()
        last = nn.Linear(48, width)
        self.mix = nn.Sequential(nn.Linear(width * bands, 48), nn.ReLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        told: Tensor = self.mix(x.mean(dim=3).flatten(1))
        return x + told[:, :, None, None]


class Trunk(nn.Module):
    """The U-Net: down to coarse pictures that see far, and up again, with a bridge on each level for the detail."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths, bands = config.widths, [N_BANDS >> level for level in range(len(config.widths))]
        self.enter = nn.ModuleList(Block(w, b) for w, b in zip(widths[:-1], bands, strict=False))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.middle = nn.Sequential(
            *(Block(widths[-1], bands[-1], dilation=2**i) for i in range(config.middle)),
            GlobalContext(widths[-1], bands[-1]),
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.leave = nn.ModuleList(Block(w, b) for w, b in zip(widths[:-1], bands, strict=False))

    def forward(self, x: Tensor) -> Tensor:
        bridges = []
        for enter, down in zip(self.enter, self.down, strict=True):
            x = enter(x)
            bridges.append(x)
            x = down(x)
        x = self.middle(x)
        for bridge, up, leave in zip(reversed(bridges), reversed(self.up), reversed(self.leave), strict=True):
            x = leave(up(x) + bridge)
        return x


class MaskNetwork(nn.Module):
    """The whole of it: STFT of a mixture in, masks of the four `STEMS` out.

    Parameters
    ----------
    config : Config
        Its size.

    Notebook: 06
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or Config()
        width = self.config.widths[0]
        self.split = BandSplit(4, width)
        self.trunk = Trunk(self.config)
        self.norm = nn.GroupNorm(1, width)
        self.merge = BandMerge(width, len(STEMS) * 2)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster convolutions on CPUs

    def logits(self, x: Tensor) -> Tensor:
        """Features ``(batch, 4, N_BINS, frames)`` to ``(batch, stems, 2, N_BINS, frames)``."""
        frames = x.shape[-1]
        x = functional.pad(x, (0, -frames % FRAMES_MULTIPLE, 0, 0), mode="replicate")
        x = self.split(x).contiguous(memory_format=torch.channels_last)
        x = self.merge(functional.relu(self.norm(self.trunk(x))))
        return torch.unflatten(x, 1, (len(STEMS), 2))[..., :frames]

    def forward(self, D: Tensor) -> Tensor:
        """Masks for a mixture.

        Parameters
        ----------
        D : torch.Tensor [shape=(batch, 2, N_FFT // 2 + 1, frames)], complex
            STFT of the stereo mixture at 44.1 kHz.

        Returns
        -------
        torch.Tensor [shape=(batch, stems, 2, N_FFT // 2 + 1, frames)]
            Between 0 and 1; they add up to one over the stems.
        """
        logits = self.logits(features(D[:, :, :N_BINS]))
        masks = logits.new_empty(*logits.shape[:3], D.shape[2], D.shape[3], dtype=torch.float32)
        masks[:, :, :, :N_BINS] = torch.softmax(logits.float(), dim=1)
        masks[:, :, :, N_BINS:] = masks[:, :, :, N_BINS - BANDS[-1][0] : N_BINS].mean(dim=3, keepdim=True)
        return masks


def spectrogram(samples: Tensor) -> Tensor:
    """STFT ``(..., N_FFT // 2 + 1, frames)`` of samples ``(..., frames)``; `transforms` does it on a processor."""
    if samples.device.type == "cpu":
        return transforms.stft(samples, N_FFT, HOP_LENGTH)
    window = torch.hann_window(N_FFT, device=samples.device)
    D = torch.stft(samples.flatten(0, -2), N_FFT, HOP_LENGTH, window=window, return_complex=True)
    return D.reshape(*samples.shape[:-1], *D.shape[-2:])


def waveform(D: Tensor, length: int) -> Tensor:
    """Samples ``(..., length)`` of an STFT ``(..., bins, frames)``: the inverse of `spectrogram`."""
    if D.device.type == "cpu":
        return transforms.istft(D, HOP_LENGTH, length=length)
    window = torch.hann_window(N_FFT, device=D.device)
    samples = torch.istft(D.flatten(0, -3), N_FFT, HOP_LENGTH, window=window, length=length)
    return samples.reshape(*D.shape[:-2], length)
