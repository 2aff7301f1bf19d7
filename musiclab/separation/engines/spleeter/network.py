"""Spleeter's U-Net: one for each stem, from the magnitudes of a mixture to those of the stem.

Its layers are TensorFlow's: "same" padding of a stride of two puts one zero in front and two behind, and what goes
over the bridges is the convolution itself, before its norm and activation. The sixth norm of the way down is made but
never used. Spectra lie as ``(batch, 2, columns, bins)``.

References
----------
R. Hennequin, A. Khlif, F. Voituret, M. Moussallam: "Spleeter: a fast and efficient music source separation tool with
pre-trained models", JOSS 5(50), 2020, doi:10.21105/joss.02154.
A. Jansson et al.: "Singing voice separation with deep U-Net convolutional networks", ISMIR 2017.

Notebook: 06
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (2, 16, 32, 64, 128, 256, 512)
EPS = 1e-3  # of Keras's batch norm


class UNet(nn.Module):
    """The network of one stem.

    Parameters
    ----------
    elu : bool
        Whether its activations are ELU (4 and 5 stems), or leaky ReLU down and ReLU up (2 stems).
    softmax : bool
        Whether it gives logits, for a softmax over the stems (5 stems), or the stem's magnitudes.
    """

    def __init__(self, *, elu: bool, softmax: bool) -> None:
        super().__init__()
        self.elu, self.softmax = elu, softmax
        down, up = WIDTHS, (*WIDTHS[-2:0:-1], 1)
        self.down = nn.ModuleList(nn.Conv2d(down[i], down[i + 1], 5, stride=2) for i in range(6))
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(width, eps=EPS) for width in down[1:6])
        inputs = (down[6], *(2 * width for width in up[:5]))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 5, stride=2) for before, after in zip(inputs, up, strict=True)
        )
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(width, eps=EPS) for width in up)
        self.last = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Magnitudes [shape=(batch, 2, columns, bins), multiples of 64] of the mixture to the stem's, or logits."""
        bridges: list[Tensor] = []
        y = x
        for level, conv in enumerate(self.down):
            y = conv(functional.pad(y, (1, 2, 1, 2)))
            if level < 5:
                bridges.append(y)
                y = self.down_norms[level](y)
                y = functional.elu(y) if self.elu else functional.leaky_relu(y, 0.2)
        for conv, norm in zip(self.up, self.up_norms, strict=True):
            y = conv(y)[..., 1:-2, 1:-2]
            y = norm(functional.elu(y) if self.elu else functional.relu(y))
            if bridges:
                y = torch.cat([bridges.pop(), y], dim=1)
        y = self.last(y)
        return y if self.softmax else torch.sigmoid(y) * x


class Spleeter(nn.Module):
    """The networks of all stems, and the masks that their answers make.

    Parameters
    ----------
    stems : int
        2, 4 or 5.
    """

    def __init__(self, stems: int) -> None:
        super().__init__()
        self.softmax = stems == 5
        self.stems = nn.ModuleList(UNet(elu=stems > 2, softmax=self.softmax) for _ in range(stems))

    def forward(self, S: Tensor) -> Tensor:
        """Masks [shape=(batch, stems, 2, columns, bins)] from magnitudes [shape=(batch, 2, columns, bins)]."""
        answers = torch.stack([network(S) for network in self.stems], dim=1)
        if self.softmax:
            answers = torch.softmax(answers, dim=1) * S[:, None]
        power, tiny = answers.square(), 1e-10
        return (power + tiny / len(self.stems)) / (power.sum(1, keepdim=True) + tiny)
